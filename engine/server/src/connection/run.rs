//! What becomes of a command: refused, queued, held, sent to the store, or run.

use std::sync::atomic::Ordering;

use seawall_store::Op;
use seawall_store::command::key::EXISTS;
use seawall_store::command::{CommandError, Flag, Keys};
use seawall_store::store::{Until, Watch};

use super::inquiry::Teller;
use super::refusal::{refusal, runs_at_once};
use super::reply_queue::Asked;
use super::wait::Awaited;
use super::{Call, Connection, Gate, Replies, Turn};
use crate::calls::{Begun, Spoken};
use crate::command::{Called, Context, Entry, Next, Order, Runner};
use crate::pause::changes;
use crate::resp::{Parsed, Words};

impl Connection {
    /// A command has come.
    pub(super) fn command(&mut self, parsed: Parsed, turn: &mut Turn<'_>) {
        let entry = parsed.entry();
        match self.admit(parsed, turn) {
            Ok(Some(call)) => self.queue_or_begin(call, turn),
            Ok(None) => {}
            Err(mut error) => {
                if entry.is_some_and(|entry| entry.name() == "exec") {
                    error = aborted(&error);
                    self.client.transaction = None;
                    self.client.watch = None;
                } else if let Some(transaction) = &mut self.client.transaction {
                    transaction.failed = true;
                }
                self.reject(entry, &error, turn);
            }
        }
    }

    /// Answers a call that does not run.
    fn reject(&mut self, entry: Option<&'static Entry>, error: &CommandError, turn: &mut Turn<'_>) {
        let muted = self.is_muted();
        self.reply_error(error, muted, turn);
        let (calls, worker) = (&turn.server.calls, self.client.card.worker);
        calls.rejected(worker, entry, turn.scratch.as_bytes());
    }

