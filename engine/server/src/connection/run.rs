//! What becomes of a command: refused, queued, held, sent to the store, or run.

use seawall_store::Op;
use seawall_store::command::key::EXISTS;
use seawall_store::command::{CommandError, Flag, Keys};
use seawall_store::store::Watch;

use super::order::Asked;
use super::refusal::{refusal, runs_at_once};
use super::wait::Awaited;
use super::{Call, Connection, Gate, Queued, Replies, Turn};
use crate::calls::{Begun, Spoken};
use crate::command::{Context, Entry, Next, Order as When, Runner};
use crate::resp::{Parsed, Words};

impl Connection {
    /// A command has come.
    pub(super) fn command(&mut self, parsed: Parsed, turn: &mut Turn<'_>) {
        let entry = parsed.entry();
        match self.admit(parsed) {
            Ok(Some(call)) => self.queue_or_begin(call, turn),
            Ok(None) => {}
            Err(error) => {
                if let Some(transaction) = &mut self.client.transaction {
                    transaction.failed = true;
                }
                let muted = self.is_muted();
                self.reply_error(&error, muted, turn);
                let worker = self.client.card.worker;
                let reply = turn.scratch.as_bytes();
                turn.server.calls.rejected(worker, entry, reply);
            }
        }
    }

    /// The command, where there is one and this client may call it now.
    fn admit(&mut self, parsed: Parsed) -> Result<Option<Call>, CommandError> {
        let call = match parsed {
            Parsed::Unknown(name, args) => {
                // A browser that was lured into speaking to us sends headers: nothing of it is run.
                if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
                    self.broken = true;
                    return Ok(None);
                }
                return Err(CommandError::unknown(&name, args.iter()));
            }
            Parsed::Store(entry, op) => {
                if !entry.accepts(op.len()) {
                    return Err(crate::command::arity_error(entry));
                }
                Call::Store(entry, op)
            }
            Parsed::Server(entry, args) => Call::Server(entry.called(&args)?, args),
        };
        let Some(entry) = call.entry() else {
            return Ok(Some(call));
        };
        self.client.card.command.set(entry.number as u64 + 1);
        match refusal(&self.client, entry) {
            Some(error) => Err(error),
            None => Ok(Some(call)),
        }
    }

    fn queue_or_begin(&mut self, call: Call, turn: &mut Turn<'_>) {
        let Some(transaction) = &mut self.client.transaction else {
            return self.begin_in_order(call, turn);
        };
        if call.entry().is_none_or(runs_at_once) {
            return self.begin_in_order(call, turn);
        }
        transaction.bytes += call.bytes();
        if transaction.bytes > turn.limits.query_bytes {
            // What a client may keep here is bounded like what it may send at once.
            self.broken = true;
            return;
        }
        transaction.queued.push(match call {
            Call::Store(_, op) | Call::Foreign(op, _) => Queued::Store(op),
            Call::Server(entry, args) => Queued::Server(entry, args),
        });
        self.client.show();
        let muted = self.is_muted();
        self.order.reply(b"+QUEUED\r\n", muted, &mut self.output);
    }

    /// Begins a command now, or when it may.
    pub(super) fn begin_in_order(&mut self, call: Call, turn: &mut Turn<'_>) {
        if self.must_wait(&call, turn) {
            self.gate = Gate::Held(Box::new(call));
        } else {
            self.begin(call, turn);
        }
    }

    /// Whether a command may not begin yet.
    pub(super) fn must_wait(&self, call: &Call, turn: &Turn<'_>) -> bool {
        let is_early = match call.op() {
            _ if self.order.is_empty() => false,
            Some(op) if is_wide(op, turn) => true,
            // Others must never see a later write of this client's without an earlier one: those of one
            // shard are applied in order, those of several one shard after the other.
            Some(op) => writes(op) && self.order.writes() > 0 && shard_of(op, turn) != self.written,
            None => call.comes_after_all(),
        };
        is_early
            || call
                .entry()
                .is_some_and(|entry| turn.server.holds_back(entry, turn.now))
    }

    /// Begins a command.
    pub(super) fn begin(&mut self, call: Call, turn: &mut Turn<'_>) {
        match call {
            Call::Store(entry, op) => {
                self.show(entry, op.args(), turn);
                let op = op
                    .within(self.client.database)
                    .answered_in(self.client.protocol);
                if entry.flags().has(Flag::Blocking) || is_wide(&op, turn) {
                    self.gate = Gate::Alone;
                }
                let muted = self.is_muted();
                let begun = turn.server.calls.begin(entry, &op);
                self.ask(op, muted, Some(begun), turn);
            }
            Call::Foreign(op, quiet) => {
                if is_wide(&op, turn) {
                    self.gate = Gate::Alone;
                }
                self.ask(op, quiet, None, turn);
            }
            Call::Server(entry, args) => {
                let silent = self.client.replies == Replies::SkipNext;
                if silent {
                    self.client.replies = Replies::On;
                }
                let begun = Begun::now(entry);
                let next = self.run(entry, &args, false, turn);
                let mut awaited = None;
                // Later than it ran: who begins to listen by it hears of it, and who ends does not.
                self.show(entry, args.iter(), turn);
                let muted = silent || self.client.replies == Replies::Off;
                match &next {
                    Next::Forward(_) | Next::Watch => {
                        // It is counted when it is answered.
                        awaited = Some(begun);
                    }
                    Next::Replied
                    | Next::Unwatch
                    | Next::Execute
                    | Next::Wait { .. }
                    | Next::Told => {
                        let reply = match next {
                            Next::Execute | Next::Wait { .. } | Next::Told => &[][..],
                            _ => turn.scratch.as_bytes(),
                        };
                        let words = Spoken::Words(&args);
                        let card = &self.client.card;
                        turn.server
                            .calls
                            .called(&begun, Some(words), card, turn.now, reply);
                    }
                }
                self.follow(next, &args, awaited, muted, turn);
                self.client.show();
            }
        }
    }

    /// Runs a command of the server; what it replied stands in the turn's scratch.
    pub(super) fn run(
        &mut self,
        entry: &'static Entry,
        args: &Words,
        in_transaction: bool,
        turn: &mut Turn<'_>,
    ) -> Next {
        let Runner::Server(command) = entry.runner else {
            return Next::Replied;
        };
        turn.scratch.clear();
        turn.scratch.speak(self.client.protocol);
        let (heard, protocol) = (self.client.listens(), self.client.protocol);
        let mut context = Context {
            server: turn.server,
            store: turn.store,
            client: &mut self.client,
            entry,
            args,
            reply: turn.scratch,
            now: turn.now,
            in_transaction,
            next: Next::Replied,
        };
        let done = (command.run)(&mut context);
        let next = context.next;
        if self.client.listens() < heard {
            // What was on its way to it is heard before it is told that no more will come.
            let card = &self.client.card;
            for frame in turn.server.mailbox(card.worker).frames_for(card.token) {
                self.push(&frame, protocol, turn.limits);
            }
        }
        if let Err(error) = done {
            turn.scratch.clear();
            turn.scratch.error(&error);
            return Next::Replied;
        }
        next
    }

    /// Sends an op of one shard, or of several, to the store.
    fn ask(&mut self, op: Op, muted: bool, begun: Option<Begun>, turn: &mut Turn<'_>) {
        let writes = writes(&op);
        if writes {
            self.written = shard_of(&op, turn);
        }
        let asked = Asked {
            begun,
            bytes: op.encoded_bytes(),
            writes,
        };
        let place = self.order.take(muted, asked);
        if turn.store.send(turn.tag(place), op) {
            self.order.seen(place);
        }
    }

    /// Does what a handler left to be done.
    fn follow(
        &mut self,
        next: Next,
        args: &Words,
        begun: Option<Begun>,
        muted: bool,
        turn: &mut Turn<'_>,
    ) {
        let asked = Asked {
            begun,
            ..Asked::default()
        };
        match next {
            Next::Replied => {}
            Next::Unwatch => self.client.watch = None,
            Next::Forward(op) => {
                self.gate = Gate::Alone;
                let op = op
                    .within(self.client.database)
                    .answered_in(self.client.protocol);
                return self.ask(op, muted, asked.begun, turn);
            }
            Next::Wait { until, reply } => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                return self.park(place, until, Awaited::Time(reply), turn.timers, turn.slot);
            }
            Next::Told => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                return self.park(place, None, Awaited::Word, turn.timers, turn.slot);
            }
            Next::Watch => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                let tag = turn.tag(place);
                let watch = self.client.watch.get_or_insert_with(Watch::new);
                let keys = args.iter().fold(Op::new(&EXISTS), Op::arg);
                let keys = keys.within(self.client.database);
                return (turn.store).watch(tag, watch, &keys);
            }
            Next::Execute => return self.execute(muted, turn),
        }
        (self.order).reply(turn.scratch.as_bytes(), muted, &mut self.output);
    }

    /// Whether the next reply is not wanted; asking uses `CLIENT REPLY SKIP` up.
    fn is_muted(&mut self) -> bool {
        match self.client.replies {
            Replies::On => false,
            Replies::Off => true,
            Replies::SkipNext => {
                self.client.replies = Replies::On;
                true
            }
        }
    }

    /// Shows a call to those who hear of every one.
    fn show<'a>(&self, entry: &Entry, args: impl Iterator<Item = &'a [u8]>, turn: &Turn<'_>) {
        let server = turn.server;
        if server.monitors.is_any() {
            server.monitors.show(server, &self.client.card, entry, args);
        }
    }

    pub(super) fn reply_error(&mut self, error: &CommandError, muted: bool, turn: &mut Turn<'_>) {
        turn.scratch.clear();
        turn.scratch.error(error);
        (self.order).reply(turn.scratch.as_bytes(), muted, &mut self.output);
    }
}

