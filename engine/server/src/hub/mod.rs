//! The clients of one worker: what the network tells goes to connections, what they ask to the store,
//! and answers back.

mod mail;
mod queue;
mod seat;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use seawall_store::command::server::{FLUSHALL, FLUSHDB};
use seawall_store::event::Classes;
use seawall_store::reply::ReplyBuf;
use seawall_store::store::{Answered, Change, Waker};
use seawall_store::{Millis, Op, StoreError, Worker};

use crate::connection::{Batch, Budget, Connection, Language, Timers, tag, untag};
use crate::limits::Limits;
use crate::net::{Event, Net, Token};
use crate::notify;
use crate::server::Server;
use seat::{Flushed, Life, Seat};

/// How often connections go on with what answers made possible before the network is asked again.
const ROUNDS_MAX: usize = 8;
/// How long commands of all clients run before what was answered is sent. A turn has to take less than 0.5 ms, and
/// sending, receiving and what no client asks for take up to as much again.
const BUDGET: Duration = Duration::from_micros(200);
/// Who asks the store where no client does.
const NOBODY: u32 = u32::MAX;
/// Between two looks at every client.
const CRON_MS: u64 = 100;

/// What they are told, by what they speak.
const fn full(language: Language) -> &'static [u8] {
    match language {
        Language::Resp => b"-ERR max number of clients reached\r\n",
        Language::Memcached => b"ERROR Too many open connections\r\n",
    }
}

/// Redis's code and first words; what to do about it is said in ours.
const PROTECTED: &[u8] =
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password \
is set for the default user. In this mode connections are only accepted from the loopback interface. \
Set requirepass, or set protected-mode to no from the machine itself if the port is not open to others.\r\n";
const PROTECTED_MEMCACHED: &[u8] =
    b"SERVER_ERROR protected mode: only clients of this machine are served\r\n";

/// The clients of one worker.
pub struct Hub {
    server: Arc<Server>,
    number: usize,
    store: Worker,
    /// The addresses of the listeners and what is spoken there, by their numbers.
    local: Vec<(String, Language)>,
    seats: Vec<Option<Box<Seat>>>,
    free: Vec<u32>,
    /// The seat of each of the network's places, from 1; 0: none.
    seat_of: Vec<u32>,
    occupied: usize,
    /// Seats whose connection may go on: who waits longest is in front.
    runnable: VecDeque<u32>,
    /// The seat whose connection spent the turn's budget, with more to do: the others go on before it.
    spender: Option<u32>,
    budget: Budget,
    /// Seats whose connection has something for the network.
    dirty: Vec<u32>,
    /// Who came and may not stay, and what they are told.
    turned_away: Vec<(Token, &'static [u8])>,
    timers: Timers,
    limits: Arc<Limits>,
    limits_version: u64,
    scratch: ReplyBuf,
    batch: Batch,
    now: Millis,
    cron_at: Millis,
    busy: bool,
    /// Whether the time is that of before the network waited.
    slept: bool,
    left: bool,
    /// The attempt to end the server for which writes wait.
    closing: Option<u64>,
    /// The one in which it was said that none is on its way.
    quiet_in: Option<u64>,
    /// Removals of all keys for Memcached's clients that are on their way.
    flushes: usize,
}

impl Hub {
    /// Nobody yet.
    pub fn new(server: Arc<Server>, mut store: Worker, local: Vec<(String, Language)>) -> Hub {
        let classes = server.notifications.classes();
        // Told by one worker, which was the first to begin: a later one would undo what clients changed.
        if store.number() == 0 && classes != Classes::NONE {
            store.configure(&Change::Notify(classes));
        }
        store.withhold();
        let limits_version = server.limits_version();
        let limits = server.limits();
        let number = store.number();
        let waker = store.waker();
        server.woken_by(number, move || waker.wake());
        Hub {
            now: server.store.now(),
            server,
            number,
            store,
            local,
            seats: Vec::new(),
            free: Vec::new(),
            seat_of: Vec::new(),
            occupied: 0,
            runnable: VecDeque::new(),
            spender: None,
            budget: Budget::of(BUDGET),
            dirty: Vec::new(),
            turned_away: Vec::new(),
            timers: Timers::default(),
            limits,
            limits_version,
            scratch: ReplyBuf::default(),
            batch: Batch::default(),
            cron_at: Millis(0),
            busy: true,
            slept: false,
            left: false,
            closing: None,
            quiet_in: None,
            flushes: 0,
        }
    }

    /// How long the network may wait, and what wakes it.
    pub fn sleep(&mut self, at_most: Duration) -> (Duration, Arc<Waker>) {
        self.slept = true;
        self.budget.renew();
        self.runnable.extend(self.spender.take());
        let waker = self.store.waker();
        let mailbox = self.server.mailbox(self.number);
        if self.busy || !self.store.doze(|| !mailbox.is_empty()) {
            return (Duration::ZERO, waker);
        }
        let next = self.timers.next().into_iter().chain(self.store.next_sync());
        let next = next.min().map_or(u64::MAX, |at| at.since(self.now));
        (at_most.min(Duration::from_millis(next)), waker)
    }

