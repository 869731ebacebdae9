//! The network loop's family: bytes in, bytes out, for many connections of one worker.
//!
//! The one idea: a [`Net`] is driven by turns. A turn hands everything queued to the kernel, sleeps if
//! it may, and tells what happened as [`Event`]s; between turns the caller queues more. So the replies
//! of a turn leave together, and a connection is named by a [`Token`] that never means another one.
//!
//! - [`uring`]: one `io_uring`, one system call a turn; `hall`: what its completions change.
//! - [`epoll`]: readiness and plain calls; the reference, and the fallback where `io_uring` is forbidden;
//!   `set`: what the kernel watches for it.
//!
//! What members share: `room` (listeners and connections of a loop), and in it `listener` (accepting
//! sockets and their options), `lobby` (which worker gets a connection), `outbox` (bytes that the kernel has
//! not taken), `table` (connections by token). It knows no protocol, no limit on clients and no store: those
//! are decided above, with [`Net::queued`], [`Net::pause`] and [`Net::close`].

pub mod epoll;
mod hall;
mod listener;
mod lobby;
mod outbox;
mod room;
mod set;
mod table;
pub mod uring;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

pub use listener::Listener;
pub use table::Token;

/// The members. The first one is taken where nobody says.
pub const LOOPS: &[Entry] = &[uring::ENTRY, epoll::ENTRY];

/// A member of the family.
pub struct Entry {
    /// As in `--net`.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Makes an empty loop, on the thread that will drive it.
    pub open: fn() -> io::Result<Opened>,
}

/// A new loop.
pub struct Opened {
    /// The loop.
    pub net: Box<dyn Net>,
    /// Where another member stands in for the one asked for: why, in a line for the operator. Every
    /// worker is told the same; one line is enough.
    pub notice: Option<String>,
}

/// The member called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    LOOPS.iter().find(|entry| entry.name == name)
}

/// Seconds of silence before a TCP peer is asked whether it is there, until told otherwise.
const KEEP_ALIVE_S: u32 = 300;

/// What happened to a connection. For each connection they come in the order `Accepted`, then any of
/// the others, then one `Closed`, after which its token names nothing. Only then somebody else may be
/// accepted in its place.
#[derive(Debug)]
pub enum Event<'a> {
    /// A peer has connected.
    Accepted {
        /// The new connection.
        conn: Token,
        /// What [`Net::listen`] returned for its listener.
        listener: usize,
        /// The peer's address and port; for a Unix socket the listener's path and `:0`.
        peer: String,
    },
    /// Bytes have come in, at least one.
    Received {
        /// The connection.
        conn: Token,
        /// The bytes, which live as long as the call.
        bytes: &'a [u8],
    },
    /// The peer sends no more, but may still read (it has shut down one direction, or is gone, which
    /// only a send can tell). What it had sent has been received. The connection stays until it is closed.
    Ended {
        /// The connection.
        conn: Token,
    },
    /// The kernel has taken some of what was queued.
    Sent {
        /// The connection.
        conn: Token,
        /// Bytes still queued.
        left: usize,
    },
    /// The connection is no more: closed on this side, reset by the peer, or failed. Whatever was still
    /// queued is lost.
    Closed {
        /// The connection that was.
        conn: Token,
    },
}

/// The network loop of one worker. A token that names nothing any more is ignored by every method.
pub trait Net {
    /// Accepts connections on `listener` from the next turn on; its number, from 0. Sockets get
    /// `TCP_NODELAY`, and keep-alive as last set. Several workers may share one ([`Listener::share`]).
    ///
    /// # Errors
    /// Where the socket's options cannot be set or the kernel refuses to watch it.
    fn listen(&mut self, listener: Listener) -> io::Result<usize>;

    /// Stops accepting for good and closes the listeners. Connections stay.
    fn deafen(&mut self);

    /// Seconds of silence after which the kernel asks whether a TCP peer is still there, for connections
    /// accepted from now on; 0 for never.
    ///
    /// # Errors
    /// Where the kernel refuses the value.
    fn keep_alive(&mut self, seconds: u32) -> io::Result<()>;

    /// One turn: hands what is queued to the kernel, waits up to `wait` for something to happen (zero:
    /// does not wait) or until `wake` is readable, and passes on what happened. It may wait less.
    ///
    /// `wake` is a non-blocking eventfd, the same at every turn; a turn that finds it readable empties it.
    ///
    /// # Errors
    /// Where the loop itself fails, and not one connection: it should end then.
    fn turn(
        &mut self,
        wait: Duration,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()>;

    /// Queues `bytes` behind what is queued already; the next turn sends.
    fn send(&mut self, conn: Token, bytes: &[u8]);

    /// Bytes queued that the kernel has not taken; 0 where there is no such connection.
    fn queued(&self, conn: Token) -> usize;

    /// Stops receiving (`true`) or goes on (`false`): back-pressure. What the kernel has already handed
    /// over still arrives in the next turn.
    fn pause(&mut self, conn: Token, paused: bool);

    /// Closes now: what is queued is dropped and nothing more is received. The next turn says `Closed`.
    fn close(&mut self, conn: Token);

    /// Receives no more, and closes once all that is queued has been sent.
    fn close_after_sending(&mut self, conn: Token);

    /// How many connections are open.
    fn connections(&self) -> usize;
}

/// Makes an eventfd readable.
#[expect(
    clippy::host_endian_bytes,
    reason = "an eventfd counts in the machine's own words"
)]
fn ring_bell(wake: &OwnedFd) {
    // It fails where the count is full, and then it is readable.
    let _ = rustix::io::write(wake, &1u64.to_ne_bytes());
}

/// Takes all wake-ups out of an eventfd.
fn empty(wake: BorrowedFd<'_>) {
    // It is non-blocking, and has nothing left where another wake-up's turn was quicker.
    let _ = rustix::io::read(wake, &mut [0; 8]);
}
