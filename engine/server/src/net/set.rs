//! The kernel's set of an `epoll` loop: which descriptors stand in it, and for what.
//!
//! The one idea: a connection's [`Socket`] remembers what it stands in the set for, so that the kernel is
//! asked only where that changes, and what is told of it later can be held to it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::Listener;
use super::room::{Connection, Intake};
use super::table::Token;

/// What the kernel carries for the wake-up descriptor. No connection has it: places are far fewer.
const WAKE: u64 = u64::MAX;
/// What it carries for a listener, with the listener's number in the lower half: no place is so high.
const LISTENER: u64 = 0x8000_0000;

/// What the kernel has of a connection.
pub(super) struct Socket {
    pub(super) fd: OwnedFd,
    /// The kernel took less than it was given: ask when it takes more.
    pub(super) blocked: bool,
    /// What the socket stands in the set for; nothing: it is not in it.
    interest: EventFlags,
}

impl Socket {
    pub(super) fn new(fd: OwnedFd) -> Socket {
        Socket {
            fd,
            blocked: false,
            interest: EventFlags::empty(),
        }
    }

    pub(super) fn interest(&self) -> EventFlags {
        self.interest
    }
}

impl Connection<Socket> {
    fn wanted(&self) -> EventFlags {
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, self.intake == Intake::Open);
        wanted.set(EventFlags::OUT, self.kernel.blocked);
        wanted
    }
}

/// The set.
pub(super) struct Set {
    fd: OwnedFd,
    wake: Option<RawFd>,
}

impl Set {
    pub(super) fn new() -> io::Result<Set> {
        Ok(Set {
            fd: epoll::create(CreateFlags::CLOEXEC)?,
            wake: None,
        })
    }

    pub(super) fn wake_by(&mut self, wake: BorrowedFd<'_>) -> io::Result<()> {
        if self.wake != Some(wake.as_raw_fd()) {
            epoll::add(&self.fd, wake, EventData::new_u64(WAKE), EventFlags::IN)?;
            self.wake = Some(wake.as_raw_fd());
        }
        Ok(())
    }

    /// Several workers may watch one socket: the kernel wakes one of them.
    pub(super) fn listen(&self, number: usize, listener: &Listener) -> io::Result<()> {
        let data = EventData::new_u64(LISTENER | number as u64);
        let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
        Ok(epoll::add(&self.fd, listener, data, flags)?)
    }

    pub(super) fn leave(&self, listener: &Listener) -> io::Result<()> {
        Ok(epoll::delete(&self.fd, listener)?)
    }

    /// Lets a connection stand in the set for what it wants.
    pub(super) fn agree(
        &self,
        conn: Token,
        connection: &mut Connection<Socket>,
    ) -> rustix::io::Result<()> {
        let wanted = connection.wanted();
        let socket = &mut connection.kernel;
        let had = socket.interest;
        let data = EventData::new_u64(conn.to_bits());
        match (had.is_empty(), wanted.is_empty()) {
            _ if had == wanted => Ok(()),
            (true, _) => epoll::add(&self.fd, &socket.fd, data, wanted),
            (false, true) => epoll::delete(&self.fd, &socket.fd),
            (false, false) => epoll::modify(&self.fd, &socket.fd, data, wanted),
        }?;
        socket.interest = wanted;
        Ok(())
    }

    /// Waits until something is ready, which `ready` then holds, or the time is over.
    pub(super) fn wait(&self, wait: Duration, ready: &mut Vec<epoll::Event>) -> io::Result<()> {
        let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
        ready.clear();
        match epoll::wait(&self.fd, spare_capacity(ready), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whose readiness is told.
pub(super) enum Whose {
    Wake,
    Listener(usize),
    Connection(Token),
}

impl Whose {
    pub(super) fn of(event: epoll::Event) -> Whose {
        match event.data.u64() {
            WAKE => Whose::Wake,
            data if data & LISTENER != 0 => Whose::Listener((data & !LISTENER) as usize),
            data => Whose::Connection(Token::from_bits(data)),
        }
    }
}

/// Which calls an event asks of a socket that stands in the set for `interest`: to send, to receive.
/// Errors and hang-ups show in the call that is wanted.
pub(super) fn asked(event: epoll::Event, interest: EventFlags) -> (bool, bool) {
    let told = event.flags;
    let broken = told.intersects(EventFlags::ERR | EventFlags::HUP);
    let is = |flag| interest.contains(flag) && (broken || told.contains(flag));
    (is(EventFlags::OUT), is(EventFlags::IN))
}
