//! What both loops have alike: the listeners, the connections by token, and what is queued for each.
//!
//! The one idea: a loop adds to a listener what it watches it by (`W`) and to a connection what the kernel
//! has of it (`K`), and asks for the rest here. It asks the kernel for nothing.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use super::listener::Rest;
use super::lobby::{Guest, Seat, Stay};
use super::outbox::{Outbox, Spare};
use super::table::{Table, Token};
use super::{Event, KEEP_ALIVE_S, Listener};

/// A listener, and the worker's place among those who accept on it.
pub(super) struct Ear<W> {
    pub(super) listener: Listener,
    pub(super) seat: Seat,
    pub(super) rest: Rest,
    pub(super) watch: W,
}

/// The listeners of a loop, by their numbers.
pub(super) struct Ears<W> {
    list: Vec<Ear<W>>,
    keep_alive_s: u32,
}

impl<W> Ears<W> {
    pub(super) fn new() -> Ears<W> {
        Ears {
            list: Vec::new(),
            keep_alive_s: KEEP_ALIVE_S,
        }
    }

    /// Takes one more, which `watch` makes the loop hear of; its number.
    pub(super) fn add(
        &mut self,
        listener: Listener,
        watch: impl FnOnce(usize, &Listener) -> io::Result<W>,
    ) -> io::Result<usize> {
        listener.prepare(self.keep_alive_s)?;
        let number = self.list.len();
        self.list.push(Ear {
            watch: watch(number, &listener)?,
            seat: listener.seat(),
            listener,
            rest: Rest::default(),
        });
        Ok(number)
    }

    pub(super) fn keep_alive(&mut self, seconds: u32) -> io::Result<()> {
        self.keep_alive_s = seconds;
        let mut all = self.list.iter();
        all.try_for_each(|ear| ear.listener.keep_alive(seconds))
    }

    /// From now on others may lead connections here.
    pub(super) fn wake_by(&self, wake: BorrowedFd<'_>) -> io::Result<()> {
        self.list.iter().try_for_each(|ear| ear.seat.wake_by(wake))
    }

    /// Those whom other workers have led here, with the listener's number.
    pub(super) fn guests(&self) -> impl Iterator<Item = (usize, Guest)> + use<W> {
        let of = |(number, ear): (usize, &Ear<W>)| {
            let guests = ear.seat.collect();
            (!guests.is_empty()).then_some((number, guests))
        };
        let all: Vec<_> = self.list.iter().enumerate().filter_map(of).collect();
        all.into_iter()
            .flat_map(|(number, guests)| guests.into_iter().map(move |guest| (number, guest)))
    }

    pub(super) fn get(&self, number: usize) -> Option<&Ear<W>> {
        self.list.get(number)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Ear<W>> {
        self.list.get_mut(number)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Ear<W>)> {
        self.list.iter_mut().enumerate()
    }

    /// Forgets all of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Ear<W>> {
        self.list.drain(..)
    }

    /// Whether any rests.
    pub(super) fn rests(&self) -> bool {
        self.list.iter().any(|ear| ear.rest.until().is_some())
    }

    /// A descriptor is free again.
    fn cut_rests_short(&mut self) {
        if self.rests() {
            let now = Instant::now();
            self.list.iter_mut().for_each(|ear| ear.rest.cut_short(now));
        }
    }
}

/// What comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    Open,
    Paused,
    /// Nothing more: the peer has ended, or the connection is closing.
    Over,
}

/// A connection.
pub(super) struct Connection<K> {
    /// What the kernel has of it.
    pub(super) kernel: K,
    pub(super) outbox: Outbox,
    pub(super) intake: Intake,
    /// To be closed once nothing is queued.
    pub(super) closing: bool,
    dirty: bool,
    _stay: Stay,
}

/// Listeners and connections of a loop.
pub(super) struct Room<W, K> {
    pub(super) ears: Ears<W>,
    pub(super) spare: Spare,
    table: Table<Connection<K>>,
    /// Want something of the kernel.
    dirty: Vec<Token>,
    /// Closed by the caller, and not told yet.
    closed: Vec<Token>,
}

impl<W, K> Room<W, K> {
    pub(super) fn new() -> Room<W, K> {
        Room {
            ears: Ears::new(),
            spare: Spare::default(),
            table: Table::new(),
            dirty: Vec::new(),
            closed: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, kernel: K, stay: Stay) -> Token {
        self.table.insert(Connection {
            kernel,
            outbox: Outbox::default(),
            intake: Intake::Open,
            closing: false,
            dirty: false,
            _stay: stay,
        })
    }

    pub(super) fn get(&self, conn: Token) -> Option<&Connection<K>> {
        self.table.get(conn)
    }

    pub(super) fn get_mut(&mut self, conn: Token) -> Option<&mut Connection<K>> {
        self.table.get_mut(conn)
    }

    /// A connection, and where its emptied pieces go.
    pub(super) fn with_spare(&mut self, conn: Token) -> Option<(&mut Connection<K>, &mut Spare)> {
        let connection = self.table.get_mut(conn)?;
        Some((connection, &mut self.spare))
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn queued(&self, conn: Token) -> usize {
        self.get(conn).map_or(0, |c| c.outbox.queued())
    }

    /// Queues bytes, which is nothing for one that is closing.
    pub(super) fn send(&mut self, conn: Token, bytes: &[u8]) {
        if let Some((connection, spare)) = self.with_spare(conn).filter(|(c, _)| !c.closing) {
            connection.outbox.push(bytes, spare);
            self.soil(conn);
        }
    }

    /// It wants something of the kernel.
    pub(super) fn soil(&mut self, conn: Token) {
        if let Some(connection) = self.table.get_mut(conn).filter(|c| !c.dirty) {
            connection.dirty = true;
            self.dirty.push(conn);
        }
    }

    /// Those that want something of the kernel; the list is given back by [`Room::cleaned`].
    pub(super) fn take_dirty(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.dirty)
    }

    /// One of them, which from now on may want something again.
    pub(super) fn clean(&mut self, conn: Token) -> Option<&mut Connection<K>> {
        let connection = self.table.get_mut(conn)?;
        connection.dirty = false;
        Some(connection)
    }

    /// Keeps the memory of a list that was gone through.
    pub(super) fn cleaned(&mut self, mut list: Vec<Token>) {
        list.clear();
        list.append(&mut self.dirty);
        self.dirty = list;
    }

    /// Frees the token; what the kernel has of the connection is the caller's.
    pub(super) fn forget(&mut self, conn: Token) -> Option<K> {
        let mut connection = self.table.remove(conn)?;
        connection.outbox.clear(&mut self.spare);
        self.ears.cut_rests_short();
        Some(connection.kernel)
    }

    /// It was closed by the caller, who is to be told.
    pub(super) fn was_closed(&mut self, conn: Token) {
        self.closed.push(conn);
    }

    /// Tells of those that were closed by the caller. Whether there were any.
    pub(super) fn tell_closed(&mut self, each: &mut dyn FnMut(Event<'_>)) -> bool {
        let any = !self.closed.is_empty();
        for conn in self.closed.drain(..) {
            each(Event::Closed { conn });
        }
        any
    }
}
