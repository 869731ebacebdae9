//! A client as commands see it: what it chose, and what it has open.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use seawall_store::Op;
use seawall_store::reply::Protocol;
use seawall_store::store::Watch;

use super::Wrote;
use crate::clients::Card;
use crate::command::Called;
use crate::limits::Limits;
use crate::resp::Words;

/// Which replies a client gets (`CLIENT REPLY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// None to the next command.
    SkipNext,
    /// None to the command that runs.
    SkipThis,
}

/// A command that may run, now or with `EXEC`.
#[derive(Debug)]
pub enum Call {
    /// The store's.
    Store(Called, Op),
    /// The server's.
    Server(Called, Words),
}

/// Commands between `MULTI` and `EXEC`.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The commands.
    pub queued: Vec<Call>,
    /// How many bytes they take.
    pub bytes: usize,
    /// Whether one was refused, so that `EXEC` will be.
    pub failed: bool,
}

/// What a client listens to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Channels.
    pub channels: HashSet<Box<[u8]>>,
    /// Patterns of channels.
    pub patterns: HashSet<Box<[u8]>>,
    /// Shard channels.
    pub shard_channels: HashSet<Box<[u8]>>,
}

impl Subscriptions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }
}

/// A client.
#[derive(Debug)]
pub struct Client {
    /// What others may know of it.
    pub card: Arc<Card>,
    /// The database that its commands mean.
    pub database: u8,
    /// The protocol of its replies.
    pub protocol: Protocol,
    /// Whether it may do anything; where no password is set, everyone may.
    pub authenticated: bool,
    /// Which replies it gets.
    pub replies: Replies,
    /// Whether it is closed after the replies that are on their way.
    pub closing: bool,
    /// Commands between `MULTI` and `EXEC`.
    pub transaction: Option<Transaction>,
    /// The keys that the next `EXEC` hangs on.
    pub watch: Option<Watch>,
    /// What it listens to.
    pub subscriptions: Subscriptions,
    /// Shards that it has written to.
    pub wrote: Wrote,
}

impl Client {
    /// A client that has just come.
    pub fn new(card: Arc<Card>, authenticated: bool) -> Client {
        Client {
            card,
            database: 0,
            protocol: Protocol::Resp2,
            authenticated,
            replies: Replies::On,
            closing: false,
            transaction: None,
            watch: None,
            subscriptions: Subscriptions::default(),
            wrote: Wrote::default(),
        }
    }

    /// Whether it has to give a password before it may do anything.
    pub fn is_stranger(&self, limits: &Limits) -> bool {
        !self.authenticated && !limits.password.is_empty()
    }

    /// Whether it hears what nobody asked for, so that in RESP2 only some commands are allowed.
    pub fn is_subscriber(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// In how many ways it hears what nobody asked for.
    pub fn listens(&self) -> usize {
        let sets = &self.subscriptions;
        let counts = [&sets.channels, &sets.patterns, &sets.shard_channels].map(HashSet::len);
        let monitors = self.card.monitors.load(Ordering::Relaxed);
        counts.iter().sum::<usize>() + usize::from(monitors)
    }

    /// Tells others what changed.
    pub fn show(&self) {
        let card = &self.card;
        card.database.set(u64::from(self.database));
        card.resp.set(match self.protocol {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        });
        let open = self.transaction.as_ref();
        card.transaction
            .set(open.map_or(0, |open| open.queued.len() as u64 + 1));
        card.transaction_bytes
            .set(open.map_or(0, |open| open.bytes as u64));
        let sets = &self.subscriptions;
        let counts = [&sets.channels, &sets.patterns, &sets.shard_channels].map(HashSet::len);
        for (gauge, count) in card.subscriptions.iter().zip(counts) {
            gauge.set(count as u64);
        }
    }

    /// Whether a command of it waits for the end of a pause.
    pub fn is_paused(&self) -> bool {
        self.card.paused.load(Ordering::Relaxed)
    }

    /// Whether it waits for a key or a time.
    pub fn is_blocked(&self) -> bool {
        self.card.blocked.load(Ordering::Relaxed)
    }
}
