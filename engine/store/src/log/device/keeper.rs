//! The keeper: a thread that does for a device what blocks and cannot be started otherwise.
//!
//! Making a segment takes a sync of the old file, a new file, a rename and a sync of the folder; `fdatasync` has
//! no form that returns at once; and filling room with zeroes takes as long as writing does. Each log on files has at most one keeper, started
//! when it is first needed; it sleeps on a channel. Jobs are done in the order in which they came.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Bell;
use crate::disk::{Disk, DiskFile, RealDisk, publish};

/// What room is filled with, so much at a time.
static ZEROES: [u8; 128 << 10] = [0; 128 << 10];

/// What a keeper has done.
pub enum Done {
    /// A file was synced, in this time.
    Synced(Duration),
    /// Segments were removed.
    Removed,
    /// Room was filled with zeroes, which are durable, or could not be, which harms nothing.
    Filled(bool),
    /// The old segment is sealed and the new one is there.
    Rolled(Arc<File>),
}

enum Job {
    Sync(Arc<File>),
    Remove(Vec<String>),
    Fill {
        file: Arc<File>,
        name: String,
        range: Range<u64>,
    },
    Roll {
        old: Arc<File>,
        cut: Option<u64>,
        name: String,
        head: Vec<u8>,
    },
}

/// A keeper, running or not yet.
pub struct Keeper {
    disk: RealDisk,
    running: Option<Running>,
    /// Jobs that were given and not yet taken back.
    jobs: usize,
    /// Who is woken when a job is done.
    bell: Arc<OnceLock<Bell>>,
}

struct Running {
    jobs: Sender<Job>,
    done: Receiver<io::Result<Done>>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub fn new(disk: RealDisk) -> Keeper {
        Keeper {
            disk,
            running: None,
            jobs: 0,
            bell: Arc::default(),
        }
    }

    /// Rings `bell` when a job is done that somebody waits for: any but filling.
    pub fn wake_by(&mut self, bell: &Bell) {
        self.bell.get_or_init(|| bell.clone());
    }

    /// Starts `fdatasync` of `file`.
    pub fn sync(&mut self, file: &Arc<File>) -> io::Result<()> {
        self.give(Job::Sync(file.clone()))
    }

    /// Starts sealing `old`, cut to so many bytes, and publishing the segment `name`.
    pub fn roll(
        &mut self,
        old: &Arc<File>,
        cut: Option<u64>,
        name: String,
        head: Vec<u8>,
    ) -> io::Result<()> {
        let old = old.clone();
        self.give(Job::Roll {
            old,
            cut,
            name,
            head,
        })
    }

    /// Starts filling `range` of `file`, which has this name, with zeroes. Nobody may write there before it is done.
    pub fn fill(&mut self, file: &Arc<File>, name: &str, range: Range<u64>) -> io::Result<()> {
        let (file, name) = (file.clone(), name.to_owned());
        self.give(Job::Fill { file, name, range })
    }

    /// Starts removing files by name, in order.
    pub fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        self.give(Job::Remove(names))
    }

    /// Whether it has nothing to do.
    pub fn is_idle(&self) -> bool {
        self.jobs == 0
    }

    /// Takes one thing that is done; `wait`: until there is one, where any job was given.
    pub fn take(&mut self, wait: bool) -> io::Result<Option<Done>> {
        let Some(running) = self.running.as_ref().filter(|_| self.jobs > 0) else {
            return Ok(None);
        };
        let gone = || io::Error::other("the log's keeper thread is gone");
        let done = if wait {
            running.done.recv().map_err(|_| gone())?
        } else {
            match running.done.try_recv() {
                Ok(done) => done,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(gone()),
            }
        };
        self.jobs -= 1;
        done.map(Some)
    }

    fn give(&mut self, job: Job) -> io::Result<()> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(self.disk.clone(), Arc::clone(&self.bell))?),
        };
        self.jobs += 1;
        let gone = |_| io::Error::other("the log's keeper thread is gone");
        running.jobs.send(job).map_err(gone)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(Running {
            jobs,
            done: _,
            thread,
        }) = self.running.take()
        {
            // Without a sender the thread ends after its last job.
            drop(jobs);
            // A keeper that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

fn start(disk: RealDisk, bell: Arc<OnceLock<Bell>>) -> io::Result<Running> {
    let (jobs, todo) = channel();
    let (report, done) = channel();
    let thread = std::thread::Builder::new()
        .name("seawall-log".to_owned())
        .spawn(move || {
            // A worker pinned itself before it started this thread, which must not share its core.
            // Where the kernel refuses, it does share it, and works all the same.
            let _ = seawall_sys::pin::unpin();
            for job in todo {
                let is_awaited = !matches!(job, Job::Fill { .. });
                let done = work(&disk, job);
                let has_failed = done.is_err();
                let is_heard = report.send(done).is_ok();
                if let Some(bell) = bell.get().filter(|_| is_awaited) {
                    (bell.ring)();
                }
                // What was asked for behind what failed counts on it: a segment is removed since a new one is there.
                if has_failed || !is_heard {
                    return;
                }
            }
        })?;
    Ok(Running { jobs, done, thread })
}

/// Fills `range` of `file`, which has this name in `disk`, with zeroes, and makes them durable.
fn fill(disk: &RealDisk, file: &File, name: &str, range: Range<u64>) -> io::Result<()> {
    // The kernel tells of a write-back that failed once for each time that a file was opened. The log has to hear of
    // its own, so this sync is one of a file that was opened anew.
    let anew = disk.open(name)?;
    let place = |file: &File| file.metadata().map(|it| (it.dev(), it.ino()));
    if place(&anew)? != place(file)? {
        return Err(io::Error::other("another file has the segment's name"));
    }
    // Its space first: a disk that is full says so here, and not in a sync of the log.
    anew.reserve(range.end)?;
    let mut at = range.start;
    while at < range.end {
        // Whoever appends to the file waits for as long as one write takes.
        let bytes = (range.end - at).min(ZEROES.len() as u64);
        anew.write_at(&ZEROES[..bytes as usize], at)?;
        at += bytes;
    }
    anew.sync()
}

fn work(disk: &RealDisk, job: Job) -> io::Result<Done> {
    match job {
        Job::Sync(file) => {
            let start = Instant::now();
            file.sync()?;
            Ok(Done::Synced(start.elapsed()))
        }
        Job::Remove(names) => {
            for name in names {
                disk.remove(&name)?;
            }
            disk.sync_folder()?;
            Ok(Done::Removed)
        }
        Job::Fill { file, name, range } => {
            Ok(Done::Filled(fill(disk, &file, &name, range).is_ok()))
        }
        Job::Roll {
            old,
            cut,
            name,
            head,
        } => {
            if let Some(len) = cut {
                DiskFile::set_len(&old, len)?;
            }
            old.sync()?;
            publish(disk, &name, |file| file.write_at(&head, 0)).map(Done::Rolled)
        }
    }
}
