//! `epoll`: readiness, level-triggered, and plain non-blocking calls.
//!
//! The one idea: a socket stands in the kernel's set exactly for what the loop wants from it. It leaves
//! the set while nothing is wanted (a paused or half-closed peer with nothing queued), since errors and
//! hang-ups are reported whether asked for or not, and would be reported without end. Sending is tried
//! first; the kernel is asked for writability only after it took less than it was given.
//!
//! One receive of at most 64 KiB a connection and turn keeps the loop fair.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};

use super::lobby::Guest;
use super::outbox::PIECE_BYTES;
use super::room::{Intake, Room};
use super::set::{Set, Socket, Whose, asked};
use super::table::Token;
use super::{Entry, Event, Listener, Net, Opened};

/// Its line in the list.
pub const ENTRY: Entry = Entry {
    name: "epoll",
    about: "readiness and plain calls: works wherever Linux does",
    open: || {
        Ok(Opened {
            net: Box::new(Epoll::new()?),
            notice: None,
        })
    },
};

/// The most bytes received from a connection in one turn.
const INBOX_BYTES: usize = 64 << 10;
/// The most sockets that are told ready in one turn; the kernel goes round among more.
const EVENTS_MAX: usize = 1024;
/// The most connections accepted from one listener in one turn.
const ACCEPTS_MAX: usize = 256;

/// The loop.
pub struct Epoll {
    set: Set,
    ready: Vec<epoll::Event>,
    room: Room<(), Socket>,
    inbox: Vec<u8>,
}

impl Epoll {
    /// An empty loop.
    ///
    /// # Errors
    /// Where the kernel has no more descriptors or memory.
    pub fn new() -> io::Result<Epoll> {
        Ok(Epoll {
            set: Set::new()?,
            ready: Vec::with_capacity(EVENTS_MAX),
            room: Room::new(),
            inbox: vec![0; INBOX_BYTES],
        })
    }

    /// Sends what is queued. Whether the caller should hear of it before anyone sleeps.
    fn flush(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut pressing = false;
        let mut dirty = self.room.take_dirty();
        for conn in dirty.drain(..) {
            // A socket known to be full waits for its event.
            if let Some(connection) = self.room.clean(conn)
                && !connection.kernel.blocked
            {
                pressing |= self.send_queued(conn, each);
            }
        }
        self.room.cleaned(dirty);
        pressing
    }

    fn send_queued(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some((connection, spare)) = self.room.with_spare(conn) else {
            return false;
        };
        let before = connection.outbox.queued();
        let socket = &mut connection.kernel;
        socket.blocked = false;
        let mut failed = false;
        while let Some(bytes) = connection.outbox.front() {
            let asked = bytes.len();
            match send(&socket.fd, bytes, SendFlags::NOSIGNAL) {
                Ok(taken) => {
                    connection.outbox.advance(taken, spare);
                    socket.blocked = taken < asked;
                }
                Err(Errno::AGAIN) => socket.blocked = true,
                Err(Errno::INTR) => {}
                Err(_) => failed = true,
            }
            if socket.blocked || failed {
                break;
            }
        }
        let left = connection.outbox.queued();
        // Whoever waits for room goes on before anyone sleeps.
        let roomy = before - left >= PIECE_BYTES || connection.intake == Intake::Paused;
        let closing = connection.closing;
        if left < before {
            each(Event::Sent { conn, left });
        }
        if failed || (closing && left == 0) {
            self.drop_connection(conn, each);
            return true;
        }
        self.update_interest(conn, each) || (roomy && left < before)
    }

    fn receive(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        let Some(connection) = self.room.get_mut(conn) else {
            return;
        };
        match recv(
            &connection.kernel.fd,
            &mut self.inbox[..],
            RecvFlags::empty(),
        ) {
            Ok((0, _)) => {
                connection.intake = Intake::Over;
                each(Event::Ended { conn });
                self.update_interest(conn, each);
            }
            Ok((received, _)) => each(Event::Received {
                conn,
                bytes: &self.inbox[..received],
            }),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.drop_connection(conn, each),
        }
    }

    /// Makes the kernel's set agree with what is wanted. Whether the connection was lost by it.
    fn update_interest(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some(connection) = self.room.get_mut(conn) else {
            return false;
        };
        let lost = self.set.agree(conn, connection).is_err();
        if lost {
            self.drop_connection(conn, each);
        }
        lost
    }

    /// Closes the socket, which takes it out of the kernel's set.
    fn drop_connection(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        if self.room.forget(conn).is_some() {
            each(Event::Closed { conn });
        }
    }

