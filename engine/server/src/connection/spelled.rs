//! Runs of commands that are no ops, whose arguments are used where they lie in what came: `GET`s that follow
//! each other, and brief calls.
//!
//! A run ends before the first command that is anything else, or that cannot be answered at once; that one is
//! [`batch`](super::batch)'s. Calls of one command that follow each other are told and timed together.

use std::time::Instant;

use seawall_store::command::brief::BriefCall;
use smallvec::SmallVec;

use super::batch::{COMMANDS, JOINED_BYTES_MAX};
use super::{Connection, Turn};
use crate::calls::Spoken;
use crate::command::{Called, find};
use crate::resp::{Bounds, Heads, brief_call, whole_get};

/// How commands were written lately.
#[derive(Default)]
pub(super) struct Spelled {
    get: Option<([u8; 3], Called)>,
    heads: Heads,
}

impl Spelled {
    /// `GET`, written as `name`.
    fn get(&mut self, name: [u8; 3]) -> Option<Called> {
        match &self.get {
            Some((as_before, called)) if *as_before == name => Some(*called),
            _ => {
                let called = Called::new(find(&name)?, &name);
                self.get = Some((name, called));
                Some(called)
            }
        }
    }
}

impl Connection {
    /// Answers the `GET`s that `bytes` begin with, some of them, up to the first that its owner has to answer:
    /// how many bytes are done with, and how many were answered.
    pub(super) fn run_gets(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> (usize, usize) {
        let mut keys: SmallVec<[&[u8]; COMMANDS]> = SmallVec::new();
        let mut ends: SmallVec<[usize; COMMANDS]> = SmallVec::new();
        let mut end = 0;
        let mut written = None;
        while keys.len() < COMMANDS
            && let Some((name, key, used)) = whole_get(&bytes[end..])
            && key.len() <= turn.limits.bulk_bytes
            && used <= turn.limits.query_bytes
            // Calls are told as they were written.
            && *written.get_or_insert(name) == name
        {
            end += used;
            keys.push(key);
            ends.push(end);
        }
        let spelled = &mut turn.batch.spelled;
        let Some(called) = written.and_then(|name| spelled.get(*name)) else {
            return (0, 0);
        };
        let since = Instant::now();
        let within = (self.client.database, self.client.protocol);
        let bound = self.run_bytes_max();
        let answered = (turn.store).get_here(within, &keys, &mut self.output, bound);
        if answered == 0 {
            return (0, 0);
        }
        let words = keys[..answered].iter().map(|key| Spoken::One(key));
        self.ran(&called, words, since, turn);
        (ends[answered - 1], answered)
    }

    /// Runs the brief calls that `bytes` begin with, some of them, up to the first that cannot be run at once: how
    /// many bytes are done with, and how many ran.
    #[inline(never)] // What it has on the stack is not to be in `GET`'s way.
    pub(super) fn run_briefs(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> (usize, usize) {
        let mut calls: SmallVec<[BriefCall<'_>; COMMANDS]> = SmallVec::new();
        let mut came: SmallVec<[(Called, usize); COMMANDS]> = SmallVec::new();
        let mut end = 0;
        let bounds = Bounds {
            bulk_bytes: turn.limits.bulk_bytes,
            query_bytes: turn.limits.query_bytes.min(JOINED_BYTES_MAX),
            stranger: false,
        };
        let heads = &mut turn.batch.spelled.heads;
        while calls.len() < COMMANDS
            && let Some((used, called, call)) = brief_call(&bytes[end..], bounds, heads)
            // What another worker changes is not looked at twice.
            && turn.store.is_own(call.key())
        {
            end += used;
            calls.push(call);
            came.push((called, end));
        }
        let Some((last, _)) = came.last() else {
            return (0, 0);
        };
        let card = &self.client.card;
        card.command.set(last.number as u64 + 1);
        let begun = Instant::now();
        let (mut since, mut first) = (begun, 0);
        let (counts, at) = (&turn.server.calls, turn.now);
        let mut tell = |end: usize| {
            let (now, words) = (Instant::now(), calls[first..end].iter());
            let called = &came[first].0;
            counts.ran(
                called,
                words.map(Spoken::Brief),
                now - since,
                card,
                at,
                None,
            );
            (since, first) = (now, end);
        };
        let mut told = 0;
        let ran = |ran: usize| {
            if !came
                .get(ran)
                .is_some_and(|(next, _)| next.is_as(&came[ran - 1].0))
            {
                tell(ran);
                told = ran;
            }
        };
        let (database, output) = (self.client.database, &mut self.output);
        let from = output.len();
        let ran = turn.store.run_brief(database, &calls, output, ran);
        if let Some(until) = turn.store.withheld_until().filter(|_| ran > 0) {
            let shard = |call: &BriefCall<'_>| turn.server.store.shard_of(call.key());
            let shards = calls[..ran].iter().map(shard);
            let shards = shards.inspect(|shard| self.client.wrote.add(*shard));
            self.withheld.add(until, (&self.output, from), shards);
        }
        if ran > told {
            tell(ran);
        }
        let ended = since;
        self.spend(begun, ended, turn);
        (ran.checked_sub(1).map_or(0, |last| came[last].1), ran)
    }

    /// Counts the calls of a run.
    pub(super) fn ran<'a>(
        &mut self,
        called: &Called,
        words: impl ExactSizeIterator<Item = Spoken<'a>>,
        since: Instant,
        turn: &mut Turn<'_>,
    ) {
        let (card, now) = (&self.client.card, Instant::now());
        card.command.set(called.number as u64 + 1);
        let calls = &turn.server.calls;
        calls.ran(called, words, now - since, card, turn.now, None);
        self.spend(since, now, turn);
    }
}
