//! Saves: snapshots of all shards, of one moment, made while the store goes on.
//!
//! ```text
//!  all shards stand still ─► each notes its log's sequence and begins a capture ─► they go on
//!     each shard: slices of its turns ─► pen ─► clerk: a file, synced        `00003-…0012.snapshot`
//!     all files are durable ─► the manifest names the save: it counts        `snapshots.manifest`
//!     older files go, and the segments of logs that they and the logs need no more
//! ```
//!
//! The one idea: there is one commit point for all shards, the manifest. A crash before it leaves the save before, a
//! crash after it the new one, and files that no manifest names are nobody's. Everything goes through
//! [`Disk`](crate::disk::Disk), so that a disk that loses power at any step takes part.
//!
//! A save that is made while logs are kept is what they go on from: opening loads it, and replays what each log has
//! behind the sequence that it notes. That every log has all up to there on its disk is waited for before the save
//! counts, so a log that ends before it has been damaged.
//!
//! A folder is one store's: it is locked when it is opened, or with the first save where it is made by that. Who may not
//! write to it keeps nobody out, and cannot save.
//!
//! Who asks the shards, and in which order, is [`wide`](super::wide)'s; what a shard does with its turns is its
//! [`host`](super::host)'s.

mod clerk;
mod course;
mod files;
mod inspect;
mod manifest;
mod pen;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::config::{StoreConfig, StoreError};
use super::load;
use crate::disk::{Disk, DiskFile, Folder, FolderLock, RealDisk, publish};
use crate::log::device::DeviceKind;
use crate::shard::Shard;
use crate::snapshot::{Meta, Reader, SnapshotError};
use crate::time::Millis;
use clerk::{Clerk, Job, Paper};
use manifest::Manifest;

pub(in crate::store) use course::{Course, Slip};
pub use course::{Pace, SaveProgress};
pub use inspect::{SaveFile, SaveFound, SavesFound};
pub(in crate::store) use manifest::{Saved, Written};
pub(in crate::store) use pen::Pen;

/// The saves of a store.
pub(in crate::store) struct Saves {
    folder: Folder,
    clerk: Clerk,
    manifest: Mutex<Manifest>,
    /// The number of the last save that was begun.
    last: AtomicU64,
    /// The last that every shard has begun.
    course: Mutex<Option<Arc<Course>>>,
    /// Keeps other stores out of the folder; the last to go, when the clerk has written all.
    lock: OnceLock<FolderLock>,
}

/// The name of what is locked.
const LOCK: &str = "snapshots.lock";

/// What becomes of a save's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fate {
    /// It counts.
    Kept,
    /// It does not: they go.
    Dropped,
    /// Its manifest may be durable or not: they stay, until another save counts.
    Unknown,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an error of locking says that nobody has to be kept out: there is no folder yet, or nothing of it can be
