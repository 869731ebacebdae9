//! `hyperbolic`: of some residents drawn at random, the one used least often for the time it has been in goes.
//!
//! The worth of an object is its uses over its age, counted in requests since it came in. All worths fall
//! all the time, each at its own pace, so no order of them lasts: hence the draw. It is with replacement, and
//! nothing is kept from one eviction to the next. Sizes are not weighed, as in libCacheSim (0.3.5).

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::evict::{Description, Params, Setup};
use seawall_store::spec::Param;
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "hyperbolic",
        about: "of some objects drawn at random, evicts the one with the fewest uses per time in the cache",
        source: "Blankstein, Sen, Freedman, USENIX ATC 2017, Hyperbolic caching: flexible caching for \
                 web applications; without costs and sizes, as in libCacheSim 0.3.5",
        params: &[Param {
            name: "samples",
            about: "objects drawn for each eviction",
            default: 64,
            min: 1,
            max: 1024,
            words: &[],
        }],
        cost: "hit: counts; insertion: O(1); eviction: O(samples), each a place of memory at random",
        bytes_per_item: 24,
        bad_at: "what was popular long ago: its uses are not forgotten, only spread over its age",
    },
    replay: play::<Hyperbolic>,
};

/// In the place of an object that is not resident.
const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Resident {
    object: u32,
    uses: u32,
    /// The request that it came in with, modulo 2³².
    since: u32,
}

impl Resident {
    /// Whether this one has fewer uses over its age than `other`.
    #[inline]
    fn is_worth_less(self, other: Resident, now: u32) -> bool {
        let age = |resident: Resident| u64::from(now.wrapping_sub(resident.since));
        u64::from(self.uses) * age(other) < u64::from(other.uses) * age(self)
    }
}

struct Hyperbolic {
    /// In no order.
    residents: Vec<Resident>,
    /// Where each object stands among them.
    places: Vec<u32>,
    sizes: Vec<u64>,
    occupied: u64,
    capacity: u64,
    now: u32,
    samples: u64,
    random: Xoshiro256PlusPlus,
}

impl Cache for Hyperbolic {
    fn new(trace: &Trace, params: Params<'_>, setup: Setup<'_>) -> Hyperbolic {
        let objects = trace.object_count() as usize;
        Hyperbolic {
            residents: Vec::new(),
            places: vec![ABSENT; objects],
            sizes: vec![0; objects],
            occupied: 0,
            capacity: setup.capacity.amount(),
            now: 0,
            samples: params.get("samples"),
            random: Xoshiro256PlusPlus::seed_from_u64(setup.seed),
        }
    }

    #[inline]
    fn request(&mut self, object: u32, size: u64) -> bool {
        self.now = self.now.wrapping_add(1);
        let place = self.places[object as usize];
        if place != ABSENT {
            let uses = &mut self.residents[place as usize].uses;
            *uses = uses.saturating_add(1);
            return true;
        }
        if size > self.capacity {
            return false;
        }
        while self.occupied + size > self.capacity {
            self.evict();
        }
        self.places[object as usize] = self.residents.len() as u32;
        self.sizes[object as usize] = size;
        self.occupied += size;
        self.residents.push(Resident {
            object,
            uses: 1,
            since: self.now,
        });
        false
    }
}

impl Hyperbolic {
    /// There is a resident: the cache is too full for one that would fit in an empty one.
    fn evict(&mut self) {
        let mut least = self.draw();
        for _ in 1..self.samples {
            let place = self.draw();
            if self.residents[place].is_worth_less(self.residents[least], self.now) {
                least = place;
            }
        }
        let gone = self.residents.swap_remove(least);
        if let Some(moved) = self.residents.get(least) {
            self.places[moved.object as usize] = least as u32;
        }
        self.places[gone.object as usize] = ABSENT;
        self.occupied -= self.sizes[gone.object as usize];
    }

    #[inline]
    fn draw(&mut self) -> usize {
        self.random.random_range(0..self.residents.len() as u32) as usize
    }
}
