//! `twoq`: a first-in, first-out queue for what is new, a line of least recently used for what came back.
//!
//! ```text
//!            not a ghost
//!   arrive ─────────────▶ in (25 %) ──────▶ out: ghosts (50 %), identities only
//!      │ a ghost                               │
//!      └──────────────▶ main: lru (75 %) ◀─────┘ arrives again
//! ```
//!
//! A hit on what is new does nothing, so a burst of uses soon after the first does not count. The details
//! are libCacheSim's (0.3.5): an object larger than the queue of the new is refused, and the main line keeps to
//! its own share.

use super::order::ghost::{Ghosts, IdentityOf};
use super::order::links::Links;
use super::order::ring::Ring;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;

/// The list of the main line.
const MAIN: u32 = 0;
/// In a resident's word: it stands in the main line. The other bits are its size.
const IN_MAIN: u32 = 1 << 31;

/// 2Q.
pub struct TwoQ {
    new: Ring,
    new_held: u64,
    new_share: u64,
    main: Links,
    main_held: u64,
    main_share: u64,
    ghosts: Ghosts,
    identities: IdentityOf,
    /// Where each resident stands, and its size. A size beyond 31 bits only blurs how the two share.
    words: Vec<u32>,
    /// The object that arrived last was a ghost.
    was_ghost: bool,
    overflow: Vec<EntryId>,
}

impl Member for TwoQ {
    const DESCRIPTION: Description = Description {
        name: "twoq",
        about: "a queue for new objects, lru for those that come back while their ghost is remembered",
        source: "Johnson, Shasha, VLDB 1994, 2Q: a low overhead high performance buffer management \
                 replacement algorithm, section 3.2 (full version); as in libCacheSim 0.3.5",
        params: &[
            Param {
                name: "in",
                about: "percent of the capacity that is the new objects' queue (Kin)",
                default: 25,
                min: 1,
                max: 99,
                words: &[],
            },
            Param {
                name: "out",
                about: "ghosts remembered, in percent of the capacity (Kout)",
                default: 50,
                min: 0,
                max: 400,
                words: &[],
            },
        ],
        cost: "hit: moves the entry where it is in the main line, by the owner; insertion: one ghost \
               look-up; eviction: O(1)",
        bytes_per_item: 34,
        bad_at: "objects whose second use comes after their ghost is forgotten",
    };

    fn build(params: Params<'_>, setup: Setup<'_>) -> TwoQ {
        let new_share = setup.capacity.percent(params.get("in"));
        TwoQ {
            new: Ring::default(),
            new_held: 0,
            new_share,
            main: Links::new(1),
            main_held: 0,
            main_share: setup.capacity.amount() - new_share,
            ghosts: Ghosts::new(setup.capacity.percent(params.get("out")), setup.identities),
            identities: IdentityOf::new(setup.identities),
            words: Vec::new(),
            was_ghost: false,
            overflow: Vec::new(),
        }
    }
}

impl TwoQ {
    #[inline]
    fn size(&self, entry: EntryId) -> u32 {
        self.words[entry as usize] & !IN_MAIN
    }

    fn oldest_of_main(&mut self) -> Option<EntryId> {
        let entry = self.main.pop_oldest(MAIN)?;
        self.main_held -= u64::from(self.size(entry));
        Some(entry)
    }

    fn oldest_of_new(&mut self) -> Option<EntryId> {
        let entry = self.new.pop()?;
        let size = self.size(entry);
        self.new_held -= u64::from(size);
        self.ghosts.push(self.identities.get(entry), size);
        Some(entry)
    }
}

impl<M: Marks> Policy<M> for TwoQ {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    #[inline]
    fn arrive(&mut self, identity: u64, size: u64) -> bool {
        self.was_ghost = self.ghosts.take(identity);
        size <= self.new_share
    }

    #[inline]
    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.words.len() {
            self.words.resize((index + 1).next_power_of_two(), 0);
        }
        self.identities.set(entry, identity);
        let size = size.min(u64::from(IN_MAIN - 1));
        if !std::mem::take(&mut self.was_ghost) {
            self.words[index] = size as u32;
            self.new_held += size;
            self.new.push(entry);
            return;
        }
        while self.main_held + size > self.main_share
            && let Some(oldest) = self.oldest_of_main()
        {
            self.overflow.push(oldest);
        }
        self.words[index] = IN_MAIN | size as u32;
        self.main_held += size;
        self.main.push(MAIN, entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        if self.main.contains(entry) {
            self.main.renew(MAIN, entry);
        }
    }

    #[inline]
    fn overflow(&mut self) -> Option<EntryId> {
        self.overflow.pop()
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        if let Some(entry) = self.overflow.pop() {
            return Some(entry);
        }
        if self.new_held <= self.new_share
            && let Some(entry) = self.oldest_of_main()
        {
            return Some(entry);
        }
        self.oldest_of_new()
    }

    fn remove(&mut self, entry: EntryId) {
        let size = u64::from(self.size(entry));
        if self.words[entry as usize] & IN_MAIN == 0 {
            self.new_held -= size;
            self.new.remove(entry);
        } else if self.main.contains(entry) {
            self.main_held -= size;
            self.main.remove(entry);
        } else {
            self.overflow.retain(|&other| other != entry);
        }
    }
}
