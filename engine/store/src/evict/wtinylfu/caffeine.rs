//! The variant of Caffeine (3.2): a frequency sketch of four bits, and a window that may adapt.
//!
//! Every use counts, and every arrival. When something must go, the window's oldest (the newcomer, where the window is
//! too small for any) competes with the oldest on probation; a candidate that was used five times or less and loses
//! goes, one used more often is let in once in 128, so that who knows the hash cannot keep it out for ever.
//!
//! The adaptive window climbs the hill: it changes its share by a step, and looks after ten uses an entry whether
//! more hits came of it; then goes on, or turns back. Steps shrink by 2 %, and begin anew where the hit ratio changes
//! by 5 points.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::regions::{PROBATION, PROTECTED, Regions, WINDOW};
use super::sketch::Sketch;
use crate::evict::{Capacity, EntryId, Setup};

const PROTECTED_PERCENT: u64 = 80;
/// A candidate used more often than this has a chance though it loses.
const WARM: u64 = 5;
const CHANCE: u32 = 128;
/// A step of the climb, by how much later ones shrink, and the change of the hit ratio that begins anew.
const STEP: f64 = 0.0625;
const STEP_DECAY: f64 = 0.98;
const RESTART: f64 = 0.05;
/// At most so many move between the regions at a time.
const MOVES_MAX: usize = 1_000;

/// The policy.
pub struct Caffeine {
    pub regions: Regions,
    sketch: Sketch,
    capacity: u64,
    window_share: u64,
    protected_share: u64,
    /// The object that arrived last.
    incoming: (u64, u64),
    climb: Option<Climb>,
    random: Xoshiro256PlusPlus,
}

/// Where the climb stands.
struct Climb {
    hits: usize,
    misses: usize,
    hit_ratio: f64,
    step: f64,
    /// By how much the window has yet to change.
    owed: i64,
}

impl Caffeine {
    pub fn new(setup: Setup<'_>, window_share: u64, adaptive: bool) -> Caffeine {
        let capacity = setup.capacity.amount();
        // A window holds one object at least.
        let window_share = window_share.max(1).min(capacity);
        let main = capacity - window_share;
        Caffeine {
            regions: Regions::new(setup.identities),
            sketch: Sketch::new(match setup.capacity {
                Capacity::Objects(objects) => objects,
                Capacity::Bytes(_) => 0,
            }),
            capacity,
            window_share,
            protected_share: (u128::from(main) * u128::from(PROTECTED_PERCENT) / 100) as u64,
            incoming: (0, 0),
            climb: adaptive.then(|| Climb {
                hits: 0,
                misses: 0,
                hit_ratio: 0.0,
                step: -STEP * capacity as f64,
                owed: 0,
            }),
            random: Xoshiro256PlusPlus::seed_from_u64(setup.seed),
        }
    }

    pub fn arrive(&mut self, identity: u64, size: u64) -> bool {
        self.sketch.add(identity);
        self.incoming = (identity, size);
        if let Some(climb) = &mut self.climb {
            climb.misses += 1;
            self.climb();
        }
        size <= self.capacity
    }

    pub fn insert(&mut self, entry: EntryId, identity: u64, size: u64) {
        self.regions.push(WINDOW, entry, identity, size);
        self.incoming = (0, 0);
        self.sketch.grow(self.regions.count());
        self.settle_window();
    }

    pub fn touch(&mut self, entry: EntryId) {
        if !self.regions.contains(entry) {
            return;
        }
        self.sketch.add(self.regions.identity(entry));
        if self.regions.region(entry) == WINDOW {
            self.regions.shift(WINDOW, entry);
        } else {
            self.regions.shift(PROTECTED, entry);
            self.settle_protected();
        }
        if let Some(climb) = &mut self.climb {
            climb.hits += 1;
            self.climb();
        }
    }

    /// Whether the newcomer, which the window has no room for, loses against the oldest of the main region.
    pub fn newcomer_goes(&mut self) -> bool {
        if self.regions.oldest(WINDOW).is_some() || self.incoming.1 <= self.window_share {
            return false;
        }
        let Some(rival) = self.regions.oldest_of_main() else {
            return false;
        };
        !self.wins(self.incoming.0, rival)
    }

