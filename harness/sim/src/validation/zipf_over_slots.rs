//! A skewed load over hash slots: an oracle of our own, since nobody published figures in this form.

use seawall_report::row::ValidationFigure;
use seawall_store::Slot;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Measure, Source, Validation, near};
use crate::random::seed_of;
use crate::scenario::check_sharding;

pub(super) static SOURCE: Source = Source {
    about: "analytic oracle: the hottest key's share of the load times the shards, and a mean part of the rest",
    validations: &[Validation {
        id: "V29",
        what: "slots: load of the shard with the hottest of a million keys under Zipf's law, over the mean",
        published: "none in this form",
        tolerance: "±10 % of the oracle",
        measure: Measure::By(peaks),
        note: "which other keys lie beside the hottest hangs on their names: mean over 48 sets of names",
    }],
};

const SHARDS: [u16; 3] = [6, 16, 64];
const EXPONENTS: [f64; 3] = [0.0, 0.99, 1.2];
const KEYS: u64 = 1_000_000;
/// So many that what lies beside the hottest key moves the mean by a fiftieth.
const NAMES: usize = 48;

fn peaks(seed: u64) -> Vec<ValidationFigure> {
    let weights = EXPONENTS.map(|exponent| {
        let of = |rank: u64| libm::pow(rank as f64, -exponent);
        (1..=KEYS).map(of).collect::<Vec<f64>>()
    });
    let maps = SHARDS.map(|shards| shard_of_slot(shards, seed));
    let mut peaks = [[0.0; SHARDS.len()]; EXPONENTS.len()];
    for set in 0..NAMES {
        let hottest = Slot::of(&name(seed, set, 1)).index();
        for (loads, peaks) in loads_of_slots(seed, set, &weights).iter().zip(&mut peaks) {
            for (peak, map) in peaks.iter_mut().zip(&maps) {
                *peak += peak_of(loads, map, hottest) / NAMES as f64;
            }
        }
    }
    let mut figures = Vec::new();
    for ((exponent, weights), peaks) in EXPONENTS.into_iter().zip(&weights).zip(peaks) {
        let hottest = weights[0] / weights.iter().sum::<f64>();
        for (shards, peak) in SHARDS.into_iter().zip(peaks) {
            let name = format!("exponent {exponent}, {shards} shards");
            let oracle = hottest * f64::from(shards) + 1.0 - hottest;
            figures.push(near(name, peak, oracle, 0.1));
        }
    }
    figures
}

/// The name of the key of this rank in a set. It is a hash: CRC16 is linear, so "user:1" and "user:2" are as far apart
/// as "item:1" and "item:2".
fn name(seed: u64, set: usize, rank: u64) -> [u8; 8] {
    xxh3_64_with_seed(&rank.to_le_bytes(), seed_of(seed, "names", set)).to_le_bytes()
}

/// The loads of all slots, by exponent.
fn loads_of_slots(
    seed: u64,
    set: usize,
    weights: &[Vec<f64>; EXPONENTS.len()],
) -> [Vec<f64>; EXPONENTS.len()] {
    let mut loads = [(); EXPONENTS.len()].map(|()| vec![0.0; usize::from(Slot::COUNT)]);
    for (index, rank) in (1..=KEYS).enumerate() {
        let slot = Slot::of(&name(seed, set, rank)).index();
        for (loads, weights) in loads.iter_mut().zip(weights) {
            loads[slot] += weights[index];
        }
    }
    loads
}

/// The sharding's map, asked by a key of each slot.
fn shard_of_slot(shards: u16, seed: u64) -> Vec<u16> {
    let (member, values) = check_sharding("slots").expect("it is in the list");
    let sharding = (member.build)(shards, &values);
    let mut map = vec![0; usize::from(Slot::COUNT)];
    for rank in 1..=KEYS {
        let key = name(seed, 0, rank);
        map[Slot::of(&key).index()] = sharding.shard_of(&key);
    }
    map
}

fn peak_of(loads: &[f64], map: &[u16], hottest: usize) -> f64 {
    let ours = loads
        .iter()
        .zip(map)
        .filter(|(_, shard)| **shard == map[hottest]);
    let peak: f64 = ours.map(|(load, _)| load).sum();
    let shards = map.iter().max().map_or(1, |last| last + 1);
    peak * f64::from(shards) / loads.iter().sum::<f64>()
}
