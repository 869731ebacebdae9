//! Who hears of changes of a key: watches (`WATCH`), ops that wait for it (`BLPOP`), and a recorder.
//!
//! Every change goes through the keyspace, so it is noted here, once, and no handler has to think of
//! it. Where nobody observes anything this is one branch. A change counts for watches when the op told
//! of an effect: a handler may open a collection and leave it as it was (`SADD` of a member). Keys that
//! are waited for are tried by whoever has the waiters, and are noted whatever the change was.
//!
//! It does not know who waits, nor for what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use indexmap::IndexSet;
use smallvec::SmallVec;

use super::Keyspace;
use crate::event::Classes;
use crate::mem::ItemId;

/// A key with its database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DbKey {
    database: u8,
    key: Box<[u8]>,
}

impl DbKey {
    /// `key` of `database`.
    pub fn new(database: u8, key: &[u8]) -> DbKey {
        DbKey {
            database,
            key: key.into(),
        }
    }

    /// The database.
    pub fn database(&self) -> u8 {
        self.database
    }

    /// The key in it.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

/// Watches are looked through for dead ones when there are at least so many.
const SWEEP_MIN: usize = 1_024;

/// Who observes which keys of a shard.
#[derive(Debug, Default)]
pub(super) struct Observers {
    /// Whether there is anybody: what a change looks at first.
    any: bool,
    flags: HashMap<DbKey, SmallVec<[Weak<AtomicBool>; 1]>>,
    /// Watches that were added since dead ones were looked for, and when to look again.
    added: usize,
    sweep_at: usize,
    /// Keys that ops wait for, and how many.
    awaited: HashMap<DbKey, usize>,
    /// Of these, keys that changed, in the order of their first change.
    ready: IndexSet<DbKey>,
    /// Keys that the op at hand changed, perhaps.
    changed: IndexSet<DbKey>,
    /// Keys that changed, where somebody records them.
    recorded: Option<IndexSet<DbKey>>,
}

impl Observers {
    fn look(&mut self) {
        self.any = !self.flags.is_empty() || !self.awaited.is_empty() || self.recorded.is_some();
    }

    #[cold]
    fn note(&mut self, database: u8, key: &[u8]) {
        let key = DbKey::new(database, key);
        if self.awaited.contains_key(&key) {
            self.ready.insert(key.clone());
        }
        if self.recorded.is_some() || self.flags.contains_key(&key) {
            self.changed.insert(key);
        }
    }

    fn raise(&mut self, key: &DbKey) {
        if let Some(flags) = self.flags.remove(key) {
            for flag in flags.iter().filter_map(Weak::upgrade) {
                // Release: pairs with the acquire in `Watch::is_changed`.
                flag.store(true, Ordering::Release);
            }
        }
    }

    fn sweep(&mut self) {
        self.flags.retain(|_, flags| {
            flags.retain(|flag| flag.strong_count() > 0);
            !flags.is_empty()
        });
        self.added = 0;
        let alive: usize = self.flags.values().map(SmallVec::len).sum();
        self.sweep_at = alive.max(SWEEP_MIN);
    }
}

impl Keyspace {
    /// `key` changed, perhaps.
    #[inline]
    pub(super) fn changed(&mut self, key: &[u8]) {
        if self.observers.any {
            self.observers.note(self.databases.number(self.place), key);
        }
    }

    /// The key of an item changed.
    #[inline]
    pub(super) fn item_changed(&mut self, id: ItemId) {
        if self.observers.any {
            let item = self.arena.own(id);
            let database = self.databases.number(item.database());
            self.observers.note(database, item.key());
        }
    }

    /// Whether `key` is there, in a database that the calls need not mean.
    pub(super) fn has_in(&mut self, database: u8, key: &[u8]) -> bool {
        let meant = self.database();
        self.select(database);
        let has = self.locate(key).is_some();
        self.select(meant);
        has
    }

    /// Raises `flag` when `key` changes, once.
    pub(crate) fn watch(&mut self, key: &DbKey, flag: &Arc<AtomicBool>) {
        let observers = &mut self.observers;
        let flags = observers.flags.entry(key.clone()).or_default();
        flags.retain(|flag| flag.strong_count() > 0);
        flags.push(Arc::downgrade(flag));
        observers.added += 1;
        if observers.added > observers.sweep_at {
            observers.sweep();
        }
        observers.look();
    }

    /// How many keys are watched.
    #[cfg(test)]
    pub(crate) fn watched(&self) -> usize {
        self.observers.flags.len()
    }

    /// Notes changes of `key` as long as more ops began to wait for it than ceased to.
    pub(crate) fn wait_for(&mut self, key: &DbKey) {
        *self.observers.awaited.entry(key.clone()).or_default() += 1;
        self.observers.look();
    }

    /// An op waits no longer for `key`.
    pub(crate) fn wait_no_more(&mut self, key: &DbKey) {
        if let Some(count) = self.observers.awaited.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.observers.awaited.remove(key);
                self.observers.look();
            }
        }
    }

    /// Whether a key that ops wait for changed.
    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        !self.observers.ready.is_empty()
    }

    /// Lets a key count as changed for those who wait for it.
    pub(crate) fn ready_again(&mut self, key: &DbKey) {
        if self.observers.awaited.contains_key(key) {
            self.observers.ready.insert(key.clone());
        }
    }

    /// The keys that ops wait for and that changed, in the order of their first change.
    pub(crate) fn take_ready(&mut self) -> IndexSet<DbKey> {
        std::mem::take(&mut self.observers.ready)
    }

    /// Records changes from now on, or ceases to and forgets them.
    pub(crate) fn record(&mut self, whether: bool) {
        self.observers.recorded = whether.then(IndexSet::new);
        self.observers.look();
    }

    /// The keys that changed since the recording began.
    pub(crate) fn recorded(&mut self) -> IndexSet<DbKey> {
        self.observers
            .recorded
            .as_mut()
            .map_or_else(IndexSet::new, std::mem::take)
    }

    /// Collects no events until [`Keyspace::set_notify`] says which; those that were collected.
    pub(crate) fn mute(&mut self) -> Classes {
        std::mem::take(&mut self.notify)
    }

    /// The op at hand is over; `told` says whether it had an effect.
    #[inline]
    pub(crate) fn settle(&mut self, told: bool) {
        self.foreseen.forget();
        if !self.observers.changed.is_empty() {
            self.settle_changes(told);
        }
    }

    #[cold]
    fn settle_changes(&mut self, told: bool) {
        let changed = std::mem::take(&mut self.observers.changed);
        if !told {
            return;
        }
        for key in changed {
            self.observers.raise(&key);
            if let Some(recorded) = &mut self.observers.recorded {
                recorded.insert(key);
            }
        }
        self.observers.look();
    }

    /// Every watched key for which `is_meant` holds, and that is there, is about to go or to become
    /// another (`FLUSHALL`, `SWAPDB`).
    pub(super) fn changed_where(&mut self, is_meant: impl Fn(&mut Keyspace, &DbKey) -> bool) {
        if !self.observers.any {
            return;
        }
        let observers = &self.observers;
        let observed = observers.flags.keys().chain(observers.awaited.keys());
        let observed: IndexSet<DbKey> = observed.cloned().collect();
        for key in observed {
            if is_meant(self, &key) {
                self.observers.note(key.database, &key.key);
            }
        }
    }
}
