//! `EXEC`: what `MULTI` queued runs, all or nothing, and its replies become one.
//!
//! The store's commands run as one transaction, on their shards, at once. The server's own commands,
//! which change no key, run here when the transaction has succeeded; their replies go between those of
//! the store's as they were queued.

use std::collections::VecDeque;

use seawall_store::Op;
use seawall_store::command::CommandError;
use seawall_store::command::server::FLUSHALL;
use seawall_store::reply::{Protocol, element};

use super::inquiry::Teller;
use super::reply_queue::Asked;
use super::{Call, Connection, Gate, Place, Replies, Turn};
use crate::calls::{Begun, Spoken};
use crate::command::{
    Called, Next,
    connection::{Greeting, database},
};
use crate::resp::Words;

/// A transaction that runs.
#[derive(Debug)]
pub(super) struct Exec {
    /// The place of its reply.
    pub(super) place: Place,
    /// What is still to be answered, in order.
    steps: VecDeque<Step>,
    /// The store's replies, where they came.
    stored: Option<Vec<u8>>,
    /// How many bytes of them were used.
    used: usize,
    /// The reply so far.
    reply: Vec<u8>,
    /// Whether an answer of the store is awaited.
    asked: bool,
}

/// A command of a transaction.
#[derive(Debug)]
enum Step {
    /// The store's.
    Store(Called),
    /// The server's, and the database that it means.
    Server(Called, Words, u8),
}

impl Exec {
    /// Whether an answer of the store is awaited.
    pub(super) fn is_asked(&self) -> bool {
        self.asked
    }

    /// An answer of the store: to the transaction, or to what a command of the server's asked.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.asked = false;
        match &self.stored {
            None => self.stored = Some(bytes.to_vec()),
            Some(_) => self.reply.extend_from_slice(bytes),
        }
    }
}

impl Connection {
    /// Begins what was queued.
    pub(super) fn execute(&mut self, begun: Begun, muted: bool, turn: &mut Turn<'_>) {
        let watch = self.client.watch.take();
        let Some(transaction) = self.client.transaction.take() else {
            return;
        };
        if !transaction.failed {
            for queued in &transaction.queued {
                match queued {
                    Call::Store(called, op) => self.show(called, op.args(), turn),
                    Call::Server(called, args) => self.show(called, args.iter(), turn),
                }
            }
        }
        self.show(&begun.called(), std::iter::empty(), turn);
        if transaction.failed {
            let error =
                CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");
            self.reply_error(&error, muted, turn);
            let (calls, card) = (&turn.server.calls, &self.client.card);
            return calls.called(&begun, None, card, turn.now, turn.scratch.as_bytes());
        }
        // What `SELECT` and `HELLO` will have changed when a later command runs.
        let (mut within, mut protocol) = (self.client.database, self.client.protocol);
        let mut ops: Vec<Op> = Vec::new();
        let mut steps = VecDeque::new();
        for queued in transaction.queued {
            match queued {
                Call::Store(called, op) => {
                    ops.push(op.within(within).answered_in(protocol));
                    steps.push_back(Step::Store(called));
                }
                Call::Server(called, args) => {
                    let before = within;
                    if called.name() == "select" {
                        within = database(&args, turn.limits).unwrap_or(within);
                    }
                    if called.name() == "hello"
                        && let Ok(greeting) = Greeting::read(&args, protocol, turn.limits)
                    {
                        protocol = greeting.protocol;
                    }
                    steps.push_back(Step::Server(called, args, before));
                }
            }
        }
        let needs_store = !ops.is_empty() || watch.is_some();
        let mut asked = Asked {
            begun: None,
            bytes: ops.iter().map(Op::encoded_bytes).sum(),
            writes: true,
        };
        if needs_store {
            asked.begun = Some(begun);
        } else {
            let (calls, card) = (&turn.server.calls, &self.client.card);
            calls.called(&begun, None, card, turn.now, b"*");
        }
        let place = self.order.take(muted, asked);
        self.gate = Gate::Alone;
        self.exec = Some(Box::new(Exec {
            place,
            steps,
            stored: (!needs_store).then(|| b"*0\r\n".to_vec()),
            used: 0,
            reply: Vec::new(),
            asked: needs_store,
        }));
        if needs_store {
            for op in ops.iter().filter(|op| op.command().flags.writes()) {
                self.client.wrote.note(op, &turn.server.store);
            }
            (turn.store).transact(turn.tag(place), self.client.protocol, ops, watch.as_ref());
        } else {
            self.go_on_with_exec(turn);
        }
    }

    /// Goes on with a transaction whose store's part was answered.
    pub(super) fn go_on_with_exec(&mut self, turn: &mut Turn<'_>) {
        let Some(mut exec) = self.exec.take_if(|exec| !exec.is_asked()) else {
            return;
        };
        let stored = exec.stored.take().unwrap_or_default();
        if exec.used == 0 {
            let Some((_, begin)) = element::array(&stored) else {
                // A watched key changed, or the store refused.
                let nothing = match self.client.protocol {
                    Protocol::Resp2 => b"*-1\r\n".as_slice(),
                    Protocol::Resp3 => b"_\r\n",
                };
                let is_error = stored.starts_with(b"-");
                let reply = if is_error { &stored } else { nothing };
                return self.order.answer(exec.place, reply, &mut self.output);
            };
            exec.used = begin;
            exec.reply = format!("*{}\r\n", exec.steps.len()).into_bytes();
        }
        while let Some(step) = exec.steps.pop_front() {
            match step {
                Step::Store(called) => {
                    let len = element::len(&stored[exec.used..]).unwrap_or(0);
                    let reply = &stored[exec.used..exec.used + len];
                    (turn.server.calls).within(&called, &self.client.card, reply);
                    if called.is_of(&FLUSHALL) && !reply.starts_with(b"-") {
                        turn.server.flushed_all(turn.now);
                    }
                    exec.used += len;
                    if self.client.replies != Replies::Off {
                        exec.reply.extend_from_slice(reply);
                    }
                }
                Step::Server(called, args, within) => {
                    self.client.database = within;
                    let begun = Begun::now(called);
                    let next = self.run(called.entry, &args, true, turn);
                    let reply = match &next {
                        Next::Forward(_) | Next::Inquire(_) => &[],
                        Next::Wait { reply, .. } => reply.as_slice(),
                        _ => turn.scratch.as_bytes(),
                    };
                    let (calls, card) = (&turn.server.calls, &self.client.card);
                    calls.called(&begun, Some(Spoken::Words(&args)), card, turn.now, reply);
                    match next {
                        Next::Forward(op) => {
                            let op = op.within(within).answered_in(self.client.protocol);
                            turn.store.send(turn.tag(exec.place), op);
                            exec.stored = Some(stored);
                            exec.asked = true;
                            self.exec = Some(exec);
                            return;
                        }
                        Next::Inquire(tell) => {
                            let teller = Teller::Command(called.entry, args, tell, true);
                            self.inquire_at(exec.place, teller, turn);
                            exec.stored = Some(stored);
                            exec.asked = true;
                            self.exec = Some(exec);
                            return;
                        }
                        // `CLIENT REPLY OFF` silences what comes after it, in a transaction too.
                        _ if self.client.replies == Replies::Off => {}
                        // Nobody waits inside a transaction.
                        Next::Wait { reply, .. } => exec.reply.extend_from_slice(&reply),
                        _ => exec.reply.extend_from_slice(turn.scratch.as_bytes()),
                    }
                }
            }
        }
        self.client.show();
        (self.order).answer(exec.place, &exec.reply, &mut self.output);
    }
}
