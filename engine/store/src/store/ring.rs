//! Rings between threads, and how a thread sleeps until one moves.
//!
//! A ring is `rtrb`'s: bounded, lock-free, one producer and one consumer; a batch is published with
//! one store. Sleeping follows Dekker: who is about to sleep says so and then looks once more; who
//! produced something looks whether anyone said so. One of the two always sees the other.
//!
//! A thread sleeps in one of two ways: parked on its own ([`Sleeper::sleep`]), or in a system call of
//! its caller's that also watches an eventfd ([`Sleeper::doze`]), as a network loop does. Who wakes it
//! makes a system call only where it sleeps; a log's device rings its eventfd always.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::sync::{Parker, Unparker};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::log::device::Bell;
use crate::sync::{AtomicU8, Ordering, fence};

/// How many messages a ring holds.
pub(super) const RING_SLOTS: usize = 256;

/// What a thread says of itself: it runs,
pub(super) const AWAKE: u8 = 0;
/// it is parked, or about to be,
pub(super) const PARKED: u8 = 1;
/// it is in a system call that watches its bell, or about to be.
const DOZING: u8 = 2;

/// Says whether a thread sleeps, and how: the part of [`Waker`] that interleavings are about.
#[derive(Debug)]
pub(super) struct Asleep(AtomicU8);

impl Asleep {
    pub(super) fn new() -> Asleep {
        Asleep(AtomicU8::new(AWAKE))
    }

    /// Says that the thread sleeps in the way `how` from now on; whether it may, since nothing
    /// `is_ready`.
    pub(super) fn begin(&self, how: u8, is_ready: impl FnOnce() -> bool) -> bool {
        self.0.store(how, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `rouse`; of "published" and "asleep" one side sees the
        // other's.
        fence(Ordering::SeqCst);
        let may = !is_ready();
        if !may {
            self.end();
        }
        may
    }

    pub(super) fn end(&self) {
        self.0.store(AWAKE, Ordering::Relaxed);
    }

    /// How the thread sleeps, if it does: one caller alone is told, and has to wake it.
    pub(super) fn rouse(&self) -> u8 {
        // SeqCst: pairs with the fence in `begin`.
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) == AWAKE {
            return AWAKE;
        }
        self.0.swap(AWAKE, Ordering::Relaxed)
    }
}

/// Wakes a thread, if it sleeps.
#[derive(Debug)]
pub struct Waker {
    asleep: Asleep,
    unparker: Unparker,
    bell: Option<Arc<OwnedFd>>,
}

impl Waker {
    /// To be called after something was published for the thread. A system call only where it sleeps.
    pub fn wake(&self) {
        match self.asleep.rouse() {
            AWAKE => {}
            PARKED => self.unparker.unpark(),
            _ => {
                if let Some(bell) = &self.bell {
                    // Any number rings. It fails only where the counter is full: it rings already.
                    let _ = rustix::io::write(bell, &[1; 8]);
                }
            }
        }
    }

    /// What becomes readable when a worker that [dozes](super::Worker::doze) is woken: an eventfd.
    ///
    /// # Panics
    /// The thread is no worker.
    pub fn fd(&self) -> BorrowedFd<'_> {
        let bell = self.bell.as_ref();
        bell.expect("a worker has a bell").as_fd()
    }
}

/// How a thread sleeps.
#[derive(Debug)]
pub(super) struct Sleeper {
    parker: Parker,
    waker: Arc<Waker>,
}

impl Sleeper {
    /// Of a thread that sleeps parked.
    pub(super) fn new() -> Sleeper {
        Sleeper::with(None)
    }

