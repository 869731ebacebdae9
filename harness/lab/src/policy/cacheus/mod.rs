//! `cacheus`: two experts, one that resists scans and one that resists churn; who is drawn by weight names the
//! victim, and pays if that comes back.
//!
//! ```text
//!   sr_lru.rs    residents by last use, what is new or was demoted apart        ghosts of SR-LRU:  [ g · g · .. ]
//!   cr_lfu.rs    residents by uses, of equals the newest goes                   ghosts of CR-LFU:  [ g · .. ]
//! ```
//!
//! A miss that is an expert's ghost lowers the weight of that expert by e^-learning, however long ago it left. The rate
//! of learning is drawn at the start and moved once in as many requests as the capacity. Where both
//! experts name the same victim nobody is to blame, and it leaves no ghost.
//!
//! This is libCacheSim's (0.3.5), with what sets it apart from the paper: the hit ratio that should steer the rate of
//! learning is cut to an integer, so it is 0 unless all hit, and the rate falls and stays low; a weight in
//! hundredths is compared with the lot, so an expert that has lost all weight is yet drawn once in a hundred times;
//! and the room of SR-LRU's two parts moves one way only (`sr_lru.rs`). In bytes the rate is moved once in as many
//! requests as the capacity has bytes, so it stays as drawn; room moves by single bytes; and what is larger than
//! the part it would enter is refused after others had to go for it.

mod cr_lfu;
mod sr_lru;

use cr_lfu::CrLfu;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::evict::order::links::Links;
use seawall_store::evict::{Description, Params, Setup};
use seawall_store::spec::Param;
use seawall_workloads::trace::Trace;
use sr_lru::SrLru;

use super::{Cache, LabPolicy, play};

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "cacheus",
        about: "draws a scan-resistant LRU or a churn-resistant LFU for each eviction, by weights that fall with \
                what each let go too early",
        source: "Rodriguez et al., FAST 2021, Learning cache replacement with CACHEUS; as in libCacheSim 0.3.5",
        params: &[Param {
            name: "learning",
            about: "thousandths: how far a regret moves the weights at the start; 0: drawn",
            default: 0,
            min: 0,
            max: 1000,
            words: &[],
        }],
        cost: "hit: moves the entry in two lists; insertion: O(1) amortised; eviction: a few words looked at",
        bytes_per_item: 45,
        bad_at: "recency: what was used twice gets less and less room; small caches that see few requests to learn from",
    },
    replay: play::<Cacheus>,
};

/// The experts, as their ghosts' lists.
const SR_LRU: u32 = 0;
const CR_LFU: u32 = 1;
/// In the place of an expert for an object that is nobody's ghost.
const NOBODY: u8 = 2;

/// The rate of learning below which it does not fall by steps, and what it is from then on.
const LEARNING_MIN: f64 = 0.001;
const LEARNING_LEAST: f64 = 0.0001;
/// Intervals without a better hit ratio after which a new rate is tried.
const PATIENCE: u32 = 10;

struct Cacheus {
    recency: SrLru,
    frequency: CrLfu,
    ghosts: Links,
    /// Of whom each object is a ghost.
    blamed: Vec<u8>,
    ghosts_held: [u64; 2],
    ghosts_share: u64,
    capacity: u64,
    /// The weight of SR-LRU; that of CR-LFU is the rest to 1.
    recency_weight: f64,
    learning: Learning,
    random: Xoshiro256PlusPlus,
}

impl Cache for Cacheus {
    fn new(trace: &Trace, params: Params<'_>, setup: Setup<'_>) -> Cacheus {
        let capacity = setup.capacity.amount();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(setup.seed);
        let rate = match params.get("learning") {
            0 => drawn_rate(&mut random),
            thousandths => thousandths as f64 / 1000.0,
        };
        Cacheus {
            recency: SrLru::new(trace.object_count(), capacity),
            frequency: CrLfu::new(trace),
            ghosts: Links::new(2),
            blamed: vec![NOBODY; trace.object_count() as usize],
            ghosts_held: [0; 2],
            ghosts_share: capacity / 2,
            capacity,
            recency_weight: 0.5,
            learning: Learning::new(capacity, rate),
            random,
        }
    }

    #[inline]
    fn request(&mut self, object: u32, size: u64) -> bool {
        let hit = self.recency.is_resident(object);
        if hit {
            self.recency.hit(object);
            self.frequency.touch(object);
        } else {
            self.regret(object);
            self.come(object, size);
        }
        self.learning.heard(hit, &mut self.random);
        hit
    }
}

