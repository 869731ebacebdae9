//! `EXEC`: what `MULTI` queued runs, all or nothing, and its replies become one.
//!
//! The store's commands run as one transaction, on their shards, at once. The server's own commands,
//! which change no key, run here when the transaction has succeeded; their replies go between those of
//! the store's as they were queued.

use std::collections::VecDeque;

use seawall_store::Op;
use seawall_store::command::CommandError;
use seawall_store::reply::Protocol;

use super::order::Asked;
use super::{Connection, Gate, Place, Queued, Turn};
use crate::command::{Entry, Next, connection::database, find};
use crate::resp::{Words, element};

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
    Store,
    /// The server's, and the database that it means.
    Server(&'static Entry, Words, u8),
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
    pub(super) fn execute(&mut self, muted: bool, turn: &mut Turn<'_>) {
        let watch = self.client.watch.take();
        let Some(transaction) = self.client.transaction.take() else {
            return;
        };
        if transaction.failed {
            let error =
                CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");
            return self.reply_error(&error, muted, turn);
        }
        let mut within = self.client.database;
        let mut ops: Vec<Op> = Vec::new();
        let mut steps = VecDeque::new();
        for queued in transaction.queued {
            match queued {
                Queued::Store(op) => {
                    let entry = find(op.command().name.as_bytes());
                    if let Some(entry) = entry {
                        turn.server.calls.within(entry, &self.client.card);
                    }
                    ops.push(op.within(within).answered_in(self.client.protocol));
                    steps.push_back(Step::Store);
                }
                Queued::Server(entry, args) => {
                    let before = within;
                    if entry.name() == "select" {
                        within = database(&args, turn.limits).unwrap_or(within);
                    }
                    steps.push_back(Step::Server(entry, args, before));
                }
            }
        }
        let asked = Asked {
            begun: None,
            bytes: ops.iter().map(Op::encoded_bytes).sum(),
            writes: true,
        };
        let place = self.order.take(muted, asked);
        let has_ops = !ops.is_empty();
        let needs_store = has_ops || watch.is_some();
        self.gate = Gate::Alone;
        if !has_ops || ops.len() < steps.len() {
            self.exec = Some(Box::new(Exec {
                place,
                steps,
                stored: (!needs_store).then(|| b"*0\r\n".to_vec()),
                used: 0,
                reply: Vec::new(),
                asked: needs_store,
            }));
        }
        if needs_store {
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
                Step::Store => {
                    let len = element::len(&stored[exec.used..]).unwrap_or(0);
                    let end = exec.used + len;
                    exec.reply.extend_from_slice(&stored[exec.used..end]);
                    exec.used = end;
                }
                Step::Server(entry, args, within) => {
                    self.client.database = within;
                    match self.run(entry, &args, true, turn) {
                        Next::Forward(op) => {
                            let op = op.within(within).answered_in(self.client.protocol);
                            turn.store.send(turn.tag(exec.place), op);
                            exec.stored = Some(stored);
                            exec.asked = true;
                            self.exec = Some(exec);
                            return;
                        }
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
