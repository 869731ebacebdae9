//! Ahead: pages for memory that is about to be used, asked of the system by somebody who has time.
//!
//! The first touch of a page is the longest thing that ever happens to a request: the kernel has to find and
//! clear a page, and a host may have to find it first, which takes some microseconds for a small page and some
//! milliseconds for a huge one. So one thread of the store does nothing but ask for the
//! pages next to those in use (`MADV_POPULATE_WRITE`). Owners tell it how far they came. It alone asks for huge pages:
//! whoever is quicker than it, or has an older kernel, touches small ones, in whose place it then puts a huge
//! one (`MADV_COLLAPSE`). What was asked for and is not reached by a store that stopped growing is given back.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::range::CHUNK_BYTES;

/// How far small pages are asked for at once.
pub(super) const SMALL_STEP_BYTES: usize = 256 << 10;
/// The same of huge pages: one.
const HUGE_STEP_BYTES: usize = CHUNK_BYTES;
/// Jobs that may wait: who finds no room does without.
const JOBS_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// The thread that asks for pages. It ends when every handle is gone.
#[derive(Clone, Debug)]
pub struct Populator(SyncSender<Job>);

impl Populator {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system grants none.
    pub fn start() -> io::Result<Populator> {
        let (sender, jobs) = sync_channel::<Job>(JOBS_MAX);
        std::thread::Builder::new()
            .name("populate".to_owned())
            .spawn(move || {
                // Where the system refuses, it is only more in the way.
                let _ = seawall_sys::pin::stand_back();
                for job in jobs {
                    job();
                }
            })?;
        Ok(Populator(sender))
    }

    /// Lets `populate` run on the thread; `None` where so much waits there that it will not.
    pub fn ask(&self, populate: impl FnOnce() + Send + 'static) -> Option<Asked> {
        let done = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&done);
        let job = Box::new(move || {
            populate();
            // Release: pairs with the acquire in `Asked::is_done`.
            told.store(true, Ordering::Release);
        });
        self.0.try_send(job).is_ok().then_some(Asked(done))
    }
}

/// Puts pages behind `part` of `memory`, huge ones where `huge`. Where the system cannot, they come with the first
/// touch.
#[cfg(not(miri))]
pub(super) fn populate(memory: &seawall_sys::map::Reserved, part: Range<usize>, huge: bool) {
    if huge {
        let _ = memory.advise(part.clone(), true);
        for begin in part.clone().step_by(HUGE_STEP_BYTES) {
            let page = begin..part.end.min(begin + HUGE_STEP_BYTES);
            // It fails where nobody was quicker.
            if memory.collapse(page.clone()).is_err() {
                let _ = memory.populate(page);
            }
        }
    } else {
        let _ = memory.populate(part);
    }
}

/// Something that was asked of a populator.
#[derive(Debug)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        // Acquire: pairs with the release in the job: its pages come no more.
        self.0.load(Ordering::Acquire)
    }
}

/// The edge of a mapping that is used from its beginning on: pages beyond it are asked for.
#[derive(Debug)]
pub struct Edge {
    populator: Option<Populator>,
    /// From so many bytes in use on huge pages are asked for.
    huge_from: usize,
    /// Pages up to here are there, or were asked for.
    end: usize,
    /// From so many bytes in use on, further ones are asked for.
    next: usize,
    asked: Option<Asked>,
}

impl Edge {
    /// The edge of a mapping that gets huge pages from `huge_from` bytes in use on. Nobody asks for pages yet.
    pub fn new(huge_from: usize) -> Edge {
        Edge {
            populator: None,
            huge_from,
            end: SMALL_STEP_BYTES,
            next: usize::MAX,
            asked: None,
        }
    }

    /// Asks for pages from now on.
    pub fn populate_by(&mut self, populator: Populator) {
        self.populator = Some(populator);
        self.next = SMALL_STEP_BYTES / 4;
    }