impl Cacheus {
    /// If what is missed is a ghost, the expert that let it go was wrong.
    fn regret(&mut self, object: u32) {
        let expert = self.blamed[object as usize];
        if expert == NOBODY {
            return;
        }
        let (mut recency, mut frequency) = (self.recency_weight, 1.0 - self.recency_weight);
        *(if u32::from(expert) == SR_LRU {
            &mut recency
        } else {
            &mut frequency
        }) *= self.learning.factor;
        self.recency_weight = recency / (recency + frequency);
        self.forget(object);
    }

    fn come(&mut self, object: u32, size: u64) {
        if size > self.capacity {
            return;
        }
        while self.recency.occupied() + size > self.capacity {
            self.evict();
        }
        if !self.recency.takes(object, size) {
            return;
        }
        self.frequency
            .insert(object, self.recency.remembers(object));
        self.recency.insert(object, size);
        while let Some(pushed_out) = self.recency.overflowing() {
            self.recency.remove(pushed_out);
            self.frequency.remove(pushed_out);
        }
    }

    /// There is a resident: the cache is too full for one that would fit in an empty one.
    fn evict(&mut self) {
        let recency = self.recency.victim().expect("a resident");
        let frequency = self.frequency.victim().expect("each has its uses");
        let lot = f64::from(self.random.random_range(0..100u32)) / 100.0;
        let (victim, expert) = if lot < self.recency_weight {
            (recency, SR_LRU)
        } else {
            (frequency, CR_LFU)
        };
        self.recency.remove(victim);
        self.frequency.remove(victim);
        if recency != frequency {
            self.blame(expert, victim);
        }
    }

    /// The object is a ghost of `expert`, unless it is larger than all of these may be.
    fn blame(&mut self, expert: u32, object: u32) {
        let size = self.recency.size(object);
        if size > self.ghosts_share {
            return;
        }
        let list = expert as usize;
        self.ghosts_held[list] += size;
        while self.ghosts_held[list] > self.ghosts_share
            && let Some(oldest) = self.ghosts.oldest(expert)
        {
            self.forget(oldest);
        }
        self.ghosts.push(expert, object);
        self.blamed[object as usize] = expert as u8;
    }

    /// The object, a ghost, is one no longer.
    fn forget(&mut self, object: u32) {
        let expert = std::mem::replace(&mut self.blamed[object as usize], NOBODY);
        self.ghosts.remove(object);
        self.ghosts_held[expert as usize] -= self.recency.size(object);
    }
}

/// How far a regret moves the weights.
struct Learning {
    rate: f64,
    rate_before: f64,
    /// What a regret leaves of a weight: e^-rate.
    factor: f64,
    /// Requests between two moves of the rate, and how many are left until the next.
    interval: u64,
    left: u64,
    hits: u64,
    hit_ratio_before: u64,
    /// Intervals without a better hit ratio.
    stale: u32,
}

impl Learning {
    fn new(interval: u64, rate: f64) -> Learning {
        Learning {
            rate,
            rate_before: 0.0,
            factor: libm::exp(-rate),
            interval,
            left: interval,
            hits: 0,
            hit_ratio_before: 0,
            stale: 0,
        }
    }

    /// A request hit or missed.
    #[inline]
    fn heard(&mut self, hit: bool, random: &mut Xoshiro256PlusPlus) {
        self.hits += u64::from(hit);
        self.left -= 1;
        if self.left == 0 {
            self.move_rate(random);
            self.factor = libm::exp(-self.rate);
            (self.left, self.hits) = (self.interval, 0);
        }
    }

    /// The rate goes on as it went if more hit than before, and otherwise falls.
    fn move_rate(&mut self, random: &mut Xoshiro256PlusPlus) {
        let hit_ratio = self.hits / self.interval;
        let before = std::mem::replace(&mut self.hit_ratio_before, hit_ratio);
        let (better, worse) = (hit_ratio > before, hit_ratio < before);
        let moved = self.rate - std::mem::replace(&mut self.rate_before, self.rate);
        if moved == 0.0 {
            if !better {
                self.stale += 1;
            } else if self.stale >= PATIENCE {
                self.stale = 0;
                self.rate = drawn_rate(random);
            }
            return;
        }
        let helped = if moved > 0.0 { better } else { worse };
        let step = (self.rate * moved).abs();
        let rate = self.rate + if helped { step } else { -step };
        self.rate = if rate > LEARNING_MIN {
            rate
        } else {
            LEARNING_LEAST
        };
        self.stale = 0;
    }
}

fn drawn_rate(random: &mut Xoshiro256PlusPlus) -> f64 {
    0.001 + f64::from(random.random_range(0..1000u32)) / 1000.0
}
