//! Runs of `GET`s, and of plain `SET`s: commands that are no ops, whose keys and values are used where they
//! lie in what came.
//!
//! A run is of one command, written alike: so its calls are told and timed together. It ends before the first
//! that is anything else, or that cannot be answered at once; that one is [`batch`](super::batch)'s.

use std::time::Instant;

use seawall_store::reply::ReplyBuf;
use smallvec::SmallVec;

use super::batch::{COMMANDS, JOINED_BYTES_MAX};
use super::{Connection, OUTPUT_HELD_BYTES, Turn};
use crate::calls::Spoken;
use crate::command::{Called, find};
use crate::resp::{whole_get, whole_set};

/// `GET` and `SET` as they were last written.
#[derive(Default)]
pub(super) struct Spelled {
    get: Option<([u8; 3], Called)>,
    set: Option<([u8; 3], Called)>,
}

/// The command of `name`, which was last written as `last` says.
fn spelled(last: &mut Option<([u8; 3], Called)>, name: [u8; 3]) -> Option<Called> {
    match last {
        Some((as_before, called)) if *as_before == name => Some(*called),
        _ => {
            let called = Called::new(find(&name)?, &name);
            *last = Some((name, called));
            Some(called)
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
            && let Some((name, [key], used)) = whole_get(&bytes[end..])
            && key.len() <= turn.limits.bulk_bytes
            && used <= turn.limits.query_bytes
            // Calls are told as they were written.
            && *written.get_or_insert(name) == name
        {
            end += used;
            keys.push(key);
            ends.push(end);
        }
        let last = &mut turn.batch.spelled.get;
        let Some(called) = written.and_then(|name| spelled(last, *name)) else {
            return (0, 0);
        };
        let since = Instant::now();
        let within = (self.client.database, self.client.protocol);
        let bound = OUTPUT_HELD_BYTES.saturating_sub(self.queued);
        let answered = (turn.store).get_here(within, &keys, &mut self.output, bound);
        if answered == 0 {
            return (0, 0);
        }
        let words = keys[..answered].iter().map(|key| Spoken::One(key));
        self.ran(&called, words, since, turn);
        (ends[answered - 1], answered)
    }

    /// Runs the `SET`s without options that `bytes` begin with, some of them, up to the first that cannot be run
    /// at once: how many bytes are done with, and how many ran.
    pub(super) fn run_sets(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> (usize, usize) {
        let mut pairs: SmallVec<[(&[u8], &[u8]); COMMANDS]> = SmallVec::new();
        let mut ends: SmallVec<[usize; COMMANDS]> = SmallVec::new();
        let mut end = 0;
        let mut written = None;
        let most = (turn.limits.query_bytes).min(JOINED_BYTES_MAX);
        while pairs.len() < COMMANDS
            && let Some((name, [key, value], used)) = whole_set(&bytes[end..])
            && key.len().max(value.len()) <= turn.limits.bulk_bytes
            // No fewer bytes than the three words hold, lengths counted.
            && used + size_of::<usize>() <= most
            && *written.get_or_insert(name) == name
            // What another worker sets is not looked at twice.
            && turn.store.is_own(key)
        {
            end += used;
            pairs.push((key, value));
            ends.push(end);
        }
        let last = &mut turn.batch.spelled.set;
        let Some(called) = written.and_then(|name| spelled(last, *name)) else {
            return (0, 0);
        };
        let since = Instant::now();
        let set = (turn.store).set_here(self.client.database, &pairs);
        if set == 0 {
            return (0, 0);
        }
        for _ in 0..set {
            self.output.extend_from_slice(ReplyBuf::OK);
        }
        let words = pairs[..set].iter();
        let words = words.map(|(key, value)| Spoken::Two(key, value));
        self.ran(&called, words, since, turn);
        (ends[set - 1], set)
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
