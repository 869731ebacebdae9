//! Runs of `GET`s, and of plain `SET`s: commands that are no ops, whose keys and values are used where they
//! lie in what came.
//!
//! A run is of one command, written alike: so its calls are told and timed together. It ends before the first
//! that is anything else, or that cannot be answered at once; that one is [`batch`](super::batch)'s.

use std::time::Instant;

use seawall_store::reply::ReplyBuf;
use smallvec::SmallVec;

use super::batch::{COMMANDS, JOINED_BYTES_MAX};
use super::reply_queue::Asked;
use super::{Connection, Gate, OUTPUT_HELD_BYTES, Turn, tag};
use crate::calls::{Begun, Spoken};
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
    /// at once: how many bytes are done with, and how many were begun. Those that another worker runs are asked of
    /// it, and what follows them is answered behind them.
    pub(super) fn run_sets(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> (usize, usize) {
        let mut pairs: SmallVec<[(&[u8], &[u8]); COMMANDS]> = SmallVec::new();
        let mut ends: SmallVec<[usize; COMMANDS]> = SmallVec::new();
        let mut end = 0;
        let mut written = None;
        let most = (turn.limits.query_bytes).min(JOINED_BYTES_MAX);
        // What is asked of others takes its time: it may be among those whose words are kept.
        let asks = turn.store.may_keep_order() && !turn.server.calls.slowlog.may_keep(true);
        while pairs.len() < COMMANDS
            && let Some((name, [key, value], used)) = whole_set(&bytes[end..])
            && key.len().max(value.len()) <= turn.limits.bulk_bytes
            // No fewer bytes than the three words hold, lengths counted.
            && used + size_of::<usize>() <= most
            && *written.get_or_insert(name) == name
            // What another worker sets is not looked at twice.
            && (asks || turn.store.is_own(key))
        {
            end += used;
            pairs.push((key, value));
            ends.push(end);
        }
        if asks && pairs.len() < COMMANDS && end < bytes.len() {
            // What follows is something else, which need not wait until others have answered.
            let is_own = |pair: &&(&[u8], &[u8])| turn.store.is_own(pair.0);
            let own = pairs.iter().take_while(is_own).count();
            pairs.truncate(own);
        }
        let last = &mut turn.batch.spelled.set;
        let Some(called) = written.and_then(|name| spelled(last, *name)) else {
            return (0, 0);
        };
        let since = Instant::now();
        let (order, output, slot) = (&mut self.order, &mut self.output, turn.slot);
        let mut here: SmallVec<[usize; COMMANDS]> = SmallVec::new();
        let mut written_to = None;
        let database = self.client.database;
        let set = (turn.store).set_in_order(database, &pairs, |at, shard| {
            if shard.is_none() {
                here.push(at);
                order.reply(ReplyBuf::OK, false, output);
                return 0;
            }
            written_to = shard;
            let (key, value) = pairs[at];
            let asked = Asked {
                begun: Some(Begun::at(since, called)),
                bytes: key.len() + value.len(),
                writes: true,
            };
            tag(slot, order.take(false, asked))
        });
        if set == 0 {
            return (0, 0);
        }
        if let Some(shard) = written_to {
            self.written = shard;
            // What is left is read ahead when these are answered, and not one by one before.
            self.gate = Gate::Alone;
        }
        let words = here.iter().map(|&at| Spoken::Two(pairs[at].0, pairs[at].1));
        self.ran(&called, words, since, turn);
        (ends[set - 1], set)
    }

    /// Counts the calls of a run.
    fn ran<'a>(
        &self,
        called: &Called,
        words: impl ExactSizeIterator<Item = Spoken<'a>>,
        since: Instant,
        turn: &Turn<'_>,
    ) {
        let card = &self.client.card;
        card.command.set(called.number as u64 + 1);
        let calls = &turn.server.calls;
        calls.ran(called, words, since.elapsed(), card, turn.now, None);
    }
}
