//! The ticket: the right to make shards stand still, one caller's at a time, first come first served.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::ring::Waker;

/// Nobody has the ticket.
const NOBODY: u64 = 0;

/// Who has the ticket, and who waits for it.
pub(in crate::store) struct Ticket {
    /// Who has it.
    holder: AtomicU64,
    queue: Mutex<VecDeque<(u64, Arc<Waker>)>>,
    /// Numbers of callers, from 1.
    callers: AtomicU64,
}

impl Ticket {
    pub(in crate::store) fn new() -> Ticket {
        Ticket {
            holder: AtomicU64::new(NOBODY),
            queue: Mutex::new(VecDeque::new()),
            callers: AtomicU64::new(NOBODY),
        }
    }

    /// A number for a new caller.
    pub(super) fn caller(&self) -> u64 {
        // Relaxed: numbers only differ.
        self.callers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// `caller` wants it, and is woken when it is its turn.
    pub(super) fn want(&self, caller: u64, waker: &Arc<Waker>) {
        let mut queue = self.queue();
        if self.holder.load(Ordering::Relaxed) == NOBODY {
            self.holder.store(caller, Ordering::Relaxed);
        } else {
            queue.push_back((caller, Arc::clone(waker)));
        }
    }

    /// Whether it is the turn of `caller`.
    pub(super) fn is_of(&self, caller: u64) -> bool {
        // Acquire: pairs with the release in `pass`; one caller follows another.
        self.holder.load(Ordering::Acquire) == caller
    }

    /// `caller` has no use for it any more.
    pub(super) fn pass(&self, caller: u64) {
        let mut queue = self.queue();
        queue.retain(|(waiting, _)| *waiting != caller);
        // Relaxed: only this caller could have given it to somebody else.
        if self.holder.load(Ordering::Relaxed) != caller {
            return;
        }
        match queue.pop_front() {
            Some((next, waker)) => {
                self.holder.store(next, Ordering::Release);
                drop(queue);
                waker.wake();
            }
            None => self.holder.store(NOBODY, Ordering::Release),
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Waker>)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ring::Sleeper;

    #[test]
    fn first_come_first_served() {
        let (ticket, sleeper) = (Ticket::new(), Sleeper::new());
        let callers = [ticket.caller(), ticket.caller(), ticket.caller()];
        for caller in callers {
            ticket.want(caller, sleeper.waker());
        }
        assert!(ticket.is_of(callers[0]));
        ticket.pass(callers[1]);
        assert!(
            ticket.is_of(callers[0]),
            "who waited and left changes nothing"
        );
        ticket.pass(callers[0]);
        assert!(ticket.is_of(callers[2]));
        ticket.pass(callers[2]);
        assert!(!callers.iter().any(|&caller| ticket.is_of(caller)));
        ticket.want(callers[1], sleeper.waker());
        assert!(ticket.is_of(callers[1]));
    }
}