/// changed from here.
fn is_nobodys(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn unlockable(folder: &Folder, source: io::Error) -> StoreError {
    StoreError::Snapshot(SnapshotError::Io {
        doing: "lock",
        file: folder.show(LOCK),
        source,
    })
}

impl Saves {
    /// The saves in the store's folder; `None` where it has none.
    ///
    /// # Errors
    /// The folder or the manifest cannot be read, or another store has the folder open.
    pub(in crate::store) fn find(config: &StoreConfig) -> Result<Option<Arc<Saves>>, StoreError> {
        let folder = match (&config.device, &config.dir) {
            (DeviceKind::Memory(disk), _) => Folder::Memory(disk.clone()),
            (_, Some(dir)) => Folder::Real(RealDisk::new(dir)),
            (_, None) => return Ok(None),
        };
        let lock = match folder.lock(LOCK) {
            Ok(lock) => OnceLock::from(lock),
            Err(error) if is_nobodys(&error) => OnceLock::new(),
            Err(error) => return Err(unlockable(&folder, error)),
        };
        let unreadable = |source| SnapshotError::Io {
            doing: "list the folder",
            file: folder.show(""),
            source,
        };
        let (last, manifest) = match files::last_number(&folder) {
            // It is made when there is something to put into it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            last => (last.map_err(unreadable)?, files::read_manifest(&folder)?),
        };
        let clerk = Clerk::new(folder.clone(), manifest.is_some());
        let manifest = manifest.unwrap_or_default();
        let numbers = manifest.saves.iter().map(|saved| saved.number);
        let last = numbers.max().unwrap_or(0).max(last);
        Ok(Some(Arc::new(Saves {
            clerk,
            folder,
            manifest: Mutex::new(manifest),
            last: AtomicU64::new(last),
            course: Mutex::new(None),
            lock,
        })))
    }

    /// The newest save.
    pub(in crate::store) fn newest(&self) -> Option<Saved> {
        lock(&self.manifest).newest().cloned()
    }

    /// The save that logs go on from.
    pub(in crate::store) fn base(&self) -> Option<Saved> {
        lock(&self.manifest).base().cloned()
    }

    /// Loads what shard `number` of `shards` had in `saved`; how many keys.
    pub(in crate::store) fn load(
        &self,
        saved: &Saved,
        (number, shards): (usize, usize),
        shard: &mut Shard,
    ) -> Result<u64, StoreError> {
        self.check_layout(saved, shards)?;
        let reader = self.reader(saved, number)?;
        let keys = reader.len();
        load::into_shard(reader, shard)?;
        Ok(keys)
    }

    /// Refuses what is of another number of shards.
    pub(in crate::store) fn check_layout(
        &self,
        saved: &Saved,
        wanted: usize,
    ) -> Result<(), StoreError> {
        if saved.shards.len() == wanted {
            return Ok(());
        }
        Err(StoreError::Layout {
            file: self.folder.show(&files::name(0, saved.number)),
            shard: 0,
            shards: saved.shards.len() as u32,
            wanted,
        })
    }

    /// Refuses to take over what is of another number of shards where logs go on from a save of that number: both
    /// could not be told apart later.
    pub(in crate::store) fn check_base(&self, wanted: usize) -> Result<(), StoreError> {
        let Some(base) = self.base().filter(|base| base.shards.len() != wanted) else {
            return Ok(());
        };
        Err(StoreError::LayoutOfLogs {
            file: self.folder.show(&files::name(0, base.number)),
            shards: base.shards.len(),
            wanted,
        })
    }

    /// The newest save knows nothing of the folder's logs, which are of so many shards: one manifest cannot name both
    /// once they are of another number.
    pub(in crate::store) fn beside_logs(&self, shards: usize, wanted: usize) -> StoreError {
        let number = self.newest().map_or(0, |newest| newest.number);
        StoreError::BesideLogs {
            file: self.folder.show(&files::name(0, number)),
            shards,
            wanted,
        }
    }

    /// The file of shard `number` in `saved`.
    fn reader(&self, saved: &Saved, number: usize) -> Result<Reader, StoreError> {
        let name = files::name(number, saved.number);
        let reader = self.open(&name)?;
        let (meta, written) = (reader.meta(), saved.shards[number]);
        // Logs that were begun later go on from what knew none.
        let is_of_log = (meta.sequence, meta.log) == (written.sequence, written.log);
        let is_meant = (meta.shard as usize, meta.shards as usize) == (number, saved.shards.len())
            && meta.save == saved.number
            && (is_of_log || meta.log == 0);
        let has_all =
            reader.len() == written.keys && self.folder.size(&name).ok() == Some(written.bytes);
        if is_meant && has_all {
            return Ok(reader);
        }
        let file = self.folder.show(&name);
        Err(StoreError::Mixed { file })
    }

    /// The files of all shards in `saved`.
    pub(in crate::store) fn all(&self, saved: &Saved) -> Result<Vec<Reader>, StoreError> {
        let numbers = 0..saved.shards.len();
        numbers.map(|number| self.reader(saved, number)).collect()
    }

    /// The seed by which the keys of `saved` were hashed, where that is of as many shards.
    pub(in crate::store) fn seed(&self, saved: &Saved, shards: usize) -> Option<u64> {
        let is_same = saved.shards.len() == shards;
        // What cannot be read is told by whoever loads it.
        let reader = is_same.then(|| self.reader(saved, 0).ok())?;
        reader.map(|reader| reader.meta().seed)
    }

    fn open(&self, name: &str) -> Result<Reader, StoreError> {
        if self.folder.size(name).is_err() {
            let file = self.folder.show(name);
            return Err(StoreError::Mixed { file });
        }
        Ok(files::open(&self.folder, name)?)
    }

    /// Lets logs that have nothing yet go on from `saved`, by what each is told from others.
    ///
    /// # Errors
    /// That cannot be written down.
    pub(in crate::store) fn adopt(&self, mut saved: Saved, logs: &[u64]) -> Result<(), StoreError> {
        for (shard, log) in saved.shards.iter_mut().zip(logs) {
            (shard.sequence, shard.log) = (0, *log);
        }
        saved.joints = 0;
        let adopted = Manifest { saves: vec![saved] };
        let bytes = self.encode(&adopted)?;
        publish(&self.folder, manifest::NAME, |file| {
            file.write_at(&bytes, 0)
        })
        .map_err(|error| self.unwritable(manifest::NAME, error))?;
        *lock(&self.manifest) = adopted;
        Ok(())
    }

    /// The store is open: what saves left that do not count goes.
    pub(in crate::store) fn sweep(&self) {
        if self.lock.get().is_none() {
            return;
        }
        let manifest = lock(&self.manifest);
        files::remove_others(&self.folder, &files::meant(&manifest));
    }

    /// Begins a save.
    ///
    /// # Errors
    /// The folder cannot be made, or another store has it open; it has the last number that there is; or the system
    /// gives no thread.
    pub(in crate::store) fn begin(
        &self,
        now: Millis,
        joints: u64,
        pace: Pace,
    ) -> Result<Arc<Course>, StoreError> {
        let prepared = self.folder.prepare();
        prepared.map_err(|error| self.unwritable("", error))?;
        if self.lock.get().is_none() {
            let lock = self.folder.lock(LOCK);
            let lock = lock.map_err(|error| unlockable(&self.folder, error))?;
            self.check_unchanged()?;
            // Who makes all shards stand still is alone.
            let _ = self.lock.set(lock);
        }
        let number = self.next_number()?;
        self.clerk.start()?;
        Ok(Arc::new(Course::new(number, now, joints, pace)))
    }

    /// The number of a new save.
    fn next_number(&self) -> Result<u64, StoreError> {
        // Relaxed: whoever saves is alone.
        let last = self.last.load(Ordering::Relaxed);
        let number = last.checked_add(1).ok_or_else(|| {
            let folder = self.folder.show("");
            let manifest = manifest::NAME;
            StoreError::Refused(format!(
                "{folder}: {manifest} or a snapshot there is of save {last}, and no number comes after that: move \
                 its snapshots and {manifest} away, or set another dir"
            ))
        })?;
        self.last.store(number, Ordering::Relaxed);
        Ok(number)
    }

    /// That nobody saved to the folder since the store was opened, for one that could not lock it then.
    fn check_unchanged(&self) -> Result<(), StoreError> {
        let there = files::read_manifest(&self.folder)?.unwrap_or_default();
        let names = files::last_number(&self.folder);
        let last = names.map_err(|error| self.unwritable("", error))?;
        // Relaxed: whoever saves is alone.
        if there == *lock(&self.manifest) && last == self.last.load(Ordering::Relaxed) {
            return Ok(());
        }
        let folder = self.folder.show("");
        Err(StoreError::Refused(format!(
            "{folder}: another store has saved there since this one was opened; open it again to go on from that"
        )))
    }

    /// Every shard has begun this save.
    pub(in crate::store) fn note(&self, course: &Arc<Course>) {
        *lock(&self.course) = Some(Arc::clone(course));
    }

    /// Nobody wants the save that is being made any more; whether there is one that can still be given up is seen by
    /// what comes of it.
    pub(in crate::store) fn give_up(&self) {
        if let Some(course) = &*lock(&self.course) {
            course.give_up();
        }
    }

    /// How far the last save is.
    pub(in crate::store) fn progress(&self) -> SaveProgress {
        let course = lock(&self.course);
        course
            .as_ref()
            .map(|course| course.progress())
            .unwrap_or_default()
    }

    /// Begins to write what `meta` says of a shard; what becomes of it goes to `slip`.
    pub(in crate::store) fn pen(
        self: &Arc<Saves>,
        course: &Arc<Course>,
        meta: &Meta,
        slip: Arc<Slip>,
    ) -> Pen {
        let name = files::name(meta.shard as usize, course.number);
        let paper = Paper::new(name, Arc::clone(course), slip);
        Pen::new(self, paper, meta)
    }

    /// Whether a walk may go on; otherwise the worker of `waker` is woken when it may.
    pub(in crate::store) fn has_room(&self, waker: &Arc<super::ring::Waker>) -> bool {
        self.clerk.has_room(waker)
    }

    /// Begins to let `saved` count, of which every file is durable.
    pub(in crate::store) fn publish(&self, course: &Arc<Course>, saved: &Saved, slip: Arc<Slip>) {
        let manifest = lock(&self.manifest).with(saved.clone());
        match self.encode(&manifest) {
            Ok(bytes) => self.clerk.give(Job::Publish {
                course: Arc::clone(course),
                manifest: bytes,
                means: files::meant(&manifest),
                slip,
            }),
            Err(error) => slip.fill(Err(error)),
        }
    }

    /// A manifest's file, which can say one layout only.
    fn encode(&self, manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
        let encoded = manifest.encode();
        encoded.ok_or_else(|| StoreError::Layouts {
            file: self.folder.show(manifest::NAME),
        })
    }

    /// It counts.
    pub(in crate::store) fn count(&self, saved: Saved) {
        let mut manifest = lock(&self.manifest);
        *manifest = manifest.with(saved);
    }

    /// The file of `shard` in a save that does not count goes.
    pub(in crate::store) fn drop_file(&self, shard: usize, course: &Arc<Course>, slip: Arc<Slip>) {
        let name = files::name(shard, course.number);
        let paper = Paper::new(name, Arc::clone(course), slip);
        self.clerk.give(Job::Drop(Arc::new(paper)));
    }

    fn unwritable(&self, name: &str, source: io::Error) -> StoreError {
        StoreError::Snapshot(SnapshotError::Io {
            doing: "write",
            file: self.folder.show(name),
            source,
        })
    }
}