    /// `used` bytes are in use; `populate` asks the system for pages of a part, which are huge where it is told so.
    #[inline]
    pub fn reach(
        &mut self,
        used: usize,
        populate: impl FnOnce() -> Box<dyn FnOnce(Range<usize>, bool) + Send>,
    ) {
        if used >= self.next {
            self.go_on(used, populate());
        }
    }

    #[cold]
    fn go_on(&mut self, used: usize, populate: Box<dyn FnOnce(Range<usize>, bool) + Send>) {
        let Some(populator) = &self.populator else {
            return;
        };
        let huge = used >= self.huge_from;
        let (begin, step) = if huge {
            // Where it is late, small pages are in use there.
            (
                self.end / HUGE_STEP_BYTES * HUGE_STEP_BYTES,
                HUGE_STEP_BYTES,
            )
        } else {
            (
                self.end.max(used.next_multiple_of(SMALL_STEP_BYTES)),
                SMALL_STEP_BYTES,
            )
        };
        let end = (self.end.max(used) + 1).next_multiple_of(step);
        self.asked = populator.ask(move || populate(begin..end, huge));
        if self.asked.is_some() {
            self.end = end;
            // Long before: the thread may have to wait for a core.
            self.next = end - step / 8 * 7;
        } else {
            self.next = used + step / 8;
        }
    }

    /// The mapping does not grow now: gives huge pages beyond `used` back by `discard`. They were never used.
    pub fn rest(&mut self, used: usize, discard: impl FnOnce(Range<usize>)) {
        let begin = used.next_multiple_of(HUGE_STEP_BYTES);
        if used >= self.huge_from
            && begin < self.end
            && self.asked.take_if(|asked| asked.is_done()).is_some()
        {
            discard(begin..self.end);
            self.end = begin;
            // Not with the next byte, lest a store that grows slowly asks and gives back all the time.
            self.next = used + (begin - used) / 2 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn an_edge_is_ahead_of_what_is_used_by_two_steps_at_most() {
        let (huge_from, all) = (4 * HUGE_STEP_BYTES, 16 * HUGE_STEP_BYTES);
        let mut edge = Edge::new(huge_from);
        let (sender, parts) = channel();
        let populate = || {
            let sender = sender.clone();
            let send = move |part, huge| sender.send((part, huge)).expect("the test listens");
            Box::new(send) as Box<dyn FnOnce(Range<usize>, bool) + Send>
        };
        edge.reach(1 << 30, populate);
        edge.populate_by(Populator::start().unwrap());
        let mut end = SMALL_STEP_BYTES;
        for used in (0..all).step_by(4096) {
            edge.reach(used, populate);
            if edge.end > end {
                let huge = used >= huge_from;
                let begin = if huge {
                    end / HUGE_STEP_BYTES * HUGE_STEP_BYTES
                } else {
                    end
                };
                assert_eq!(parts.recv().unwrap(), (begin..edge.end, huge));
                end = edge.end;
            }
            assert!(used < end, "{used} is used before its pages were asked for");
            let step = if used < huge_from {
                SMALL_STEP_BYTES
            } else {
                HUGE_STEP_BYTES
            };
            assert!(end <= used + 2 * step, "{end} at {used}");
        }
        assert!(parts.try_recv().is_err());
        let used = all - 4096;
        // What is still under way is not given back, since it may come after.
        while !edge.asked.as_ref().unwrap().is_done() {
            std::thread::yield_now();
        }
        let mut given = None;
        edge.rest(used, |part| given = Some(part));
        assert_eq!(given, Some(all..end));
        edge.rest(used, |part| panic!("{part:?} was given back before"));
        edge.reach(used + 1, populate);
        assert!(parts.try_recv().is_err(), "not asked for at once");
        edge.reach(all - 1, populate);
        assert_eq!(parts.recv().unwrap(), (all..end, true));
    }
}
