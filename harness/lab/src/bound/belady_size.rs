//! `belady-size`: of some residents drawn at random, the one that takes the most room for the longest time goes.
//!
//! With sizes in bytes, who is needed again latest is not who best goes: one large object may stand where many
//! small ones would hit. The score is the size times the requests until the next use; the best choice of all
//! is too hard to compute (NP-hard), so this is a strong reference and no bound. Drawn with replacement from
//! the seed given. As in libCacheSim (0.3.5), what is never requested again leaves at once, after room was made for it.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_workloads::trace::Trace;

use super::Bound;
use super::belady::{NEVER, next_requests};
use crate::counts::{Counts, Parts};
use crate::size::Unit;

/// The bound.
pub const BOUND: Bound = Bound {
    name: "belady-size",
    about: "of 128 drawn objects, evicts the one with the greatest size times requests until its next one: a reference for bytes",
    source: "Belady 1966 with sizes, as in libCacheSim 0.3.5 (BeladySize); how hard the optimum is: Berger, \
             Beckmann, Harchol-Balter, SIGMETRICS 2018, Practical bounds on optimal caching with variable object sizes",
    replay,
};

/// Objects drawn for each eviction.
const SAMPLES: usize = 128;
/// In the place of an object that is not resident.
const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Resident {
    object: u32,
    size: u32,
    /// The number of its next request.
    next: u32,
}

fn replay(trace: &Trace, parts: &Parts, size: u64, unit: Unit, seed: u64) -> Vec<Counts> {
    let next_request = next_requests(trace);
    let mut cache = Cache {
        residents: Vec::new(),
        places: vec![ABSENT; trace.object_count() as usize],
        occupied: 0,
        random: Xoshiro256PlusPlus::seed_from_u64(seed),
    };
    let of_part = |(part, mut counts): (Range<usize>, Counts)| {
        let requests = trace.objects()[part.clone()]
            .iter()
            .zip(&next_request[part.clone()]);
        for (request, (&object, &next)) in part.zip(requests) {
            let place = cache.places[object as usize];
            if place != ABSENT {
                match next {
                    NEVER => cache.remove(place as usize),
                    next => cache.residents[place as usize].next = next,
                }
                continue;
            }
            let bytes = trace.size(request);
            let held_as = if unit == Unit::Objects { 1 } else { bytes };
            counts.miss(bytes);
            if u64::from(held_as) > size {
                continue;
            }
            while cache.occupied + u64::from(held_as) > size {
                let victim = cache.victim(request as u32);
                cache.remove(victim);
            }
            if next != NEVER {
                cache.insert(Resident {
                    object,
                    size: held_as,
                    next,
                });
            }
        }
        counts
    };
    parts.of_gets().map(of_part).collect()
}

struct Cache {
    /// In no order.
    residents: Vec<Resident>,
    /// Where each object stands among them.
    places: Vec<u32>,
    occupied: u64,
    random: Xoshiro256PlusPlus,
}

impl Cache {
    fn insert(&mut self, resident: Resident) {
        self.places[resident.object as usize] = self.residents.len() as u32;
        self.occupied += u64::from(resident.size);
        self.residents.push(resident);
    }

    fn remove(&mut self, place: usize) {
        let gone = self.residents.swap_remove(place);
        if let Some(moved) = self.residents.get(place) {
            self.places[moved.object as usize] = place as u32;
        }
        self.places[gone.object as usize] = ABSENT;
        self.occupied -= u64::from(gone.size);
    }

    /// The place of the drawn resident with the greatest score. There is a resident: the cache is too full for
    /// one that would fit in an empty one.
    fn victim(&mut self, now: u32) -> usize {
        let (mut victim, mut greatest) = (0, 0);
        for _ in 0..SAMPLES {
            let place = self.random.random_range(0..self.residents.len() as u32) as usize;
            let Resident { size, next, .. } = self.residents[place];
            // Of those of size 0 too, one goes.
            let score = u64::from(size.max(1)) * u64::from(next - now);
            if score > greatest {
                (victim, greatest) = (place, score);
            }
        }
        victim
    }
}
