//! A file read in place.
//!
//! The one idea: a snapshot is published by renaming a finished file, and nobody writes to it
//! afterwards; so its bytes may be looked at as a plain slice, and pages come in as they are read. It is not for files
//! that change: another process that writes to the mapped file breaks the promise.
//!
//! A page that the disk cannot read, or that somebody cut off, ends the process that touches it (`SIGBUS`): a look at
//! memory has no other way to fail. [`MappedFile::fetch`] has: whoever calls it first is told instead, and what it
//! brought stays for a while. A page that the kernel takes back before it is looked at, and that cannot be read again,
//! ends the process all the same; so what was fetched is to be looked at soon.
#![expect(unsafe_code, reason = "a mapping of a file is a foreign promise")]

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use memmap2::{Advice, Mmap};

/// So much is read at once where pages have to be asked for by reading them.
const SCRATCH_BYTES: usize = 8 << 10;

/// A whole file, mapped to be read.
#[derive(Debug)]
pub struct MappedFile {
    map: Mmap,
    /// Read where the mapping cannot say what is wrong.
    file: File,
}

/// A part of a file that cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("at byte {offset}: {source}")]
pub struct Unreadable {
    /// The first byte of it that cannot.
    pub offset: u64,
    /// What the system said.
    pub source: io::Error,
}

impl MappedFile {
    /// Maps the finished file at `path`.
    ///
    /// # Errors
    /// What opening or mapping says; `InvalidInput` where `path` is not a regular file.
    pub fn open(path: &Path) -> io::Result<MappedFile> {
        // A FIFO would wait for whoever holds its other end.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        // SAFETY: mapped privately and read-only. The bytes hold still because the files given here
        // are published by rename and written to by nobody afterwards (the module's contract).
        let map = unsafe { Mmap::map(&file)? };
        Ok(MappedFile { map, file })
    }

    /// The file's bytes. Those that were not fetched, or not lately, may end the process that looks at them.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Reads a part of the file, and waits for it, so that nobody does who looks at it soon afterwards. Pages that are
    /// in memory cost a walk through the page table (`MADV_POPULATE_READ`).
    ///
    /// # Errors
    /// It cannot be read, or is none of the file's.
    pub fn fetch(&self, part: Range<usize>) -> Result<(), Unreadable> {
        if part.end > self.map.len() {
            return Err(Unreadable {
                offset: self.map.len() as u64,
                source: io::ErrorKind::InvalidInput.into(),
            });
        }
        let populate = || match part.len() {
            0 => Ok(()),
            len => self.map.advise_range(Advice::PopulateRead, part.start, len),
        };
        let Err(refused) = populate() else {
            return Ok(());
        };
        // It tells neither where nor why; reading does. Kernels before 5.14 do not know it: there, reading brings pages
        // into memory, too.
        self.read_through(part.clone())?;
        if refused.raw_os_error() == Some(libc::EINVAL) {
            return Ok(());
        }
        // What failed once may have been mended by the second time.
        populate().map_err(|error| Unreadable {
            offset: part.start as u64,
            source: match error.raw_os_error() {
                // That a look would end the process.
                Some(libc::EFAULT) => io::Error::from_raw_os_error(libc::EIO),
                _ => error,
            },
        })
    }

    /// Reads a part of the file, and keeps nothing of it.
    fn read_through(&self, part: Range<usize>) -> Result<(), Unreadable> {
        let mut scratch = [0; SCRATCH_BYTES];
        let mut at = part.start;
        while at < part.end {
            let most = SCRATCH_BYTES.min(part.end - at);
            let source = match self.file.read_at(&mut scratch[..most], at as u64) {
                Ok(0) => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file is shorter than it was when it was opened",
                ),
                Ok(read) => {
                    at += read;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let offset = at as u64;
            return Err(Unreadable { offset, source });
        }
        Ok(())
    }

    /// Tells the kernel that the file will be read from front to back.
    ///
    /// # Errors
    /// Where the kernel refuses; reading works all the same.
    pub fn advise_sequential(&self) -> io::Result<()> {
        self.map.advise(Advice::Sequential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in [vec![], vec![b'x'], vec![7; 100_000]] {
            std::fs::write(&path, &content).unwrap();
            let map = MappedFile::open(&path).unwrap();
            map.advise_sequential().unwrap();
            let beyond = map.fetch(0..content.len() + 1).unwrap_err();
            assert_eq!(beyond.offset, content.len() as u64);
            for begin in [0, content.len() / 2, content.len()] {
                map.fetch(begin..content.len()).unwrap();
                map.read_through(begin..content.len()).unwrap();
            }
            assert_eq!(map.bytes(), content);
        }
    }

    #[test]
    fn what_was_cut_off_is_told_of_before_it_is_touched() {
        const PAGE: usize = 4096;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![7; 100 * PAGE]).unwrap();
        let map = MappedFile::open(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(40 * PAGE as u64).unwrap();
        map.fetch(0..40 * PAGE).unwrap();
        assert!(map.bytes()[..40 * PAGE].iter().all(|&byte| byte == 7));
        for part in [39 * PAGE..41 * PAGE, 30 * PAGE..100 * PAGE] {
            // With the kernel's word on pages, and without.
            for told in [map.fetch(part.clone()), map.read_through(part)] {
                let told = told.unwrap_err();
                assert_eq!(told.offset, 40 * PAGE as u64);
                assert_eq!(told.source.kind(), io::ErrorKind::UnexpectedEof);
                let words = "at byte 163840: the file is shorter than it was when it was opened";
                assert_eq!(told.to_string(), words);
            }
        }
        file.set_len(100 * PAGE as u64).unwrap();
        map.fetch(0..100 * PAGE).unwrap();
        assert!(map.bytes()[40 * PAGE..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn missing_files_folders_and_pipes_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let missing = MappedFile::open(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for other in [folder.path(), &pipe] {
            let error = MappedFile::open(other).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
