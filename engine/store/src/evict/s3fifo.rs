//! `s3fifo`: a small queue sifts what is read once from what deserves the main queue.
//!
//! ```text
//!            not a ghost                 read twice or more
//!   arrive ─────────────▶ small (10 %) ─────────────────────▶ main (90 %) ◀─┐ read since: another
//!      │                     │ else                             │  └─────────┘ round, up to three
//!      │ a ghost             ▼                                  ▼
//!      └──────────────▶ ghosts (90 %), identities only         out
//! ```
//!
//! This is the algorithm as its authors changed it in libCacheSim in December 2024: until the first eviction,
//! what finds the small queue full goes to the main queue. The paper's, which does not do that, is
//! [`s3fifo-sosp23`](super::s3fifo_sosp23). An object that is larger than the small queue is refused, one that just fills it is taken
//! only where it is a ghost; so with a capacity below 20 objects nothing is ever cached.

use super::order::ghost::{Ghosts, IdentityOf};
use super::order::ring::Ring;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;

/// More hits than this count as this many.
const COUNT_MAX: u32 = 3;
/// In a resident's word: it stands in the main queue. The other bits are its size.
const IN_MAIN: u32 = 1 << 31;

struct Queue {
    line: Ring,
    size: u64,
    capacity: u64,
}

impl Queue {
    fn new(capacity: u64) -> Queue {
        Queue {
            line: Ring::default(),
            size: 0,
            capacity,
        }
    }
}

/// S3-FIFO as it is today.
pub type S3Fifo = Sifted<true>;

/// S3-FIFO, which fills the main queue too while there is room (`FILLS`) or does not.
pub struct Sifted<const FILLS: bool> {
    small: Queue,
    main: Queue,
    ghosts: Ghosts,
    /// Where each resident stands, and its size.
    words: Vec<u32>,
    identities: IdentityOf,
    promote: u32,
    /// The object that arrived last was a ghost.
    was_ghost: bool,
    has_evicted: bool,
}

/// What can be set of it.
pub(super) const PARAMS: &[Param] = &[
    Param {
        name: "small",
        about: "percent of the capacity that is the small queue's",
        default: 10,
        min: 1,
        max: 90,
        words: &[],
    },
    Param {
        name: "ghost",
        about: "ghosts remembered, in percent of the capacity",
        default: 90,
        min: 0,
        max: 400,
        words: &[],
    },
    Param {
        name: "promote",
        about: "hits in the small queue that earn a place in the main queue",
        default: 2,
        min: 1,
        max: COUNT_MAX as u64,
        words: &[],
    },
];

impl Member for S3Fifo {
    const DESCRIPTION: Description = Description {
        name: "s3fifo",
        about: "a small queue sifts out what is read once; the main queue is a clock; ghosts return to it",
        source: "Yang et al., SOSP 2023, FIFO queues are all you need, section 4; \
                 as changed in libCacheSim 0.3.5",
        params: PARAMS,
        cost: "hit: counts to 3; insertion: O(1), one ghost look-up; eviction: one step per object moved",
        bytes_per_item: 34,
        bad_at: "objects whose second use comes after they left the small queue and its ghosts; \
                 fewer than 20 objects",
    };

    fn build(params: Params<'_>, setup: Setup<'_>) -> S3Fifo {
        Sifted::new(params, setup)
    }
}

impl<const FILLS: bool> Sifted<FILLS> {
    /// An empty cache.
    pub(super) fn new(params: Params<'_>, setup: Setup<'_>) -> Self {
        let capacity = setup.capacity;
        let small = capacity.percent(params.get("small"));
        Sifted {
            small: Queue::new(small),
            main: Queue::new(capacity.amount() - small),
            ghosts: Ghosts::new(capacity.percent(params.get("ghost")), setup.identities),
            words: Vec::new(),
            identities: IdentityOf::new(setup.identities),
            promote: params.get("promote") as u32,
            was_ghost: false,
            has_evicted: false,
        }
    }

    fn put_small(&mut self, entry: EntryId, size: u32) {
        self.words[entry as usize] = size;
        self.small.size += u64::from(size);
        self.small.line.push(entry);
    }

    fn put_main(&mut self, entry: EntryId, size: u32) {
        self.words[entry as usize] = IN_MAIN | size;
        self.main.size += u64::from(size);
        self.main.line.push(entry);
    }

    fn size(&self, entry: EntryId) -> u32 {
        self.words[entry as usize] & !IN_MAIN
    }

    fn victim_of_main<M: Marks>(&mut self, marks: &M) -> Option<EntryId> {
        loop {
            let entry = self.main.line.pop()?;
            match marks.get(entry) {
                0 => {
                    self.main.size -= u64::from(self.size(entry));
                    return Some(entry);
                }
                mark => {
                    marks.set(entry, mark.min(COUNT_MAX) - 1);
                    self.main.line.push(entry);
                }
            }
        }
    }

    fn victim_of_small<M: Marks>(&mut self, marks: &M) -> Option<EntryId> {
        loop {
            let entry = self.small.line.pop()?;
            let size = self.size(entry);
            self.small.size -= u64::from(size);
            if marks.get(entry) < self.promote {
                self.ghosts.push(self.identities.get(entry), size);
                return Some(entry);
            }
            marks.set(entry, 0);
            self.put_main(entry, size);
        }
    }
}

impl<M: Marks, const FILLS: bool> Policy<M> for Sifted<FILLS> {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Count { max: COUNT_MAX }
    }

    fn arrive(&mut self, identity: u64, size: u64) -> bool {
        self.was_ghost = self.ghosts.take(identity);
        size < self.small.capacity || (self.was_ghost && size == self.small.capacity)
    }

    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.words.len() {
            self.words.resize(index + 1, 0);
        }
        self.identities.set(entry, identity);
        // A size beyond 31 bits only blurs how the two queues share the capacity.
        let size_bits = size.min(u64::from(IN_MAIN - 1)) as u32;
        let small_is_full = self.small.size >= self.small.capacity;
        let fills_up = FILLS && !self.has_evicted && small_is_full;
        if std::mem::take(&mut self.was_ghost) || fills_up || size >= self.small.capacity {
            self.put_main(entry, size_bits);
        } else {
            self.put_small(entry, size_bits);
        }
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, marks: &M) -> Option<EntryId> {
        self.has_evicted = true;
        if self.main.size <= self.main.capacity
            && let Some(entry) = self.victim_of_small(marks)
        {
            return Some(entry);
        }
        self.victim_of_main(marks)
            .or_else(|| self.victim_of_small(marks))
    }

    fn remove(&mut self, entry: EntryId) {
        let size = u64::from(self.size(entry));
        let queue = if self.words[entry as usize] & IN_MAIN == 0 {
            &mut self.small
        } else {
            &mut self.main
        };
        queue.size -= size;
        queue.line.remove(entry);
    }
}
