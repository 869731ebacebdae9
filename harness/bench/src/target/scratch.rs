//! Folders that cells make and processes that run in them: both are gone when the cell ends, and when the
//! program is told to end in the middle of one.
//!
//! The one idea: what is made is entered into one list in the same breath, under its lock, so that whoever
//! abandons everything ([`abandon`]) misses nothing. That one keeps the lock: no cell starts or ends anything
//! any more, and the thread that runs it waits there for the end of the program.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};
use seawall_power::{Folder, Mounted};
use tempfile::TempDir;

/// What is there now.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());

/// How often, and how long after one another, a folder is tried to be removed: a process that was killed
/// may be writing its last file.
const REMOVALS: usize = 50;
const BETWEEN_REMOVALS: Duration = Duration::from_millis(10);

/// What a folder is called that is mounted in one of a cell's.
const MOUNTED: &str = "forgets";

/// A folder and the process that runs in it.
struct Made {
    folder: PathBuf,
    process: Option<Pid>,
    /// What is mounted in the folder.
    mounted: Option<Mounted>,
}

/// Kills every server that runs and removes what cells have made: for a program that was told to end, which
/// it must do right after.
pub fn abandon() {
    let mut made = lock();
    for Made {
        folder,
        process,
        mounted,
    } in made.drain(..)
    {
        if let Some(process) = process {
            end(process);
            // It may have been waited for already.
            let _ = rustix::process::waitpid(Some(process), WaitOptions::empty());
        }
        drop(mounted);
        let _ = remove(&folder);
    }
    std::mem::forget(made);
}

/// Removes the folder that a cell of a program which was killed has left.
///
/// # Errors
/// What the system says: something is left.
pub fn sweep(folder: &Path) -> std::io::Result<()> {
    seawall_power::unmount_left(&folder.join(MOUNTED));
    std::fs::remove_dir_all(folder)
}

/// Ends a process and what it started, which is in a process group of its own. It may have ended by itself.
pub(super) fn end(process: Pid) {
    let _ = rustix::process::kill_process_group(process, Signal::KILL);
}

fn lock() -> MutexGuard<'static, Vec<Made>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(folder: &Path) -> std::io::Result<()> {
    let mut removed = std::fs::remove_dir_all(folder);
    for _ in 1..REMOVALS {
        match &removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                std::thread::sleep(BETWEEN_REMOVALS);
                removed = std::fs::remove_dir_all(folder);
            }
            Ok(()) | Err(_) => break,
        }
    }
    removed
}

/// A folder of a cell's own, empty at first: a log that is there already would be taken in.
pub(super) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Makes one in `parent`.
    ///
    /// # Errors
    /// In words for people.
    pub(super) fn make(parent: &Path) -> Result<Scratch, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", parent.display());
        let mut made = lock();
        let folder = tempfile::Builder::new()
            .prefix(crate::SCRATCH_PREFIX)
            .tempdir_in(parent.canonicalize().map_err(failed)?)
            .map_err(failed)?;
        made.push(Made {
            folder: folder.path().to_owned(),
            process: None,
            mounted: None,
        });
        Ok(Scratch { folder })
    }

    /// Where it is, from the root.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a process in it, which ends when this is dropped, if not before.
    ///
    /// # Errors
    /// What `start` says.
    pub(super) fn run<T>(
        &self,
        start: impl FnOnce() -> Result<(T, Pid), String>,
    ) -> Result<T, String> {
        let mut made = lock();
        let (started, process) = start()?;
        self.enter(&mut made, |made| made.process = Some(process));
        Ok(started)
    }

    /// Says that the process that ran here was waited for: its number may be another one's from now on.
    pub(super) fn is_quiet(&self) {
        self.enter(&mut lock(), |made| made.process = None);
    }

    /// Mounts a folder in it, until it is unmounted or this is dropped; where that is.
    ///
    /// # Errors
    /// In words for people.
    pub(super) fn mount(&self, folder: &Folder) -> Result<PathBuf, String> {
        let point = self.path().join(MOUNTED);
        let mut made = lock();
        let mounted = std::fs::create_dir_all(&point).and_then(|()| folder.mount(&point));
        let mounted = mounted.map_err(|error| format!("{}: {error}", point.display()))?;
        self.enter(&mut made, |made| made.mounted = Some(mounted));
        Ok(point)
    }

    /// Unmounts what is mounted in it.
    ///
    /// # Errors
    /// In words for people: it may still be mounted.
    pub(super) fn unmount(&self) -> Result<(), String> {
        let mut ended = Ok(());
        self.enter(&mut lock(), |made| {
            ended = made.mounted.take().map_or(Ok(()), Mounted::unmount);
        });
        ended.map_err(|error| format!("{} cannot be unmounted: {error}", self.path().display()))
    }

    /// Enters into the list what is new of this one.
    fn enter(&self, list: &mut [Made], enter: impl FnOnce(&mut Made)) {
        if let Some(made) = list.iter_mut().find(|made| made.folder == self.path()) {
            enter(made);
        }
    }

    /// Copies its `file` to where it outlives this folder. Not once everything was abandoned, as all that
    /// fails then fails for that.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(&self, file: &str, kept: &Path) -> std::io::Result<()> {
        let _made = lock();
        std::fs::copy(self.path().join(file), kept).map(|_bytes| ())
    }

    /// Removes what is there, and the folder.
    ///
    /// # Errors
    /// In words for people: something is left.
    pub(super) fn remove(&self) -> Result<(), String> {
        self.unmount()?;
        remove(self.path()).map_err(|error| format!("{}: {error}", self.path().display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.unmount();
        // The error was told by `Scratch::remove`, or there is another one that ended the cell.
        let _ = remove(self.path());
        lock().retain(|made| made.folder != self.path());
    }
}

/// A process's number as the kernel's calls take it.
///
/// # Errors
/// It is none.
pub(super) fn pid(number: u32) -> Result<Pid, String> {
    let raw = i32::try_from(number).ok().and_then(Pid::from_raw);
    raw.ok_or_else(|| Errno::SRCH.to_string())
}
