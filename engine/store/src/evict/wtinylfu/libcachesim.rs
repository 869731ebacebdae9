//! The variant of libCacheSim (0.3.5), to the last request.
//!
//! The sketch is a counting Bloom filter without a limit to its counters. An object is counted when it comes, at each
//! hit in the main region, and each time that it is looked at as the window's oldest. All is halved once in 32 hits
//! per unit of the main region. Where the window is empty (fewer than 100 objects) nothing is ever inserted.

use super::bloom::{Bloom, Hashes, hashes};
use super::regions::{PROBATION, PROTECTED, Regions, WINDOW};
use crate::evict::{EntryId, Identities, Setup};

const HALVE_EVERY: u64 = 32;

/// The policy.
pub struct LibCacheSim {
    regions: Regions,
    sketch: Bloom,
    /// The hashes of each object, where identities are dense.
    hashes: Vec<Hashes>,
    window_share: u64,
    main_share: u64,
    /// What may be on probation, and protected.
    shares: [u64; 2],
    main_hits: u64,
    pub overflow: Vec<EntryId>,
}

impl LibCacheSim {
    pub fn new(setup: Setup<'_>, window_share: u64) -> LibCacheSim {
        let main_share = setup.capacity.amount() - window_share;
        let share = |of_five: f64| (of_five / 5.0 * main_share as f64) as u64;
        LibCacheSim {
            regions: Regions::new(setup.identities),
            sketch: Bloom::new(main_share),
            hashes: match setup.identities {
                Identities::Hashed => Vec::new(),
                Identities::Dense { count, numbers } => (0..count)
                    .map(|id| hashes(numbers.get(id as usize).copied().unwrap_or(id.into())))
                    .collect(),
            },
            window_share,
            main_share,
            shares: [share(1.0), share(4.0)],
            main_hits: 0,
            overflow: Vec::new(),
        }
    }

    /// Whether an object of this size may come in: into the window, and on probation.
    pub fn accepts(&self, size: u64) -> bool {
        size <= self.window_share && size <= self.shares[0]
    }

    pub fn insert(&mut self, entry: EntryId, identity: u64, size: u64) {
        self.regions.push(WINDOW, entry, identity, size);
        let hashes = self.hashes(entry);
        self.sketch.add(hashes);
    }

    fn hashes(&self, entry: EntryId) -> Hashes {
        let known = self.hashes.get(entry as usize).copied();
        known.unwrap_or_else(|| hashes(self.regions.identity(entry)))
    }

    pub fn touch(&mut self, entry: EntryId) {
        if !self.regions.contains(entry) {
            return;
        }
        if self.regions.region(entry) == WINDOW {
            self.regions.shift(WINDOW, entry);
            return;
        }
        self.regions.shift(PROTECTED, entry);
        while self.regions.held(PROTECTED) > self.shares[1]
            && let Some(oldest) = self.regions.oldest(PROTECTED)
        {
            self.regions.shift(PROBATION, oldest);
            while self.regions.held(PROBATION) > self.shares[0]
                && let Some(oldest) = self.regions.oldest(PROBATION)
            {
                self.regions.remove(oldest);
                self.overflow.push(oldest);
            }
        }
        let hashes = self.hashes(entry);
        self.sketch.add(hashes);
        self.main_hits += 1;
        if self.main_hits >= HALVE_EVERY * self.main_share {
            self.main_hits = 0;
            self.sketch.halve();
        }
    }

    pub fn victim(&mut self) -> Option<EntryId> {
        if let Some(entry) = self.overflow.pop() {
            return Some(entry);
        }
        while let Some(newest) = self.regions.oldest(WINDOW) {
            let hashes = self.hashes(newest);
            let size = self.regions.size(newest);
            let room = self.main_share.saturating_sub(self.regions.main_held());
            let rival = self.regions.oldest_of_main();
            let (Some(rival), false) = (rival, size <= room) else {
                self.admit(newest);
                self.sketch.add(hashes);
                continue;
            };
            let of_rival = self.sketch.estimate(self.hashes(rival));
            let goes = if self.sketch.estimate(hashes) > of_rival {
                self.regions.remove(rival);
                self.admit(newest);
                rival
            } else {
                self.regions.remove(newest);
                newest
            };
            self.sketch.add(hashes);
            return Some(goes);
        }
        let oldest = self.regions.oldest_of_main()?;
        self.regions.remove(oldest);
        Some(oldest)
    }

    /// The window's oldest moves to the main region: on probation, or protected where only there is room.
    fn admit(&mut self, entry: EntryId) {
        let size = self.regions.size(entry);
        let has_room = |part: &usize| self.regions.held(*part) + size <= self.shares[part - 1];
        let part = [PROBATION, PROTECTED].into_iter().find(has_room);
        if part.is_none() {
            while self.regions.main_held() + size > self.main_share
                && let Some(oldest) = self.regions.oldest_of_main()
            {
                self.regions.remove(oldest);
                self.overflow.push(oldest);
            }
        }
        self.regions.shift(part.unwrap_or(PROBATION), entry);
    }

    pub fn remove(&mut self, entry: EntryId) {
        if self.regions.contains(entry) {
            self.regions.remove(entry);
        } else {
            self.overflow.retain(|&other| other != entry);
        }
    }
}