    fn accept(&mut self, number: usize, each: &mut dyn FnMut(Event<'_>)) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        for _ in 0..ACCEPTS_MAX {
            let Some(ear) = self.room.ears.get_mut(number) else {
                return;
            };
            match accept_with(&ear.listener, flags) {
                Ok(socket) => {
                    if let Some(guest) = ear.seat.lead(socket) {
                        self.welcome(guest, number, each);
                    }
                }
                Err(Errno::AGAIN) => return,
                // This peer has gone; others may be there.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO) => {}
                Err(_) => {
                    ear.rest.begin(Instant::now());
                    // Where even this fails, the next turn tries to accept, and rests again.
                    let _ = self.set.leave(&ear.listener);
                    return;
                }
            }
        }
    }

    /// Takes in those whom other workers have led here. Whether there were any.
    fn collect(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut any = false;
        for (number, guest) in self.room.ears.guests() {
            self.welcome(guest, number, each);
            any = true;
        }
        any
    }

    fn welcome(&mut self, guest: Guest, listener: usize, each: &mut dyn FnMut(Event<'_>)) {
        let Guest { socket, stay } = guest;
        let Some(ear) = self.room.ears.get(listener) else {
            return;
        };
        let peer = ear.listener.peer(socket.as_fd());
        let conn = self.room.enter(Socket::new(socket), stay);
        let connection = self.room.get_mut(conn);
        if connection.is_some_and(|own| self.set.agree(conn, own).is_err()) {
            // Never told, so never missed.
            self.room.forget(conn);
            return;
        }
        each(Event::Accepted {
            conn,
            listener,
            peer,
        });
    }

    /// Lets listeners whose rest is over accept again; how long the others still rest.
    fn rouse(&mut self, mut wait: Duration) -> io::Result<Duration> {
        if !self.room.ears.rests() {
            return Ok(wait);
        }
        let now = Instant::now();
        for (number, ear) in self.room.ears.iter_mut() {
            if ear.rest.is_over(now) {
                self.set.listen(number, &ear.listener)?;
            } else if let Some(until) = ear.rest.until() {
                wait = wait.min(until - now);
            }
        }
        Ok(wait)
    }

    fn happened(
        &mut self,
        event: epoll::Event,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let conn = match Whose::of(event) {
            Whose::Wake => return super::empty(wake),
            Whose::Listener(number) => return self.accept(number, each),
            Whose::Connection(conn) => conn,
        };
        let Some(interest) = self.room.get(conn).map(|own| own.kernel.interest()) else {
            return;
        };
        let (to_send, to_receive) = asked(event, interest);
        if to_send {
            self.send_queued(conn, each);
        }
        if to_receive {
            self.receive(conn, each);
        }
    }
}

impl Net for Epoll {
    fn listen(&mut self, listener: Listener) -> io::Result<usize> {
        let set = &self.set;
        let watch = |number, listener: &Listener| set.listen(number, listener);
        self.room.ears.add(listener, watch)
    }

    fn deafen(&mut self) {
        for ear in self.room.ears.drain() {
            // It must leave the set by name: a clone of the socket may keep it open. One that rests has left.
            let _ = self.set.leave(&ear.listener);
        }
    }

    fn keep_alive(&mut self, seconds: u32) -> io::Result<()> {
        self.room.ears.keep_alive(seconds)
    }

    fn turn(
        &mut self,
        wait: Duration,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        self.set.wake_by(wake)?;
        let mut pressing = self.flush(each);
        pressing |= self.room.tell_closed(each);
        self.room.ears.wake_by(wake)?;
        pressing |= self.collect(each);
        let wait = self.rouse(wait)?;
        let wait = if pressing { Duration::ZERO } else { wait };
        self.set.wait(wait, &mut self.ready)?;
        let ready = std::mem::take(&mut self.ready);
        for event in &ready {
            self.happened(*event, wake, each);
        }
        self.ready = ready;
        self.collect(each);
        Ok(())
    }

    fn send(&mut self, conn: Token, bytes: &[u8]) {
        self.room.send(conn, bytes);
    }

    fn queued(&self, conn: Token) -> usize {
        self.room.queued(conn)
    }

    fn pause(&mut self, conn: Token, paused: bool) {
        let connection = self.room.get_mut(conn);
        if let Some(connection) = connection.filter(|c| c.intake != Intake::Over) {
            connection.intake = if paused { Intake::Paused } else { Intake::Open };
            if self.set.agree(conn, connection).is_err() {
                self.close(conn);
            }
        }
    }

    fn close(&mut self, conn: Token) {
        if self.room.forget(conn).is_some() {
            self.room.was_closed(conn);
        }
    }

    fn close_after_sending(&mut self, conn: Token) {
        let Some(connection) = self.room.get_mut(conn) else {
            return;
        };
        connection.closing = true;
        connection.intake = Intake::Over;
        let nothing_queued = connection.outbox.is_empty();
        if nothing_queued || self.set.agree(conn, connection).is_err() {
            self.close(conn);
        }
    }

    fn connections(&self) -> usize {
        self.room.len()
    }
}
