//! Commands that are answered where they are read: the store's, one after another, while nothing stands
//! between a command and its reply.
//!
//! What came is read ahead, a batch at a time; what the batch looks for is fetched into the processor's
//! caches together; then its commands run in order, and their replies go straight to the output. `GET`s
//! that follow each other, and plain `SET`s, are not even made ops (`spelled`). Whatever
//! is otherwise, a command for another shard's owner or a client in a transaction, takes the long way
//! (`run`), which this knows nothing of but that it is there.

use std::time::Instant;

use seawall_store::Op;
use seawall_store::command::Flag;
use seawall_store::command::string::GET;
use seawall_store::reply::Protocol;
use seawall_store::store::Ahead;

use super::spelled::Spelled;
use super::{Connection, Gate, OUTPUT_HELD_BYTES, Reader, Replies, Turn};
use crate::calls::Spoken;
use crate::command::{Called, entries};
use crate::resp::{Bounds, Known, Parsed, whole};

/// How many commands are read ahead: at 16 to 32 most accesses to memory overlap, and more only drive
/// each other out of the cache.
pub(super) const COMMANDS: usize = 32;
/// With more bytes read ahead no further command is; nor is more memory kept for the next.
const AHEAD_BYTES: usize = 64 << 10;
/// After so many commands a client lets the others have their turn.
const COMMANDS_MAX: usize = 512;
/// A command of more arguments, or of more bytes, is timed by itself.
const JOINED_ARGS_MAX: usize = 4;
pub(super) const JOINED_BYTES_MAX: usize = 4 << 10;

/// A command that was read ahead.
struct Ready {
    called: Called,
    op: Op,
    /// What was found out of it before it runs.
    ahead: Ahead,
    /// Where it ends in what came.
    end: usize,
}

impl Ready {
    /// Room for one, which means nothing yet.
    fn room() -> Ready {
        Ready {
            called: Called::new(&entries()[0], b""),
            op: Op::new(&GET),
            ahead: Ahead::default(),
            end: 0,
        }
    }

    /// Gives memory back, where it is much.
    fn let_go(&mut self) {
        if self.op.bytes() + self.op.len() * size_of::<u32>() > AHEAD_BYTES {
            *self = Ready::room();
        }
    }
}

/// What may run at once.
#[derive(Clone, Copy)]
struct May {
    read: bool,
    write: bool,
}

/// Room for commands that are read ahead; every connection of a worker uses the same.
#[derive(Default)]
pub struct Batch {
    /// Grows to [`COMMANDS`]; what was there serves again.
    ready: Vec<Ready>,
    /// How many of them count.
    len: usize,
    known: Known,
    /// Of runs of the same command that are no ops.
    pub(super) spelled: Spelled,
}

impl Batch {
    /// Reads ahead what stands whole at the front of `bytes` and may run at once: what reads, what writes.
    fn read(&mut self, bytes: &[u8], bounds: Bounds, may: May) {
        let mut at = 0;
        self.len = 0;
        while self.len < COMMANDS && at < AHEAD_BYTES {
            if self.len == self.ready.len() {
                self.ready.push(Ready::room());
            }
            let ready = &mut self.ready[self.len];
            let read = whole(&bytes[at..], bounds, &mut self.known, &mut ready.op);
            let read = read.filter(|(_, called)| {
                let may = if called.flags().writes() {
                    may.write
                } else {
                    may.read
                };
                may && called.accepts(ready.op.len())
            });
            let Some((used, called)) = read else {
                ready.let_go();
                break;
            };
            at += used;
            ready.called = called;
            ready.ahead = Ahead::default();
            ready.end = at;
            self.len += 1;
        }
    }

    /// In which database they are meant, and how their replies are written.
    fn answer_within(&mut self, database: u8, protocol: Protocol) {
        for ready in &mut self.ready[..self.len] {
            ready.op.answer_within(database, protocol);
        }
    }

    /// Those that were read ahead are done with.
    fn let_go(&mut self) {
        self.ready.iter_mut().for_each(Ready::let_go);
        self.len = 0;
    }

    fn ready(&mut self) -> &mut [Ready] {
        &mut self.ready[..self.len]
    }
}

