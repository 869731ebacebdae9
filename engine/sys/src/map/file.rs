//! A file read in place.
//!
//! The one idea: a snapshot is published by renaming a finished file, and nobody writes to it
//! afterwards; so its bytes may be looked at as a plain slice, and pages come in as they are read.
//! It is not for files that change: another process that writes to the mapped file breaks the
//! promise, and one that cuts it short kills this process at the next read (`SIGBUS`).
#![expect(unsafe_code, reason = "a mapping of a file is a foreign promise")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{Advice, Mmap};

/// A whole file, mapped to be read.
#[derive(Debug)]
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps the finished file at `path`.
    ///
    /// # Errors
    /// What opening or mapping says; `InvalidInput` where `path` is not a regular file.
    pub fn open(path: &Path) -> io::Result<MappedFile> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        // SAFETY: mapped privately and read-only. The bytes hold still because the files given here
        // are published by rename and written to by nobody afterwards (the module's contract).
        let map = unsafe { Mmap::map(&file)? };
        Ok(MappedFile { map })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Reads a part of the file, and waits for it, so that nobody does who touches its pages afterwards.
    ///
    /// # Errors
    /// The kernel is older than Linux 5.14, or cannot read the file; the part may also be none of the file's.
    pub fn populate(&self, part: std::ops::Range<usize>) -> io::Result<()> {
        let len = part.len();
        if part.end > self.map.len() || len == 0 {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        self.map.advise_range(Advice::PopulateRead, part.start, len)
    }

    /// Tells the kernel that reads will jump about: it reads no further than asked.
    ///
    /// # Errors
    /// Where the kernel refuses; reading works all the same.
    pub fn advise_random(&self) -> io::Result<()> {
        self.map.advise(Advice::Random)
    }

    /// Tells the kernel that the file will be read from front to back.
    ///
    /// # Errors
    /// As [`MappedFile::advise_random`].
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
            map.advise_random().unwrap();
            map.advise_sequential().unwrap();
            assert!(map.populate(0..content.len() + 1).is_err());
            // Older kernels cannot.
            let _ = map.populate(0..content.len());
            assert_eq!(map.bytes(), content);
        }
    }

    #[test]
    fn missing_files_and_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let missing = MappedFile::open(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let folder = MappedFile::open(folder.path()).unwrap_err();
        assert_eq!(folder.kind(), io::ErrorKind::InvalidInput);
    }
}
