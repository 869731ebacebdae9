//! The directory: from the hash of a name to a place, and no step that grows with it.
//!
//! ```text
//!   map, by the lowest bits of a hash        segments of 256 spots
//!   ┌────┐
//!   │ 00 │ ───────────────────────────────► hashes that end in 00
//!   │ 01 │ ──────────────┬────────────────► hashes that end in 1: a segment that has not split
//!   │ 10 │ ──────────────│────────────────► hashes that end in 10
//!   │ 11 │ ──────────────┘
//!   └────┘
//! ```
//!
//! A segment that is full becomes two by one more bit, two that are nearly empty become one, and nothing else
//! moves (Fagin, Nievergelt, Pippenger, Strong, "Extendible Hashing", 1979). While there is only one segment it
//! has fewer groups. It holds neither names nor hashes: whoever asks compares, and hashes again.

use super::chunks::Chunks;
use super::group::{Group, SPOTS};
use super::segment::{GROUPS_MAX, Segment};

/// The most bits of the map.
const DEPTH_MAX: u8 = 28;
/// The entries of a chunk of the map: 4 KiB.
const MAP_CHUNK: usize = 1 << 10;
/// The map has up to so many entries for a segment before it doubles. Hashes that would need more are as good as
/// equal: a client that knows the seed is not to make it large.
const SHARE_MAX: usize = 16;
/// Two segments with so few places between them become one.
const JOINED_MAX: usize = GROUPS_MAX * SPOTS * 3 / 8;

#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Chunks of equal length; more than one where they have `MAP_CHUNK` entries.
    map: Vec<Vec<u32>>,
    depth: u8,
    segments: Chunks<Segment>,
    /// The groups of all segments.
    groups: usize,
    /// Places for which no segment has a spot: hashes that are as good as equal.
    spill: Vec<u32>,
}

impl Directory {
    pub(super) fn new() -> Directory {
        let mut segments = Chunks::default();
        segments.push(Segment::new(1, 0, 0));
        Directory {
            map: vec![vec![0]],
            depth: 0,
            segments,
            groups: 1,
            spill: Vec::new(),
        }
    }

