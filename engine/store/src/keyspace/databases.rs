//! Databases: which of them an item belongs to, and how many keys each has.
//!
//! All databases of a shard share one index, one bound on memory and one eviction. What an item carries
//! is its *place*; the number by which clients `SELECT` leads to a place through a table, which readers
//! on other cores share. So `SWAPDB` exchanges two entries of the table, whatever the databases hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::Keyspace;
use crate::mem::ItemId;

/// The most databases that a store may have.
pub const DATABASES_MAX: usize = 256;

/// What one database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseStats {
    /// Keys, expired ones that nobody met yet among them.
    pub keys: u64,
    /// Keys that expire.
    pub expires: u64,
}

/// For each number, the place of its database.
#[derive(Debug)]
pub(super) struct Places([AtomicU8; DATABASES_MAX]);

impl Places {
    /// The place of database `number`.
    #[inline]
    pub(super) fn of(&self, number: u8) -> u8 {
        // Acquire: pairs with the release in `Databases::swap`. A swap changes several keys, so the
        // shard's version was odd before it: who sees it sees that.
        self.0[usize::from(number)].load(Ordering::Acquire)
    }
}

/// The databases of one shard.
#[derive(Debug)]
pub(super) struct Databases {
    places: Arc<Places>,
    /// For each place, the number of its database.
    numbers: [u8; DATABASES_MAX],
    /// By place.
    counts: Vec<DatabaseStats>,
}

impl Databases {
    /// `count` databases without keys: at least one, and no more than [`DATABASES_MAX`].
    pub(super) fn new(count: usize) -> Databases {
        let numbers = std::array::from_fn(|number| number as u8);
        Databases {
            places: Arc::new(Places(numbers.map(AtomicU8::new))),
            numbers,
            counts: vec![DatabaseStats::default(); count.clamp(1, DATABASES_MAX)],
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// What readers need.
    pub(super) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// The place of database `number`.
    #[inline]
    pub(super) fn place(&self, number: u8) -> u8 {
        // Relaxed: the owner alone stores.
        self.places.0[usize::from(number)].load(Ordering::Relaxed)
    }

    /// The number of the database at `place`.
    pub(super) fn number(&self, place: u8) -> u8 {
        self.numbers[usize::from(place)]
    }

    /// What the database at `place` holds, to count.
    pub(super) fn count(&mut self, place: u8) -> &mut DatabaseStats {
        &mut self.counts[usize::from(place)]
    }

    /// What the database at `place` holds.
    pub(super) fn at(&self, place: u8) -> DatabaseStats {
        self.counts[usize::from(place)]
    }

    /// What every database holds, by number.
    pub(super) fn stats(&self) -> Vec<DatabaseStats> {
        (0..self.len())
            .map(|number| self.at(self.place(number as u8)))
            .collect()
    }

    /// All keys are gone.
    pub(super) fn clear(&mut self) {
        self.counts.fill(DatabaseStats::default());
    }

    /// Gives every database another place, where nobody has any key; `false`, and nothing changed: not all of
    /// the places are there.
    pub(super) fn arrange(&mut self, place: impl Fn(u8) -> u8) -> bool {
        let count = self.len();
        if (0..count).any(|number| usize::from(place(number as u8)) >= count) {
            return false;
        }
        for number in 0..count {
            let (number, place) = (number as u8, place(number as u8));
            // Release: pairs with the acquire in `Places::of`.
            self.places.0[usize::from(number)].store(place, Ordering::Release);
            self.numbers[usize::from(place)] = number;
        }
        true
    }

    /// For each place, the number of its database.
    pub(super) fn numbers(&self) -> &[u8; DATABASES_MAX] {
        &self.numbers
    }

    fn swap(&mut self, first: u8, second: u8) {
        let (a, b) = (self.place(first), self.place(second));
        // Release: pairs with the acquire in `Places::of`.
        self.places.0[usize::from(first)].store(b, Ordering::Release);
        self.places.0[usize::from(second)].store(a, Ordering::Release);
        self.numbers[usize::from(a)] = second;
        self.numbers[usize::from(b)] = first;
    }
}

impl Keyspace {
    /// How many databases there are.
    pub fn databases(&self) -> usize {
        self.databases.len()
    }

    /// The database that calls mean.
    pub fn database(&self) -> u8 {
        self.databases.number(self.place)
    }

    /// Lets the calls that follow mean another database, which there must be.
    pub fn select(&mut self, database: u8) {
        self.place = self.databases.place(database);
    }

    /// Runs `act` as of the database of an item, whatever the calls mean.
    pub(super) fn within_database_of<R>(
        &mut self,
        id: ItemId,
        act: impl FnOnce(&mut Keyspace) -> R,
    ) -> R {
        let place = std::mem::replace(&mut self.place, self.arena.own(id).database());
        let result = act(self);
        self.place = place;
        result
    }

    /// How many keys the database has, expired ones that nobody met yet among them (`DBSIZE`).
    pub fn database_len(&self) -> usize {
        self.databases.at(self.place).keys as usize
    }

    /// Exchanges what two databases hold (`SWAPDB`).
    pub fn swap(&mut self, first: u8, second: u8) {
        self.changed_where(|keyspace, key| {
            [first, second].contains(&key.database())
                && (keyspace.has_in(first, key.key()) || keyspace.has_in(second, key.key()))
        });
        let database = self.database();
        self.databases.swap(first, second);
        self.select(database);
    }

    /// Removes every key of the database (`FLUSHDB`).
    pub fn clear_database(&mut self) {
        // What a snapshot is being taken of is saved ahead, cell by cell.
        if self.database_len() == self.len() && self.capture.is_none() {
            return self.remove_all();
        }
        let mut ids = Vec::with_capacity(self.database_len());
        self.index.for_each(|id| {
            if self.arena.own(id).database() == self.place {
                ids.push(id);
            }
        });
        for id in ids {
            let hash = self.item_hash(id);
            let found = self.index.find(hash, |other| other == id);
            let (place, id) = found.expect("the index showed it");
            self.unlink(place, id);
        }
    }
}
