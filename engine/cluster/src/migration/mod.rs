//! Migration: a family of ways in which slots go from one shard to another with their data, while clients ask for them.
//!
//! One machine moves the slots that one shard, the **source**, gives to another, the **target**. A step takes one event
//! and leaves actions, which the driver performs in order; it has no clock, since each action has an event that tells of its
//! end.
//!
//! ```text
//!   Told, Listed, Copied, Drained, … ──► Migration::step ──► Tell, List, Copy, Hold, Give, Assign, …
//! ```
//!
//! What a driver owes every machine: while it copies, both shards' replication does what it claims, and what the
//! target has of slots that it was not assigned is served to nobody, but for keys that it was given.

mod atomic;
mod key_by_key;

use seawall_store::spec::Param;

pub(crate) use self::atomic::{build_forgetful, build_whole};

/// Every way.
pub const MIGRATIONS: &[&MigrationMember] = &[&atomic::MEMBER, &key_by_key::MEMBER];

/// A way in the list.
#[derive(Debug)]
pub struct MigrationMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Makes it for these slots, with this [`BATCH`].
    build: fn(Vec<u16>, usize) -> Box<dyn Migration>,
}

/// The parameter of a sharding that says which way its slots go: a place in [`MIGRATIONS`].
pub(crate) const MIGRATION: Param = Param {
    name: "migration",
    about: "how slots move with their data: whole (Valkey 9), or key by key (redis-cli)",
    default: 0,
    min: 0,
    max: 1,
    words: &[atomic::MEMBER.name, key_by_key::MEMBER.name],
};

/// The parameter beside it: how many keys a request of key by key takes along.
pub(crate) const BATCH: Param = Param {
    name: "batch",
    about: "keys that one MIGRATE takes along, key by key (redis-cli --cluster-pipeline, 10)",
    default: 10,
    min: 1,
    max: 10_000,
    words: &[],
};

/// The machine that moves `slots`, with the values of [`MIGRATION`] and [`BATCH`].
pub(crate) fn build(migration: u64, batch: u64, slots: Vec<u16>) -> Box<dyn Migration> {
    (MIGRATIONS[migration as usize].build)(slots, batch as usize)
}

/// One of the two that slots go between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Has them.
    Source,
    /// Is to have them.
    Target,
}

/// What happens to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It begins. Always the first event.
    Start,
    /// An [`Action::Tell`] has its answer.
    Told,
    /// An [`Action::Clear`] was performed.
    Cleared,
    /// An [`Action::List`] has its answer.
    Listed {
        /// The keys; none where there are none (any more).
        keys: Vec<Vec<u8>>,
    },
    /// An [`Action::Copy`] was performed, and the target has acknowledged all of it.
    Copied,
    /// An [`Action::Drain`] was performed.
    Drained,
    /// The source changed a key of the slots.
    Changed {
        /// Its slot.
        slot: u16,
        /// The key.
        key: Vec<u8>,
    },
    /// Another node serves the source or the target than when the machine began, or than at the event before like
    /// this one. What was asked for and has no answer yet never will have one; what was held back is so no more.
    Interrupted,
}

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An operator's command to a side: a round trip, and [`Event::Told`].
    Tell(Side),
    /// The target deletes what it has of the slots: [`Event::Cleared`].
    Clear,
    /// From now on the source sends requests for keys of this slot that it does not have to the target, which has been given
    /// these keys by that.
    Open {
        /// The slot.
        slot: u16,
    },
    /// The source says which keys it has and has not given away: [`Event::Listed`].
    List {
        /// Of which slots.
        slots: Vec<u16>,
        /// How many at the most.
        most: usize,
    },
    /// The source takes in no such requests until [`Action::Release`]: they wait.
    Hold(Held),
    /// What the source had taken in before it held back comes to its end: [`Event::Drained`].
    Drain,
    /// The keys go to the target as they are at the source now, also where they are not (any more): [`Event::Copied`].
    Copy {
        /// Which.
        keys: Vec<Vec<u8>>,
    },
    /// The target serves these keys from now on, which were copied; the source sends who asks for them on.
    Give {
        /// Which.
        keys: Vec<Vec<u8>>,
    },
    /// The target serves these slots from now on, and the map says so.
    Assign {
        /// Which.
        slots: Vec<u16>,
    },
    /// The source takes in again what waited.
    Release,
    /// All slots have moved.
    Done,
}

/// What waits at a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Writes to the slots.
    Writes,
    /// Everything, as while a single thread does something else; wherever copies answer, requests for these keys.
    All {
        /// The keys that are on their way.
        keys: Vec<Vec<u8>>,
    },
}

/// A machine that moves slots from one shard to another.
pub trait Migration: Send {
    /// Takes in an event; what is to be done comes behind what is in `out`.
    fn step(&mut self, event: Event, out: &mut Vec<Action>);
}
