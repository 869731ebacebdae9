//! Items: how they come, take each other's place, and go, with all that is told of it: index, expiries,
//! policy, counts, observers.

use std::sync::atomic::Ordering;

use super::capture::Change;
use super::lookup::hash;
use super::{BULK_BYTES_MAX, Keyspace};
use crate::command::CommandError;
use crate::event::Class;
use crate::index::Place;
use crate::mem::{Arena, Full, ItemId, ItemKind, NewItem, Tag};
use crate::time::Millis;

impl Keyspace {
    /// Puts an item at `key`, in place of `found`.
    pub(super) fn put(
        &mut self,
        found: Option<(Place, ItemId)>,
        kind: ItemKind,
        key: &[u8],
        value: &[u8],
        expires: Option<Millis>,
        tag: Option<&Tag>,
    ) -> Result<(), CommandError> {
        if key.len() > BULK_BYTES_MAX || value.len() > BULK_BYTES_MAX {
            return Err(CommandError::new(
                "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ));
        }
        let mut new = NewItem {
            kind,
            database: self.place,
            key,
            value,
            expires,
            tag,
            entry: self.eviction.first_entry(),
            mark: self.eviction.first_mark(self.latest),
        };
        match found {
            Some((place, old)) => self.replace(place, old, &mut new),
            None => self.add(&new),
        }
    }

    /// Adds an item whose key is not there.
    fn add(&mut self, new: &NewItem<'_>) -> Result<(), CommandError> {
        let (size, hashed) = (Arena::block_bytes(new.bytes()), self.hash(new.key));
        if self.capture.is_some() {
            self.save_ahead(Change::Add, hashed);
        }
        let id = self.arena.insert(new)?;
        let (arena, secrets) = (&self.arena, &self.secrets);
        let hash_of = |id| {
            let item = arena.own(id);
            hash(item.database(), item.key(), secrets)
        };
        if !self.index.insert(hashed, id, hash_of) {
            self.arena.retire(id);
            return Err(CommandError::OUT_OF_MEMORY);
        }
        self.expiries.change(id, None, new.expires);
        self.databases.count(self.place).keys += 1;
        self.count_expiry(self.place, None, new.expires);
        self.eviction
            .insert(self.arena.own(id), id, hashed, size, self.latest);
        self.changed(new.key);
        self.notify(Class::New, "new", new.key);
        Ok(())
    }

    /// Puts an item in the place of that of the same key.
    fn replace(
        &mut self,
        place: Place,
        old: ItemId,
        new: &mut NewItem<'_>,
    ) -> Result<(), CommandError> {
        if self.capture.is_some() {
            self.save_ahead(Change::Replace, self.hash(new.key));
        }
        let (bytes, expires) = (new.bytes(), new.expires);
        let item = self.arena.own(old);
        let (bytes_before, before) = (item.bytes(), item.expires());
        let was_string = item.is_string();
        // The policy keeps an object's size for as long as it is resident: another size is another
        // object to it.
        let same =
            bytes == bytes_before || Arena::block_bytes(bytes) == Arena::block_bytes(bytes_before);
        if same {
            self.eviction.hit(item, old, self.latest, &mut self.random);
            new.entry = self.eviction.entry_of(item);
            new.mark = item.mark().load(Ordering::Relaxed);
        }
        let entry = item.entry();
        let id = self.arena.insert(new)?;
        self.index.replace(place, id);
        if before.is_some() || expires.is_some() {
            self.expiries.change(old, before, None);
            self.expiries.change(id, None, expires);
            self.count_expiry(self.place, before, expires);
        }
        if same {
            self.eviction.rename(entry, old, id);
            if before != expires {
                self.eviction.expires(entry, id, expires);
            }
        } else if self.eviction.evicts() {
            self.eviction.remove(entry, old);
            let (hash, size) = (self.hash(new.key), Arena::block_bytes(bytes));
            self.eviction.arrive(hash, size);
            self.eviction
                .insert(self.arena.own(id), id, hash, size, self.latest);
        }
        if !was_string {
            self.forget_collection(old);
        }
        self.arena.retire(old);
        self.changed(new.key);
        Ok(())
    }

    /// Removes the item at `place`.
    pub(super) fn unlink(&mut self, place: Place, id: ItemId) {
        let item = self.arena.own(id);
        self.eviction.remove(item.entry(), id);
        self.unlink_forgotten(place, id);
    }

    /// Removes the item at `place`, which the policy has forgotten.
    pub(super) fn unlink_forgotten(&mut self, place: Place, id: ItemId) {
        if self.capture.is_some() {
            self.save_ahead(Change::Remove, self.item_hash(id));
        }
        self.item_changed(id);
        self.index.remove(place);
        let item = self.arena.own(id);
        let (database, expires) = (item.database(), item.expires());
        self.expiries.change(id, expires, None);
        self.count_expiry(database, expires, None);
        self.databases.count(database).keys -= 1;
        self.forget_collection(id);
        self.arena.retire(id);
    }
}

impl From<Full> for CommandError {
    fn from(_: Full) -> CommandError {
        CommandError::OUT_OF_MEMORY
    }
}
