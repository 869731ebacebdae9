//! Inquiries: commands whose reply is made of what all shards tell of themselves (`INFO`, `stats`).
//!
//! The shards are asked, everybody else is served meanwhile, and the reply is made when they have told.
//! One client inquires one thing at a time, alone ([`Gate::Alone`]); inside `EXEC` the reply goes to the
//! transaction.

use seawall_store::ShardStats;

use super::reply_queue::Asked;
use super::{Connection, Gate, Place, Turn};
use crate::calls::Spoken;
use crate::command::{Context, Entry, Next, Tell};
use crate::figures::Figures;
use crate::memcached;
use crate::resp::Words;

/// An inquiry that goes on.
#[derive(Debug)]
pub(super) struct Inquiry {
    /// The place of its reply.
    pub(super) place: Place,
    teller: Teller,
    /// What the shards told.
    told: Option<Vec<ShardStats>>,
}

/// Who makes the reply.
#[derive(Debug)]
pub(super) enum Teller {
    /// A command of Redis's clients: what was called, with its arguments, and whether inside `EXEC`.
    Command(&'static Entry, Words, Tell, bool),
    /// `stats` of Memcached's clients.
    Memcached,
}

impl Inquiry {
    /// Whether the shards have told, so that nobody else will answer it.
    pub(super) fn is_told(&self) -> bool {
        self.told.is_some()
    }
}

impl Connection {
    /// Asks the shards; the reply takes a place of its own.
    pub(super) fn inquire(
        &mut self,
        teller: Teller,
        muted: bool,
        asked: Asked,
        turn: &mut Turn<'_>,
    ) {
        self.gate = Gate::Alone;
        let place = self.order.take(muted, asked);
        self.inquire_at(place, teller, turn);
    }

    /// Asks the shards; the reply goes to `place`.
    pub(super) fn inquire_at(&mut self, place: Place, teller: Teller, turn: &mut Turn<'_>) {
        self.inquiry = Some(Box::new(Inquiry {
            place,
            teller,
            told: None,
        }));
        turn.store.ask_stats(turn.tag(place));
    }

    /// The shards have told. Where the client is gone nobody wants the reply.
    pub(super) fn heard(&mut self, place: Place, shards: &[ShardStats]) {
        match &mut self.inquiry {
            Some(inquiry) if inquiry.place == place => inquiry.told = Some(shards.to_vec()),
            _ => self.order.answer(place, &[], &mut self.output),
        }
    }

    /// Makes the reply of an inquiry that was told what it asked.
    pub(super) fn go_on_with_inquiry(&mut self, turn: &mut Turn<'_>) {
        let Some(mut inquiry) = self.inquiry.take_if(|inquiry| inquiry.is_told()) else {
            return;
        };
        let shards = inquiry.told.take().unwrap_or_default();
        let figures = Figures::new(turn.server, &shards);
        match inquiry.teller {
            Teller::Memcached => {
                let reply = memcached::general(&figures, turn);
                self.order.answer(inquiry.place, &reply, &mut self.output);
            }
            Teller::Command(entry, args, tell, in_transaction) => {
                turn.scratch.clear();
                turn.scratch.speak(self.client.protocol);
                let mut context = Context {
                    server: turn.server,
                    store: turn.store,
                    client: &mut self.client,
                    entry,
                    args: &args,
                    reply: turn.scratch,
                    now: turn.now,
                    in_transaction,
                    next: Next::Replied,
                };
                if let Err(error) = tell(&mut context, &figures) {
                    turn.scratch.clear();
                    turn.scratch.error(&error);
                }
                let reply = turn.scratch.as_bytes();
                if let Some(exec) = &mut self.exec {
                    return exec.take(reply);
                }
                if let Some(begun) = self.order.settle(inquiry.place) {
                    let (calls, card) = (&turn.server.calls, &self.client.card);
                    calls.called(&begun, Some(Spoken::Words(&args)), card, turn.now, reply);
                }
                self.order.answer(inquiry.place, reply, &mut self.output);
            }
        }
    }
}
