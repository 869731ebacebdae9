//! Who of several workers takes a connection: the one that has the fewest.
//!
//! The one idea: the kernel wakes whichever worker it likes for a listener that many watch (with
//! `io_uring` always the same one), so whoever accepts does not keep but *leads*: it gives the socket to
//! the worker with the fewest connections of this listener, by that worker's list and its wake-up
//! descriptor. `docs/decisions` holds the figures.
//!
//! ```text
//! accept → lead ─ fewest: self ──────────────────────────→ keep
//!               └ fewest: other → its guests, its wake-up → collect, in the other's turn
//! ```
//! A worker looks at its list before it sleeps and after it wakes; who comes in between has made the
//! descriptor readable. Who leaves is led to no more, and closes whoever waits on its list.

use std::mem;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The workers that accept on one listener.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    desks: Mutex<Vec<Arc<Desk>>>,
}

/// What others may know of a worker.
#[derive(Debug, Default)]
struct Desk {
    /// Connections that it has or is to collect. A hint: nothing is published by it.
    load: AtomicUsize,
    guests: Mutex<Vec<Guest>>,
    /// Wakes the worker; not there before its first turn.
    wake: OnceLock<OwnedFd>,
}

/// An accepted socket, and its place in the count.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) socket: OwnedFd,
    pub(super) stay: Stay,
}

/// Counts as one connection of a worker as long as it lives.
#[derive(Debug)]
pub(super) struct Stay(Arc<Desk>);

impl Stay {
    fn at(desk: &Arc<Desk>) -> Stay {
        desk.load.fetch_add(1, Ordering::Relaxed);
        Stay(desk.clone())
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker's place in a lobby.
pub(super) struct Seat {
    lobby: Arc<Lobby>,
    desk: Arc<Desk>,
}

impl Seat {
    pub(super) fn take(lobby: &Arc<Lobby>) -> Seat {
        let desk = Arc::new(Desk::default());
        lock(&lobby.desks).push(desk.clone());
        Seat {
            lobby: lobby.clone(),
            desk,
        }
    }

    /// From now on others may lead to this worker, which sleeps on `wake`.
    pub(super) fn wake_by(&self, wake: BorrowedFd<'_>) -> std::io::Result<()> {
        if self.desk.wake.get().is_none() {
            let wake = wake.try_clone_to_owned()?;
            // Only this worker sets it.
            let _ = self.desk.wake.set(wake);
        }
        Ok(())
    }

    /// Gives the socket, just accepted, to whom it is for; back if that is this worker.
    pub(super) fn lead(&self, socket: OwnedFd) -> Option<Guest> {
        // Held until the guest is on the list, so that nobody leaves in between.
        let desks = lock(&self.lobby.desks);
        let own = |desk: &Arc<Desk>| Arc::ptr_eq(desk, &self.desk);
        let desk = desks
            .iter()
            .filter(|desk| own(desk) || desk.wake.get().is_some())
            .min_by_key(|desk| (desk.load.load(Ordering::Relaxed), !own(desk)))
            .unwrap_or(&self.desk);
        let guest = Guest {
            socket,
            stay: Stay::at(desk),
        };
        match desk.wake.get() {
            Some(wake) if !own(desk) => {
                lock(&desk.guests).push(guest);
                super::ring_bell(wake);
                None
            }
            _ => Some(guest),
        }
    }

    /// Who was led here.
    pub(super) fn collect(&self) -> Vec<Guest> {
        mem::take(&mut *lock(&self.desk.guests))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.lobby.desks).retain(|desk| !Arc::ptr_eq(desk, &self.desk));
        // Each guest holds the desk that holds it.
        drop(self.collect());
    }
}

/// What these locks guard is whole at every moment, whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::Arc;

    use super::{Lobby, Seat};

    fn fd() -> OwnedFd {
        rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK).unwrap()
    }

    #[test]
    fn leads_to_who_has_the_fewest() {
        let lobby = Arc::new(Lobby::default());
        let (wake, other_wake) = (fd(), fd());
        let seat = Seat::take(&lobby);
        let other = Seat::take(&lobby);
        seat.wake_by(wake.as_fd()).unwrap();
        // The other has not begun: it could not be woken.
        let first = [seat.lead(fd()).unwrap(), seat.lead(fd()).unwrap()];
        other.wake_by(other_wake.as_fd()).unwrap();
        assert!(seat.lead(fd()).is_none() && seat.lead(fd()).is_none());
        assert!(rustix::io::read(&other_wake, &mut [0; 8]).is_ok(), "woken");
        assert!(rustix::io::read(&wake, &mut [0; 8]).is_err(), "not woken");
        let theirs = other.collect();
        assert_eq!((theirs.len(), other.collect().len()), (2, 0));
        // Even: whoever accepts keeps.
        let third = seat.lead(fd()).unwrap();
        // Two have left the other one.
        drop(theirs);
        assert!(other.lead(fd()).is_some());
        drop((first, third));
        // Who has left is led to no more, whatever the counts say, and closes who waited.
        let ours = [seat.lead(fd()), seat.lead(fd()), seat.lead(fd())];
        assert!(ours.iter().any(Option::is_none));
        drop(other);
        assert!(seat.lead(fd()).is_some());
        drop(seat);
        assert_eq!(lobby.desks.lock().unwrap().len(), 0);
    }
}
