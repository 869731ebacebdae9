//! Waiting: for a key (`BLPOP`), or for a time (`WAIT`), until it comes, the time is up, somebody says
//! `CLIENT UNBLOCK`, or the client goes.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

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
    /// What the client gets when the time is up; nothing where the store waits, which is asked then.
    reply: Option<Vec<u8>>,
    /// Whether `CLIENT UNBLOCK … ERROR` ended it.
    with_error: bool,
}

const UNBLOCKED: &[u8] = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";

impl Connection {
    pub(super) fn park(
        &mut self,
        place: Place,
        until: Option<Millis>,
        reply: Option<Vec<u8>>,
        timers: &mut Timers,
        slot: u32,
    ) {
        if let Some(until) = until {
            timers.times.insert((until, slot, place));
        }
        self.parked = Some(Parked {
            place,
            until,
            reply,
            with_error: false,
        });
        self.client.card.blocked.store(true, Ordering::Relaxed);
        self.broken |= self.ended;
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
        match parked.reply.take() {
            // Served or given up: the store knows.
            None => turn.store.cancel(turn.tag(place)),
            Some(reply) => {
                self.unpark(turn.timers, turn.slot);
                let reply = if with_error { UNBLOCKED } else { &reply };
                if let Some(begun) = self.ended(place) {
                    let (calls, card) = (&turn.server.calls, &self.client.card);
                    calls.end(&begun, card, turn.now, reply);
                }
                self.order.answer(place, reply, &mut self.output);
            }
        }
    }
}
