//! Waiting: for a key (`BLPOP`), for a time (`WAIT`), for the disk (`WAITAOF`), or for what a thread of the server's does (`SAVE`),
//! until it comes, the time is up, somebody says `CLIENT UNBLOCK`, or the client goes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use seawall_store::Millis;
use seawall_store::reply::Protocol;

use super::{Connection, Place, Turn};

/// When somebody's waiting is over, of all connections of a worker.
#[derive(Debug, Default)]
pub struct Timers {
    times: BTreeSet<(Millis, u32, Place)>,
}

impl Timers {
    /// When the next one is over: a millisecond later, since that in which it began had begun before.
    pub fn next(&self) -> Option<Millis> {
        self.times.first().map(|&(until, ..)| until + 1)
    }

    /// Takes one that is over: the connection and the place that waits.
    pub fn take(&mut self, now: Millis) -> Option<(u32, Place)> {
        self.times.first().filter(|&&(until, ..)| until < now)?;
        self.times.pop_first().map(|(_, slot, place)| (slot, place))
    }
}

/// What a connection waits with.
#[derive(Debug)]
pub(super) struct Parked {
    place: Place,
    until: Option<Millis>,
    awaited: Awaited,
    /// Whether `CLIENT UNBLOCK … ERROR` ended it.
    with_error: bool,
}

/// What a connection waits for.
#[derive(Debug)]
pub(super) enum Awaited {
    /// A key: the store waits, and is asked when the time is up.
    Key,
    /// The time alone; the reply when it is up.
    Time(Vec<u8>),
    /// That what it wrote is durable: the store says when, and is asked when the time is up.
    Durable,
    /// What the server will tell it.
    Word,
}

const UNBLOCKED: &[u8] = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";

impl Connection {
    pub(super) fn park(
        &mut self,
        place: Place,
        until: Option<Millis>,
        awaited: Awaited,
        timers: &mut Timers,
        slot: u32,
    ) {
        if let Some(until) = until {
            timers.times.insert((until, slot, place));
        }
        self.parked = Some(Parked {
            place,
            until,
            awaited,
            with_error: false,
        });
        let can_be_unblocked = !self.awaits_word();
        (self.client.card.blocked).store(can_be_unblocked, Ordering::Relaxed);
        self.broken |= self.ended && can_be_unblocked;
    }

    /// It waits no longer.
    pub(super) fn unpark(&mut self, timers: &mut Timers, slot: u32) -> Option<Parked> {
        let parked = self.parked.take()?;
        if let Some(until) = parked.until {
            timers.times.remove(&(until, slot, parked.place));
        }
        self.client.card.blocked.store(false, Ordering::Relaxed);
        Some(parked)
    }

    /// The reply to what the store gives up.
    pub fn reply_given_up(&self) -> &'static [u8] {
        match (&self.parked, self.client.protocol) {
            (Some(parked), _) if parked.with_error => UNBLOCKED,
            (_, Protocol::Resp2) => b"*-1\r\n",
            (_, Protocol::Resp3) => b"_\r\n",
        }
    }

    /// What the client is told where the store says `reply` to what it waits with: who waits for durability is told
    /// of replicas, too.
    pub(super) fn reply_awaited<'a>(&self, reply: &'a [u8]) -> Cow<'a, [u8]> {
        let parked = self.parked.as_ref();
        match parked.filter(|parked| matches!(parked.awaited, Awaited::Durable)) {
            Some(parked) if parked.with_error => Cow::Borrowed(UNBLOCKED),
            // Where a log failed it is an error.
            Some(_) if reply.starts_with(b":") => {
                Cow::Owned([&b"*2\r\n"[..], reply, b":0\r\n"].concat())
            }
            _ => Cow::Borrowed(reply),
        }
    }

    /// The time of what waits in `place` is up.
    pub fn time_is_up(&mut self, place: Place, turn: &mut Turn<'_>) {
        if (self.parked.as_ref()).is_some_and(|parked| parked.place == place) {
            self.unblock(false, turn);
        }
    }

    /// Ends the waiting as if the time were up, or with an error.
    pub fn unblock(&mut self, with_error: bool, turn: &mut Turn<'_>) {
        let Some(parked) = &mut self.parked else {
            return;
        };
        parked.with_error = with_error;
        let place = parked.place;
        match &mut parked.awaited {
            // Served or given up: the store knows.
            Awaited::Key | Awaited::Durable => turn.store.cancel(turn.tag(place)),
            Awaited::Time(reply) => {
                let reply = std::mem::take(reply);
                self.unpark(turn.timers, turn.slot);
                let reply = if with_error { UNBLOCKED } else { &reply };
                if let Some(begun) = self.settle(place) {
                    let (calls, card) = (&turn.server.calls, &self.client.card);
                    calls.end(&begun, Instant::now(), card, turn.now, reply);
                }
                self.order.answer(place, reply, &mut self.output);
            }
            Awaited::Word => {}
        }
    }

    /// What it awaits of the server has come.
    pub fn told(&mut self, reply: &[u8], turn: &mut Turn<'_>) {
        if self.awaits_word()
            && let Some(parked) = self.unpark(turn.timers, turn.slot)
        {
            if let Some(begun) = self.settle(parked.place) {
                let (calls, card) = (&turn.server.calls, &self.client.card);
                calls.end(&begun, Instant::now(), card, turn.now, reply);
            }
            self.order.answer(parked.place, reply, &mut self.output);
        }
    }

    pub(super) fn awaits_word(&self) -> bool {
        let parked = self.parked.as_ref();
        parked.is_some_and(|parked| matches!(parked.awaited, Awaited::Word))
    }
}
