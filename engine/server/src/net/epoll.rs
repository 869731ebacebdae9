//! `epoll`: readiness, level-triggered, and plain non-blocking calls.
//!
//! The one idea: a socket stands in the kernel's set exactly for what the loop wants from it. It leaves
//! the set while nothing is wanted (a paused or half-closed peer with nothing queued), since errors and
//! hang-ups are reported whether asked for or not, and would be reported without end. Sending is tried
//! first; the kernel is asked for writability only after it took less than it was given.
//!
//! One receive of at most 64 KiB a connection and turn keeps the loop fair.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};

use super::listener::Rest;
use super::lobby::{Guest, Seat, Stay};
use super::outbox::{Outbox, PIECE_BYTES, Spare};
use super::table::{Table, Token};
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

/// What the kernel carries for the wake-up descriptor. No connection has it: places are far fewer.
const WAKE: u64 = u64::MAX;
/// What it carries for a listener, with the listener's number in the lower half: no place is so high.
const LISTENER: u64 = 0x8000_0000;

/// The loop.
pub struct Epoll {
    set: OwnedFd,
    ready: Vec<epoll::Event>,
    ears: Vec<Ear>,
    keep_alive_s: u32,
    table: Table<Connection>,
    /// Have something to send, or are to be closed once they have nothing.
    dirty: Vec<Token>,
    /// Closed by the caller, and not told yet.
    closed: Vec<Token>,
    spare: Spare,
    inbox: Vec<u8>,
    wake: Option<RawFd>,
}

struct Ear {
    listener: Listener,
    seat: Seat,
    rest: Rest,
}

struct Connection {
    socket: OwnedFd,
    _stay: Stay,
    outbox: Outbox,
    intake: Intake,
    dirty: bool,
    /// To be closed once nothing is queued.
    closing: bool,
    /// The kernel took less than it was given: ask when it takes more.
    blocked: bool,
    /// What the socket stands in the kernel's set for; nothing: it is not in it.
    interest: EventFlags,
}

/// What comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    Paused,
    /// Nothing more: the peer has ended, or the connection is closing.
    Over,
}

impl Connection {
    fn wanted(&self) -> EventFlags {
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, self.intake == Intake::Open);
        wanted.set(EventFlags::OUT, self.blocked);
        wanted
    }
}

impl Epoll {
    /// An empty loop.
    ///
    /// # Errors
    /// Where the kernel has no more descriptors or memory.
    pub fn new() -> io::Result<Epoll> {
        Ok(Epoll {
            set: epoll::create(CreateFlags::CLOEXEC)?,
            ready: Vec::with_capacity(EVENTS_MAX),
            ears: Vec::new(),
            keep_alive_s: super::KEEP_ALIVE_S,
            table: Table::new(),
            dirty: Vec::new(),
            closed: Vec::new(),
            spare: Spare::default(),
            inbox: vec![0; INBOX_BYTES],
            wake: None,
        })
    }

    fn watch_wake(&mut self, wake: BorrowedFd<'_>) -> io::Result<()> {
        if self.wake != Some(wake.as_raw_fd()) {
            epoll::add(&self.set, wake, EventData::new_u64(WAKE), EventFlags::IN)?;
            self.wake = Some(wake.as_raw_fd());
        }
        Ok(())
    }

    /// Sends what is queued. Whether the caller should hear of it before anyone sleeps.
    fn flush(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut pressing = false;
        let mut dirty = std::mem::take(&mut self.dirty);
        for conn in dirty.drain(..) {
            if let Some(connection) = self.table.get_mut(conn) {
                connection.dirty = false;
                // A socket known to be full waits for its event.
                if !connection.blocked {
                    pressing |= self.send_queued(conn, each);
                }
            }
        }
        self.dirty = dirty;
        pressing
    }

