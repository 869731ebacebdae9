//! Memory from the kernel: ranges that are reserved ([`Reserved`]), files that are read in place
//! ([`MappedFile`]), and a word to the processor ahead of a read ([`prefetch`]).

mod file;
mod prefetch;
mod reserved;

pub use file::{MappedFile, Unreadable};
pub use prefetch::prefetch;
pub(crate) use reserved::page_bytes;
pub use reserved::{HUGE_PAGE_BYTES, Reserved};
