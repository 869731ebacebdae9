//! A folder that forgets: power failure beneath a real process.
//!
//! ```text
//!  server ── files ──► kernel ── FUSE ──► System (threads of this process) ──► State: MemoryDisk, names
//!  Folder::stop    nothing is written, named or synced any more
//!  Folder::lose    what was not synced is gone; then it is mounted again
//! ```
//!
//! The one idea: what is written is kept apart from what was synced ([`MemoryDisk`]), in the memory of this process, so
//! that power fails for a server and not for the machine. File data is durable by a sync of the file, names are by a
//! sync of any folder: as where one journal has the names of all. A folder that was made stays. A sync takes its time,
//! as a disk's does: it covers what was written when it began or when it ended, which the seed decides, and is told to
//! be done when both are past. There are no links, owners or times, and how fast it is says nothing of any disk.

mod state;
mod system;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use seawall_store::disk::{Disk, Fault, MemoryDisk, PowerLoss};

use state::State;
use system::System;

/// The threads that answer the kernel: a sync under way holds nothing else up.
const THREADS: usize = 4;

/// How often, and how long after one another, a folder that is still in use is tried to be unmounted: the kernel lets go
/// of what a process had open a moment after its end.
const UNMOUNTS: usize = 200;
const BETWEEN_UNMOUNTS: Duration = Duration::from_millis(5);

/// A folder whose disk outlives its being mounted.
pub struct Folder {
    state: Arc<Mutex<State>>,
}

/// What a folder that lies does not keep.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    /// What syncs of files cover.
    Files,
    /// What syncs of folders cover.
    Names,
}

/// A folder that is mounted, until it is dropped.
pub struct Mounted {
    session: Option<BackgroundSession>,
    point: PathBuf,
}

impl Folder {
    /// An empty one; `seed` decides how long syncs take and what they cover.
    pub fn new(seed: u64) -> Folder {
        Folder {
            state: Arc::new(Mutex::new(State::new(MemoryDisk::new(), seed))),
        }
    }

    /// Mounts it at `point`, which is a folder that is there.
    ///
    /// # Errors
    /// The system does not allow it, or has no FUSE.
    pub fn mount(&self, point: &Path) -> io::Result<Mounted> {
        let mut config = Config::default();
        let name = MountOption::FSName("seawall-forgets".to_owned());
        config.mount_options = vec![name, MountOption::NoAtime];
        config.n_threads = Some(THREADS);
        let system = System::new(Arc::clone(&self.state));
        let session = fuser::spawn_mount(system, point, &config)?;
        Ok(Mounted {
            session: Some(session),
            point: point.to_owned(),
        })
    }

    /// How often room was filled with zeroes.
    pub fn filled(&self) -> u64 {
        self.lock().filled
    }

    /// From now on nothing is written, named or synced.
    ///
    /// # Panics
    /// The disk in memory goes on: it is broken.
    pub fn stop(&self) {
        let state = self.lock();
        // Nothing else takes a step of the disk while the lock is held.
        let next = state.disk.steps() + 1;
        state.disk.fail_at(next, Fault::PowerOff);
        let _ = state.disk.sync_folder();
        assert!(state.disk.is_off());
    }

    /// From now on syncs claim success and keep nothing: those of files, or those of folders.
    pub fn lie(&self, lie: Lie) {
        let state = self.lock();
        match lie {
            Lie::Files => state.disk.break_syncs(),
            Lie::Names => state.disk.break_folder_syncs(),
        }
    }

    /// From now on these bytes of files whose names end so cannot be read.
    pub fn refuse_reads(&self, names: &'static str, part: Range<u64>) {
        self.lock().unreadable = Some((names, part));
    }

    /// How many syncs of files were asked for.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Forgets what was not synced, or parts of it. It must not be mounted.
    pub fn lose(&self, loss: PowerLoss, seed: u64) {
        self.lock().lose(loss, seed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Whoever panicked elsewhere is no reason to hide what the disk holds.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mounted {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// Unmounts it, and waits until nobody has a file of it open.
    ///
    /// # Errors
    /// What the system says: it may still be mounted.
    pub fn unmount(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(session) = self.session.take() else {
            return Ok(());
        };
        match unmount_ours(&self.point) {
            Ok(()) => session.join(),
            // For whoever may not unmount, a program of the system's does it.
            Err(_) => session.umount_and_join(),
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Who wants to know of the error calls `Mounted::unmount`.
        let _ = self.end();
    }
}

/// Unmounts what is at `point`; where somebody has a file open still, it is gone from there at once, and ends when that is
/// closed.
fn unmount_ours(point: &Path) -> Result<(), Errno> {
    for _ in 0..UNMOUNTS {
        match unmount(point, UnmountFlags::empty()) {
            Err(Errno::BUSY) => thread::sleep(BETWEEN_UNMOUNTS),
            ended => return ended,
        }
    }
    unmount(point, UnmountFlags::DETACH)
}

/// Unmounts what a process that was killed has left mounted at `point`, where anything is.
pub fn unmount_left(point: &Path) {
    if unmount(point, UnmountFlags::DETACH) == Err(Errno::PERM) {
        // The program of the system's for whoever may not unmount; where it fails, the mount point stays.
        let _ = Command::new("fusermount3")
            .args(["-u", "-z"])
            .arg(point)
            .status();
    }
}

/// Whether such a folder can be mounted on this machine; asked once.
///
/// # Errors
/// In words for people: why it cannot, and what it takes.
pub fn usable() -> Result<(), String> {
    static USABLE: OnceLock<Result<(), String>> = OnceLock::new();
    let tried = USABLE.get_or_init(|| {
        let tried = tempfile::tempdir().and_then(|point| {
            let mounted = Folder::new(0).mount(point.path())?;
            std::fs::read_dir(mounted.path()).map(drop)
        });
        tried.map_err(|error| {
            format!(
                "no file system of ours can be mounted here ({error}): it takes FUSE, which is /dev/fuse, and root or \
                 the program fusermount3"
            )
        })
    });
    tried.clone()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_folder_that_stays_in_use_is_unmounted_when_nobody_uses_it() {
        if let Err(why) = usable() {
            // Past the test harness, which keeps to itself what a test prints that passes.
            let _ = writeln!(io::stderr(), "skipped: {why}");
            return;
        }
        let point = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(0);
        let mounted = folder.mount(point.path()).expect("it can be");
        let held = File::create(point.path().join("held")).expect("a file");
        let later = 2 * BETWEEN_UNMOUNTS * UNMOUNTS as u32;
        let user = thread::spawn(move || {
            thread::sleep(later);
            drop(held);
        });
        let begin = Instant::now();
        mounted.unmount().expect("it is");
        assert!(begin.elapsed() >= later, "it was in use for so long");
        user.join().expect("it ends");
        let again = folder.mount(point.path()).expect("there is nothing there");
        again.unmount().expect("it is");
    }
}
