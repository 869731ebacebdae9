//! Eviction: a family of policies that choose which object goes.
//!
//! A policy sees entries, identities, sizes and time, never keys or values, so the same code runs in
//! the live store, in the lab and in the simulator. A **decision** is all it makes: the keyspace (or
//! the lab) removes what [`Policy::victim`] names.
//!
//! For each object that is not resident the caller does, in this order:
//!
//! 1. [`Policy::arrive`]: the policy hears of it (ghosts are asked here) and may refuse it;
//! 2. [`Policy::victim`], until there is room;
//! 3. [`Policy::insert`].
//!
//! What a **hit** does is one of few mark rules, given as data ([`MarkRule`]), because in the store a
//! hit may happen on any core: marks are words beside the items, changed atomically by whoever reads.
//! Only [`MarkRule::Touch`] reaches the policy itself ([`Policy::touch`]), through a buffer that the
//! owner drains.

use std::fmt;

use crate::time::Millis;

/// The dense number of a resident object: small, reused, the store's or the lab's choice.
pub type EntryId = u32;

/// What a hit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkRule {
    /// Nothing.
    Nothing,
    /// Sets the mark to 1.
    Bit,
    /// Counts up to a limit.
    Count {
        /// The highest mark.
        max: u32,
    },
    /// Buffers the touch for the owner, who calls [`Policy::touch`].
    Touch,
    /// Stores the time in milliseconds (its low 32 bits).
    Stamp,
    /// Redis's logarithmic counter: 8 bits of count (`lfu-log-factor` 10) above 16 bits of minutes.
    LogCount,
}

/// The marks of resident objects, wherever the caller keeps them.
pub trait Marks {
    /// The mark of `entry`.
    fn get(&self, entry: EntryId) -> u32;
    /// Sets the mark of `entry`.
    fn set(&self, entry: EntryId, mark: u32);
}

/// An eviction policy over marks of type `M`.
pub trait Policy<M: Marks> {
    /// What a hit does.
    fn mark_rule(&self) -> MarkRule;

    /// An object that is not resident is about to be inserted. `false`: do not insert it.
    fn arrive(&mut self, identity: u64, size: u64) -> bool;

    /// The object is resident from now on; its mark has been set to 0.
    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, now: Millis, marks: &M);

    /// A hit, where the mark rule is [`MarkRule::Touch`].
    fn touch(&mut self, entry: EntryId);

    /// Chooses who goes and forgets it; `None` where no object may go.
    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId>;

    /// The object left for another reason (deleted, expired, replaced).
    fn remove(&mut self, entry: EntryId);
}

/// A policy by name and parameters, as a user writes it: `clock:bits=2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    text: String,
}

impl Default for PolicySpec {
    fn default() -> PolicySpec {
        PolicySpec {
            text: "none".to_owned(),
        }
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
