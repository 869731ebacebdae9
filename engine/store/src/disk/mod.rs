//! A folder that durability rests on: the few operations by which files appear, grow and last.
//!
//! The one idea: log and snapshot are written against [`Disk`], so the very steps that they take on
//! a real folder ([`RealDisk`]) are taken on one that loses power at any step ([`MemoryDisk`]).
//! [`publish`] is the only way in which a file gets a final name: written under a temporary one,
//! synced, renamed, folder synced.
//!
//! Names are relative to the folder. Operations block; what must not wait goes through a log's
//! [`Device`](crate::log::device::Device).

mod folder;
mod memory;
mod real;

pub use folder::{Folder, FolderFile, FolderLock};
pub use memory::{Fault, MemoryDisk, MemoryFile, PowerLoss};
pub use real::RealDisk;

use std::io::{self, Read};

/// The end of a temporary name.
pub const TEMPORARY: &str = ".tmp";

/// A folder of files.
pub trait Disk: Clone + Send + 'static {
    /// A file, open to be written.
    type File: DiskFile;
    /// Keeps others out while it lives.
    type Lock: Send + 'static;

    /// The name as an error shows it.
    fn show(&self, name: &str) -> String;
    /// Makes the folder where it is missing.
    fn prepare(&self) -> io::Result<()>;
    /// Keeps everyone else from what `name` stands for, until the lock is dropped.
    fn lock(&self, name: &str) -> io::Result<Self::Lock>;
    /// The names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// The length of a file in bytes.
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Reads a file from `offset` on.
    fn read(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read>>;
    /// Creates an empty file in place of whatever had the name.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Gives a file another name, in place of whatever had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable: what was created, renamed and removed.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file, open to be written.
pub trait DiskFile: Send + 'static {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Extends the file to `len` bytes, of which those behind its end are zeroes, in space that is its own from now
    /// on. Where it fails nothing changes.
    fn reserve(&self, len: u64) -> io::Result<()>;
    /// Makes the content durable. After an error nothing is known, and nothing can be made good by
    /// calling again: the kernel may have dropped what it could not write.
    fn sync(&self) -> io::Result<()>;
}

/// Writes a file and gives it its name when it is whole and durable: a crash at any step leaves
/// either what had the name before, or the new file whole.
pub fn publish<D: Disk>(
    disk: &D,
    name: &str,
    write: impl FnOnce(&D::File) -> io::Result<()>,
) -> io::Result<D::File> {
    let temporary = format!("{name}{TEMPORARY}");
    let file = disk.create(&temporary)?;
    let written = write(&file)
        .and_then(|()| file.sync())
        .and_then(|()| disk.rename(&temporary, name));
    if let Err(error) = written {
        // The first error is the one to tell; a leftover is removed when the folder is next opened.
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    disk.sync_folder()?;
    Ok(file)
}
