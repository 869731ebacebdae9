//! `uring`: one `io_uring`, one system call a turn.
//!
//! The one idea: what a connection wants of the kernel is asked once (an accept and a receive go on by
//! themselves), and what it sends is one operation at a time, so that bytes keep their order however
//! short a send falls; the rest and what was queued meanwhile follow in the next turn. All that is asked
//! between two turns goes in one submission, which is also the wait.
//!
//! ```text
//! receiving   intake     means
//! some        Open       bytes come
//! none        Open       to be asked for in the next turn (new, resumed, or out of buffers)
//! some        Paused     being cancelled; what was received before still arrives
//! none        Paused     quiet
//! ```
//! Closing a connection frees its token at once; the operations in flight keep socket and buffer alive
//! until the kernel is done with them, and their completions find no tenant.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use seawall_sys::ring::{Done, InFlight, SocketCompletion, Sockets, Unavailable};

use super::epoll::Epoll;
use super::listener::Rest;
use super::lobby::{Guest, Seat, Stay};
use super::outbox::{Outbox, Spare};
use super::table::{Table, Token};
use super::{Entry, Event, Listener, Net, Opened};

/// Its line in the list.
pub const ENTRY: Entry = Entry {
    name: "uring",
    about: "io_uring: one system call a turn; epoll stands in where it is forbidden",
    open: || or_epoll(Uring::new()),
};

/// The loop, or `epoll` and a line that says why.
fn or_epoll(uring: Result<Uring, Unavailable>) -> io::Result<Opened> {
    Ok(match uring {
        Ok(net) => Opened {
            net: Box::new(net),
            notice: None,
        },
        Err(unavailable) => Opened {
            net: Box::new(Epoll::new()?),
            notice: Some(format!("{unavailable}; the network uses 'epoll' instead")),
        },
    })
}

/// Buffers for what is received in a turn.
const BUFFERS: u16 = 512;
const BUFFER_BYTES: u32 = 8 << 10;

/// Token of the wake-up descriptor. No connection has it: places are far fewer.
const WAKE: u64 = u64::MAX;
/// Token of a listener, with its number in the lower half: no place is so high.
const LISTENER: u64 = 0x8000_0000;

/// The loop.
pub struct Uring {
    sockets: Sockets,
    hall: Hall,
}

/// All that completions change.
struct Hall {
    ears: Vec<Ear>,
    keep_alive_s: u32,
    table: Table<Connection>,
    /// Want something asked of the kernel.
    dirty: Vec<Token>,
    /// Lost with operations in flight, which are to be cancelled.
    cancel: Vec<InFlight>,
    /// Closed by the caller, and not told yet.
    closed: Vec<Token>,
    spare: Spare,
    wake: Option<Wake>,
    /// What ends the loop.
    broken: Option<io::Error>,
}

struct Ear {
    listener: Listener,
    seat: Seat,
    socket: Rc<OwnedFd>,
    accepting: Option<InFlight>,
    rest: Rest,
}

struct Wake {
    fd: Rc<OwnedFd>,
    polling: Option<InFlight>,
}

struct Connection {
    socket: Rc<OwnedFd>,
    _stay: Stay,
    outbox: Outbox,
    intake: Intake,
    receiving: Option<InFlight>,
    sending: Option<InFlight>,
    dirty: bool,
    /// To be closed once nothing is queued.
    closing: bool,
}

/// What comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    Paused,
    /// Nothing more: the peer has ended, or the connection is closing.
    Over,
}

impl Uring {
    /// An empty loop, which belongs to the calling thread.
    ///
    /// # Errors
    /// Where `io_uring` is forbidden, absent or too old.
    pub fn new() -> Result<Uring, Unavailable> {
        Ok(Uring {
            sockets: Sockets::new(BUFFERS, BUFFER_BYTES)?,
            hall: Hall {
                ears: Vec::new(),
                keep_alive_s: super::KEEP_ALIVE_S,
                table: Table::new(),
                dirty: Vec::new(),
                cancel: Vec::new(),
                closed: Vec::new(),
                spare: Spare::default(),
                wake: None,
                broken: None,
            },
        })
    }

