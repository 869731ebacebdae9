//! Commands that are answered where they are read: the store's, one after another, while nothing stands
//! between a command and its reply.
//!
//! What came is read ahead, a batch at a time; what the batch looks for is fetched into the processor's
//! caches together; then its commands run in order, and their replies go straight to the output. `GET`s
//! that follow each other, and brief calls, are not even made ops ([`spelled`](super::spelled)).
//!
//! Those of a batch that the owner of another shard has to answer are sent to it as they are met, so many of
//! all connections travel together; the replies to the others of the batch wait behind them, and what is left
//! is read ahead when all are answered. Whatever is otherwise, a command of several shards or a client in a
//! transaction, takes the long way (`run`), which this knows nothing of but that it is there.

use std::time::Instant;

use seawall_store::command::Flag;
use seawall_store::command::set::SET;
use seawall_store::command::string::GET;
use seawall_store::reply::Protocol;
use seawall_store::store::Ahead;
use seawall_store::{Op, Worker};

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
/// With more bytes of replies a run of reads ends.
const RUN_BYTES: usize = 256 << 10;
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
    /// How many commands less than [`COMMANDS`] are read ahead: of long ones no more than a turn has time for, lest
    /// they are read again and again.
    fewer: usize,
    known: Known,
    /// A reply that waits behind others.
    behind: Vec<u8>,
    /// Of runs of the same command that are no ops.
    pub(super) spelled: Spelled,
}

