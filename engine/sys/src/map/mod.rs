//! Memory from the kernel: ranges that are reserved ([`Reserved`]), files that are read in place
//! ([`MappedFile`]).

mod file;
mod reserved;

pub use file::MappedFile;
pub(crate) use reserved::page_bytes;
pub use reserved::{HUGE_PAGE_BYTES, Reserved};
