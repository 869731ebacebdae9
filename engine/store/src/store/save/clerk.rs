//! The clerk: who writes a store's snapshots, so that no worker waits for the disk.
//!
//! ```text
//!  shards ── part, part, … ──► queue ──► thread ──► files
//!    │  the walk pauses from here on ─┘  │
//!    └─ what is saved ahead waits, only from here on
//! ```
//!
//! One thread a store, begun with its first save; it takes what it is given in order. In memory what is given is done
//! at once, by whoever gives it: a test repeats itself then. The thread syncs as it goes, lest the kernel collect
//! gigabytes and let a log's sync wait for all of them.
//!
//! The first thing that goes wrong is kept with the save's course, which is over then: it is what came of the save.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::config::StoreError;
use super::super::ring::Waker;
use super::course::{Course, Slip};
use super::manifest::{self, Manifest};
use crate::disk::{Disk, DiskFile, Folder, FolderFile, publish};
use crate::snapshot::{Ending, Part, SnapshotError, Summary};

/// A walk pauses where so many bytes are on their way.
const PAUSE_BYTES: u64 = 4 << 20;
/// What is saved ahead waits where so many are.
const WAIT_BYTES: u64 = 64 << 20;
/// A file is synced when so many bytes of it are not.
const SYNC_BYTES: u64 = 32 << 20;
/// Between two looks at whether somebody waits who must not be held back.
const LOOK: Duration = Duration::from_millis(5);

/// A file that is being written.
#[derive(Debug)]
pub(in crate::store) struct Paper {
    name: String,
    course: Arc<Course>,
    slip: Arc<Slip>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<FolderFile>,
    unsynced: u64,
}

