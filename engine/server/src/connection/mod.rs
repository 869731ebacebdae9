//! A connection: one client's commands in, its replies out, in order.
//!
//! ```text
//!  bytes ─► Batch, where nothing is in between: run here, to the output at once
//!    │
//!    └► Input ─► Parser ─► refusal? ─► queued by MULTI?
//!                                   │
//!           the store's: a place in line, sent by tag ──► answered later ─┐
//!           the server's: run here, at once or when all before are done ──┤
//!                                                                         ▼
//!                                                     ReplyQueue ─► output, in order
//! ```
//!
//! Commands for single shards overtake each other only in time, never in their replies. What concerns
//! several shards, waits, or has to see what came before (`Gate`) stands alone: it begins when all
//! before it are answered, or lets nothing begin behind it. A connection does no input or output: its
//! worker hands it bytes and answers, and takes its output away.

mod ahead;
mod batch;
mod budget;
mod client;
mod consume;
mod exec;
mod foreign;
mod input;
mod inquiry;
mod refusal;
mod reply_queue;
mod run;
mod spelled;
mod wait;
mod withheld;
mod wrote;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use seawall_store::reply::{Protocol, ReplyBuf};
use seawall_store::store::Answered;
use seawall_store::{Millis, Worker};

pub use batch::Batch;
pub use budget::Budget;
pub use client::{Call, Client, Replies, Subscriptions, Transaction};
pub use reply_queue::Place;
pub use wait::Timers;
pub use wrote::Wrote;

use crate::calls::Begun;
use crate::clients::Card;
use crate::command::pubsub;
use crate::limits::{Limits, OutputLimit};
use crate::mailbox::Frame;
use crate::memcached;
use crate::resp::Parser;
use crate::server::Server;
use exec::Exec;
use input::Input;
use inquiry::Inquiry;
use reply_queue::ReplyQueue;
use wait::{Awaited, Parked};
use withheld::Withheld;

/// How many commands of one client may be unanswered; further ones wait.
const UNANSWERED_MAX: usize = 512;
/// With more bytes of unanswered commands further ones wait.
const UNANSWERED_BYTES_MAX: usize = 64 << 20;
/// A client whose commands wait, with more bytes of them than this, is not listened to.
const INPUT_HELD_BYTES: usize = 1 << 20;
/// The same of one whose commands wait for nothing but the end of the turn: what is left in the kernel takes no
/// memory that has to be found here first, and lets the client know.
const INPUT_RESTING_BYTES: usize = 64 << 10;
/// What may still come from a client that is not listened to any more: the network has it already.
const INPUT_LATE_BYTES: usize = 8 << 20;
/// A client that does not take so many bytes of replies is not served on, until it does.
const OUTPUT_HELD_BYTES: usize = 64 << 20;

/// How long a reply is thought to be before any was seen: some may be asked for at once, not many.
const REPLY_BYTES_FIRST: usize = OUTPUT_HELD_BYTES / 16;

/// What a connection works with while its worker lets it.
pub struct Turn<'a> {
    /// What all workers share.
    pub server: &'a Arc<Server>,
    /// The store, as this worker has it.
    pub store: &'a mut Worker,
    /// Bounds on clients.
    pub limits: &'a Limits,
    /// When somebody's waiting is over.
    pub timers: &'a mut Timers,
    /// For replies that are made here.
    pub scratch: &'a mut ReplyBuf,
    /// Where commands are read ahead.
    pub batch: &'a mut Batch,
    /// How much more may be done in this turn.
    pub budget: &'a mut Budget,
    /// The time.
    pub now: Millis,
    /// The connection's number at its worker.
    pub slot: u32,
}

impl Turn<'_> {
    fn tag(&self, place: Place) -> u64 {
        tag(self.slot, place)
    }
}

/// The tag of a connection's place.
pub fn tag(slot: u32, place: Place) -> u64 {
    u64::from(slot) << 32 | u64::from(place)
}

/// The connection and the place that a tag means.
pub fn untag(tag: u64) -> (u32, Place) {
    ((tag >> 32) as u32, tag as u32)
}

