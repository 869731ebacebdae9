//! Sampling: draw some residents, keep the best candidates between draws.
//!
//! The scheme is Redis's (`evict.c`, `evictionPoolPopulate`): each eviction draws a few residents and
//! offers them to a pool of 16 that is ordered by how good a victim each is; the best of the pool
//! goes. A score is taken when the entry is drawn and not again. Redis draws neighbours from its hash
//! table; here the draw is uniform, with replacement.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::evict::EntryId;

/// How many candidates the pool keeps.
pub const POOL: usize = 16;
const ABSENT: u32 = u32::MAX;

/// The residents that may be drawn, each with something to score it by, and the pool.
pub struct Sample<T> {
    members: Vec<(EntryId, T)>,
    place: Vec<u32>,
    /// Candidates, the best victim last: (entry, score).
    pool: Vec<(EntryId, u64)>,
    draws: u64,
    random: Xoshiro256PlusPlus,
}

impl<T: Copy> Sample<T> {
    /// A sample that makes `draws` draws per eviction.
    pub fn new(draws: u64, seed: u64) -> Sample<T> {
        Sample {
            members: Vec::new(),
            place: Vec::new(),
            pool: Vec::with_capacity(POOL + 1),
            draws,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// `entry` may be drawn from now on, and is scored by `value`.
    pub fn set(&mut self, entry: EntryId, value: T) {
        let index = entry as usize;
        if index >= self.place.len() {
            self.place.resize(index + 1, ABSENT);
        }
        match self.place[index] {
            ABSENT => {
                self.place[index] = self.members.len() as u32;
                self.members.push((entry, value));
            }
            place => {
                self.members[place as usize].1 = value;
                self.pool.retain(|&(candidate, _)| candidate != entry);
            }
        }
    }

    /// `entry` cannot be drawn any more, if it could be.
    pub fn remove(&mut self, entry: EntryId) {
        let Some(place) = self.place.get_mut(entry as usize) else {
            return;
        };
        let place = std::mem::replace(place, ABSENT);
        if place == ABSENT {
            return;
        }
        self.members.swap_remove(place as usize);
        if let Some(&(moved, _)) = self.members.get(place as usize) {
            self.place[moved as usize] = place;
        }
        self.pool.retain(|&(candidate, _)| candidate != entry);
    }

    /// Draws, and takes the best candidate: the one with the highest score.
    pub fn victim(&mut self, score: impl Fn(EntryId, T) -> u64) -> Option<EntryId> {
        if self.members.is_empty() {
            return None;
        }
        for _ in 0..self.draws {
            let (entry, value) = self.members[self.random.random_range(0..self.members.len())];
            self.offer(entry, score(entry, value));
        }
        let &(victim, _) = self
            .pool
            .last()
            .expect("an offer to an empty pool is taken");
        self.remove(victim);
        Some(victim)
    }

    /// Takes any that may be drawn: each is as likely.
    pub fn any(&mut self) -> Option<EntryId> {
        if self.members.is_empty() {
            return None;
        }
        let (entry, _) = self.members[self.random.random_range(0..self.members.len())];
        self.remove(entry);
        Some(entry)
    }

    /// A full pool drops its worst candidate, which may be the one offered.
    fn offer(&mut self, entry: EntryId, score: u64) {
        let at = self.pool.partition_point(|&(_, other)| other < score);
        if self.pool.len() < POOL {
            self.pool.insert(at, (entry, score));
        } else if at > 0 {
            self.pool.insert(at, (entry, score));
            self.pool.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best of five draws is on average at five sixths, and victims do not come back. One
    /// draw offers one candidate, which goes: chance.
    #[test]
    fn the_pool_finds_better_victims_than_chance() {
        let mut sample = Sample::new(1, 5);
        (0..10_000).for_each(|entry| sample.set(entry, u64::from(entry)));
        let victims: Vec<u32> = (0..1000)
            .filter_map(|_| {
                let victim = sample.victim(|_, score| score)?;
                sample.set(victim, u64::from(victim));
                Some(victim)
            })
            .collect();
        let mean = victims.iter().map(|&victim| u64::from(victim)).sum::<u64>() / 1000;
        assert!(
            (4500..5500).contains(&mean),
            "each victim was the only candidate: {mean}"
        );

        let mut sample = Sample::new(5, 5);
        (0..10_000).for_each(|entry| sample.set(entry, u64::from(entry)));
        let victims = (0..1000).filter_map(|_| sample.victim(|_, score| score));
        let mean = victims.map(u64::from).sum::<u64>() / 1000;
        assert!(mean > 8_000, "{mean}");
    }

    #[test]
    fn any_is_any_and_each_goes_once() {
        let mut sample = Sample::new(1, 5);
        (0..10_000).for_each(|entry| sample.set(entry, ()));
        let taken: Vec<u32> = std::iter::from_fn(|| sample.any()).collect();
        let early = taken[..1000].iter().map(|&entry| u64::from(entry));
        let mean = early.sum::<u64>() / 1000;
        assert!((4500..5500).contains(&mean), "{mean}");
        let different: std::collections::BTreeSet<u32> = taken.into_iter().collect();
        assert!(different.into_iter().eq(0..10_000));
    }

    #[test]
    fn who_left_is_never_a_victim() {
        let mut sample = Sample::new(64, 5);
        (0..50).for_each(|entry| sample.set(entry, 1u64));
        assert!(
            sample.victim(|_, score| score).is_some(),
            "the pool is full of candidates"
        );
        (0..49).for_each(|entry| sample.remove(entry));
        let last = sample.victim(|_, score| score);
        assert!(last.is_none_or(|victim| victim == 49));
        assert_eq!(sample.victim(|_, score| score), None);
    }
}
