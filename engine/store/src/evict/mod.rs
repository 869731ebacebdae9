//! Eviction: a family of policies that choose which object goes.
//!
//! A policy sees entries, identities, sizes and time, never keys or values, so the same code runs in
//! the live store, in the lab and in the simulator. A **decision** is all it makes: the keyspace (or
//! the lab) removes what [`Policy::victim`] names.
//!
//! For each object that is not resident the caller does, in this order:
//!
//! 1. [`Policy::arrive`]: the policy hears of it (ghosts are asked here) and may refuse it;
//! 2. [`Policy::victim`], until there is room, each time after [`Policy::newcomer_goes`] where the caller
//!    can leave out what it was about to insert;
//! 3. [`Policy::insert`], and [`Policy::expires`] where the object has an expiry.
//!
//! The time that these are told counts only where the marks tell of time ([`MarkRule::is_timed`]).
//!
//! What a **hit** does is one of few mark rules, given as data ([`MarkRule`]), because in the store a
//! hit may happen on any core: marks are words beside the items, changed atomically by whoever reads.
//! Only [`MarkRule::Touch`] reaches the policy itself ([`Policy::touch`]), through a buffer that the
//! owner drains.
//!
//! One file per policy here; what several share is in [`order`] (how entries stand in line) and
//! [`family`] (names, parameters, marks). Adding a policy is a file and a line in the list below.

pub mod allkeys_lfu;
pub mod allkeys_lru;
pub mod allkeys_random;
pub mod arc;
pub mod clock;
pub mod family;
pub mod fifo;
pub mod gdsf;
pub mod lfu;
pub mod lru;
pub mod none;
pub mod order;
pub mod s3fifo;
pub mod s3fifo_sosp23;
pub mod sieve;
pub mod slru;
pub mod twoq;
pub mod volatile_lfu;
pub mod volatile_lru;
pub mod volatile_random;
pub mod volatile_ttl;
pub mod wtinylfu;

pub use family::mark::{MarkRule, Marks};
pub use family::spec::{Filled, PolicySpec};
pub use family::{Capacity, Description, Identities, Member, Params, Setup, Visitor};

use crate::time::Millis;

/// The dense number of a resident object: small, reused, the store's or the lab's choice.
pub type EntryId = u32;

/// An eviction policy over marks of type `M`.
pub trait Policy<M: Marks>: Send {
    /// What a hit does.
    fn mark_rule(&self) -> MarkRule;

    /// An object that is not resident is about to be inserted. `false`: do not insert it. A caller
    /// that cannot refuse (a server that must store what it acknowledges) may insert it all the same.
    fn arrive(&mut self, identity: u64, size: u64) -> bool;

    /// The object is resident from now on; its mark has been set to 0. To the policy it keeps this
    /// size for as long as it is resident.
    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, now: Millis, marks: &M);

    /// A hit, where the mark rule is [`MarkRule::Touch`]. An entry that has left meanwhile is ignored.
    fn touch(&mut self, entry: EntryId);

    /// A resident object's expiry was set, changed or (`None`) taken away. Only policies that choose
    /// by expiry listen.
    fn expires(&mut self, _entry: EntryId, _at: Option<Millis>) {}

    /// Whether the object that arrived last is itself the next to go, before any resident: then it is
    /// not inserted. A caller that cannot refuse does not ask.
    fn newcomer_goes(&mut self) -> bool {
        false
    }

    /// An object that the policy has let go though there is room, forgotten already: after an arrival, an
    /// insertion or a touch. A caller that does not ask gets it as its next victim.
    fn overflow(&mut self) -> Option<EntryId> {
        None
    }

    /// Chooses who goes and forgets it; `None` where no object may go.
    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId>;

    /// The object left for another reason (deleted, expired, replaced).
    fn remove(&mut self, entry: EntryId);
}

family::policies![
    none::Never,
    fifo::Fifo,
    lru::Lru,
    clock::Clock,
    sieve::Sieve,
    s3fifo::S3Fifo,
    s3fifo_sosp23::S3FifoSosp23,
    slru::Slru,
    twoq::TwoQ,
    arc::Arc,
    lfu::Lfu,
    gdsf::Gdsf,
    wtinylfu::WTinyLfu,
    allkeys_lru::AllKeysLru,
    allkeys_lfu::AllKeysLfu,
    allkeys_random::AllKeysRandom,
    volatile_lru::VolatileLru,
    volatile_lfu::VolatileLfu,
    volatile_random::VolatileRandom,
    volatile_ttl::VolatileTtl,
];
