//! What becomes of a command: refused, queued, held, sent to the store, or run.

use seawall_store::Op;
use seawall_store::command::key::EXISTS;
use seawall_store::command::{CommandError, Flag, Keys};
use seawall_store::store::Watch;

use super::refusal::{refusal, runs_at_once};
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
            Err(mut error) => {
                if entry.is_some_and(|entry| entry.name() == "exec") {
                    error = aborted(&error);
                    self.client.transaction = None;
                    self.client.watch = None;
                } else if let Some(transaction) = &mut self.client.transaction {
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
        // The client's line shows what it called last, whether that may be called or not.
        let meant = match &parsed {
            Parsed::Unknown(..) => None,
            Parsed::Store(entry, _) => Some(*entry),
            Parsed::Server(entry, args) => entry.meant(args).ok(),
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
            Parsed::Store(entry, op) => {
                if !entry.accepts(op.len()) {
                    return Err(crate::command::arity_error(entry));
                }
                entry.check_part(op.get(0), op.len())?;
                Call::Store(entry, op)
            }
            Parsed::Server(entry, args) => Call::Server(entry.called(&args)?, args),
        };
        let entry = call.entry();
        match refusal(&self.client, entry) {
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
        transaction.queued.push(match call {
            Call::Store(_, op) => Queued::Store(op),
            Call::Server(entry, args) => Queued::Server(entry, args),
        });
        self.client.show();
        let muted = self.is_muted();
        self.order.reply(b"+QUEUED\r\n", muted, &mut self.output);
    }

    /// Begins a command now, or when all before it are answered.
    fn begin_in_order(&mut self, call: Call, turn: &mut Turn<'_>) {
        let is_early = !self.order.is_empty() && call.comes_after_all(turn);
        if is_early || turn.server.pause.until(call.entry(), turn.now).is_some() {
            self.gate = Gate::Held(Box::new(call));
            return;
        }
        self.begin(call, turn);
    }

    /// Begins a command.
    pub(super) fn begin(&mut self, call: Call, turn: &mut Turn<'_>) {
        if turn.server.monitors.is_any() {
            self.show(&call, turn);
        }
        match call {
            Call::Store(entry, op) => {
                let op = op
                    .within(self.client.database)
                    .answered_in(self.client.protocol);
                if entry.flags().has(Flag::Blocking) || is_wide(&op, turn) {
                    self.gate = Gate::Alone;
                }
                let muted = self.is_muted();
                let place = self.order.take(muted);
                let begun = turn.server.calls.begin(entry, &op);
                self.timing.begin(place, begun);
                turn.store.send(turn.tag(place), op);
            }
            Call::Server(entry, args) => {
                if self.client.replies == Replies::SkipNext {
                    self.client.replies = Replies::SkipThis;
                }
                let begun = Begun::now(entry);
                let next = self.run(entry, &args, false, turn);
                // `CLIENT REPLY ON` is answered, whatever was said before.
                let muted = self.client.replies != Replies::On && !is_message(entry);
                if self.client.replies == Replies::SkipThis {
                    self.client.replies = Replies::On;
                }
                match &next {
                    Next::Forward(_) | Next::Watch => {
                        // It takes the next place.
                        self.timing.begin(self.order.next(), begun);
                    }
                    Next::Replied | Next::Unwatch | Next::Execute | Next::Wait { .. } => {
                        let reply = match next {
                            Next::Execute | Next::Wait { .. } => &[][..],
                            _ => turn.scratch.as_bytes(),
                        };
                        let words = Spoken::Words(&args);
                        let card = &self.client.card;
                        turn.server
                            .calls
                            .called(&begun, Some(words), card, turn.now, reply);
                    }
                }
                self.follow(next, &args, muted, turn);
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
        if let Err(error) = done {
            turn.scratch.clear();
            turn.scratch.error(&error);
            return Next::Replied;
        }
        next
    }

    /// Does what a handler left to be done.
    fn follow(&mut self, next: Next, args: &Words, muted: bool, turn: &mut Turn<'_>) {
        match next {
            Next::Replied => {}
            Next::Unwatch => self.client.watch = None,
            Next::Forward(op) => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted);
                let op = op
                    .within(self.client.database)
                    .answered_in(self.client.protocol);
                return turn.store.send(turn.tag(place), op);
            }
            Next::Wait { until, reply } => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted);
                return self.park(place, until, Some(reply), turn.timers, turn.slot);
            }
            Next::Watch => {
                self.gate = Gate::Alone;
                let place = self.order.take(muted);
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
            Replies::SkipNext | Replies::SkipThis => {
                self.client.replies = Replies::On;
                true
            }
        }
    }

    /// Shows a call to those who hear of every one.
    fn show(&self, call: &Call, turn: &Turn<'_>) {
        let (server, card) = (turn.server, &self.client.card);
        match call {
            Call::Store(entry, op) => server.monitors.show(server, card, entry, op.args()),
            Call::Server(entry, args) => server.monitors.show(server, card, entry, args.iter()),
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
            Call::Store(entry, _) | Call::Server(entry, _) => entry,
        }
    }

    fn bytes(&self) -> usize {
        // What it is kept in, and what that points to.
        size_of::<Queued>()
            + match self {
                Call::Store(_, op) => op.args().map(<[u8]>::len).sum(),
                Call::Server(_, args) => args.bytes(),
            }
    }

    /// Whether it begins only when all before it are answered.
    fn comes_after_all(&self, turn: &Turn<'_>) -> bool {
        match self {
            Call::Store(_, op) => is_wide(op, turn),
            Call::Server(entry, _) => match entry.runner {
                Runner::Server(command) => command.order == When::AfterAll,
                Runner::Store(_) => false,
            },
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