    /// Asks the kernel for what connections, listeners and the wake-up want; how long to wait.
    fn ask(&mut self, wake: BorrowedFd<'_>, mut wait: Duration) -> io::Result<Duration> {
        let Uring { sockets, hall } = self;
        if hall.wake.is_none() {
            hall.wake = Some(Wake {
                fd: Rc::new(wake.try_clone_to_owned()?),
                polling: None,
            });
        }
        if let Some(wake) = hall.wake.as_mut().filter(|wake| wake.polling.is_none()) {
            wake.polling = Some(sockets.readable(WAKE, &wake.fd));
        }
        for (number, ear) in hall.ears.iter_mut().enumerate() {
            if ear.accepting.is_some() {
                continue;
            }
            let now = Instant::now();
            ear.rest.is_over(now);
            match ear.rest.until() {
                Some(until) => wait = wait.min(until - now),
                None => {
                    ear.accepting = Some(sockets.accept(LISTENER | number as u64, &ear.socket));
                }
            }
        }
        for operation in hall.cancel.drain(..) {
            sockets.cancel(operation);
        }
        for conn in hall.dirty.drain(..) {
            let Some(connection) = hall.table.get_mut(conn) else {
                continue;
            };
            connection.dirty = false;
            let token = conn.to_bits();
            if connection.intake == Intake::Open && connection.receiving.is_none() {
                connection.receiving = Some(sockets.receive(token, &connection.socket));
            }
            if connection.sending.is_none()
                && let Some((piece, from)) = connection.outbox.lend()
            {
                connection.sending = Some(sockets.send(token, &connection.socket, piece, from));
            }
        }
        Ok(wait)
    }
}

impl Hall {
    fn soil(&mut self, conn: Token) {
        if let Some(connection) = self.table.get_mut(conn).filter(|c| !c.dirty) {
            connection.dirty = true;
            self.dirty.push(conn);
        }
    }

    fn completed(
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
        let Some(ear) = self.ears.get_mut(number) else {
            return;
        };
        if !more {
            ear.accepting = None;
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
    fn collect(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut any = false;
        for number in 0..self.ears.len() {
            for guest in self.ears[number].seat.collect() {
                self.welcome(guest, number, each);
                any = true;
            }
        }
        any
    }

    fn welcome(&mut self, guest: Guest, listener: usize, each: &mut dyn FnMut(Event<'_>)) {
        let Guest { socket, stay } = guest;
        let peer = self.ears[listener].listener.peer(socket.as_fd());
        let conn = self.table.insert(Connection {
            socket: Rc::new(socket),
            _stay: stay,
            outbox: Outbox::default(),
            intake: Intake::Open,
            receiving: None,
            sending: None,
            dirty: false,
            closing: false,
        });
        self.soil(conn);
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
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        if !more {
            connection.receiving = None;
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
            self.soil(conn);
        }
    }

    fn sent(
        &mut self,
        conn: Token,
        result: io::Result<usize>,
        piece: Vec<u8>,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        connection.sending = None;
        let taken = match result {
            Ok(taken) => taken,
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::INTR | Errno::AGAIN) => 0,
                _ => return self.lose(conn, each),
            },
        };
        connection.outbox.take_back(piece, taken, &mut self.spare);
        let left = connection.outbox.queued();
        let closing = connection.closing;
        if taken > 0 {
            each(Event::Sent { conn, left });
        }
        match left {
            0 if closing => self.lose(conn, each),
            0 => {}
            _ => self.soil(conn),
        }
    }

    fn lose(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        if self.forget(conn) {
            each(Event::Closed { conn });
        }
    }

    /// Frees the token. The socket is closed once nothing is in flight on it.
    fn forget(&mut self, conn: Token) -> bool {
        let Some(mut connection) = self.table.remove(conn) else {
            return false;
        };
        connection.outbox.clear(&mut self.spare);
        self.cancel.extend(connection.receiving);
        self.cancel.extend(connection.sending);
        if self.ears.iter().any(|ear| ear.rest.until().is_some()) {
            let now = Instant::now();
            self.ears.iter_mut().for_each(|ear| ear.rest.cut_short(now));
        }
        true
    }
}

impl Net for Uring {
    fn listen(&mut self, listener: Listener) -> io::Result<usize> {
        listener.prepare(self.hall.keep_alive_s)?;
        let socket = Rc::new(listener.as_fd().try_clone_to_owned()?);
        self.hall.ears.push(Ear {
            seat: listener.seat(),
            listener,
            socket,
            accepting: None,
            rest: Rest::default(),
        });
        Ok(self.hall.ears.len() - 1)
    }

