//! A folder of the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::{Disk, DiskFile};

/// A folder of the operating system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The folder at `folder`, which need not exist yet.
    pub fn new(folder: &Path) -> RealDisk {
        RealDisk {
            folder: folder.to_owned(),
        }
    }

    /// Where a file of it is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Opens a regular file by `options`. Anything else that has its name is refused, and not waited for: a FIFO would wait
/// for whoever holds its other end.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits() as i32).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let message = "it is no regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

impl Disk for RealDisk {
    type File = Arc<File>;
    type Lock = File;

    fn show(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn prepare(&self) -> io::Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        // The folder's own name must last, too.
        match self.folder.canonicalize()?.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    fn lock(&self, name: &str) -> io::Result<File> {
        let path = self.path(name);
        let file = open_regular(OpenOptions::new().create(true).append(true), &path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another store has it open",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Neither is a name that is not UTF-8 one of ours, nor anything but a file, or a link to one.
            let is_file = match entry.file_type()? {
                kind if kind.is_symlink() => {
                    fs::metadata(entry.path()).is_ok_and(|linked| linked.is_file())
                }
                kind => kind.is_file(),
            };
            if is_file {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn read(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read>> {
        let mut file = open_regular(OpenOptions::new().read(true), &self.path(name))?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<File>> {
        File::create(self.path(name)).map(Arc::new)
    }

    fn open(&self, name: &str) -> io::Result<Arc<File>> {
        open_regular(OpenOptions::new().write(true), &self.path(name)).map(Arc::new)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

impl DiskFile for Arc<File> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        Ok(fallocate(self, FallocateFlags::empty(), 0, len)?)
    }

    fn sync(&self) -> io::Result<()> {
        // A file's length is data enough for `fdatasync`; its times are not.
        self.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    #[test]
    fn what_is_no_file_is_none_of_ours_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(folder.path());
        let fifo = folder.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(&fifo, folder.path().join("link")).unwrap();
        fs::write(folder.path().join("file"), b"x").unwrap();
        std::os::unix::fs::symlink("file", folder.path().join("linked")).unwrap();
        let mut names = disk.list().unwrap();
        names.sort();
        assert_eq!(names, ["file", "linked"]);
        for name in ["fifo", "link", "folder"] {
            assert!(disk.read(name, 0).is_err(), "{name}");
            assert!(disk.open(name).is_err(), "{name}");
            assert!(disk.lock(name).is_err(), "{name}");
        }
        assert!(disk.read("linked", 0).is_ok());
    }
}