    fn send_queued(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some(connection) = self.table.get_mut(conn) else {
            return false;
        };
        let before = connection.outbox.queued();
        connection.blocked = false;
        let mut failed = false;
        while let Some(bytes) = connection.outbox.front() {
            let asked = bytes.len();
            match send(&connection.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(taken) => {
                    connection.outbox.advance(taken, &mut self.spare);
                    connection.blocked = taken < asked;
                }
                Err(Errno::AGAIN) => connection.blocked = true,
                Err(Errno::INTR) => {}
                Err(_) => failed = true,
            }
            if connection.blocked || failed {
                break;
            }
        }
        let left = connection.outbox.queued();
        // Whoever waits for room goes on before anyone sleeps.
        let roomy = before - left >= PIECE_BYTES || connection.intake == Intake::Paused;
        if left < before {
            each(Event::Sent { conn, left });
        }
        if failed || (connection.closing && left == 0) {
            self.drop_connection(conn, each);
            return true;
        }
        self.update_interest(conn, each) || (roomy && left < before)
    }

    fn receive(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        match recv(&connection.socket, &mut self.inbox[..], RecvFlags::empty()) {
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
        let Some(connection) = self.table.get_mut(conn) else {
            return false;
        };
        let lost = agree(&self.set, conn, connection).is_err();
        if lost {
            self.drop_connection(conn, each);
        }
        lost
    }

    fn drop_connection(&mut self, conn: Token, each: &mut dyn FnMut(Event<'_>)) {
        if self.forget(conn) {
            each(Event::Closed { conn });
        }
    }

    /// Closes the socket, which takes it out of the kernel's set.
    fn forget(&mut self, conn: Token) -> bool {
        let Some(mut connection) = self.table.remove(conn) else {
            return false;
        };
        connection.outbox.clear(&mut self.spare);
        drop(connection);
        if self.ears.iter().any(|ear| ear.rest.until().is_some()) {
            let now = Instant::now();
            self.ears.iter_mut().for_each(|ear| ear.rest.cut_short(now));
        }
        true
    }

    fn accept(&mut self, number: usize, each: &mut dyn FnMut(Event<'_>)) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        for _ in 0..ACCEPTS_MAX {
            let Some(ear) = self.ears.get_mut(number) else {
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
                    let _ = epoll::delete(&self.set, &ear.listener);
                    return;
                }
            }
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
            socket,
            _stay: stay,
            outbox: Outbox::default(),
            intake: Intake::Open,
            dirty: false,
            closing: false,
            blocked: false,
            interest: EventFlags::empty(),
        });
        let connection = self.table.get_mut(conn).expect("just inserted");
        if agree(&self.set, conn, connection).is_err() {
            // Never told, so never missed.
            self.table.remove(conn);
            return;
        }
        each(Event::Accepted {
            conn,
            listener,
            peer,
        });
    }

    /// Lets listeners whose rest is over accept again; how long the others still rest.
    fn rouse(&mut self, wait: Duration) -> io::Result<Duration> {
        if self.ears.iter().all(|ear| ear.rest.until().is_none()) {
            return Ok(wait);
        }
        let now = Instant::now();
        let mut wait = wait;
        for (number, ear) in self.ears.iter_mut().enumerate() {
            if ear.rest.is_over(now) {
                listen_on(&self.set, number, &ear.listener)?;
            } else if let Some(until) = ear.rest.until() {
                wait = wait.min(until - now);
            }
        }
        Ok(wait)
    }

