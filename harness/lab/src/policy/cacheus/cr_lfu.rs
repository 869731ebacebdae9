//! CR-LFU: least frequently used, and of equals the newest, so that churn displaces churn.
//!
//! ```text
//!   uses 1: a ─ b ─ c      uses 2: d ─ e      ..      the next to go: c
//! ```
//!
//! What left is asked back with the uses that it had, as long as SR-LRU remembers it. No object has more uses than the
//! trace has requests for it, so there is a line for each count, and a set of those that are not empty.

use seawall_store::evict::order::links::Links;
use seawall_workloads::trace::Trace;

use crate::bits::Bits;

/// The expert.
pub(super) struct CrLfu {
    /// A list for each count of uses.
    links: Links,
    /// The counts whose lists have objects, as what they lack to `uses_max`: the least is the greatest here.
    uses_present: Bits,
    uses_max: u32,
    /// The uses of each object, also when it has left.
    uses: Vec<u32>,
}

impl CrLfu {
    pub(super) fn new(trace: &Trace) -> CrLfu {
        let mut uses = vec![0; trace.object_count() as usize];
        for &object in trace.objects() {
            uses[object as usize] += 1;
        }
        let uses_max = uses.iter().copied().max().unwrap_or(0);
        uses.fill(0);
        CrLfu {
            links: Links::new(uses_max + 1),
            uses_present: Bits::new(uses_max as usize + 1),
            uses_max,
            uses,
        }
    }

    /// A hit on a resident.
    #[inline]
    pub(super) fn touch(&mut self, object: u32) {
        self.remove(object);
        self.insert(object, true);
    }

    /// `object` comes in, with the uses that it had before if it is `remembered`.
    #[inline]
    pub(super) fn insert(&mut self, object: u32, remembered: bool) {
        let uses = &mut self.uses[object as usize];
        *uses = if remembered { *uses + 1 } else { 1 };
        self.links.push(*uses, object);
        self.uses_present.insert((self.uses_max - *uses) as usize);
    }

    /// Whom this expert would let go; `None` if nobody is there.
    pub(super) fn victim(&self) -> Option<u32> {
        let least = self.uses_present.greatest()?;
        self.links.newest(self.uses_max - least as u32)
    }

    /// A resident leaves. Its uses are kept.
    #[inline]
    pub(super) fn remove(&mut self, object: u32) {
        let uses = self.uses[object as usize];
        self.links.remove(object);
        if self.links.oldest(uses).is_none() {
            self.uses_present.remove((self.uses_max - uses) as usize);
        }
    }
}