impl Batch {
    /// Reads ahead what stands whole at the front of `bytes` and may run at once: what reads, what writes. It ends
    /// before a write that has to wait for one before it, which the owner of another shard answers.
    fn read(&mut self, bytes: &[u8], bounds: Bounds, may: May, store: &Worker) {
        let mut at = 0;
        let mut written_afar = None;
        let keeps_order = store.may_keep_order();
        self.len = 0;
        while self.len < COMMANDS - self.fewer && at < AHEAD_BYTES {
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
            let ahead = store.ahead(&ready.op);
            if called.flags().writes() && !keeps_order {
                if written_afar.is_some() && written_afar != ahead.shard() {
                    break;
                }
                if ahead.is_far() {
                    written_afar = ahead.shard();
                }
            }
            at += used;
            ready.called = called;
            ready.ahead = ahead;
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

    /// How many are to be read ahead next time, where of these all up to `end` were run, and the turn `is_over` or not.
    fn learn(&mut self, end: usize, is_over: bool) {
        if !is_over {
            self.fewer /= 2;
            return;
        }
        let ready = &self.ready[..self.len];
        let ran = ready.iter().take_while(|ready| ready.end <= end).count();
        if ran < self.len {
            self.fewer = COMMANDS - ran.max(1);
        }
    }

    /// Those that were read ahead are done with.
    fn let_go(&mut self) {
        self.ready.iter_mut().for_each(Ready::let_go);
        self.len = 0;
    }
}

impl Connection {
    /// Answers what `bytes` begin with, as far as it can be answered at once; how many of them are done
    /// with. Where there is more of the same than one client may have answered in a turn, or the turn is over, it
    /// rests.
    pub(super) fn consume_batches(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        self.withheld.is_over(turn.store, &mut self.output);
        while at < bytes.len() && !self.rests() && self.is_plain(turn) && self.is_between() {
            let (used, count) = match self.run_gets(&bytes[at..], turn) {
                (_, 0) => self.run_briefs(&bytes[at..], turn),
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
            batch.read(&bytes[at..], bounds, may, turn.store);
            let (database, protocol) = (self.client.database, self.client.protocol);
            batch.answer_within(database, protocol);
            let read = batch.ready[..batch.len].last().map_or(0, |last| last.end);
            let (used, is_through) = self.run_batch(&mut batch, turn);
            batch.learn(used, self.rests());
            self.here += batch.len;
            if read > AHEAD_BYTES {
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

    /// What was answered here took from `since` to `now`: where that spends the turn's budget, it rests.
    #[inline]
    pub(super) fn spend(&mut self, since: Instant, now: Instant, turn: &mut Turn<'_>) {
        if turn.budget.spend(since, now) {
            self.rest();
        }
    }

    /// How long the output may be where a run of reads ends, though more were asked for: others wait meanwhile.
    pub(super) fn run_bytes_max(&self) -> usize {
        let held = OUTPUT_HELD_BYTES.saturating_sub(self.queued);
        held.min(self.output.len() + RUN_BYTES)
    }

    /// Lets others have their turn.
    pub(super) fn rest(&mut self) {
        self.here = COMMANDS_MAX;
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
            && !self.is_output_held()
            && self.withheld.may_grow(turn.store)
    }

    /// Runs a batch: how many bytes are done with, and whether more of the same may follow.
    fn run_batch(&mut self, batch: &mut Batch, turn: &mut Turn<'_>) -> (usize, bool) {
        let Batch { ready, behind, .. } = batch;
        let ready = &mut ready[..batch.len];
        if ready.len() > 1 {
            for one in &mut *ready {
                turn.store.seek(&one.op, &mut one.ahead);
            }
            for one in &mut *ready {
                turn.store.approach(&one.op, &mut one.ahead);
            }
        }
        let Some(last) = ready.last() else {
            return (0, false);
        };
        self.client.card.command.set(last.called.number as u64 + 1);
        let mut since = Instant::now();
        // Brief calls of one command that follow each other are timed together: a look at the clock
        // costs as much as such a call.
        let mut first = 0;
        let mut used = 0;
        for at in 0..ready.len() {
            let one = &ready[at];
            let is_next = self.order.is_empty();
            if !is_next && self.must_wait(one, turn) {
                break;
            }
            let reply = if is_next {
                &mut self.output
            } else {
                behind.clear();
                &mut *behind
            };
            let begin = reply.len();
            let is_done = (turn.store).run_sought(&one.op, one.ahead, reply);
            let end = if is_done { at + 1 } else { at };
            let error = reply.get(begin) == Some(&b'-');
            if is_done && !is_next {
                self.order.reply(behind, false, &mut self.output);
            }
            let is_full = self.is_output_held();
            let goes_on = is_done && !error && !is_full && may_join(one, ready.get(at + 1));
            if !goes_on && end > first {
                let now = Instant::now();
                let calls = ready[first..end].iter().map(|ready| Spoken::Op(&ready.op));
                let reply = if is_next { &self.output } else { &*behind };
                let error = error.then(|| &reply[begin..]);
                let card = &self.client.card;
                let called = &ready[first].called;
                (turn.server.calls).ran(called, calls, now - since, card, turn.now, error);
                self.spend(since, now, turn);
                (since, first) = (now, end);
            }
            used = one.end;
            if !is_done {
                first = at + 1;
                let one = &mut ready[at];
                let Some(shard) = one.ahead.shard().filter(|_| !may_park(&one.op)) else {
                    self.command(Parsed::Store(one.called, one.op.clone()), turn);
                    return (used, false);
                };
                let is_fast = is_brief(one);
                let call = (turn.server.calls).begin_at(since, one.called, &one.op, is_fast);
                let op = std::mem::replace(&mut one.op, Op::new(&GET));
                self.send_to(shard, op, call, turn);
            }
            if is_full || self.rests() || self.is_output_held() {
                break;
            }
        }
        behind.clear();
        behind.shrink_to(AHEAD_BYTES);
        let is_through = self.order.is_empty() && !self.is_output_held();
        if !self.order.is_empty() {
            // What is left is read ahead when these are answered, and not one by one before.
            self.gate = Gate::Alone;
        }
        (used, is_through)
    }

    /// Whether `one` begins only when all before it are answered: others must never see a later write of this
    /// client's without an earlier one, and what concerns several shards comes after all.
    fn must_wait(&self, one: &Ready, turn: &mut Turn<'_>) -> bool {
        let Some(shard) = one.ahead.shard() else {
            return true;
        };
        one.called.flags().writes() && self.is_early_on(shard, turn)
    }
}

/// Whether an op may wait for a key: it has to be known of, to be given up.
fn may_park(op: &Op) -> bool {
    op.command().flags.has(Flag::Blocking)
}

/// Whether a call takes no longer than others of its kind: a fast command, or a `SET`, which is none for the
/// sake of long values, of few and short arguments.
fn is_brief(one: &Ready) -> bool {
    let is_small = one.op.len() <= JOINED_ARGS_MAX && one.op.bytes() <= JOINED_BYTES_MAX;
    is_small && (one.called.flags().has(Flag::Fast) || one.called.is_of(&SET))
}

/// Whether the time of `next` may be taken together with that of `one`.
fn may_join(one: &Ready, next: Option<&Ready>) -> bool {
    is_brief(one) && next.is_some_and(|next| next.called.is_as(&one.called) && is_brief(next))
}