    fn wait(&mut self, wait: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
        self.ready.clear();
        match epoll::wait(&self.set, spare_capacity(&mut self.ready), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn happened(
        &mut self,
        event: epoll::Event,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) {
        let (data, flags) = (event.data.u64(), event.flags);
        if data == WAKE {
            super::empty(wake);
            return;
        }
        if data & LISTENER != 0 {
            self.accept((data & !LISTENER) as usize, each);
            return;
        }
        let conn = Token::from_bits(data);
        let Some(interest) = self.table.get(conn).map(|connection| connection.interest) else {
            return;
        };
        // Errors and hang-ups show in the call that is wanted.
        let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        if interest.contains(EventFlags::OUT) && (broken || flags.contains(EventFlags::OUT)) {
            self.send_queued(conn, each);
        }
        if interest.contains(EventFlags::IN) && (broken || flags.contains(EventFlags::IN)) {
            self.receive(conn, each);
        }
    }
}

impl Net for Epoll {
    fn listen(&mut self, listener: Listener) -> io::Result<usize> {
        listener.prepare(self.keep_alive_s)?;
        let number = self.ears.len();
        listen_on(&self.set, number, &listener)?;
        self.ears.push(Ear {
            seat: listener.seat(),
            listener,
            rest: Rest::default(),
        });
        Ok(number)
    }

    fn deafen(&mut self) {
        for ear in self.ears.drain(..) {
            // It must leave the set by name: a clone of the socket may keep it open. One that rests has left.
            let _ = epoll::delete(&self.set, &ear.listener);
        }
    }

    fn keep_alive(&mut self, seconds: u32) -> io::Result<()> {
        self.keep_alive_s = seconds;
        self.ears
            .iter()
            .try_for_each(|ear| ear.listener.keep_alive(seconds))
    }

    fn turn(
        &mut self,
        wait: Duration,
        wake: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        self.watch_wake(wake)?;
        let mut pressing = self.flush(each);
        for conn in std::mem::take(&mut self.closed) {
            each(Event::Closed { conn });
            pressing = true;
        }
        for ear in &self.ears {
            ear.seat.wake_by(wake)?;
        }
        pressing |= self.collect(each);
        let wait = self.rouse(wait)?;
        self.wait(if pressing { Duration::ZERO } else { wait })?;
        let ready = std::mem::take(&mut self.ready);
        for event in &ready {
            self.happened(*event, wake, each);
        }
        self.ready = ready;
        self.collect(each);
        Ok(())
    }

    fn send(&mut self, conn: Token, bytes: &[u8]) {
        if let Some(connection) = self.table.get_mut(conn).filter(|c| !c.closing) {
            connection.outbox.push(bytes, &mut self.spare);
            if !connection.dirty {
                connection.dirty = true;
                self.dirty.push(conn);
            }
        }
    }

    fn queued(&self, conn: Token) -> usize {
        self.table.get(conn).map_or(0, |c| c.outbox.queued())
    }

    fn pause(&mut self, conn: Token, paused: bool) {
        let connection = self.table.get_mut(conn);
        if let Some(connection) = connection.filter(|c| c.intake != Intake::Over) {
            connection.intake = if paused { Intake::Paused } else { Intake::Open };
            if agree(&self.set, conn, connection).is_err() {
                self.close(conn);
            }
        }
    }

    fn close(&mut self, conn: Token) {
        if self.forget(conn) {
            self.closed.push(conn);
        }
    }

    fn close_after_sending(&mut self, conn: Token) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        connection.closing = true;
        connection.intake = Intake::Over;
        let nothing_queued = connection.outbox.is_empty();
        if nothing_queued || agree(&self.set, conn, connection).is_err() {
            self.close(conn);
        }
    }

    fn connections(&self) -> usize {
        self.table.len()
    }
}

/// Several workers may watch one socket: the kernel wakes one of them.
fn listen_on(set: &OwnedFd, number: usize, listener: &Listener) -> io::Result<()> {
    let data = EventData::new_u64(LISTENER | number as u64);
    let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
    Ok(epoll::add(set, listener, data, flags)?)
}

fn agree(set: &OwnedFd, conn: Token, connection: &mut Connection) -> rustix::io::Result<()> {
    let (had, wanted) = (connection.interest, connection.wanted());
    let data = EventData::new_u64(conn.to_bits());
    match (had.is_empty(), wanted.is_empty()) {
        _ if had == wanted => Ok(()),
        (true, _) => epoll::add(set, &connection.socket, data, wanted),
        (false, true) => epoll::delete(set, &connection.socket),
        (false, false) => epoll::modify(set, &connection.socket, data, wanted),
    }?;
    connection.interest = wanted;
    Ok(())
}