impl Connection {
    /// Answers what `bytes` begin with, as far as it can be answered at once; how many of them are done
    /// with. Where there is more of the same than one client may have answered in a turn, it rests.
    pub(super) fn consume_batches(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.rests() && self.is_plain(turn) && self.is_between() {
            let (used, count) = match self.run_gets(&bytes[at..], turn) {
                (_, 0) => self.run_sets(&bytes[at..], turn),
                run => run,
            };
            at += used;
            self.here += count;
            if count > 0 {
                continue;
            }
            let bounds = Bounds {
                bulk_bytes: turn.limits.bulk_bytes,
                query_bytes: turn.limits.query_bytes,
                stranger: false,
            };
            let may = May {
                read: turn.store.runs_here(false),
                write: turn.store.runs_here(true),
            };
            let mut batch = std::mem::take(turn.batch);
            batch.read(&bytes[at..], bounds, may);
            let (database, protocol) = (self.client.database, self.client.protocol);
            batch.answer_within(database, protocol);
            let (used, is_through) = self.run_batch(batch.ready(), turn);
            self.here += batch.len;
            if used > AHEAD_BYTES {
                batch.let_go();
            }
            *turn.batch = batch;
            at += used;
            if used == 0 || !is_through {
                break;
            }
        }
        at
    }

    /// Whether it lets others have their turn before more is answered here.
    pub(super) fn rests(&self) -> bool {
        self.here >= COMMANDS_MAX
    }

    /// Whether it has had its turn, and is to go on when others had theirs; asking ends the rest.
    pub fn rested(&mut self) -> bool {
        std::mem::take(&mut self.here) >= COMMANDS_MAX
    }

    /// Whether no command has begun to come that Redis's clients send.
    fn is_between(&self) -> bool {
        match &self.parser {
            Reader::Resp(parser) => parser.is_between(),
            Reader::Memcached(_) => false,
        }
    }

    /// Whether more replies may be kept for the client.
    fn has_room(&self) -> bool {
        self.output.len() + self.queued <= OUTPUT_HELD_BYTES
    }

    /// Whether nothing stands between a command that runs at once and its reply.
    pub(super) fn is_plain(&self, turn: &Turn<'_>) -> bool {
        let (client, server) = (&self.client, turn.server);
        self.order.is_empty()
            && matches!(self.gate, Gate::Open)
            && self.exec.is_none()
            && client.transaction.is_none()
            && client.replies == Replies::On
            && !client.is_stranger(turn.limits)
            && !client.closing
            && !self.broken
            && !(client.is_subscriber() && client.protocol == Protocol::Resp2)
            && !server.monitors.is_any()
            && !server.pause.is_on(turn.now)
            && server.takes_writes()
            && self.has_room()
    }

    /// Runs a batch: how many bytes are done with, and whether more of the same may follow.
    fn run_batch(&mut self, ready: &mut [Ready], turn: &mut Turn<'_>) -> (usize, bool) {
        if ready.len() > 1 {
            for one in &mut *ready {
                one.ahead = turn.store.seek(&one.op);
            }
            for one in &*ready {
                turn.store.approach(&one.op, one.ahead);
            }
        }
        let Some(last) = ready.last() else {
            return (0, false);
        };
        self.client.card.command.set(last.called.number as u64 + 1);
        let mut since = Instant::now();
        // Small calls of one fast command that follow each other are timed together: a look at the clock
        // costs as much as such a call.
        let mut first = 0;
        for (at, one) in ready.iter().enumerate() {
            let begin = self.output.len();
            let is_done = (turn.store).run_sought(&one.op, one.ahead, &mut self.output);
            let end = if is_done { at + 1 } else { at };
            let error = self.output.get(begin) == Some(&b'-');
            let is_full = !self.has_room();
            let goes_on = is_done && !error && !is_full && may_join(one, ready.get(at + 1));
            if !goes_on && end > first {
                let now = Instant::now();
                let calls = ready[first..end].iter().map(|ready| Spoken::Op(&ready.op));
                let error = error.then(|| &self.output[begin..]);
                let card = &self.client.card;
                let called = &ready[first].called;
                (turn.server.calls).ran(called, calls, now - since, card, turn.now, error);
                (since, first) = (now, end);
            }
            if !is_done {
                self.command(Parsed::Store(one.called, one.op.clone()), turn);
            }
            if !is_done || is_full {
                return (one.end, false);
            }
        }
        (last.end, true)
    }
}

/// Whether the time of `next` may be taken together with that of `one`.
fn may_join(one: &Ready, next: Option<&Ready>) -> bool {
    let is_small = |op: &Op| op.len() <= JOINED_ARGS_MAX && op.bytes() <= JOINED_BYTES_MAX;
    one.called.flags().has(Flag::Fast)
        && is_small(&one.op)
        && next.is_some_and(|next| next.called.is_as(&one.called) && is_small(&next.op))
}
