//! `probabilistic`: chance admits; the larger the object, the less likely.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::evict::Description;
use seawall_store::spec::Param;

use super::{Admission, Member};

/// The admission.
pub(super) const MEMBER: Member = Member {
    description: Description {
        name: "probabilistic",
        about: "admits by chance, with a probability that may fall with the size",
        source: "Berger, Sitaraman, Harchol-Balter, NSDI 2017, AdaptSize: exp(-size / c), here with a c that stays",
        params: &[
            Param {
                name: "percent",
                about: "the probability for the smallest object",
                default: 50,
                min: 1,
                max: 100,
                words: &[],
            },
            Param {
                name: "c",
                about: "bytes at which the probability has fallen to a third; 0: it does not fall",
                default: 0,
                min: 0,
                max: u32::MAX as u64,
                words: &[],
            },
        ],
        cost: "a random number a miss",
        bytes_per_item: 0,
        bad_at: "popular objects, which it makes wait for their luck",
    },
    make: |params, setup| {
        Box::new(Probabilistic {
            share: params.get("percent") as f64 / 100.0,
            c: params.get("c") as f64,
            random: Xoshiro256PlusPlus::seed_from_u64(setup.seed ^ 0x6164_6d69_7473),
        })
    },
};

struct Probabilistic {
    share: f64,
    c: f64,
    random: Xoshiro256PlusPlus,
}

impl Admission for Probabilistic {
    fn admits(&mut self, _object: u32, size: u64) -> bool {
        let falls = if self.c > 0.0 {
            libm::exp(-(size as f64) / self.c)
        } else {
            1.0
        };
        self.random.random_range(0.0..1.0) < self.share * falls
    }
}
