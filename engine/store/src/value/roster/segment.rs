//! A segment of the directory: up to 16 groups, and two of them for each hash.
//!
//! A place goes to the emptier of its two groups, so none overflows before about nine spots of ten are taken
//! (Azar, Broder, Karlin, Upfal, "Balanced Allocations", 1994), and a spot that becomes free needs no mark of it.

use seawall_sys::map::prefetch;

use super::group::{Group, SPOTS};

/// The most groups. A segment of so many is an allocation of 1,280 bytes, which allocators have.
pub(super) const GROUPS_MAX: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Segment {
    groups: Box<[Group]>,
    /// The lowest bits of every hash here.
    pub(super) pattern: u32,
    /// How many bits of `pattern` count.
    pub(super) depth: u8,
    len: u16,
}

impl Segment {
    pub(super) fn new(groups: usize, pattern: u32, depth: u8) -> Segment {
        Segment {
            groups: vec![Group::default(); groups].into(),
            pattern,
            depth,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.into()
    }

    pub(super) fn spots(&self) -> usize {
        self.groups.len() * SPOTS
    }

    /// The groups: a power of two.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The place that was put with this hash and for which `is` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let (first, second) = self.pair(hash);
        let (tag, group) = (tag(hash), &self.groups[first]);
        if let Some(spot) = group.find(tag, &mut is) {
            return Some(group.place(spot));
        }
        let group = &self.groups[second];
        group.find(tag, is).map(|spot| group.place(spot))
    }

    /// Asks the processor to fetch what is read to find a place of this hash.
    #[inline]
    pub(super) fn fetch(&self, hash: u64) {
        let (first, second) = self.pair(hash);
        for group in [&self.groups[first], &self.groups[second]] {
            let begin = std::ptr::from_ref(group).cast::<u8>();
            prefetch(begin);
            prefetch(begin.wrapping_add(size_of::<Group>() - 1));
        }
    }

    /// Puts a place, unless both groups are full.
    #[inline]
    pub(super) fn put(&mut self, hash: u64, place: u32) -> bool {
        let (first, second) = self.pair(hash);
        let emptier = if self.groups[second].free() > self.groups[first].free() {
            second
        } else {
            first
        };
        let put = self.groups[emptier].put(tag(hash), place);
        self.len += u16::from(put);
        put
    }

    /// Takes a place out; whether it was here.
    pub(super) fn take(&mut self, hash: u64, place: u32) -> bool {
        let Some((group, spot)) = self.spot(hash, place) else {
            return false;
        };
        self.groups[group].clear(spot);
        self.len -= 1;
        true
    }

    /// Puts `to` where `from` was; whether it was here.
    pub(super) fn rename(&mut self, hash: u64, from: u32, to: u32) -> bool {
        let Some((group, spot)) = self.spot(hash, from) else {
            return false;
        };
        self.groups[group].set_place(spot, to);
        true
    }

    /// Makes the segment an empty one of so many groups; the places that were in it.
    pub(super) fn empty(&mut self, groups: usize) -> Vec<u32> {
        let old = std::mem::replace(&mut self.groups, vec![Group::default(); groups].into());
        self.len = 0;
        old.iter().flat_map(Group::places).collect()
    }

    fn spot(&self, hash: u64, place: u32) -> Option<(usize, usize)> {
        let (first, second) = self.pair(hash);
        [first, second].into_iter().find_map(|group| {
            let spot = self.groups[group].find(tag(hash), |other| other == place)?;
            Some((group, spot))
        })
    }

    /// The two groups of a hash: different ones where there are two.
    #[inline]
    fn pair(&self, hash: u64) -> (usize, usize) {
        let last = self.groups.len() - 1;
        let (first, second) = ((hash >> 32) as usize & last, (hash >> 40) as usize & last);
        (
            first,
            if first == second {
                first ^ (last & 1)
            } else {
                second
            },
        )
    }
}

/// The highest byte of a hash, but that of a free spot.
#[inline]
fn tag(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}
