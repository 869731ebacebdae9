//! Wanted: keys whose requests wait, since to load them takes longer than a turn may.
//!
//! The one idea: whoever has the requests asks whether their keys are *at hand*, and where they are not, says that they
//! are *wanted*: slices load those first, in the order in which they were asked for, and tell when some have come. A
//! key is *reserved* while a request waits that names it: what is asked of it later comes later. A name is reserved in
//! all databases, since a command may reach it in another one (`COPY`).
//!
//! It does not know who waits, nor for what.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::cold::Most;
use super::lookup::hash;
use super::{DbKey, Keyspace};
use crate::index::position;

/// The most blocks that are loaded for an op while everybody waits: some hundred microseconds, and what a few small
/// keys take, each of whose cells may lie in two.
const AT_ONCE_BLOCKS: usize = 8;

/// What requests wait for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Where those keys lie that are not at hand, in the order in which they were wanted.
    positions: IndexSet<u64>,
    /// How many requests each name is reserved for.
    reserved: HashMap<Box<[u8]>, usize>,
    /// Whether some came to hand, or are reserved no more, since that was last asked.
    has_come: bool,
}

impl Wanted {
    /// Everything has come.
    pub(super) fn all_come(&mut self) {
        self.positions.clear();
        self.has_come = true;
    }
}

impl Keyspace {
    /// Whether an op may have to wait for its keys.
    #[inline]
    pub(crate) fn may_delay(&self) -> bool {
        self.is_cold() || !self.wanted.reserved.is_empty()
    }

    /// Whether an op on `keys`, each with its database, has to wait: for what is to be loaded, or behind those for whom
    /// one of them is reserved.
    #[cold]
    #[inline(never)]
    pub(crate) fn delays<'k>(&self, keys: impl Iterator<Item = (u8, &'k [u8])>) -> bool {
        let mut is_reserved = false;
        // None is looked for behind one that is reserved.
        let keys = keys.take_while(|(_, key)| {
            is_reserved = self.is_reserved(key);
            !is_reserved
        });
        !self.are_at_hand(keys) || is_reserved
    }

    /// Whether a request waits that names `key`.
    pub(crate) fn is_reserved(&self, key: &[u8]) -> bool {
        self.wanted.reserved.contains_key(key)
    }

    /// Whether what has to be loaded for an op on `keys` may be while everybody waits. What is damaged is at hand: it is
    /// told at once.
    pub(crate) fn are_at_hand<'k>(&self, keys: impl Iterator<Item = (u8, &'k [u8])>) -> bool {
        let positions = keys.map(|(database, key)| self.position_of(database, key));
        let blocks = positions.flat_map(|position| self.cold_blocks(position));
        blocks.take(AT_ONCE_BLOCKS + 1).count() <= AT_ONCE_BLOCKS
    }

    /// Lets `key` be loaded before what nobody wants.
    pub(crate) fn want(&mut self, key: &DbKey) {
        let position = self.position_of(key.database(), key.key());
        if self.cold_blocks(position).next().is_some() {
            self.wanted.positions.insert(position);
        }
    }

    /// A request waits that names `key`.
    pub(crate) fn reserve(&mut self, key: &DbKey) {
        *self.wanted.reserved.entry(key.key().into()).or_default() += 1;
    }

    /// A request that names `key` waits no longer.
    pub(crate) fn reserve_no_more(&mut self, key: &DbKey) {
        if let Some(count) = self.wanted.reserved.get_mut(key.key()) {
            *count -= 1;
            if *count == 0 {
                self.wanted.reserved.remove(key.key());
            }
        }
        self.wanted.has_come = true;
    }

    /// Whether something that was wanted has come, or something is reserved no more, since this was last asked: somebody
    /// who waits need not any longer, perhaps.
    pub(crate) fn take_come(&mut self) -> bool {
        std::mem::take(&mut self.wanted.has_come)
    }

    /// Loads a block of what is wanted first, or a part of one; whether anything is wanted.
    pub(super) fn load_wanted(&mut self) -> bool {
        let Some(&position) = self.wanted.positions.first() else {
            return false;
        };
        let next = self.cold_blocks(position).next();
        // What is damaged is told to whoever asked for it.
        let _ = self.load_blocks(next.as_slice(), Most::Part);
        let positions = self.wanted.positions.iter();
        let is_there = |&&position: &&u64| self.cold_blocks(position).next().is_none();
        let come = positions.take_while(is_there).count();
        self.wanted.positions.drain(..come);
        self.wanted.has_come |= come > 0;
        true
    }

    fn position_of(&self, database: u8, key: &[u8]) -> u64 {
        let place = self.databases.place(database);
        position(hash(place, key, &self.secrets))
    }
}