    /// What it owns on the heap.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        let words = (1 << self.depth) + self.spill.capacity();
        words * size_of::<u32>() + self.segments.bytes() + self.groups * size_of::<Group>()
    }

    /// The place that has this hash and for which `is` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let segment = self.segment(hash);
        let found = segment.find(hash, &mut is);
        found.or_else(|| self.spill.iter().copied().find(|&place| is(place)))
    }

    /// The segment that knows this hash.
    #[inline]
    pub(super) fn segment(&self, hash: u64) -> &Segment {
        self.segments.get(self.home(hash))
    }

    /// Adds a place; `rehash` tells the hash of any that is here.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, place: u32, rehash: &impl Fn(u32) -> u64) {
        let home = self.home(hash);
        if self.segments.get_mut(home).put(hash, place) {
            return;
        }
        match self.enlarge(home) {
            Some(places) => {
                self.insert_all(places, rehash);
                self.insert(hash, place, rehash);
            }
            None => self.spill.push(place),
        }
    }

    /// Removes a place that is here.
    pub(super) fn remove(&mut self, hash: u64, place: u32, rehash: &impl Fn(u32) -> u64) {
        let home = self.home(hash);
        if self.segments.get_mut(home).take(hash, place) {
            let places = self.reduce(home);
            self.insert_all(places, rehash);
        } else {
            let at = self.spill.iter().position(|&other| other == place);
            self.spill
                .swap_remove(at.expect("each place is in the directory"));
        }
    }

    /// Gives the place `from`, which is here, another number.
    pub(super) fn rename(&mut self, hash: u64, from: u32, to: u32) {
        let home = self.home(hash);
        if !self.segments.get_mut(home).rename(hash, from, to) {
            let spilt = self.spill.iter_mut().find(|place| **place == from);
            *spilt.expect("each place is in the directory") = to;
        }
    }

    /// Frees a segment of a directory that is not used any more; whether there was one.
    pub(super) fn dismantle(&mut self) -> bool {
        let segment = self.segments.pop();
        self.groups -= segment.as_ref().map_or(0, Segment::groups);
        segment.is_some()
    }

    fn insert_all(&mut self, places: Vec<u32>, rehash: &impl Fn(u32) -> u64) {
        for place in places {
            self.insert(rehash(place), place, rehash);
        }
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        let bits = (1_u64 << self.depth) - 1;
        self.at((hash & bits) as usize)
    }

    /// The segment that an entry of the map names.
    #[inline]
    fn at(&self, entry: usize) -> usize {
        self.map[entry / MAP_CHUNK][entry % MAP_CHUNK] as usize
    }

    /// Empties a segment and gives its hashes more room; the places that were in it. `None` where more room
    /// would be of no use.
    fn enlarge(&mut self, id: usize) -> Option<Vec<u32>> {
        let segment = self.segments.get_mut(id);
        let groups = segment.groups();
        if groups < GROUPS_MAX {
            self.groups += groups;
            return Some(segment.empty(2 * groups));
        }
        let deepest = segment.depth == self.depth;
        let full = 1 << self.depth > SHARE_MAX * self.segments.len();
        let segment = self.segments.get_mut(id);
        if segment.depth == DEPTH_MAX || deepest && full {
            return None;
        }
        let places = segment.empty(GROUPS_MAX);
        let pattern = segment.pattern | 1 << segment.depth;
        segment.depth += 1;
        let depth = segment.depth;
        if depth > self.depth {
            if self.depth < MAP_CHUNK.ilog2() as u8 {
                self.map[0].extend_from_within(..);
            } else {
                self.map.extend_from_within(..);
            }
            self.depth = depth;
        }
        self.groups += GROUPS_MAX;
        self.segments.push(Segment::new(GROUPS_MAX, pattern, depth));
        self.point(self.segments.len() - 1);
        Some(places)
    }

    /// Gives memory back where a segment is nearly empty; the places that are to be inserted again.
    fn reduce(&mut self, id: usize) -> Vec<u32> {
        let segment = self.segments.get_mut(id);
        let (groups, depth) = (segment.groups(), segment.depth);
        if depth == 0 {
            if groups == 1 || segment.len() > segment.spots() / 4 {
                return Vec::new();
            }
            self.groups -= groups / 2;
            return segment.empty(groups / 2);
        }
        let len = segment.len();
        let brother = segment.pattern ^ 1 << (depth - 1);
        let other = self.at(brother as usize);
        let joined = self.segments.get(other);
        if joined.depth != depth || joined.len() + len > JOINED_MAX {
            return Vec::new();
        }
        let places = self.segments.get_mut(other).empty(0);
        let segment = self.segments.get_mut(id);
        segment.depth = depth - 1;
        segment.pattern &= (1 << (depth - 1)) - 1;
        self.point(id);
        self.segments.swap_remove(other);
        self.groups -= GROUPS_MAX;
        if other < self.segments.len() {
            self.point(other);
        }
        self.halve();
        places
    }

    /// Lets the map show where segment `id` is.
    fn point(&mut self, id: usize) {
        let segment = self.segments.get(id);
        let (pattern, step) = (segment.pattern as usize, 1 << segment.depth);
        for entry in (pattern..1 << self.depth).step_by(step) {
            self.map[entry / MAP_CHUNK][entry % MAP_CHUNK] = id as u32;
        }
    }

    /// Halves the map while no segment needs its last bit. Only now and then: to know it takes a look at all.
    fn halve(&mut self) {
        if !self.segments.len().is_power_of_two() {
            return;
        }
        let needed = self.segments.iter().map(|segment| segment.depth).max();
        self.depth = needed.unwrap_or_default();
        let entries = 1_usize << self.depth;
        self.map.truncate(entries.div_ceil(MAP_CHUNK));
        self.map[0].truncate(entries);
        self.map[0].shrink_to_fit();
    }

    /// The directory's own rules, for tests.
    #[cfg(test)]
    pub(super) fn check(&self, len: usize, hash_of: impl Fn(u32) -> u64) {
        let map = self.map.concat();
        assert_eq!(map.len(), 1 << self.depth);
        let (mut groups, mut places) = (0, self.spill.len());
        for (id, segment) in self.segments.iter().enumerate() {
            let step = 1_usize << segment.depth;
            for (at, &seen) in map.iter().enumerate() {
                assert_eq!(seen as usize == id, at % step == segment.pattern as usize);
            }
            assert!(segment.depth == 0 || segment.groups() == GROUPS_MAX);
            groups += segment.groups();
            places += segment.len();
        }
        assert_eq!((groups, places), (self.groups, len));
        for place in 0..len as u32 {
            let found = self.find(hash_of(place), |other| other == place);
            assert_eq!(found, Some(place));
        }
    }
}
