//! Expiry ahead of any access: keys in the order in which they expire.
//!
//! An ordered set of (time, item) costs some 20 bytes and a few hundred nanoseconds per change of an
//! expiring key, and nothing for others. In return a slice of active expiry touches only keys that
//! have expired: Redis samples instead, and leaves a share of them.

use std::collections::BTreeSet;

use super::Keyspace;
use super::capture::Change;
use crate::effect::Effects;
use crate::event::Class;
use crate::index::Place;
use crate::mem::{ItemId, NewItem, Tag};
use crate::op::Op;
use crate::time::Millis;

/// The most keys that one slice removes: some tens of microseconds.
const SLICE_KEYS: usize = 64;

/// The items that expire.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    by_time: BTreeSet<(Millis, ItemId)>,
}

impl Expiries {
    /// `id` expires at `after`, no longer at `before`.
    pub(super) fn change(&mut self, id: ItemId, before: Option<Millis>, after: Option<Millis>) {
        if let Some(at) = before {
            self.by_time.remove(&(at, id));
        }
        if let Some(at) = after {
            self.by_time.insert((at, id));
        }
    }

    pub(super) fn clear(&mut self) {
        self.by_time.clear();
    }

    /// An item that has expired.
    fn first(&self, now: Millis) -> Option<ItemId> {
        let &(at, id) = self.by_time.first()?;
        (now > at).then_some(id)
    }
}

impl Keyspace {
    /// When `key` expires: `None` where there is no key, `Some(None)` where it never does.
    pub fn expires_at(&mut self, key: &[u8]) -> Option<Option<Millis>> {
        let id = self.look_up(key)?;
        Some(self.arena.own(id).expires())
    }

    /// Sets when `key` expires; whether there is such a key. A time that has passed is the caller's to
    /// treat as a removal.
    pub fn set_expires_at(&mut self, key: &[u8], at: Option<Millis>) -> bool {
        let Some((place, id)) = self.locate(key) else {
            return false;
        };
        self.changed(key);
        let before = self.arena.own(id).expires();
        if before == at {
            return true;
        }
        if self.capture.is_some() {
            self.save_ahead(Change::Expiry, self.hash(key));
        }
        let item = self.arena.own(id);
        let (entry, place_of_database) = (item.entry(), item.database());
        let id = match at {
            Some(at) if item.set_expires(at) => id,
            // The header lacks the word, or has one too many: the item is made anew.
            _ => match self.remake(place, id, at, item.tag()) {
                Some(made) => made,
                None => return true,
            },
        };
        self.expiries.change(id, before, at);
        self.count_expiry(place_of_database, before, at);
        self.eviction.expires(entry, id, at);
        true
    }

    /// Makes the item at `place` anew with another expiry or tag; `None`: there is no room for that, so
    /// it stays as it is.
    pub(super) fn remake(
        &mut self,
        place: Place,
        old: ItemId,
        expires: Option<Millis>,
        tag: Option<Tag>,
    ) -> Option<ItemId> {
        if self.capture.is_some() {
            self.save_ahead(Change::Place, self.item_hash(old));
        }
        let item = self.arena.own(old);
        let (key, value) = (item.key().to_vec(), item.value().to_vec());
        let new = NewItem {
            kind: item.kind(),
            database: item.database(),
            key: &key,
            value: &value,
            expires,
            tag: tag.as_ref(),
            entry: self.eviction.entry_of(item),
            mark: item.mark().load(std::sync::atomic::Ordering::Relaxed),
        };
        let before = item.expires();
        let id = self.arena.insert(&new).ok()?;
        self.index.replace(place, id);
        self.eviction.rename(new.entry, old, id);
        // The caller changes the expiry of `id` from what it was.
        self.expiries.change(old, before, None);
        self.expiries.change(id, None, before);
        self.arena.retire(old);
        Some(id)
    }

    /// Counts keys that expire: one of the database at `place` expired at `before`, and does at
    /// `after`.
    pub(super) fn count_expiry(
        &mut self,
        place: u8,
        before: Option<Millis>,
        after: Option<Millis>,
    ) {
        let count = &mut self.databases.count(place).expires;
        *count = *count + u64::from(after.is_some()) - u64::from(before.is_some());
    }

    /// Removes the item at `place`, which has expired, and tells log, replicas and listeners.
    pub(super) fn expire(&mut self, place: Place, id: ItemId) {
        self.stats.expired += 1;
        self.within_database_of(id, |keyspace| {
            let op = keyspace.tell_removal(id);
            keyspace.unlink(place, id);
            keyspace.notify(Class::Expired, "expired", &op[0]);
        });
    }

    /// Tells log and replicas that an item of the database goes.
    pub(super) fn tell_removal(&mut self, id: ItemId) -> Op {
        let op = Op::new(&crate::command::key::DEL).arg(self.arena.own(id).key());
        self.removed.push_within(&op, self.database());
        op
    }

    /// Removes keys that have expired, a bounded number; whether more are left. Their `DEL`s go to
    /// `effects`.
    pub fn expire_slice(&mut self, effects: &mut Effects) -> bool {
        for _ in 0..SLICE_KEYS {
            let Some(id) = self.expiries.first(self.now) else {
                break;
            };
            let hash = self.item_hash(id);
            let found = self.index.find(hash, |other| other == id);
            let (place, id) = found.expect("an item that expires is in the index");
            self.expire(place, id);
        }
        self.drain_removed(effects);
        self.expiries.first(self.now).is_some()
    }
}