    /// Of a thread that may also doze.
    ///
    /// # Errors
    /// The system grants no eventfd.
    pub(super) fn with_bell() -> io::Result<Sleeper> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Sleeper::with(Some(Arc::new(bell))))
    }

    fn with(bell: Option<Arc<OwnedFd>>) -> Sleeper {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        Sleeper {
            parker,
            waker: Arc::new(Waker {
                asleep: Asleep::new(),
                unparker,
                bell,
            }),
        }
    }

    /// What wakes this thread.
    pub(super) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// What a device rings that works for this thread, where it has a bell; whether it is the only one.
    pub(super) fn bell(&self, is_for_one: bool) -> Option<Bell> {
        let fd = Arc::clone(self.waker.bell.as_ref()?);
        let (bell, waker) = (Arc::clone(&fd), Arc::clone(&self.waker));
        let ring = Arc::new(move || {
            // Also where the thread is awake: it does not look at the device once more before it sleeps, and hears in
            // its sleep what was rung before. It fails only where the counter is full: it rings already.
            let _ = rustix::io::write(&bell, &[1; 8]);
            waker.wake();
        });
        Some(Bell {
            fd,
            ring,
            is_for_one,
        })
    }

    /// Sleeps as [`Sleeper::sleep`], and hears the bell as well.
    pub(super) fn nap(&self, at_most: Duration, is_ready: impl FnOnce() -> bool) {
        let Some(bell) = &self.waker.bell else {
            return self.sleep(at_most, is_ready);
        };
        if self.doze(is_ready) {
            let mut watched = [PollFd::new(bell, PollFlags::IN)];
            let at_most = Timespec::try_from(at_most).ok();
            // It fails where a signal comes: then there may be something to do.
            let _ = poll(&mut watched, at_most.as_ref());
            self.rouse();
        }
    }

    /// Sleeps until woken, or for `at_most`, unless something `is_ready`.
    pub(super) fn sleep(&self, at_most: Duration, is_ready: impl FnOnce() -> bool) {
        if self.waker.asleep.begin(PARKED, is_ready) {
            self.parker.park_timeout(at_most);
            self.waker.asleep.end();
        }
    }

    /// Says that the thread goes to sleep in a system call that watches [`Waker::fd`]; whether it may,
    /// since nothing `is_ready`.
    pub(super) fn doze(&self, is_ready: impl FnOnce() -> bool) -> bool {
        self.waker.asleep.begin(DOZING, is_ready)
    }

    /// The thread is back from dozing.
    pub(super) fn rouse(&self) {
        self.waker.asleep.end();
        if let Some(bell) = &self.waker.bell {
            // It fails where nobody rang.
            let _ = rustix::io::read(bell, &mut [0; 8]);
        }
    }
}

/// Publishes as many of `queue`'s front as `ring` has room for, with one store; how many.
pub(super) fn publish<T>(
    ring: &mut rtrb::Producer<T>,
    queue: &mut std::collections::VecDeque<T>,
) -> usize {
    let count = ring.slots().min(queue.len());
    if count == 0 {
        return 0;
    }
    let chunk = ring
        .write_chunk_uninit(count)
        .expect("so many slots were just free");
    chunk.fill_from_iter(queue.drain(..count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A device may be done between the last look at it and the sleep.
    #[test]
    fn what_a_device_rings_before_the_sleep_is_heard_in_it() {
        const AT_MOST: Duration = Duration::from_secs(30);
        let sleeper = Sleeper::with_bell().unwrap();
        let bell = sleeper.bell(true).unwrap();
        let begin = std::time::Instant::now();
        (bell.ring)();
        sleeper.nap(AT_MOST, || false);
        assert!(begin.elapsed() < AT_MOST);
        // It was heard: the next sleep is one.
        let begin = std::time::Instant::now();
        sleeper.nap(Duration::from_millis(20), || false);
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn no_message_is_slept_through() {
        let (mut to, mut from) = rtrb::RingBuffer::<u32>::new(4);
        let sleeper = Sleeper::new();
        let waker = Arc::clone(sleeper.waker());
        let count = 20_000;
        let producer = std::thread::spawn(move || {
            let mut queue: VecDeque<u32> = (0..count).collect();
            while !queue.is_empty() {
                if publish(&mut to, &mut queue) == 0 {
                    std::thread::yield_now();
                }
                waker.wake();
            }
        });
        let mut expected = 0;
        while expected < count {
            match from.pop() {
                Ok(number) => {
                    assert_eq!(number, expected);
                    expected += 1;
                }
                // A wake-up that got lost would show as a test that takes hours.
                Err(_) => sleeper.sleep(Duration::from_mins(1), || !from.is_empty()),
            }
        }
        producer.join().unwrap();
    }
}