    /// The command, where there is one and this client may call it now.
    fn admit(&mut self, parsed: Parsed, turn: &Turn<'_>) -> Result<Option<Call>, CommandError> {
        // The client's line shows what it called last, whether that may be called or not.
        let meant = match &parsed {
            Parsed::Unknown(..) => None,
            Parsed::Store(called, op) => called.entry.meant(op.get(0)).ok(),
            Parsed::Server(called, args) => called.entry.meant(args.get(0)).ok(),
        };
        let command = meant.map_or(0, |entry| entry.number as u64 + 1);
        self.client.card.command.set(command);
        let call = match parsed {
            Parsed::Unknown(name, args) => {
                // A browser that was lured into speaking to us sends headers: nothing of it is run.
                if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
                    self.broken = true;
                    return Ok(None);
                }
                return Err(CommandError::unknown(&name, args.iter()));
            }
            Parsed::Store(called, op) => {
                let called = called.of(called.entry.called(op.get(0), op.len())?);
                Call::Store(called, op)
            }
            Parsed::Server(called, args) => {
                let called = called.of(called.entry.called(args.get(0), args.len())?);
                Call::Server(called, args)
            }
        };
        let entry = call.entry();
        match refusal(&self.client, entry, turn.limits, &turn.server.store) {
            Some(error) => Err(error),
            None => Ok(Some(call)),
        }
    }

    fn queue_or_begin(&mut self, call: Call, turn: &mut Turn<'_>) {
        let Some(transaction) = &mut self.client.transaction else {
            return self.begin_in_order(call, turn);
        };
        if runs_at_once(call.entry()) {
            return self.begin_in_order(call, turn);
        }
        if turn.store.is_full(call.op()) {
            // Redis refuses to queue anything while it has no room.
            transaction.failed = true;
            return self.reject(Some(call.entry()), &CommandError::OUT_OF_MEMORY, turn);
        }
        if let Some(error) = call.op().and_then(|op| turn.store.refusal(op)) {
            transaction.failed = true;
            return self.reject(Some(call.entry()), &error, turn);
        }
        let overtaken = self.client.watch.as_ref().is_some_and(Watch::is_changed);
        if transaction.failed || overtaken {
            // It will not run: nothing of it is kept.
            let muted = self.is_muted();
            return (self.order).reply(b"+QUEUED\r\n", muted, &mut self.output);
        }
        transaction.bytes += call.bytes();
        if transaction.bytes > turn.limits.query_bytes {
            // What a client may keep here is bounded like what it may send at once.
            self.broken = true;
            return;
        }
        transaction.queued.push(call);
        self.client.show();
        let muted = self.is_muted();
        self.order.reply(b"+QUEUED\r\n", muted, &mut self.output);
    }

    /// Begins a command now, or when it may.
    pub(super) fn begin_in_order(&mut self, call: Call, turn: &mut Turn<'_>) {
        let is_paused = self.is_paused(&call, turn);
        if is_paused || self.is_early(&call, turn) {
            self.client.card.paused.store(is_paused, Ordering::Relaxed);
            self.gate = Gate::Held(Box::new(call));
        } else {
            self.begin(call, turn);
        }
    }

    /// Whether a command may not begin before others of its client are answered.
    pub(super) fn is_early(&self, call: &Call, turn: &mut Turn<'_>) -> bool {
        match call.op() {
            _ if self.order.is_empty() => false,
            Some(op) if is_wide(op, turn) => true,
            Some(op) => writes(op) && self.is_early_on(shard_of(op, turn), turn),
            None => call.comes_after_all(),
        }
    }

    /// Whether a write on `shard` may not begin before others of its client are answered: others must never see a
    /// later write of this client's without an earlier one. Those of one shard are applied in order.
    pub(super) fn is_early_on(&self, shard: usize, turn: &mut Turn<'_>) -> bool {
        self.order.writes() > 0 && shard != self.written && !turn.store.keeps_order()
    }

    /// Whether a call waits for the end of a pause, or, since it writes, for that of the server.
    pub(super) fn is_paused(&self, call: &Call, turn: &Turn<'_>) -> bool {
        let is_on = turn.server.pause.is_on(turn.now);
        let is_closing = !turn.server.takes_writes();
        if !is_on && !is_closing {
            return false;
        }
        let queued = (self.client.transaction.iter())
            .filter(|_| call.entry().name() == "exec")
            .flat_map(|transaction| &transaction.queued);
        let writes = queued.map(Call::entry).any(changes);
        let until = turn.server.pause.until(call.entry(), writes, turn.now);
        is_on && until.is_some() || is_closing && (writes || changes(call.entry()))
    }

    /// Begins a command.
    pub(super) fn begin(&mut self, call: Call, turn: &mut Turn<'_>) {
        self.client.card.paused.store(false, Ordering::Relaxed);
        match call {
            Call::Store(called, op) => {
                self.show(&called, op.args(), turn);
                let op = op
                    .within(self.client.database)
                    .answered_in(self.client.protocol);
                if called.flags().has(Flag::Blocking) || is_wide(&op, turn) {
                    self.gate = Gate::Alone;
                }
                let muted = self.is_muted();
                let begun = turn.server.calls.begin(called, &op);
                self.send(op, muted, Some(begun), turn);
            }
            Call::Server(called, args) => {
                if self.client.replies == Replies::SkipNext {
                    self.client.replies = Replies::SkipThis;
                }
                let mut begun = Begun::now(called);
                let next = self.run(called.entry, &args, false, turn);
                let mut awaited = None;
                // Later than it ran: who begins to listen by it hears of it, and who ends does not. What
                // `EXEC` runs is shown before it.
                if !matches!(next, Next::Execute) {
                    self.show(&called, args.iter(), turn);
                }
                // `CLIENT REPLY ON` is answered, whatever was said before.
                let muted = self.client.replies != Replies::On && !is_message(called.entry);
                if self.client.replies == Replies::SkipThis {
                    self.client.replies = Replies::On;
                }
                match &next {
                    Next::Forward(_)
                    | Next::Watch
                    | Next::Wait { .. }
                    | Next::Durable { .. }
                    | Next::Told
                    | Next::Inquire(_) => {
                        if !matches!(next, Next::Forward(_) | Next::Watch | Next::Inquire(_)) {
                            begun.park();
                        }
                        // It is counted when it is answered.
                        awaited = Some(begun);
                    }
                    Next::Execute => {
                        self.execute(begun, muted, turn);
                        return self.client.show();
                    }
                    Next::Replied | Next::Pushed | Next::Unwatch => {
                        let reply = turn.scratch.as_bytes();
                        let words = Spoken::Words(&args);
                        let card = &self.client.card;
                        turn.server
                            .calls
                            .called(&begun, Some(words), card, turn.now, reply);
                    }
                }
                self.follow(next, called.entry, &args, awaited, muted, turn);
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
    fn send(&mut self, op: Op, muted: bool, begun: Option<Begun>, turn: &mut Turn<'_>) {
        let writes = writes(&op);
        if writes {
            self.written = shard_of(&op, turn);
            self.client.wrote.note(&op, &turn.server.store);
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

    /// Sends an op to the one shard that it concerns, and that does not run it at once.
    pub(super) fn send_to(&mut self, shard: usize, op: Op, begun: Begun, turn: &mut Turn<'_>) {
        let writes = writes(&op);
        if writes {
            self.written = shard;
            self.client.wrote.note(&op, &turn.server.store);
        }
        let asked = Asked {
            begun: Some(begun),
            bytes: op.encoded_bytes(),
            writes,
        };
        let place = self.order.take(false, asked);
        turn.store.send_to(shard, turn.tag(place), op);
    }

    /// Does what a handler left to be done.
    fn follow(
        &mut self,
        next: Next,
        entry: &'static Entry,
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
                return self.send(op, muted, asked.begun, turn);
            }
            Next::Wait { until, reply } => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                return self.park(place, until, Awaited::Time(reply), turn.timers, turn.slot);
            }
            Next::Durable { until, told } => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                let mut shards: Vec<usize> = self.client.wrote.shards().collect();
                if shards.is_empty() && told == Until::GivenUp {
                    // Somebody has to be asked to be given up.
                    shards.push(0);
                }
                turn.store.ask_durable(turn.tag(place), shards, told);
                return self.park(place, until, Awaited::Durable, turn.timers, turn.slot);
            }
            Next::Told => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted, asked);
                return self.park(place, None, Awaited::Word, turn.timers, turn.slot);
            }
            Next::Inquire(tell) => {
                let teller = Teller::Command(entry, args.clone(), tell, false);
                return self.inquire(teller, muted, asked, turn);
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
            // Where it runs, it is begun with its time.
            Next::Execute => return,
            Next::Pushed => {
                // What a client listens to it hears, also where it wants no replies.
                let told = turn.scratch.as_bytes();
                return self.order.reply(told, false, &mut self.output);
            }
        }
        (self.order).reply(turn.scratch.as_bytes(), muted, &mut self.output);
    }

    /// Whether the next reply is not wanted; asking uses `CLIENT REPLY SKIP` up.
    fn is_muted(&mut self) -> bool {
        match self.client.replies {
            Replies::On => false,
            Replies::Off => true,
            Replies::SkipNext | Replies::SkipThis => {
                self.client.replies = Replies::On;
                true
            }
        }
    }

    /// Shows a call to those who hear of every one.
    pub(super) fn show<'a>(
        &self,
        called: &Called,
        args: impl Iterator<Item = &'a [u8]>,
        turn: &Turn<'_>,
    ) {
        let server = turn.server;
        if server.monitors.is_any() {
            server
                .monitors
                .show(server, &self.client.card, called, args);
        }
    }

    pub(super) fn reply_error(&mut self, error: &CommandError, muted: bool, turn: &mut Turn<'_>) {
        turn.scratch.clear();
        turn.scratch.error(error);
        (self.order).reply(turn.scratch.as_bytes(), muted, &mut self.output);
    }
}

