//! Requests that are delayed: what they are about is not at hand, and slices of turns load it first.
//!
//! ```text
//!  request ─► its keys are at hand, and none is reserved ─► it is performed
//!      └────► else it is delayed, its keys wanted and reserved ─► slices ─► they have come ─► it is performed
//! ```
//!
//! The one idea: who asks for a large collection waits for it, and who reads something else does not. Whatever is asked
//! of a key that a delayed request names is delayed behind it, and so is every write while one is: the log keeps writes
//! in the order in which they came, and nobody sees a later one of a client without an earlier one. What may look at
//! any key (`FLUSHALL`, `SORT … BY`), or stands still for one of those keys, cannot be beside them: what is delayed is
//! then performed at once, and everybody waits for what that takes.

use std::collections::{HashSet, VecDeque};

use super::{From, Host};
use crate::command::{Flag, Keys};
use crate::keyspace::{DbKey, Keyspace};
use crate::op::Op;
use crate::slot::Slot;
use crate::store::link::{Ask, Request};
use crate::store::watch::Watch;
use crate::store::wide::reaches_out;
use crate::time::Millis;

/// What an ask is about.
enum About {
    /// No key.
    Nothing,
    /// These.
    Keys(Vec<DbKey>),
    /// Any.
    Anything,
}

/// The requests that wait for their keys, in the order in which they came.
#[derive(Default)]
pub(super) struct Delayed {
    all: VecDeque<Delay>,
    /// How many of them may change something.
    writes: usize,
}

/// A request that waits for its keys.
struct Delay {
    from: From,
    request: Request,
    keys: Vec<DbKey>,
}

/// Whether what is asked may change something by itself.
fn writes(ask: &Ask) -> bool {
    match ask {
        Ask::Apply(op) => op.command().flags.writes(),
        Ask::Transact(transaction) => {
            let mut ops = transaction.ops.iter();
            ops.any(|op| op.command().flags.writes())
        }
        _ => false,
    }
}

impl Delay {
    fn writes(&self) -> bool {
        writes(&self.request.ask)
    }

    /// Whether it may wait for a key as long as nobody gives it up.
    fn blocks(&self) -> bool {
        matches!(&self.request.ask, Ask::Apply(op) if op.command().flags.has(Flag::Blocking))
    }

    /// Whether what is asked of its keys later is to come later: not where it only wants them to be at hand.
    fn reserves(&self) -> bool {
        !matches!(self.request.ask, Ask::AtHand(_))
    }

    fn begin(&self, keyspace: &mut Keyspace) {
        for key in &self.keys {
            keyspace.want(key);
            if self.reserves() {
                keyspace.reserve(key);
            }
        }
    }

    fn end(&self, keyspace: &mut Keyspace) {
        let keys = self.keys.iter().filter(|_| self.reserves());
        keys.for_each(|key| keyspace.reserve_no_more(key));
    }
}

impl Delayed {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one of them may change something.
    pub(super) fn writes(&self) -> bool {
        self.writes > 0
    }

    fn push(&mut self, delay: Delay) {
        self.writes += usize::from(delay.writes());
        self.all.push_back(delay);
    }

    /// Forgets those of one caller, or all.
    pub(super) fn forget(&mut self, gone: Option<From>, keyspace: &mut Keyspace) {
        self.forget_where(keyspace, |delay| gone.is_none_or(|gone| delay.from == gone));
    }

    /// Gives up the op of that number where it may wait for a key; whether it was here.
    pub(super) fn cancel(&mut self, from: From, number: u64, keyspace: &mut Keyspace) -> bool {
        let is_meant =
            |delay: &Delay| delay.from == from && delay.request.number == number && delay.blocks();
        self.forget_where(keyspace, is_meant)
    }

    fn forget_where(&mut self, keyspace: &mut Keyspace, is_meant: impl Fn(&Delay) -> bool) -> bool {
        let before = self.all.len();
        let writes = &mut self.writes;
        self.all.retain(|delay| {
            let is_meant = is_meant(delay);
            if is_meant {
                *writes -= usize::from(delay.writes());
                delay.end(keyspace);
            }
            !is_meant
        });
        self.all.len() < before
    }
}