    pub fn victim(&mut self) -> Option<EntryId> {
        let window_is_full = self.regions.held(WINDOW) + self.incoming.1 > self.window_share;
        let candidate = self.regions.oldest(WINDOW).filter(|_| window_is_full);
        let goes = match (candidate, self.regions.oldest_of_main()) {
            (Some(candidate), Some(rival)) => {
                if self.wins(self.regions.identity(candidate), rival) {
                    self.regions.shift(PROBATION, candidate);
                    rival
                } else {
                    candidate
                }
            }
            (None, Some(rival)) => rival,
            (candidate, None) => candidate.or_else(|| self.regions.oldest(WINDOW))?,
        };
        self.regions.remove(goes);
        Some(goes)
    }

    fn wins(&mut self, candidate: u64, rival: EntryId) -> bool {
        let used = self.sketch.estimate(candidate);
        used > self.sketch.estimate(self.regions.identity(rival))
            || (used > WARM && self.random.random_range(0..CHANCE) == 0)
    }

    /// What is too much in the window goes on probation, as long as the cache has room for all.
    fn settle_window(&mut self) {
        while self.regions.held(WINDOW) > self.window_share
            && let Some(oldest) = self.regions.oldest(WINDOW)
        {
            self.regions.shift(PROBATION, oldest);
        }
    }

    fn settle_protected(&mut self) {
        while self.regions.held(PROTECTED) > self.protected_share
            && let Some(oldest) = self.regions.oldest(PROTECTED)
        {
            self.regions.shift(PROBATION, oldest);
        }
    }

    /// Looks whether the last step brought hits, and takes the next.
    fn climb(&mut self) {
        let sample = self.sketch.sample();
        let Some(climb) = &mut self.climb else {
            return;
        };
        let uses = climb.hits + climb.misses;
        if uses >= sample {
            let hit_ratio = climb.hits as f64 / uses as f64;
            let change = hit_ratio - climb.hit_ratio;
            let amount = if change >= 0.0 {
                climb.step
            } else {
                -climb.step
            };
            climb.step = if change.abs() >= RESTART {
                (STEP * self.capacity as f64).copysign(amount)
            } else {
                STEP_DECAY * amount
            };
            (climb.hits, climb.misses, climb.hit_ratio) = (0, 0, hit_ratio);
            climb.owed = amount as i64;
        }
        let owed = climb.owed;
        if owed != 0 {
            let left = if owed > 0 {
                self.widen(owed as u64) as i64
            } else {
                -(self.narrow(owed.unsigned_abs()) as i64)
            };
            if let Some(climb) = &mut self.climb {
                climb.owed = left;
            }
        }
    }

    /// Gives the window up to `amount` of what is protected, and who was oldest in the main region with it; what is
    /// left to give.
    fn widen(&mut self, amount: u64) -> u64 {
        let quota = amount.min(self.protected_share);
        let mut given = 0;
        for _ in 0..MOVES_MAX {
            let Some(oldest) = self.regions.oldest_of_main() else {
                break;
            };
            let size = self.regions.size(oldest);
            if given + size > quota {
                break;
            }
            given += size;
            self.regions.shift(WINDOW, oldest);
        }
        self.window_share += given;
        self.protected_share -= given;
        self.settle_protected();
        if given == 0 { 0 } else { quota - given }
    }

    /// Takes up to `amount` from the window, whose oldest go on probation; what is left to take.
    fn narrow(&mut self, amount: u64) -> u64 {
        let quota = amount.min(self.window_share.saturating_sub(1));
        let mut taken = 0;
        for _ in 0..MOVES_MAX {
            let Some(oldest) = self.regions.oldest(WINDOW) else {
                break;
            };
            let size = self.regions.size(oldest);
            if taken + size > quota {
                break;
            }
            taken += size;
            self.regions.shift(PROBATION, oldest);
        }
        self.window_share -= taken;
        self.protected_share += taken;
        if taken == 0 { 0 } else { quota - taken }
    }
}
