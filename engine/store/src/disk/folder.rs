//! A folder of either kind, for those who learn which when the program runs.

use std::io::{self, Read};

use super::{Disk, DiskFile, MemoryDisk, MemoryFile, RealDisk};

/// A folder of the operating system, or one in memory.
#[derive(Clone, Debug)]
pub enum Folder {
    /// Of the operating system.
    Real(RealDisk),
    /// In memory.
    Memory(MemoryDisk),
}

/// A file of a [`Folder`].
#[derive(Debug)]
pub enum FolderFile {
    /// Of the operating system.
    Real(<RealDisk as Disk>::File),
    /// In memory.
    Memory(MemoryFile),
}

/// What keeps others out of a [`Folder`].
#[derive(Debug)]
pub enum FolderLock {
    /// Of the operating system.
    Real(<RealDisk as Disk>::Lock),
    /// In memory nobody is kept out.
    Memory,
}

/// What either kind says.
macro_rules! either {
    ($folder:expr, $disk:ident => $said:expr) => {
        match $folder {
            Folder::Real($disk) => $said,
            Folder::Memory($disk) => $said,
        }
    };
}

impl Folder {
    /// Whether what is asked of it is done at once, and is a step of a test.
    pub fn is_memory(&self) -> bool {
        matches!(self, Folder::Memory(_))
    }
}

impl Disk for Folder {
    type File = FolderFile;
    type Lock = FolderLock;

    fn show(&self, name: &str) -> String {
        either!(self, disk => disk.show(name))
    }

    fn prepare(&self) -> io::Result<()> {
        either!(self, disk => disk.prepare())
    }

    fn lock(&self, name: &str) -> io::Result<FolderLock> {
        match self {
            Folder::Real(disk) => disk.lock(name).map(FolderLock::Real),
            Folder::Memory(disk) => disk.lock(name).map(|()| FolderLock::Memory),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        either!(self, disk => disk.list())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        either!(self, disk => disk.size(name))
    }

    fn read(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read>> {
        either!(self, disk => disk.read(name, offset))
    }

    fn create(&self, name: &str) -> io::Result<FolderFile> {
        match self {
            Folder::Real(disk) => disk.create(name).map(FolderFile::Real),
            Folder::Memory(disk) => disk.create(name).map(FolderFile::Memory),
        }
    }

    fn open(&self, name: &str) -> io::Result<FolderFile> {
        match self {
            Folder::Real(disk) => disk.open(name).map(FolderFile::Real),
            Folder::Memory(disk) => disk.open(name).map(FolderFile::Memory),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        either!(self, disk => disk.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        either!(self, disk => disk.remove(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        either!(self, disk => disk.sync_folder())
    }
}

impl DiskFile for FolderFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            FolderFile::Real(file) => file.write_at(bytes, offset),
            FolderFile::Memory(file) => file.write_at(bytes, offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match self {
            FolderFile::Real(file) => file.set_len(len),
            FolderFile::Memory(file) => file.set_len(len),
        }
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        match self {
            FolderFile::Real(file) => file.reserve(len),
            FolderFile::Memory(file) => file.reserve(len),
        }
    }

    fn sync(&self) -> io::Result<()> {
        match self {
            FolderFile::Real(file) => file.sync(),
            FolderFile::Memory(file) => file.sync(),
        }
    }
}
