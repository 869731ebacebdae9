//! What a ring's completions change: connections come, hear, are heard and go.
//!
//! The one idea: the kernel's answers are taken in here and nothing is asked, so that all is asked in one
//! place of a turn; what is to be asked next is remembered as dirty, or as to be cancelled.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Instant;

use rustix::io::Errno;
use seawall_sys::ring::{Done, InFlight, SocketCompletion};

use super::Event;
use super::lobby::Guest;
use super::room::{Intake, Room};
use super::table::Token;

/// Token of the wake-up descriptor. No connection has it: places are far fewer.
pub(super) const WAKE: u64 = u64::MAX;
/// Token of a listener, with its number in the lower half: no place is so high.
pub(super) const LISTENER: u64 = 0x8000_0000;

/// All that completions change.
pub(super) struct Hall {
    pub(super) room: Room<Ear, Socket>,
    /// Lost with operations in flight, which are to be cancelled.
    pub(super) cancel: Vec<InFlight>,
    pub(super) wake: Option<Wake>,
    /// What ends the loop.
    pub(super) broken: Option<io::Error>,
}

/// What a listener is watched by.
pub(super) struct Ear {
    pub(super) socket: Rc<OwnedFd>,
    pub(super) accepting: Option<InFlight>,
}

/// The wake-up descriptor.
pub(super) struct Wake {
    pub(super) fd: Rc<OwnedFd>,
    pub(super) polling: Option<InFlight>,
}

/// What the kernel has of a connection.
pub(super) struct Socket {
    pub(super) fd: Rc<OwnedFd>,
    pub(super) receiving: Option<InFlight>,
    pub(super) sending: Option<InFlight>,
}

impl Hall {
    pub(super) fn new() -> Hall {
        Hall {
            room: Room::new(),
            cancel: Vec::new(),
            wake: None,
            broken: None,
        }
    }

    /// Takes in what the kernel has done.
    pub(super) fn completed(
        &mut self,
        completion: SocketCompletion<'_>,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let SocketCompletion { token, more, done } = completion;
        let conn = Token::from_bits(token);
        match done {
            Done::Readable(result) => {
                super::empty(wake);
                self.broken = result.err();
                if let Some(wake) = self.wake.as_mut().filter(|_| !more) {
                    wake.polling = None;
                }
            }
            Done::Accept(result) => self.accepted((token & !LISTENER) as usize, result, more, each),
            Done::Receive(result) => self.received(conn, result, more, each),
            Done::Send(result, piece) => self.sent(conn, result, piece, each),
        }
    }

    fn accepted(
        &mut self,
        number: usize,
        result: io::Result<OwnedFd>,
        more: bool,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        // Where the listener is gone, so is who came by it.
        let Some(ear) = self.room.ears.get_mut(number) else {
            return;
        };
        if !more {
            ear.watch.accepting = None;
        }
        match result {
            Ok(socket) => {
                if let Some(guest) = ear.seat.lead(socket) {
                    self.welcome(guest, number, each);
                }
            }
            Err(error) => match Errno::from_io_error(&error) {
                // This peer has gone; others may be there.
                Some(Errno::CONNABORTED | Errno::INTR | Errno::PROTO | Errno::AGAIN) => {}
                _ => ear.rest.begin(Instant::now()),
            },
        }
    }

    /// Takes in those whom other workers have led here. Whether there were any.
    pub(super) fn collect(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
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
        let socket = Socket {
            fd: Rc::new(socket),
            receiving: None,
            sending: None,
        };
        let conn = self.room.enter(socket, stay);
        self.room.soil(conn);
        each(Event::Accepted {
            conn,
            listener,
            peer,
        });
    }

    fn received(
        &mut self,
        conn: Token,
        result: io::Result<&[u8]>,
        more: bool,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let Some(connection) = self.room.get_mut(conn) else {
            return;
        };
        if !more {
            connection.kernel.receiving = None;
        }
        let over = connection.intake == Intake::Over;
        match result {
            _ if over => {}
            Ok([]) => {
                connection.intake = Intake::Over;
                each(Event::Ended { conn });
            }
            Ok(bytes) => each(Event::Received { conn, bytes }),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::CANCELED | Errno::NOBUFS | Errno::INTR | Errno::AGAIN) => {}
                _ => return self.lose(conn, each),
            },
        }
        if !more && !over {
            self.room.soil(conn);
        }
    }

    fn sent(
        &mut self,
        conn: Token,
        result: io::Result<usize>,
        piece: Vec<u8>,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let Some((connection, spare)) = self.room.with_spare(conn) else {
            return;
        };
        connection.kernel.sending = None;
        let taken = match result {
            Ok(taken) => taken,
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::INTR | Errno::AGAIN) => 0,
                _ => return self.lose(conn, each),
            },
        };
        connection.outbox.take_back(piece, taken, spare);
        let left = connection.outbox.queued();
        let closing = connection.closing;
        if taken > 0 {
            each(Event::Sent { conn, left });
        }
        match left {
            0 if closing => self.lose(conn, each),
            0 => {}
            _ => self.room.soil(conn),
        }
    }

    fn lose(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        if self.forget(conn) {
            each(Event::Closed { conn });
        }
    }

    /// Frees the token. The socket is closed once nothing is in flight on it.
    pub(super) fn forget(&mut self, conn: Token) -> bool {
        let Some(socket) = self.room.forget(conn) else {
            return false;
        };
        self.cancel.extend(socket.receiving);
        self.cancel.extend(socket.sending);
        true
    }
}
