//! Collections by key: the shard owns them in a slab, and an item holds a collection's number.

use super::Keyspace;
use super::capture::Change;
use crate::command::CommandError;
use crate::index::Place;
use crate::mem::{ItemId, ItemKind};
use crate::time::Millis;
use crate::value::{Collection, Stored, Value};

impl Keyspace {
    /// The collection at `key` (an access), `None` where there is no key.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else.
    pub fn collection<C: Collection>(&mut self, key: &[u8]) -> Result<Option<&C>, CommandError> {
        let Some(id) = self.access(key) else {
            return Ok(None);
        };
        let stored = self.number(id).and_then(|n| C::of(self.collections.get(n)));
        stored.map(Some).ok_or(CommandError::WRONG_TYPE)
    }

    /// Changes the collection at `key` (an access), made empty first where there is no key. Where it is
    /// empty afterwards the key is removed. Expiry stays as it was.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else, or the error of `change`, which must then have
    /// changed nothing.
    pub fn update<C: Collection, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut C) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        let Some(id) = self.access(key) else {
            let mut made = C::new(&self.limits());
            let result = change(&mut made)?;
            if !made.is_empty() {
                self.put_collection(None, key, made.into_stored(), None)?;
            }
            return Ok(result);
        };
        self.change(key, id, change)
    }

    /// As [`Keyspace::update`], where there is such a key; else `None`, and nothing is made.
    ///
    /// # Errors
    /// As [`Keyspace::update`].
    pub fn update_existing<C: Collection, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut C) -> Result<R, CommandError>,
    ) -> Result<Option<R>, CommandError> {
        match self.access(key) {
            Some(id) => self.change(key, id, change).map(Some),
            None => Ok(None),
        }
    }

    /// Changes the collection that `id`, the item of `key`, stands for.
    fn change<C: Collection, R>(
        &mut self,
        key: &[u8],
        id: ItemId,
        change: impl FnOnce(&mut C) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        let number = self.number(id).ok_or(CommandError::WRONG_TYPE)?;
        if self.capture.is_some() {
            self.save_ahead(Change::Update, self.hash(key));
        }
        let stored = self.collections.get_mut(number);
        let collection = C::of_mut(stored).ok_or(CommandError::WRONG_TYPE)?;
        let before = collection.bytes() as u64;
        let result = change(collection);
        let (after, is_empty) = (collection.bytes() as u64, collection.is_empty());
        self.collection_bytes = self.collection_bytes - before + after;
        if is_empty && let Some((place, id)) = self.locate(key) {
            self.unlink(place, id);
        } else {
            self.changed(key);
        }
        result
    }

    /// Sets `key` to a collection that is not empty, whatever it held; it never expires.
    ///
    /// # Errors
    /// The store can hold no more.
    pub fn set_collection<C: Collection>(
        &mut self,
        key: &[u8],
        collection: C,
    ) -> Result<(), CommandError> {
        let found = self.locate(key);
        debug_assert!(!collection.is_empty(), "an empty collection has no key");
        self.put_collection(found, key, collection.into_stored(), None)
    }

    pub(super) fn put_collection(
        &mut self,
        found: Option<(Place, ItemId)>,
        key: &[u8],
        stored: Stored,
        expires: Option<Millis>,
    ) -> Result<(), CommandError> {
        let bytes = stored.bytes() as u64;
        let number = self.collections.insert(stored);
        let value = number.to_le_bytes();
        let put = self.put(found, ItemKind::Collection, key, &value, expires, None);
        if let Err(error) = put {
            self.collections.remove(number);
            return Err(error);
        }
        self.collection_bytes += bytes;
        Ok(())
    }

    /// What `key` holds, where it has been looked at before in this call: for several keys at once. No
    /// access is noted, and a key that has expired since the last call must have been met already.
    pub fn view(&self, key: &[u8]) -> Option<Value<'_>> {
        self.find(key).map(|(_, id)| self.value(id))
    }

    pub(super) fn value(&self, id: ItemId) -> Value<'_> {
        match self.number(id).map(|number| self.collections.get(number)) {
            None => Value::String(self.arena.own(id).value()),
            Some(stored) => stored.value(),
        }
    }

    /// The number of the collection that an item stands for.
    pub(super) fn number(&self, id: ItemId) -> Option<u32> {
        let item = self.arena.own(id);
        (item.kind() == ItemKind::Collection).then(|| {
            let number = item.value().try_into();
            u32::from_le_bytes(number.expect("a collection's item holds its number"))
        })
    }

    /// Lets the collection go that an item stands for.
    pub(super) fn forget_collection(&mut self, id: ItemId) {
        if let Some(number) = self.number(id) {
            let stored = self.collections.remove(number);
            self.collection_bytes -= stored.bytes() as u64;
            self.leaving.take(stored);
        }
    }
}
