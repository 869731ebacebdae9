//! `slru`: segments of least recently used, through which an object climbs a step a hit.
//!
//! ```text
//!   miss ─▶ [ segment 0 ] ─hit▶ [ segment 1 ] ─hit▶ [ segment 2 ] ─hit▶ [ segment 3 ] ─┐ hit: newest
//!              │      ▲             │     ▲             │     ▲             │     ▲    ─┘
//!              ▼      └── overflow ─┘     └── overflow ─┘     └── overflow ─┘
//!             out
//! ```
//!
//! The segments share the capacity evenly. While there is room an object comes into the lowest segment
//! that has some, so a cache that fills up fills all of them; this is libCacheSim's way (0.3.5), and so is that an
//! object larger than a segment is refused, and that overflow of the lowest segment leaves the cache.

use super::order::links::Links;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;

const SEGMENTS_MAX: usize = 8;
/// In a resident's word: its segment stands above its size.
const SIZE_BITS: u32 = 29;
const SIZE_MAX: u32 = (1 << SIZE_BITS) - 1;

/// Segmented LRU.
pub struct Slru {
    links: Links,
    /// The segment and the size of each resident. A size beyond 29 bits only blurs how segments share.
    words: Vec<u32>,
    /// What each segment holds.
    held: [u64; SEGMENTS_MAX],
    segments: usize,
    /// What each may hold.
    share: u64,
    overflow: Vec<EntryId>,
}

impl Member for Slru {
    const DESCRIPTION: Description = Description {
        name: "slru",
        about: "segments of lru: each hit lifts an object a segment, overflow sinks one, the lowest evicts",
        source: "Karedla, Love, Wherry 1994, Caching strategies to improve disk system performance, \
                 IEEE Computer 27(3); four segments as in libCacheSim 0.3.5",
        params: &[Param {
            name: "segments",
            about: "segments, which share the capacity evenly",
            default: 4,
            min: 2,
            max: SEGMENTS_MAX as u64,
            words: &[],
        }],
        cost: "hit: moves the entry and those that overflow, by the owner; insertion and eviction: O(1)",
        bytes_per_item: 12,
        bad_at: "shifts of the working set: what is popular no more sinks a segment at a time",
    };

    fn build(params: Params<'_>, setup: Setup<'_>) -> Slru {
        let segments = params.get("segments");
        Slru {
            links: Links::new(segments as u32),
            words: Vec::new(),
            held: [0; SEGMENTS_MAX],
            segments: segments as usize,
            share: setup.capacity.amount() / segments,
            overflow: Vec::new(),
        }
    }
}

impl Slru {
    #[inline]
    fn segment(&self, entry: EntryId) -> usize {
        (self.words[entry as usize] >> SIZE_BITS) as usize
    }

    #[inline]
    fn size(&self, entry: EntryId) -> u64 {
        u64::from(self.words[entry as usize] & SIZE_MAX)
    }

    /// Moves `entry` to the newest end of `segment`.
    #[inline]
    fn shift(&mut self, entry: EntryId, segment: usize) {
        let size = self.size(entry);
        self.held[self.segment(entry)] -= size;
        self.held[segment] += size;
        self.words[entry as usize] = (segment as u32) << SIZE_BITS | size as u32;
        self.links.renew(segment as u32, entry);
    }

    /// Lets what is too much in `segment` sink, and what that makes too much below it.
    fn settle(&mut self, segment: usize) {
        while self.held[segment] > self.share
            && let Some(oldest) = self.links.oldest(segment as u32)
        {
            if segment == 0 {
                self.forget(oldest);
                self.overflow.push(oldest);
            } else {
                self.shift(oldest, segment - 1);
                self.settle(segment - 1);
            }
        }
    }

    fn forget(&mut self, entry: EntryId) {
        self.held[self.segment(entry)] -= self.size(entry);
        self.links.remove(entry);
    }
}

impl<M: Marks> Policy<M> for Slru {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, _identity: u64, size: u64) -> bool {
        size <= self.share
    }

    #[inline]
    fn insert(&mut self, entry: EntryId, _identity: u64, size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.words.len() {
            self.words.resize((index + 1).next_power_of_two(), 0);
        }
        let size = size.min(u64::from(SIZE_MAX));
        let has_room = |held: &u64| held + size <= self.share;
        let segment = self.held[..self.segments].iter().position(has_room);
        let segment = segment.unwrap_or(0);
        self.words[index] = (segment as u32) << SIZE_BITS | size as u32;
        self.held[segment] += size;
        self.links.push(segment as u32, entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        if !self.links.contains(entry) {
            return;
        }
        let segment = self.segment(entry);
        if segment + 1 == self.segments {
            self.links.renew(segment as u32, entry);
            return;
        }
        self.shift(entry, segment + 1);
        if self.held[segment + 1] > self.share {
            self.settle(segment + 1);
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
        let oldest = (0..self.segments as u32).find_map(|segment| self.links.oldest(segment))?;
        self.forget(oldest);
        Some(oldest)
    }

    fn remove(&mut self, entry: EntryId) {
        if self.links.contains(entry) {
            self.forget(entry);
        } else {
            self.overflow.retain(|&other| other != entry);
        }
    }
}
