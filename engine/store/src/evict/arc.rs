//! `arc`: recency and frequency share the capacity, and ghosts of each say which deserves more.
//!
//! ```text
//!   ghosts of once ◀─ [ once: lru ] ─hit▶ [ often: lru ] ─▶ ghosts of often
//!          │                ◀──────── p ────────▶               │
//!          └── arrives: p grows, into often ◀── arrives: p shrinks ──┘
//! ```
//!
//! `p` is what the first line may hold. Real-valued, and computed before the ghost is forgotten, as in libCacheSim
//! (0.3.5).

use super::order::ghost::{Ghosts, IdentityOf};
use super::order::links::Links;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// The lists, and what they and their ghosts are kept under.
const ONCE: usize = 0;
const OFTEN: usize = 1;
/// In a resident's word: it stands in the second line. The other bits are its size.
const IS_OFTEN: u32 = 1 << 31;

/// Adaptive replacement cache.
pub struct Arc {
    links: Links,
    held: [u64; 2],
    ghosts: [Ghosts; 2],
    identities: IdentityOf,
    /// Where each resident stands, and its size. A size beyond 31 bits only blurs how the two share.
    words: Vec<u32>,
    capacity: u64,
    /// What the first line may hold.
    p: f64,
    /// The size of the object that arrived last, and the line whose ghost it was.
    incoming: u64,
    ghost_of: Option<usize>,
}

impl Member for Arc {
    const DESCRIPTION: Description = Description {
        name: "arc",
        about: "lru of what was used once and of what was used more, in shares that ghosts adapt",
        source: "Megiddo, Modha, FAST 2003, ARC: a self-tuning, low overhead replacement cache, figure 4; \
                 as in libCacheSim 0.3.5",
        params: &[],
        cost: "hit: moves the entry, by the owner; insertion: two ghost look-ups; eviction: O(1)",
        bytes_per_item: 40,
        bad_at: "loops larger than the cache, and frequent objects that a burst of others displaces",
    };

    fn build(_params: Params<'_>, setup: Setup<'_>) -> Arc {
        // How many ghosts there may be is decided here, not by them.
        let ghosts = || Ghosts::new(u64::MAX, setup.identities);
        Arc {
            links: Links::new(2),
            held: [0; 2],
            ghosts: [ghosts(), ghosts()],
            identities: IdentityOf::new(setup.identities),
            words: Vec::new(),
            capacity: setup.capacity.amount(),
            p: 0.0,
            incoming: 0,
            ghost_of: None,
        }
    }
}

impl Arc {
    #[inline]
    fn line(&self, entry: EntryId) -> usize {
        usize::from(self.words[entry as usize] & IS_OFTEN != 0)
    }

    #[inline]
    fn size(&self, entry: EntryId) -> u64 {
        u64::from(self.words[entry as usize] & !IS_OFTEN)
    }

    /// The oldest of a line leaves the cache.
    fn pop(&mut self, line: usize) -> Option<EntryId> {
        let entry = self.links.pop_oldest(line as u32)?;
        self.held[line] -= self.size(entry);
        Some(entry)
    }

    /// The oldest of one of the lines becomes its ghost: REPLACE in the paper.
    fn replace(&mut self) -> Option<EntryId> {
        let once = self.held[ONCE] as f64;
        let too_many = once > self.p || (once == self.p && self.ghost_of == Some(OFTEN));
        let line = if self.held[OFTEN] == 0 || (self.held[ONCE] > 0 && too_many) {
            ONCE
        } else {
            OFTEN
        };
        let entry = self.pop(line)?;
        let size = self.size(entry) as u32;
        self.ghosts[line].push(self.identities.get(entry), size);
        Some(entry)
    }

    /// The oldest leaves for an object that is nobody's ghost: case IV in the paper.
    fn replace_for_new(&mut self) -> Option<EntryId> {
        let ghosts = [self.ghosts[ONCE].size(), self.ghosts[OFTEN].size()];
        let once = self.held[ONCE] + ghosts[ONCE];
        if once + self.incoming > self.capacity {
            if ghosts[ONCE] == 0 && self.held[ONCE] > 0 {
                return self.pop(ONCE);
            }
            self.ghosts[ONCE].forget_oldest();
        } else if once + self.held[OFTEN] + ghosts[OFTEN] >= 2 * self.capacity {
            self.ghosts[OFTEN].forget_oldest();
        }
        self.replace()
    }
}

impl<M: Marks> Policy<M> for Arc {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    #[inline]
    fn arrive(&mut self, identity: u64, size: u64) -> bool {
        self.incoming = size;
        let sizes = [
            self.ghosts[ONCE].size() as f64,
            self.ghosts[OFTEN].size() as f64,
        ];
        self.ghost_of = [ONCE, OFTEN]
            .into_iter()
            .find(|&line| self.ghosts[line].take(identity));
        match self.ghost_of {
            Some(ONCE) => {
                let step = (sizes[OFTEN] / sizes[ONCE]).max(1.0);
                self.p = (self.p + step).min(self.capacity as f64);
            }
            Some(_) => {
                let step = (sizes[ONCE] / sizes[OFTEN]).max(1.0);
                self.p = (self.p - step).max(0.0);
            }
            None => {}
        }
        true
    }

    #[inline]
    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.words.len() {
            self.words.resize((index + 1).next_power_of_two(), 0);
        }
        self.identities.set(entry, identity);
        let size = size.min(u64::from(IS_OFTEN - 1));
        let line = if self.ghost_of.take().is_some() {
            OFTEN
        } else {
            ONCE
        };
        self.words[index] = size as u32 | (line as u32 * IS_OFTEN);
        self.held[line] += size;
        self.links.push(line as u32, entry);
        self.incoming = 0;
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        if !self.links.contains(entry) {
            return;
        }
        let size = self.size(entry);
        self.held[self.line(entry)] -= size;
        self.held[OFTEN] += size;
        self.words[entry as usize] |= IS_OFTEN;
        self.links.renew(OFTEN as u32, entry);
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        match self.ghost_of {
            Some(_) => self.replace(),
            None => self.replace_for_new(),
        }
    }

    fn remove(&mut self, entry: EntryId) {
        self.held[self.line(entry)] -= self.size(entry);
        self.links.remove(entry);
    }
}