    /// The network is back.
    pub fn rouse(&mut self) {
        self.store.rouse();
    }

    /// Whether nobody is left whom this worker serves.
    pub fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// Says, once, that this worker's clients are gone; whether it did now.
    pub fn leave(&mut self) -> bool {
        !std::mem::replace(&mut self.left, true) && {
            self.server.desert();
            true
        }
    }

    /// Waits until all that was logged is durable.
    ///
    /// # Errors
    /// It will not be: a disk failed.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.store.sync()
    }

    /// Whether what else has come by now should be taken in before the turn: it shares a sync that takes longer than that.
    pub fn gathers(&self) -> bool {
        self.store.awaits_sync() && !self.budget.is_spent()
    }

    /// Takes in what the network tells.
    pub fn event(&mut self, event: Event<'_>) {
        if std::mem::take(&mut self.slept) {
            // What came in came while the network waited: it must not happen at a time before that.
            self.now = self.server.awake();
            self.follow_limits();
            self.store.see(self.now);
            // Who found the budget of the last turn spent goes before whoever comes now.
            self.go_on();
        }
        match event {
            Event::Accepted {
                conn,
                listener,
                peer,
            } => self.accept(conn, listener, peer),
            Event::Received { conn, bytes } => {
                // What was published before these bytes were sent is heard before what they ask; what was written
                // before is there.
                self.take_mail();
                self.store.catch_up();
                let traffic = self.server.traffic.of(self.number);
                traffic.reads.add(1);
                traffic.input_bytes.add(bytes.len() as u64);
                self.with(conn, |connection, turn| connection.receive(bytes, turn));
            }
            Event::Ended { conn } => self.with(conn, |connection, _| connection.end()),
            Event::Sent { conn, left } => {
                if let Some(slot) = self.slot(conn)
                    && let Some(seat) = &mut self.seats[slot as usize]
                    && seat.sent(left, self.now)
                {
                    self.set_runnable(slot);
                }
            }
            Event::Closed { conn } => self.closed(conn),
        }
    }

    /// Sees to it that the bounds are those of now.
    fn follow_limits(&mut self) {
        if self.limits_version != self.server.limits_version() {
            self.limits_version = self.server.limits_version();
            self.limits = self.server.limits();
        }
    }

    /// One turn: messages, timers, shards, answers, and what those make possible.
    pub fn turn(&mut self) {
        self.now = self.server.awake();
        self.follow_limits();
        self.take_mail();
        while let Some((slot, place)) = self.timers.take(self.now) {
            self.with_slot(slot, |connection, turn| connection.time_is_up(place, turn));
            self.set_runnable(slot);
        }
        self.slept = false;
        for round in 0..ROUNDS_MAX {
            let server = &self.server;
            let each = |event: &_| notify::publish(server, event);
            let turn = if round == 0 {
                self.store.turn_telling(self.now, each)
            } else {
                self.store.go_on_telling(self.now, each)
            };
            self.busy = turn.busy || self.spender.is_some();
            self.take_answers();
            if self.runnable.is_empty() {
                break;
            }
            self.busy = true;
            if self.budget.is_spent() {
                break;
            }
            self.go_on();
        }
        if self.now >= self.cron_at {
            self.cron_at = self.now + CRON_MS;
            self.cron();
        }
        self.follow_end();
    }

    /// Gives the network what is to be sent and closed.
    pub fn flush(&mut self, net: &mut dyn Net) {
        for (token, why) in self.turned_away.drain(..) {
            net.send(token, why);
            net.close_after_sending(token);
        }
        for slot in std::mem::take(&mut self.dirty) {
            let Some(seat) = &mut self.seats[slot as usize] else {
                continue;
            };
            seat.is_dirty = false;
            match seat.flush(net, &self.store, &self.server, &self.limits, self.now) {
                Flushed::Stays => {}
                Flushed::Waits => {
                    seat.is_dirty = true;
                    self.dirty.push(slot);
                }
                Flushed::Vacant => self.vacate(slot),
                Flushed::GoesOn => {
                    self.set_runnable(slot);
                    self.busy = true;
                }
            }
        }
    }

    /// Closes everyone when they have heard what they asked.
    pub fn close_all(&mut self) {
        for slot in 0..self.seats.len() as u32 {
            self.with_slot(slot, |connection, turn| {
                connection.told(&[], turn);
                connection.end();
                connection.client.closing = true;
            });
        }
    }

    /// Closes everyone at once.
    pub fn break_all(&mut self) {
        for slot in 0..self.seats.len() as u32 {
            self.with_slot(slot, |connection, _| connection.break_off());
        }
    }