impl Host {
    /// Whether `op` has to be asked for, since it may have to wait for its keys.
    #[cold]
    #[inline(never)]
    pub(super) fn delays(&self, op: &Op) -> bool {
        if self.may_look_anywhere(op) {
            return !self.delayed.is_empty();
        }
        self.keys()
            .delays(op.keys().map(|key| (op.database(), key)))
    }

    /// Performs a request, unless it has to wait for its keys; what must not be beside those that wait comes after them.
    #[cold]
    #[inline(never)]
    pub(super) fn perform_or_delay(&mut self, now: Millis, from: From, request: Request) {
        match self.about(&request.ask) {
            About::Nothing => {}
            About::Anything => self.hasten(now),
            About::Keys(keys) => {
                let mut each = keys.iter().map(|key| (key.database(), key.key()));
                if !matches!(request.ask, Ask::Hold(_)) {
                    let comes_after = self.delayed.writes() && writes(&request.ask);
                    if comes_after || self.keys().delays(each) {
                        let delay = Delay {
                            from,
                            request,
                            keys,
                        };
                        delay.begin(self.shard.keyspace());
                        return self.delayed.push(delay);
                    }
                } else if each.any(|(_, key)| self.keys().is_reserved(key)) {
                    self.hasten(now);
                }
            }
        }
        self.perform(now, from, request);
    }

    /// Performs what is delayed and need not be any longer, in the order in which it came.
    pub(super) fn serve_delayed(&mut self, now: Millis) {
        if self.holder.is_some() || self.gate.is_stalled() || !self.shard.keyspace().take_come() {
            return;
        }
        let mut behind = HashSet::new();
        for delay in std::mem::take(&mut self.delayed).all {
            let keys = delay.keys.iter().map(|key| (key.database(), key.key()));
            let comes_after = self.delayed.writes() && delay.writes()
                || keys.clone().any(|(_, name)| behind.contains(name));
            if comes_after || !self.keys().are_at_hand(keys) {
                let names = delay.keys.iter().filter(|_| delay.reserves());
                behind.extend(names.map(|key| key.key().to_vec()));
                self.delayed.push(delay);
            } else {
                delay.end(self.shard.keyspace());
                self.perform(now, delay.from, delay.request);
            }
        }
    }

    /// Performs everything that is delayed now.
    fn hasten(&mut self, now: Millis) {
        for delay in std::mem::take(&mut self.delayed).all {
            delay.end(self.shard.keyspace());
            self.perform(now, delay.from, delay.request);
        }
    }

    /// What is asked for, where it is not by whoever the shard stands still for.
    fn about(&self, ask: &Ask) -> About {
        match ask {
            Ask::Apply(op) | Ask::Watch(_, op) => self.about_ops(std::slice::from_ref(op), None),
            Ask::Transact(all) => self.about_ops(&all.ops, all.watch.as_ref()),
            Ask::AtHand(ops) => self.about_ops(ops, None),
            Ask::Hold(hold) => self.about_ops(&hold.ops, hold.watch.as_ref()),
            _ => About::Nothing,
        }
    }

    fn about_ops(&self, ops: &[Op], watch: Option<&Watch>) -> About {
        if ops.iter().any(|op| self.may_look_anywhere(op)) {
            return About::Anything;
        }
        let mut all = Vec::new();
        if let Some(watch) = watch {
            watch.each_of(self.number, self.shards, |key| all.push(key.clone()));
        }
        for op in ops {
            // What several shards do together names keys of others.
            let keys = op.keys().map(|key| DbKey::new(op.database(), key));
            all.extend(keys.filter(|key| Slot::of(key.key()).shard(self.shards) == self.number));
        }
        if all.is_empty() {
            About::Nothing
        } else {
            About::Keys(all)
        }
    }

    /// Whether `op` may look at keys that its arguments do not name, or change them. Who asks for all keys is told to
    /// come again while some are not in memory.
    fn may_look_anywhere(&self, op: &Op) -> bool {
        let command = op.command();
        match command.keys {
            Keys::Every => !self.keys().is_cold(),
            keys if keys.are_named() => reaches_out(op),
            _ => command.flags.writes(),
        }
    }
}
