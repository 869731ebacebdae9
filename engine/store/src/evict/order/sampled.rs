//! Sampled policies: of a few residents drawn at random, the best victim, as Redis does it.
//!
//! Two choices make one: which resident is the better victim ([`Worth`]), and who may go at all
//! ([`Among`]). What none of them does is keep residents in order.

use std::marker::PhantomData;

use super::sample::Sample;
use crate::evict::{EntryId, MarkRule, Marks, Policy, Setup};
use crate::time::Millis;

/// Which of those that were drawn is the better victim.
pub trait Worth {
    /// What is kept of each that may be drawn.
    type Kept: Copy + Send;

    /// What a hit does.
    const RULE: MarkRule;

    /// The mark that a new resident begins with, where it is not 0.
    fn mark(_now: Millis) -> Option<u32> {
        None
    }

    /// What is kept of one that expires then, or never.
    fn kept(expires: Option<Millis>) -> Self::Kept;

    /// Draws, and takes the victim.
    fn victim<M: Marks>(sample: &mut Sample<Self::Kept>, now: Millis, marks: &M)
    -> Option<EntryId>;
}

/// Who may go.
pub trait Among {
    /// Whether only those whose expiry the caller told of ([`Policy::expires`]). Where there are none
    /// there is no victim, and a full store refuses writes.
    const EXPIRING: bool;
}

/// Every resident.
pub struct All;

impl Among for All {
    const EXPIRING: bool = false;
}

/// Residents that expire.
pub struct Expiring;

impl Among for Expiring {
    const EXPIRING: bool = true;
}

/// A sampled policy.
pub struct Sampled<W: Worth, A: Among> {
    sample: Sample<W::Kept>,
    among: PhantomData<fn() -> A>,
}

impl<W: Worth, A: Among> Sampled<W, A> {
    /// Nobody is resident; `draws` are drawn per eviction.
    pub fn new(draws: u64, setup: Setup<'_>) -> Sampled<W, A> {
        Sampled {
            sample: Sample::new(draws, setup.seed),
            among: PhantomData,
        }
    }
}

impl<M: Marks, W: Worth, A: Among> Policy<M> for Sampled<W, A> {
    fn mark_rule(&self) -> MarkRule {
        W::RULE
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, now: Millis, marks: &M) {
        if let Some(mark) = W::mark(now) {
            marks.set(entry, mark);
        }
        if !A::EXPIRING {
            self.sample.set(entry, W::kept(None));
        }
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn expires(&mut self, entry: EntryId, at: Option<Millis>) {
        match at {
            _ if !A::EXPIRING => {}
            Some(_) => self.sample.set(entry, W::kept(at)),
            None => self.sample.remove(entry),
        }
    }

    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId> {
        W::victim(&mut self.sample, now, marks)
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