impl Paper {
    /// None of it is written yet. What becomes of it goes to `slip`.
    pub(super) fn new(name: String, course: Arc<Course>, slip: Arc<Slip>) -> Paper {
        Paper {
            name,
            course,
            slip,
            state: Mutex::new(State::default()),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where what becomes of it is told.
    pub(super) fn slip(&self) -> &Slip {
        &self.slip
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the clerk is given.
pub(super) enum Job {
    /// A part of a file.
    Put(Arc<Paper>, Part),
    /// What is left of it: it is durable then, but for its name.
    End(Arc<Paper>, Ending),
    /// Nobody wants it any more.
    Drop(Arc<Paper>),
    /// A manifest, which counts from now on, and the names of the files that it means: all others go.
    Publish {
        course: Arc<Course>,
        manifest: Vec<u8>,
        means: Vec<String>,
        slip: Arc<Slip>,
    },
}

impl Job {
    fn bytes(&self) -> u64 {
        match self {
            Job::Put(_, part) => part.bytes.len() as u64,
            Job::End(..) | Job::Drop(_) | Job::Publish { .. } => 0,
        }
    }
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Bytes of parts that are not written.
    bytes: u64,
    /// How many wait for room.
    waiting: usize,
    /// Whose walks pause.
    paused: Vec<Arc<Waker>>,
    is_closed: bool,
}

struct Desk {
    folder: Folder,
    /// Whether the folder has a manifest.
    has_manifest: Mutex<bool>,
    queue: Mutex<Queue>,
    came: Condvar,
    went: Condvar,
}

/// Who writes.
pub(super) struct Clerk {
    desk: Arc<Desk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Clerk {
    pub(super) fn new(folder: Folder, has_manifest: bool) -> Clerk {
        Clerk {
            desk: Arc::new(Desk {
                folder,
                has_manifest: Mutex::new(has_manifest),
                queue: Mutex::default(),
                came: Condvar::new(),
                went: Condvar::new(),
            }),
            thread: Mutex::new(None),
        }
    }

    /// Begins to work, where it has not yet.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(&self) -> Result<(), StoreError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() && !self.desk.folder.is_memory() {
            let desk = Arc::clone(&self.desk);
            let started = std::thread::Builder::new()
                .name("seawall-save".to_owned())
                .spawn(move || desk.run());
            *thread = Some(started.map_err(StoreError::Thread)?);
        }
        Ok(())
    }

    /// Whether a walk may go on; otherwise `waker` is woken when it may.
    pub(super) fn has_room(&self, waker: &Arc<Waker>) -> bool {
        let mut queue = self.desk.queue();
        let has_room = queue.bytes < PAUSE_BYTES;
        if !has_room && !queue.paused.iter().any(|paused| Arc::ptr_eq(paused, waker)) {
            queue.paused.push(Arc::clone(waker));
        }
        has_room
    }

    /// Gives it something to do; waits only where much too much is left to be done.
    pub(super) fn give(&self, job: Job) {
        if self.desk.folder.is_memory() {
            return self.desk.work(job);
        }
        let bytes = job.bytes();
        let mut queue = self.desk.queue();
        if bytes > 0 {
            queue.waiting += 1;
            while queue.bytes > WAIT_BYTES && !queue.is_closed {
                let waited = self.desk.went.wait(queue);
                queue = waited.unwrap_or_else(PoisonError::into_inner);
            }
            queue.waiting -= 1;
        }
        queue.bytes += bytes;
        if let Job::Put(paper, _) = &job {
            paper.course.note_queued(queue.bytes);
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.desk.came.notify_one();
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.desk.queue().is_closed = true;
        self.desk.came.notify_all();
        self.desk.went.notify_all();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // One that panicked was reported by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        // A worker that pinned itself may have started this thread, which must not share its core. Where the
        // kernel refuses, it does share it, and works all the same.
        let _ = seawall_sys::pin::unpin();
        let mut next = Instant::now();
        while let Some(job) = self.next_job() {
            let bytes = job.bytes();
            if let Job::Put(paper, _) = &job {
                next = self.keep_pace(&paper.course, next, bytes);
            }
            self.work(job);
            let mut queue = self.queue();
            queue.bytes -= bytes;
            if queue.bytes < PAUSE_BYTES / 2 {
                queue.paused.drain(..).for_each(|waker| waker.wake());
            }
            drop(queue);
            self.went.notify_all();
        }
    }

    /// What is to be done next; `None`: the store is closed, and what is left means nothing.
    fn next_job(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue = (self.came.wait(queue)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until so many bytes may be written, at `next` or earlier where somebody waits; when the next ones may.
    fn keep_pace(&self, course: &Course, next: Instant, bytes: u64) -> Instant {
        let most = course.pace.bytes_per_s;
        if most == 0 || course.is_given_up() {
            // What comes after it owes nothing.
            return Instant::now();
        }
        let mut now = Instant::now();
        let mut queue = self.queue();
        while now < next && !queue.is_closed && queue.waiting == 0 && !course.is_given_up() {
            let waited = self.came.wait_timeout(queue, LOOK.min(next - now));
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            now = Instant::now();
        }
        next.max(now) + Duration::from_secs_f64(bytes as f64 / most as f64)
    }

    fn work(&self, job: Job) {
        match job {
            Job::Put(paper, part) => self.put(&paper, &part),
            Job::End(paper, ending) => {
                let summary = ending.write(&mut |part: Part| self.put(&paper, &part));
                paper.slip.fill(self.end(&paper).map(|()| summary));
            }
            Job::Drop(paper) => {
                paper.state().file = None;
                // It may not have been begun. What is left is removed when the folder is next opened, or saved to.
                let _ = self.folder.remove(&paper.name);
            }
            Job::Publish {
                course,
                manifest,
                means,
                slip,
            } => {
                let synced = self.folder.sync_folder();
                let done = synced.and_then(|()| self.publish(&manifest));
                if done.is_ok() {
                    super::files::remove_others(&self.folder, &means);
                } else if !super::files::is_other_manifest(&self.folder, &manifest) {
                    course.note_may_count();
                }
                let done = done.map(|()| Summary::default());
                slip.fill(done.map_err(|error| self.failed(manifest::NAME, error)));
            }
        }
    }

    fn put(&self, paper: &Paper, part: &Part) {
        let state = &mut *paper.state();
        if paper.course.is_given_up() {
            return;
        }
        let mut write = || {
            let file = match &mut state.file {
                Some(file) => file,
                none => {
                    self.lay_manifest()?;
                    none.insert(self.folder.create(&paper.name)?)
                }
            };
            file.write_at(&part.bytes, part.offset)?;
            state.unsynced += part.bytes.len() as u64;
            if state.unsynced >= SYNC_BYTES {
                state.unsynced = 0;
                file.sync()?;
            }
            Ok(())
        };
        if let Err(error) = write() {
            paper.course.fail(self.failed(&paper.name, error));
            paper.slip.wake();
        }
    }

    /// Makes a file durable that has all its parts, which it has not where the save was given up meanwhile.
    fn end(&self, paper: &Paper) -> Result<(), StoreError> {
        let file = paper.state().file.take();
        // Looked at behind the last part: whoever gave the save up before that had parts left out.
        let file = file.filter(|_| !paper.course.is_given_up());
        let synced = file.ok_or(StoreError::SaveGivenUp)?.sync();
        synced.map_err(|error| self.failed(&paper.name, error))
    }

    /// Before the first file of a first save: a folder that has such files has a manifest, though that may name none
    /// of them. Without it they would look as if it were lost.
    fn lay_manifest(&self) -> io::Result<()> {
        let mut has_manifest = (self.has_manifest.lock()).unwrap_or_else(PoisonError::into_inner);
        if !*has_manifest {
            self.publish(&Manifest::of_none())?;
            *has_manifest = true;
        }
        Ok(())
    }

    fn publish(&self, manifest: &[u8]) -> io::Result<()> {
        let published = publish(&self.folder, manifest::NAME, |file| {
            file.write_at(manifest, 0)
        });
        published.map(drop)
    }

    fn failed(&self, name: &str, source: io::Error) -> StoreError {
        StoreError::Snapshot(SnapshotError::Io {
            doing: "write",
            file: self.folder.show(name),
            source,
        })
    }
}