    fn accept(&mut self, token: Token, listener: usize, peer: String) {
        // What was set before a client came holds for it, a password above all.
        self.follow_limits();
        if self.server.clients.count() >= self.limits.clients {
            let language = self.local[listener].1;
            self.turned_away.push((token, full(language)));
            self.server.traffic.of(self.number).rejected.add(1);
            return;
        }
        let (local, language) = self.local[listener].clone();
        let is_open = self.limits.protects && self.limits.password.is_empty();
        if is_open && !crate::clients::is_of_this_machine(&peer) {
            let why = match language {
                Language::Resp => PROTECTED,
                Language::Memcached => PROTECTED_MEMCACHED,
            };
            self.turned_away.push((token, why));
            self.server.traffic.of(self.number).rejected.add(1);
            return;
        }
        let clients = &self.server.clients;
        self.server.traffic.of(self.number).accepted.add(1);
        let card = clients.enter(self.number, token, peer, local, self.now);
        let connection = Connection::new(card, language, &self.limits);
        let seat = Box::new(Seat::new(token, connection));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() as u32 - 1
        });
        self.seats[slot as usize] = Some(seat);
        self.occupied += 1;
        let place = token.index();
        if self.seat_of.len() <= place {
            self.seat_of.resize(place + 1, 0);
        }
        self.seat_of[place] = slot + 1;
    }

    fn closed(&mut self, token: Token) {
        let Some(slot) = self.slot(token) else {
            return;
        };
        self.seat_of[token.index()] = 0;
        if let Some(seat) = &mut self.seats[slot as usize] {
            seat.life = Life::Gone;
            self.server.clients.leave(seat.connection.client.card.id);
        }
        self.with_slot(slot, Connection::leave);
    }

    fn vacate(&mut self, slot: u32) {
        self.seats[slot as usize] = None;
        self.free.push(slot);
        self.occupied -= 1;
    }

    fn take_answers(&mut self) {
        let (seats, timers) = (&mut self.seats, &mut self.timers);
        let (runnable, dirty) = (&mut self.runnable, &mut self.dirty);
        let (server, now, flushes) = (&self.server, self.now, &mut self.flushes);
        let calls = &server.calls;
        let mut at = None;
        self.store.answers(|tag, answered: Answered<'_>| {
            let (slot, place) = untag(tag);
            if slot == NOBODY {
                *flushes -= 1;
                return;
            }
            let Some(seat) = &mut seats[slot as usize] else {
                return;
            };
            let reply = match answered {
                Answered::Reply(reply) => Some(reply),
                Answered::Cancelled => Some(seat.connection.reply_given_up()),
                Answered::Parked { .. } | Answered::Stats(_) => None,
            };
            if let Some(reply) = reply
                && let Some(begun) = seat.connection.settle(place)
            {
                let card = &seat.connection.client.card;
                let at = *at.get_or_insert_with(Instant::now);
                calls.end(&begun, at, card, now, reply);
                if begun.called().is_of(&FLUSHALL) && !reply.starts_with(b"-") {
                    server.flushed_all(now);
                }
                if seat.connection.language() == Language::Memcached {
                    calls.came_to(&begun.called(), card, reply);
                }
            }
            let may_go_on = seat.connection.answered(place, &answered, timers, slot);
            if may_go_on && !std::mem::replace(&mut seat.is_runnable, true) {
                runnable.push_back(slot);
            }
            if !std::mem::replace(&mut seat.is_dirty, true) {
                dirty.push(slot);
            }
        });
    }

    /// What no event tells of.
    fn cron(&mut self) {
        // One worker does what is to be done once.
        if self.number == 0 {
            self.server
                .traffic
                .sample(self.server.calls.total(), self.now);
            self.server.save_where_due(self.now);
            self.server.evict_clients();
        }
        let was_paused = self
            .server
            .pause
            .is_on(Millis(self.now.0.saturating_sub(2 * CRON_MS)));
        if self.closing.is_none() && self.server.flush_is_due(self.now) {
            self.flushes += 1;
            self.store.send(tag(NOBODY, 0), Op::new(&FLUSHDB));
        }
        for slot in 0..self.seats.len() as u32 {
            let Some(seat) = &mut self.seats[slot as usize] else {
                continue;
            };
            if was_paused && seat.connection.has_more() {
                self.set_runnable(slot);
                self.busy = true;
            } else if seat.is_overdue(&self.limits, self.now) {
                seat.connection.break_off();
                self.set_dirty(slot);
            }
        }
    }

    fn slot(&self, token: Token) -> Option<u32> {
        let slot = self.seat_of.get(token.index())?.checked_sub(1)?;
        let seat = self.seats[slot as usize].as_ref()?;
        (seat.token == token).then_some(slot)
    }

    /// Whether the client is served, and not on its way out.
    fn is_here(&self, token: Token) -> bool {
        let seat = |slot: u32| self.seats[slot as usize].as_ref();
        let seat = self.slot(token).and_then(seat);
        seat.is_some_and(|seat| seat.life == Life::Here)
    }
}
