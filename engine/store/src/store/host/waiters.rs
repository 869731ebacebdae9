//! Ops that wait for a key (`BLPOP`), by key and in the order in which they came.
//!
//! A waiter of one shard is served by its owner alone. One that waits on several shards is in each
//! owner's list with one [`Claim`]: who takes it serves it. The lists know nothing of values: the shard
//! says whether a key is ready for an op.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexSet;

use super::From;
use crate::command::Keys;
use crate::keyspace::{DbKey, Keyspace};
use crate::op::Op;
use crate::store::claim::Claim;

/// One op that waits.
pub(super) struct Waiter {
    pub(super) op: Op,
    pub(super) from: From,
    pub(super) number: u64,
    /// The keys of this shard that it waits for.
    pub(super) keys: Vec<DbKey>,
    /// Where it waits on several shards.
    pub(super) claim: Option<Arc<Claim>>,
    /// Whether it is not served here, but tried again by who coordinates it.
    pub(super) elsewhere: bool,
}

/// The keys that `op` waits for, each once: its sources.
pub(in crate::store) fn awaited_keys(op: &Op) -> Vec<DbKey> {
    let sources = if op.command().keys == Keys::TWO {
        1
    } else {
        usize::MAX
    };
    let keys = op.keys().take(sources);
    let keys: IndexSet<DbKey> = keys.map(|key| DbKey::new(op.database(), key)).collect();
    keys.into_iter().collect()
}

/// The waiters of a shard.
#[derive(Default)]
pub(super) struct Waiters {
    next: u64,
    all: BTreeMap<u64, Waiter>,
    by_key: HashMap<DbKey, BTreeSet<u64>>,
    by_number: HashMap<(From, u64), u64>,
}

impl Waiters {
    /// `waiter` waits from now on.
    pub(super) fn add(&mut self, waiter: Waiter, keyspace: &mut Keyspace) {
        let id = self.next;
        self.next += 1;
        for key in &waiter.keys {
            keyspace.wait_for(key);
            self.by_key.entry(key.clone()).or_default().insert(id);
        }
        self.by_number.insert((waiter.from, waiter.number), id);
        self.all.insert(id, waiter);
    }

    /// The first waiter for `key` that came after `last`.
    pub(super) fn after(&self, key: &DbKey, last: Option<u64>) -> Option<u64> {
        let ids = self.by_key.get(key)?;
        let from = last.map_or(0, |last| last + 1);
        ids.range(from..).next().copied()
    }

    /// The waiter of that number among waiters.
    pub(super) fn get(&self, id: u64) -> &Waiter {
        &self.all[&id]
    }

    /// It waits no longer.
    pub(super) fn remove(&mut self, id: u64, keyspace: &mut Keyspace) -> Option<Waiter> {
        let waiter = self.all.remove(&id)?;
        self.by_number.remove(&(waiter.from, waiter.number));
        for key in &waiter.keys {
            keyspace.wait_no_more(key);
            if let Some(ids) = self.by_key.get_mut(key) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some(waiter)
    }

    /// The op of that number waits no longer; whether it did.
    pub(super) fn cancel(&mut self, from: From, number: u64, keyspace: &mut Keyspace) -> bool {
        let id = self.by_number.get(&(from, number)).copied();
        id.and_then(|id| self.remove(id, keyspace)).is_some()
    }

    /// Forgets the ops of one caller, or of every one.
    pub(super) fn forget(&mut self, gone: Option<From>, keyspace: &mut Keyspace) {
        let all = self.all.iter();
        let is_gone = |waiter: &Waiter| gone.is_none_or(|gone| waiter.from == gone);
        let ids: Vec<u64> = all
            .filter(|(_, waiter)| is_gone(waiter))
            .map(|(&id, _)| id)
            .collect();
        for id in ids {
            self.remove(id, keyspace);
        }
    }
}
