//! Sharding: a family of strategies that say which of N shards a key belongs to, and what moves when
//! N changes.

mod anchor;
mod bounded_load;
mod jump;
mod maglev;
mod modulo;
mod multi_probe;
mod range;
mod rendezvous;
mod ring;
mod slots;

pub use bounded_load::{BoundedLoad, most_parts};
pub use maglev::Maglev;
pub use multi_probe::MultiProbe;
pub use ring::Ring;

use seawall_store::spec::{Param, Spec, SpecError};

use crate::migration::Migration;

/// Every strategy.
pub const SHARDINGS: &[&ShardingMember] = &[
    &modulo::MEMBER,
    &ring::MEMBER,
    &jump::MEMBER,
    &rendezvous::MEMBER,
    &maglev::MEMBER,
    &slots::MEMBER,
    &multi_probe::MEMBER,
    &anchor::MEMBER,
    &bounded_load::MEMBER,
    &range::MEMBER,
];

/// Twins that are broken on purpose, to prove the checkers. Named, never listed.
const TWINS: &[&ShardingMember] = &[&slots::FORGETFUL];

/// Which shard a key belongs to.
pub trait Sharding: Send + Sync {
    /// The shard of `key`, from 0.
    fn shard_of(&self, key: &[u8]) -> u16;

    /// The slot of `key`, from 0: where data moves, it moves in slots. All of a shard is one where nothing else is said.
    fn slot_of(&self, _key: &[u8]) -> u16 {
        0
    }

    /// By slot: the shard that has it; empty where a slot is not of one shard.
    fn slots(&self) -> &[u16] {
        &[]
    }

    /// How many shards there are.
    fn shards(&self) -> u16;

    /// The same strategy after the number of shards changed: shards are added and removed at the end.
    fn resized(&self, shards: u16) -> Box<dyn Sharding>;
}

/// Makes a machine that moves slots, from the values of a sharding's parameters.
pub type BuildMigration = fn(&[u64], Vec<u16>) -> Box<dyn Migration>;

/// A strategy in the list.
#[derive(Debug)]
pub struct ShardingMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// How the cluster moves slots with their data, with the values of `params` (it knows the map); where it does not,
    /// clients alone know where keys are and a moved key is a miss.
    pub moves: Option<BuildMigration>,
    /// Makes it for so many shards, at least 1.
    pub build: fn(u16, &[u64]) -> Box<dyn Sharding>,
}

/// The member that `spec` names, with its parameters' values.
///
/// # Errors
/// An unknown name or parameter, or a number out of range.
pub fn find(spec: &Spec<'_>) -> Result<(&'static ShardingMember, Vec<u64>), SpecError> {
    let member = SHARDINGS
        .iter()
        .chain(TWINS)
        .find(|member| member.name == spec.name())
        .ok_or_else(|| spec.unknown_name("sharding", SHARDINGS.iter().map(|member| member.name)))?;
    Ok((member, spec.numbers(member.params)?))
}

/// The share of `keys` whose shard differs between `before` and `after`.
pub fn moved_share<'k>(
    before: &dyn Sharding,
    after: &dyn Sharding,
    keys: impl IntoIterator<Item = &'k [u8]>,
) -> f64 {
    let (mut moved, mut all) = (0u64, 0u64);
    for key in keys {
        all += 1;
        moved += u64::from(before.shard_of(key) != after.shard_of(key));
    }
    if all == 0 {
        0.0
    } else {
        moved as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(n: u32) -> Vec<Vec<u8>> {
        (0..n).map(|i| format!("user:{i}").into_bytes()).collect()
    }

    fn build(text: &str, shards: u16) -> Box<dyn Sharding> {
        let (member, values) = find(&Spec::parse(text).unwrap()).unwrap();
        (member.build)(shards, &values)
    }

    fn moved(text: &str, from: u16, to: u16) -> f64 {
        let before = build(text, from);
        let after = before.resized(to);
        let keys = keys(200_000);
        moved_share(&*before, &*after, keys.iter().map(Vec::as_slice))
    }

    /// Three standard errors of a share measured over 200,000 keys, and of where ring points fall.
    fn close(measured: f64, expected: f64, tolerance: f64) {
        assert!(
            (measured - expected).abs() < tolerance,
            "{measured} is not {expected} ± {tolerance}"
        );
    }

    #[test]
    fn moved_shares() {
        // Figures of strategies.tsv: modulo 0.909 (10 -> 11) and 0.8335 (10 -> 12).
        close(moved("modulo", 10, 11), 0.909, 0.003);
        close(moved("modulo", 10, 12), 0.8335, 0.003);
        for least in ["jump", "rendezvous", "anchor"] {
            close(moved(least, 10, 12), 1.0 / 6.0, 0.0025);
            close(moved(least, 10, 11), 1.0 / 11.0, 0.002);
        }
        // A shard of eleven, and of the rest what need not move: little where a table has many places.
        close(moved("maglev", 10, 11), 1.0 / 11.0, 0.03);
        close(moved("multi-probe", 10, 11), 1.0 / 11.0, 0.02);
        // Half of one range of ten.
        close(moved("range:keys=200000", 10, 11), 0.05, 0.001);
        // The least possible is 1/(N+1); slots reach it up to one slot's share, a ring of 160 points
        // up to the spread of its arcs (one shard's share has a standard error of 1/sqrt(160)).
        close(moved("slots", 10, 11), 1.0 / 11.0, 0.003);
        close(
            moved("ring", 10, 11),
            1.0 / 11.0,
            3.0 * (1.0 / 11.0) / 160f64.sqrt(),
        );
    }

    #[test]
    fn only_the_new_shard_receives() {
        for text in [
            "ring",
            "jump",
            "rendezvous",
            "slots",
            "multi-probe",
            "anchor",
            "range",
        ] {
            let before = build(text, 5);
            let after = before.resized(6);
            for key in keys(20_000) {
                let (from, to) = (before.shard_of(&key), after.shard_of(&key));
                assert!(
                    from == to || to == 5,
                    "{text} moved a key from {from} to {to}"
                );
            }
        }
    }

    #[test]
    fn removing_what_was_added_restores() {
        for member in SHARDINGS {
            let before = build(member.name, 4);
            let again = before.resized(5).resized(4);
            assert_eq!((before.shards(), again.shards()), (4, 4));
            if member.name != "slots" {
                // Slots go back to some shard that stays, not to the one that they came from.
                assert!(
                    keys(5000)
                        .iter()
                        .all(|key| before.shard_of(key) == again.shard_of(key))
                );
            }
            assert!(keys(5000).iter().all(|key| again.shard_of(key) < 4));
        }
    }

    #[test]
    fn every_shard_gets_its_share() {
        for (text, tolerance) in [
            ("modulo", 0.03),
            ("jump", 0.03),
            ("rendezvous", 0.03),
            ("maglev", 0.03),
            ("anchor", 0.03),
            ("slots", 0.03),
            ("multi-probe", 0.15),
            ("range:keys=100000", 0.03),
            ("bounded-load:points=160", 0.28),
            ("ring", 0.35),
        ] {
            let sharding = build(text, 8);
            let mut counts = [0u32; 8];
            for key in keys(100_000) {
                counts[usize::from(sharding.shard_of(&key))] += 1;
            }
            for count in counts {
                close(f64::from(count) / 12_500.0, 1.0, tolerance);
            }
        }
    }

    #[test]
    fn one_shard_holds_all() {
        for member in SHARDINGS {
            assert!(
                keys(100)
                    .iter()
                    .all(|key| build(member.name, 1).shard_of(key) == 0)
            );
        }
    }
}