/// Whether the next command may begin.
#[derive(Debug)]
enum Gate {
    /// It may.
    Open,
    /// This one waits: for answers to those before it, or for the end of a pause.
    Held(Box<Call>),
    /// It may when all before it are answered.
    Alone,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Redis's protocol.
    Resp,
    /// Memcached's text protocol.
    Memcached,
}

/// What reads a client's bytes.
enum Reader {
    Resp(Box<Parser>),
    Memcached(memcached::Parser),
}

/// A connection.
pub struct Connection {
    /// The client as commands see it.
    pub client: Client,
    parser: Reader,
    input: Input,
    order: ReplyQueue,
    /// The shard of the writes that are not answered, where those are of one shard.
    written: usize,
    /// How long an awaited reply may well be: the longest of late, forgotten by and by.
    reply_bytes: usize,
    gate: Gate,
    exec: Option<Box<Exec>>,
    inquiry: Option<Box<Inquiry>>,
    parked: Option<Parked>,
    /// Replies and messages that the network has not got yet.
    output: Vec<u8>,
    /// What of the output must not be sent yet.
    withheld: Withheld,
    /// How many bytes the network has got and not sent.
    queued: usize,
    /// Whether commands wait until the client reads.
    held_by_output: bool,
    /// How many commands were answered where they were read since others had their turn; as many as may be where
    /// the turn's budget is spent.
    here: usize,
    /// Since when more than the soft limit waits to be sent.
    slow_since: Option<Millis>,
    /// Whether it is to be closed at once, whatever is owed.
    broken: bool,
    /// Whether the client sends no more.
    ended: bool,
}

impl Connection {
    /// Of a client that has just come.
    pub fn new(card: Arc<Card>, language: Language, limits: &Limits) -> Connection {
        Connection {
            client: Client::new(card, limits.password.is_empty()),
            parser: match language {
                Language::Resp => Reader::Resp(Box::default()),
                Language::Memcached => Reader::Memcached(memcached::Parser::default()),
            },
            input: Input::default(),
            order: ReplyQueue::default(),
            written: 0,
            reply_bytes: REPLY_BYTES_FIRST,
            gate: Gate::Open,
            exec: None,
            inquiry: None,
            parked: None,
            output: Vec::new(),
            withheld: Withheld::default(),
            queued: 0,
            held_by_output: false,
            here: 0,
            slow_since: None,
            broken: false,
            ended: false,
        }
    }

    /// What its client speaks.
    pub fn language(&self) -> Language {
        match self.parser {
            Reader::Resp(_) => Language::Resp,
            Reader::Memcached(_) => Language::Memcached,
        }
    }