    fn deafen(&mut self) {
        for ear in self.hall.ears.drain(..) {
            self.hall.cancel.extend(ear.accepting);
        }
    }

    fn keep_alive(&mut self, seconds: u32) -> io::Result<()> {
        self.hall.keep_alive_s = seconds;
        let mut ears = self.hall.ears.iter();
        ears.try_for_each(|ear| ear.listener.keep_alive(seconds))
    }

    fn turn(
        &mut self,
        wait: Duration,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        for ear in &self.hall.ears {
            ear.seat.wake_by(wake)?;
        }
        // Before anybody else is let in: who was closed has left its place.
        let closed = std::mem::take(&mut self.hall.closed);
        let mut pressing = !closed.is_empty();
        for conn in closed {
            each(Event::Closed { conn });
        }
        pressing |= self.hall.collect(each);
        let wait = self.ask(wake, wait)?;
        self.sockets
            .turn(if pressing { Duration::ZERO } else { wait })?;
        let hall = &mut self.hall;
        self.sockets
            .reap(|completion| hall.completed(completion, wake, each));
        self.hall.collect(each);
        self.hall.broken.take().map_or(Ok(()), Err)
    }

    fn send(&mut self, conn: Token, bytes: &[u8]) {
        let connection = self.hall.table.get_mut(conn);
        if let Some(connection) = connection.filter(|c| !c.closing) {
            connection.outbox.push(bytes, &mut self.hall.spare);
            self.hall.soil(conn);
        }
    }

    fn queued(&self, conn: Token) -> usize {
        self.hall.table.get(conn).map_or(0, |c| c.outbox.queued())
    }

    fn pause(&mut self, conn: Token, paused: bool) {
        let connection = self.hall.table.get_mut(conn);
        if let Some(connection) = connection.filter(|c| c.intake != Intake::Over) {
            if paused && connection.intake == Intake::Open {
                connection.intake = Intake::Paused;
                self.hall.cancel.extend(connection.receiving);
            } else if !paused {
                connection.intake = Intake::Open;
                self.hall.soil(conn);
            }
        }
    }

    fn close(&mut self, conn: Token) {
        if self.hall.forget(conn) {
            self.hall.closed.push(conn);
        }
    }

    fn close_after_sending(&mut self, conn: Token) {
        let Some(connection) = self.hall.table.get_mut(conn) else {
            return;
        };
        connection.closing = true;
        connection.intake = Intake::Over;
        if connection.outbox.is_empty() {
            self.close(conn);
        } else {
            self.hall.cancel.extend(connection.receiving);
        }
    }

    fn connections(&self) -> usize {
        self.hall.table.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Unavailable, or_epoll};

    #[test]
    fn where_it_is_forbidden_epoll_stands_in_and_says_so() {
        let opened = or_epoll(Err(Unavailable {
            reason: "forbidden".to_owned(),
            source: None,
        }))
        .unwrap();
        let notice = opened.notice.unwrap();
        assert!(notice.contains("forbidden") && notice.contains("'epoll'"));
        assert!(!notice.contains('\n'), "one line");
        assert_eq!(opened.net.connections(), 0);
    }
}
