//! A file of a folder in memory, as whoever opened it has it: each of its changes is a step of the folder's.

use std::io;
use std::sync::{Arc, Mutex};

use super::content::Content;
use super::{DiskFile, State, lock};

/// A file of a [`MemoryDisk`](super::MemoryDisk).
#[derive(Debug)]
pub struct MemoryFile {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) id: u64,
    /// How often power had been lost when the file was opened.
    pub(super) losses: u64,
}

impl MemoryFile {
    fn change(
        &self,
        change: impl FnOnce(&mut Content, io::Result<()>, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.losses != self.losses {
            return Err(io::Error::other("the file was open when power was lost"));
        }
        let step = state.step();
        if state.off {
            return step;
        }
        let of_end = state.lies.ends.is_some_and(|end| {
            let mut names = state.names.iter();
            names.any(|(name, id)| *id == self.id && name.ends_with(end))
        });
        let lie = state.lies.files || of_end;
        match state.files.get_mut(&self.id) {
            Some(content) => change(Arc::make_mut(content), step, lie),
            None => Err(io::Error::other("the file was removed")),
        }
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            let bytes = &bytes[..if step.is_ok() {
                bytes.len()
            } else {
                bytes.len() / 2
            }];
            let start = offset as usize;
            let end = start + bytes.len();
            if content.written.len() < end {
                content.written.resize(end, 0);
            }
            content.written[start..end].copy_from_slice(bytes);
            content.change(start..end);
            step
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            step?;
            let cut = content.written.len();
            content.written.resize(len as usize, 0);
            content.change(len as usize..cut);
            Ok(())
        })
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            step?;
            let len = content.written.len().max(len as usize);
            content.written.resize(len, 0);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let synced = self.change(|content, step, lie| {
            content.abandoned |= step.is_err();
            if !content.abandoned && !lie {
                content.keep();
            }
            step
        });
        if synced.is_err() {
            let mut state = lock(&self.state);
            state.lies.files |= state.lies.by_failure;
        }
        synced
    }
}
