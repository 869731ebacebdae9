//! Rings between threads, and how a thread sleeps until one moves.
//!
//! A ring is `rtrb`'s: bounded, lock-free, one producer and one consumer; a batch is published with
//! one store. Sleeping follows Dekker: who is about to sleep says so and then looks once more; who
//! produced something looks whether anyone said so. One of the two always sees the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use crossbeam_utils::sync::{Parker, Unparker};

/// How many messages a ring holds.
pub(super) const RING_SLOTS: usize = 256;

/// Wakes a thread, if it sleeps.
#[derive(Debug)]
pub(super) struct Waker {
    asleep: AtomicBool,
    unparker: Unparker,
}

impl Waker {
    /// To be called after something was published for the thread.
    pub(super) fn wake(&self) {
        // SeqCst: pairs with the fence in `sleep`; of "published" and "asleep" one side sees the
        // other's.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.unparker.unpark();
        }
    }
}

/// How a thread sleeps.
#[derive(Debug)]
pub(super) struct Sleeper {
    parker: Parker,
    waker: Arc<Waker>,
}

impl Sleeper {
    pub(super) fn new() -> Sleeper {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        Sleeper {
            parker,
            waker: Arc::new(Waker {
                asleep: AtomicBool::new(false),
                unparker,
            }),
        }
    }

    /// What wakes this thread.
    pub(super) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Sleeps until woken, or for `at_most`, unless something `is_ready`.
    pub(super) fn sleep(&self, at_most: Duration, is_ready: impl FnOnce() -> bool) {
        self.waker.asleep.store(true, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `wake`.
        fence(Ordering::SeqCst);
        if !is_ready() {
            self.parker.park_timeout(at_most);
        }
        self.waker.asleep.store(false, Ordering::Relaxed);
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
