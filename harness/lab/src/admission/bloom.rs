//! `bloom`: who was asked for before comes in: at the second request, so one-hit wonders never do.
//!
//! Two Bloom filters remember who was asked for: one is filled, then becomes the older one, and the one before it is
//! emptied and filled in its turn. So an object is remembered for one to two fillings.

use seawall_store::evict::Description;
use seawall_store::spec::Param;

use super::{Admission, Member, hash};

/// The admission.
pub(super) const MEMBER: Member = Member {
    description: Description {
        name: "bloom",
        about: "admits an object that was asked for before, lately",
        source: "Maggs, Sitaraman 2015, Algorithmic nuggets in content delivery, CCR 45(3): cache on second hit",
        params: &[Param {
            name: "objects",
            about: "objects that each of two filters remembers",
            default: 100_000,
            min: 64,
            max: 100_000_000,
            words: &[],
        }],
        cost: "seven bits looked at a miss, in two filters",
        bytes_per_item: 0,
        bad_at: "caches that are large enough for all: every first use of an object is a miss more",
    },
    make: |params, _| Box::new(Bloom::new(params.get("objects"))),
};

/// Ten bits an object and seven hashes: one in 120 is taken for another.
const BITS_PER_OBJECT: u64 = 10;
const HASHES: u64 = 7;

struct Bloom {
    filters: [Vec<u64>; 2],
    bits: u64,
    /// Objects in the first filter, and how many it takes.
    count: u64,
    objects: u64,
}

impl Bloom {
    fn new(objects: u64) -> Bloom {
        let words = (objects * BITS_PER_OBJECT).div_ceil(64) as usize;
        Bloom {
            filters: [vec![0; words], vec![0; words]],
            bits: words as u64 * 64,
            count: 0,
            objects,
        }
    }

    fn places(&self, object: u32) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (first, step, bits) = (hash(object, 1), hash(object, 2) | 1, self.bits);
        (0..HASHES).map(move |i| {
            let bit = first.wrapping_add(i.wrapping_mul(step)) % bits;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn remembers(&self, filter: usize, object: u32) -> bool {
        let mut places = self.places(object);
        places.all(|(word, bit)| self.filters[filter][word] & bit != 0)
    }
}

impl Admission for Bloom {
    fn admits(&mut self, object: u32, _size: u64) -> bool {
        let known = self.remembers(0, object);
        if known {
            return true;
        }
        let known = self.remembers(1, object);
        if self.count == self.objects {
            self.filters.swap(0, 1);
            self.filters[0].fill(0);
            self.count = 0;
        }
        for (word, bit) in self.places(object) {
            self.filters[0][word] |= bit;
        }
        self.count += 1;
        known
    }
}
