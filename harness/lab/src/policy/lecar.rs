//! `lecar`: two experts, LRU and LFU; who is drawn by weight names the victim, and pays if that comes back.
//!
//! ```text
//!   residents:  by last use, and by uses       ghosts of LRU:  [ g · g · .. ]      each up to half the capacity
//!                                               ghosts of LFU:  [ g · .. ]
//! ```
//!
//! A miss that is an expert's ghost lowers the weight of that expert, by more the sooner it comes back: the regret
//! is discount^(requests since it left), where the discount over as many requests as the cache holds is
//! 0.005. Where both name the same victim nobody is to blame, and it leaves no ghost.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::evict::order::links::Links;
use seawall_store::evict::order::uses::Uses;
use seawall_store::evict::{Description, Params, Setup};
use seawall_store::spec::Param;
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "lecar",
        about: "draws LRU or LFU for each eviction, by weights that fall with what each let go too early",
        source: "Vietri et al., HotStorage 2018, Driving cache replacement with ML-based LeCaR; as in \
                 libCacheSim 0.3.5",
        params: &[
            Param {
                name: "learning",
                about: "percent: how far a regret moves the weights",
                default: 45,
                min: 1,
                max: 100,
                words: &[],
            },
            Param {
                name: "ghosts",
                about: "percent of the capacity that each expert remembers of what it let go",
                default: 50,
                min: 1,
                max: 100,
                words: &[],
            },
        ],
        cost: "hit: moves the entry in two lists; insertion: O(1); eviction: a few words looked at",
        bytes_per_item: 72,
        bad_at: "work for which neither of its experts is good: scans and loops",
    },
    replay: play::<LeCar>,
};

/// What the discount comes to over as many requests as the capacity.
const DISCOUNT: f64 = 0.005;
/// Keeps a weight from becoming 0, from which it would not rise again.
const WEIGHT_MIN: f64 = 1e-10;

/// The lists: an object is in one of them at most.
const RESIDENTS: u32 = 0;
const LRU: usize = 1;
const LFU: usize = 2;
/// In the list of an object that is in none.
const NONE: u32 = 3;

#[derive(Clone, Copy)]
struct Object {
    size: u64,
    /// The request at which it left, modulo 2³².
    left: u32,
    list: u32,
}

struct LeCar {
    /// All lists, by last use or by leaving.
    links: Links,
    uses: Uses,
    objects: Vec<Object>,
    /// What each list holds.
    held: [u64; 3],
    capacity: u64,
    ghosts: u64,
    /// The weight of LRU; that of LFU is the rest to 1.
    lru_weight: f64,
    learning: f64,
    discount_ln: f64,
    now: u32,
    random: Xoshiro256PlusPlus,
}

impl Cache for LeCar {
    fn new(trace: &Trace, params: Params<'_>, setup: Setup<'_>) -> LeCar {
        let capacity = setup.capacity.amount();
        let absent = Object {
            size: 0,
            left: 0,
            list: NONE,
        };
        LeCar {
            links: Links::new(3),
            uses: Uses::default(),
            objects: vec![absent; trace.object_count() as usize],
            held: [0; 3],
            capacity,
            ghosts: setup.capacity.percent(params.get("ghosts")),
            lru_weight: 0.5,
            learning: params.get("learning") as f64 / 100.0,
            discount_ln: libm::log(DISCOUNT) / capacity.max(1) as f64,
            now: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(setup.seed),
        }
    }

    #[inline]
    fn request(&mut self, object: u32, size: u64) -> bool {
        self.now = self.now.wrapping_add(1);
        match self.objects[object as usize].list {
            RESIDENTS => {
                self.links.renew(RESIDENTS, object);
                self.uses.touch(object);
                return true;
            }
            NONE => {}
            _ => self.regret(object),
        }
        if size > self.capacity {
            return false;
        }
        while self.held[RESIDENTS as usize] + size > self.capacity {
            self.evict();
        }
        self.objects[object as usize].size = size;
        self.enter(RESIDENTS, object);
        self.uses.insert(object);
        false
    }
}

impl LeCar {
    fn enter(&mut self, list: u32, object: u32) {
        self.links.push(list, object);
        let entered = &mut self.objects[object as usize];
        entered.list = list;
        self.held[list as usize] += entered.size;
    }

    fn leave(&mut self, object: u32) {
        self.links.remove(object);
        let gone = &mut self.objects[object as usize];
        self.held[gone.list as usize] -= gone.size;
        gone.list = NONE;
    }

    /// A ghost comes back: the expert that let it go was wrong.
    fn regret(&mut self, object: u32) {
        let Object { left, list, .. } = self.objects[object as usize];
        let away = f64::from(self.now.wrapping_sub(left));
        let regret = libm::exp(self.discount_ln * away);
        let factor = libm::exp(-self.learning * regret);
        let (mut lru, mut lfu) = (self.lru_weight, 1.0 - self.lru_weight);
        *(if list as usize == LRU {
            &mut lru
        } else {
            &mut lfu
        }) *= factor;
        self.lru_weight = (lru + WEIGHT_MIN) / (lru + lfu + 2.0 * WEIGHT_MIN);
        self.leave(object);
    }

    /// There is a resident: the cache is too full for one that would fit in an empty one.
    fn evict(&mut self) {
        let oldest = self.links.oldest(RESIDENTS).expect("a resident");
        let least = self.uses.least().expect("every resident has its uses");
        let (victim, expert) = if self.random.random::<f64>() < self.lru_weight {
            (oldest, LRU)
        } else {
            (least, LFU)
        };
        self.uses.remove(victim);
        self.leave(victim);
        if oldest != least {
            self.remember(expert, victim);
        }
    }

    fn remember(&mut self, expert: usize, victim: u32) {
        self.objects[victim as usize].left = self.now;
        self.enter(expert as u32, victim);
        while self.held[expert] > self.ghosts
            && let Some(oldest) = self.links.oldest(expert as u32)
        {
            self.leave(oldest);
        }
    }
}