    /// Takes bytes in and begins what they ask, unless the turn's budget is spent: then it rests at once.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        self.client.card.heard_ms.set(turn.now.0);
        let there = self.client.card.input_bytes.get() + bytes.len() as u64;
        self.client.card.input_bytes.set(there);
        if turn.budget.is_spent() {
            self.input.add(bytes);
            self.rest();
        } else if self.input.is_empty() {
            let used = self.consume(bytes, turn);
            self.input.add(&bytes[used..]);
        } else {
            self.input.add(bytes);
            self.consume_input(turn);
        }
        let held = match &self.parser {
            Reader::Resp(parser) => parser.held_bytes(),
            Reader::Memcached(_) => 0,
        };
        let held = self.input.len() + held;
        self.client.card.input_bytes.set(held as u64);
        let bound = turn.limits.query_bytes;
        let bound = bound
            + if self.is_overfull(self.rests()) {
                INPUT_LATE_BYTES
            } else {
                0
            };
        self.broken |= self.input.len() > bound;
    }

    /// Whether so much of what it asks waits that it should not be listened to, for others to have their turn
    /// (`rests`) or for anything else. One that waits for a key is: its end must be noticed.
    pub fn is_overfull(&self, rests: bool) -> bool {
        let is_held = self.held_by_output || matches!(self.gate, Gate::Held(_));
        let waits = rests || is_held || !self.order.is_empty() || self.withheld.is_any();
        let most = if rests {
            INPUT_RESTING_BYTES
        } else {
            INPUT_HELD_BYTES
        };
        waits && self.input.len() > most && self.parked.is_none()
    }

    /// Begins what had to wait and need not any more.
    pub fn resume(&mut self, turn: &mut Turn<'_>) {
        self.go_on_with_inquiry(turn);
        self.go_on_with_exec(turn);
        match &self.gate {
            Gate::Alone if !self.order.is_empty() => return,
            Gate::Held(call) if self.is_early(call, turn) => return,
            Gate::Held(call) if self.is_paused(call, turn) => {
                self.client.card.paused.store(true, Ordering::Relaxed);
                return;
            }
            _ => {}
        }
        if let Gate::Held(call) = std::mem::replace(&mut self.gate, Gate::Open) {
            self.begin(*call, turn);
        }
        self.consume_input(turn);
    }

    /// Takes an answer of the store to `place`; whether the connection may now go on with something.
    pub fn answered(
        &mut self,
        place: Place,
        answered: &Answered<'_>,
        timers: &mut Timers,
        slot: u32,
    ) -> bool {
        match answered {
            Answered::Reply(bytes) => {
                let bytes = match self.parser {
                    Reader::Resp(_) => bytes,
                    Reader::Memcached(_) => &*foreign::translated(bytes),
                };
                let bytes = &*self.reply_awaited(bytes);
                self.reply_bytes = bytes.len().max(self.reply_bytes - self.reply_bytes / 8);
                self.unpark(timers, slot);
                // Instead of figures an error may come.
                self.inquiry.take_if(|inquiry| inquiry.place == place);
                match &mut self.exec {
                    Some(exec) if exec.place == place => exec.take(bytes),
                    _ => self.order.answer(place, bytes, &mut self.output),
                }
            }
            Answered::Parked { until } => {
                self.order.park(place);
                self.park(place, *until, Awaited::Key, timers, slot);
                return false;
            }
            Answered::Cancelled => {
                let reply = self.reply_given_up();
                self.unpark(timers, slot);
                self.order.answer(place, reply, &mut self.output);
            }
            Answered::Stats(shards) => self.heard(place, shards),
        }
        self.has_more()
    }

    /// The command in `place` has done what it does: the call, where it is to be counted.
    pub fn settle(&mut self, place: Place) -> Option<Begun> {
        self.order.settle(place)
    }

    /// Whether something waits that [`resume`](Connection::resume) might begin.
    pub fn has_more(&self) -> bool {
        self.exec.is_some()
            || self.inquiry.is_some()
            || matches!(self.gate, Gate::Held(_))
            || !self.input.is_empty()
    }

    /// Sends what it did not ask for. Whoever does not read, so that more waits than may, is dropped at once.
    pub fn hear(&mut self, frame: &Frame, limits: &Limits) {
        self.push(frame, self.client.protocol, limits);
    }

    fn push(&mut self, frame: &Frame, protocol: Protocol, limits: &Limits) {
        let bytes = match protocol {
            Protocol::Resp2 => &frame.resp2,
            Protocol::Resp3 => &frame.resp3,
        };
        let waiting = (self.output.len() + self.queued + bytes.len()) as u64;
        let hard_bytes = self.output_limit(limits).hard_bytes;
        if hard_bytes > 0 && waiting > hard_bytes {
            self.forget_output();
            self.broken = true;
        }
        if !self.broken {
            self.output.extend_from_slice(bytes);
        }
    }

    /// The client sends no more: it is answered what it asked, unless it waits.
    pub fn end(&mut self) {
        self.ended = true;
        self.broken |= self.parked.is_some() && !self.awaits_word();
    }

    /// The client hears nothing more that it did not ask for, and begins nothing.
    pub fn fall_silent(&mut self, server: &Server) {
        self.client.closing = true;
        self.input.clear();
        self.client.transaction = None;
        self.client.watch = None;
        server.monitors.remove(&self.client.card);
        pubsub::leave(server, &mut self.client);
    }

    /// The client is gone: what waits for a key, or will, is given up.
    pub fn leave(&mut self, turn: &mut Turn<'_>) {
        let stood_alone = matches!(self.gate, Gate::Alone) && !self.order.is_empty();
        self.gate = Gate::Alone;
        if let Some(exec) = self.exec.take_if(|exec| !exec.is_asked()) {
            // Nobody else answers it any more.
            self.order.answer(exec.place, &[], &mut self.output);
        }
        if let Some(inquiry) = self.inquiry.take_if(|inquiry| inquiry.is_told()) {
            self.order.answer(inquiry.place, &[], &mut self.output);
        }
        (self.exec, self.inquiry) = (None, None);
        self.order.forget_calls();
        self.forget_output();
        self.fall_silent(turn.server);
        self.unblock(false, turn);
        self.told(&[], turn);
        if stood_alone && let Some(last) = self.order.last() {
            // It may be about to wait, which nobody knows yet.
            turn.store.cancel(turn.tag(last));
        }
    }

    /// Whether nothing that it has asked may still change something.
    pub fn is_quiet(&self) -> bool {
        self.order.writes() == 0
    }

    /// Whether the store still owes answers.
    pub fn is_owed(&self) -> bool {
        !self.order.is_empty()
    }

    /// Whether the client is to be closed now, without sending anything.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Closes at the next opportunity, without sending anything.
    pub fn break_off(&mut self) {
        self.broken = true;
    }

    /// Whether all was said that will be.
    pub fn is_done(&self) -> bool {
        // Of one that sends no more, commands may be left that wait for it to read.
        let is_held = self.held_by_output && self.has_more();
        let is_through = self.ended && !matches!(self.gate, Gate::Held(_)) && !is_held;
        self.order.is_empty() && (self.client.closing || is_through)
    }

    /// What the network is to send; `None` where it must wait for a turn of `store` that is not settled.
    pub fn output(&mut self, store: &Worker) -> Option<&mut Vec<u8>> {
        let is_free = self.withheld.is_over(store, &mut self.output);
        is_free.then_some(&mut self.output)
    }

    fn forget_output(&mut self) {
        self.output = Vec::new();
        self.withheld.forget();
    }

    /// The network has got the output and not sent so many bytes; whether the client took enough for
    /// the connection to go on.
    pub fn queued(&mut self, bytes: usize) -> bool {
        self.queued = bytes;
        let waiting = bytes + self.order.kept_bytes();
        self.client.card.output_bytes.set(waiting as u64);
        if !self.held_by_output || self.is_output_held() {
            return false;
        }
        self.held_by_output = false;
        self.has_more()
    }

    /// Whether more waits to be sent than `client-output-buffer-limit` allows.
    pub fn is_too_slow(&mut self, limits: &Limits, now: Millis) -> bool {
        let limit = self.output_limit(limits);
        let waiting = (self.output.len() + self.queued + self.order.kept_bytes()) as u64;
        if limit.hard_bytes > 0 && waiting > limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || waiting <= limit.soft_bytes {
            self.slow_since = None;
            return false;
        }
        let since = *self.slow_since.get_or_insert(now);
        // Redis compares whole seconds of its clock.
        (now.0 / 1_000).saturating_sub(since.0 / 1_000) > limit.soft_s
    }

    /// Whether it said nothing for longer than `timeout` allows. Who waits, or hears what others do, may be
    /// silent.
    pub fn is_idle(&self, limits: &Limits, now: Millis) -> bool {
        let heard = Millis(self.client.card.heard_ms.get());
        limits.idle_s > 0
            && now.since(heard) > limits.idle_s * 1_000
            && self.order.is_empty()
            && !self.withheld.is_any()
            && self.client.listens() == 0
    }

    fn output_limit(&self, limits: &Limits) -> OutputLimit {
        if self.client.is_subscriber() {
            limits.output_pubsub
        } else {
            limits.output_normal
        }
    }

    /// Whether no more replies may be kept for the client, those that are awaited counted.
    fn is_output_held(&self) -> bool {
        let awaited = self.order.len().saturating_mul(self.reply_bytes);
        let kept = self.output.len() + self.queued + self.order.kept_bytes();
        kept.saturating_add(awaited) > OUTPUT_HELD_BYTES
    }
}