impl Call {
    /// The command, where it is one of the table's.
    pub(super) fn entry(&self) -> Option<&'static Entry> {
        match self {
            Call::Store(entry, _) | Call::Server(entry, _) => Some(entry),
            Call::Foreign(..) => None,
        }
    }

    fn op(&self) -> Option<&Op> {
        match self {
            Call::Store(_, op) | Call::Foreign(op, _) => Some(op),
            Call::Server(..) => None,
        }
    }

    fn bytes(&self) -> usize {
        // What it is kept in, and what that points to.
        size_of::<Queued>()
            + match self {
                Call::Store(_, op) | Call::Foreign(op, _) => op.bytes(),
                Call::Server(_, args) => args.bytes(),
            }
    }

    /// Whether it begins only when all before it are answered.
    fn comes_after_all(&self) -> bool {
        match self {
            Call::Server(entry, _) => match entry.runner {
                Runner::Server(command) => command.order == When::AfterAll,
                Runner::Store(_) => false,
            },
            Call::Store(..) | Call::Foreign(..) => false,
        }
    }
}

/// Whether `op` concerns several shards. Most ops have one key, and need not be asked.
fn is_wide(op: &Op, turn: &Turn<'_>) -> bool {
    op.command().keys != Keys::ONE && turn.store.is_wide(op)
}

fn writes(op: &Op) -> bool {
    op.command().flags.writes()
}

/// The shard of an op that concerns one.
fn shard_of(op: &Op, turn: &Turn<'_>) -> usize {
    let store = &turn.server.store;
    if store.shards() == 1 {
        return 0;
    }
    op.key().map_or(0, |key| store.shard_of(key))
}