impl Call {
    pub(super) fn entry(&self) -> &'static Entry {
        match self {
            Call::Store(called, _) | Call::Server(called, _) => called.entry,
        }
    }

    fn op(&self) -> Option<&Op> {
        match self {
            Call::Store(_, op) => Some(op),
            Call::Server(..) => None,
        }
    }

    fn bytes(&self) -> usize {
        // What it is kept in, and what that points to.
        size_of::<Call>()
            + match self {
                Call::Store(_, op) => op.bytes(),
                Call::Server(_, args) => args.bytes(),
            }
    }

    /// Whether it begins only when all before it are answered.
    fn comes_after_all(&self) -> bool {
        match self {
            Call::Server(called, _) => match called.runner {
                Runner::Server(command) => command.order == Order::AfterAll,
                Runner::Store(_) => false,
            },
            Call::Store(..) => false,
        }
    }
}

/// Whether the reply counts as a message, which `CLIENT REPLY` does not concern.
fn is_message(entry: &Entry) -> bool {
    entry.name().ends_with("subscribe")
}

/// What a client hears whose `EXEC` is refused: its transaction is over.
fn aborted(error: &CommandError) -> CommandError {
    let words = error.to_string();
    let words = words.strip_prefix("ERR ").unwrap_or(&words);
    CommandError::new(format!(
        "EXECABORT Transaction discarded because of: {words}"
    ))
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
