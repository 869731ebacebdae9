//! The election: when a replica stands, and whom a primary votes for.
//!
//! Redis Cluster specification, "Replica election and promotion", constants as in Valkey's
//! `cluster_legacy.c`: a replica waits 500 ms, a random part of 500 ms, and a second for every fellow
//! that has more data; a primary votes once per epoch, and not twice for a shard within twice the
//! node timeout.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::NodeId;
use crate::time::Nanos;

/// From the failure of a primary, as its replicas know it, to the first that stands.
pub const DELAY: Nanos = Nanos::from_millis(500);
/// A random part of this comes on top.
pub const JITTER: Nanos = Nanos::from_millis(500);
/// And this for each fellow that has more data.
pub const PER_RANK: Nanos = Nanos::from_millis(1000);

/// How long a replica waits for votes.
pub fn votes_awaited(node_timeout: Nanos) -> Nanos {
    node_timeout.times(2).max(Nanos::from_millis(2000))
}

/// After how long a replica that was not elected stands again.
pub fn stands_again_after(node_timeout: Nanos) -> Nanos {
    votes_awaited(node_timeout).times(2)
}

/// One replica's candidature.
pub(super) struct Candidature {
    stands_at: Nanos,
    rank: u64,
    epoch: Option<u64>,
    votes: BTreeSet<NodeId>,
}

/// What a candidature wants now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    /// Ask everybody for a vote.
    Ask,
    /// It failed; a new one may begin.
    GiveUp,
}

impl Candidature {
    pub(super) fn new(now: Nanos, rank: u64, rng: &mut Xoshiro256PlusPlus) -> Candidature {
        let jitter = Nanos(rng.random_range(0..JITTER.0));
        Candidature {
            stands_at: now + DELAY + jitter + PER_RANK.times(rank),
            rank,
            epoch: None,
            votes: BTreeSet::new(),
        }
    }

    pub(super) fn step(&mut self, now: Nanos, rank: u64, node_timeout: Nanos) -> Step {
        if self.epoch.is_some() {
            return if now.since(self.stands_at) > stands_again_after(node_timeout) {
                Step::GiveUp
            } else {
                Step::Wait
            };
        }
        if rank > self.rank {
            self.stands_at = self.stands_at + PER_RANK.times(rank - self.rank);
            self.rank = rank;
        }
        if now < self.stands_at {
            Step::Wait
        } else {
            Step::Ask
        }
    }

    /// It stands in `epoch` from now on.
    pub(super) fn asked(&mut self, epoch: u64) {
        self.epoch = Some(epoch);
    }

    /// A primary voted; the epoch, once a majority did.
    pub(super) fn vote(&mut self, from: NodeId, epoch: u64, majority: usize) -> Option<u64> {
        if self.epoch != Some(epoch) {
            return None;
        }
        self.votes.insert(from);
        (self.votes.len() >= majority).then_some(epoch)
    }
}

/// The votes that a primary has given.
#[derive(Default)]
pub(super) struct Votes {
    last_epoch: u64,
    by_shard: BTreeMap<u16, Nanos>,
}

impl Votes {
    /// Whether it may vote for a replica of `shard` in `epoch`; if so it has.
    pub(super) fn give(&mut self, now: Nanos, shard: u16, epoch: u64, node_timeout: Nanos) -> bool {
        let voted_lately = self
            .by_shard
            .get(&shard)
            .is_some_and(|at| now.since(*at) < node_timeout.times(2));
        if epoch <= self.last_epoch || voted_lately {
            return false;
        }
        self.last_epoch = epoch;
        self.by_shard.insert(shard, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const NT: Nanos = Nanos::from_millis(1000);

    #[test]
    fn who_has_less_data_stands_later() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..100 {
            let mut first = Candidature::new(Nanos(0), 0, &mut rng);
            assert_eq!(first.step(Nanos::from_millis(499), 0, NT), Step::Wait);
            assert_eq!(first.step(Nanos::from_millis(1000), 0, NT), Step::Ask);
            let mut second = Candidature::new(Nanos(0), 1, &mut rng);
            assert_eq!(second.step(Nanos::from_millis(1499), 1, NT), Step::Wait);
            assert_eq!(second.step(Nanos::from_millis(2000), 1, NT), Step::Ask);
            let mut overtaken = Candidature::new(Nanos(0), 0, &mut rng);
            assert_eq!(overtaken.step(Nanos::from_millis(1400), 1, NT), Step::Wait);
        }
    }

    #[test]
    fn a_majority_elects_and_votes_are_counted_once() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut candidature = Candidature::new(Nanos(0), 0, &mut rng);
        candidature.asked(7);
        assert_eq!(candidature.vote(NodeId(1), 7, 2), None);
        assert_eq!(candidature.vote(NodeId(1), 7, 2), None);
        assert_eq!(candidature.vote(NodeId(2), 6, 2), None);
        assert_eq!(candidature.vote(NodeId(2), 7, 2), Some(7));
    }

    #[test]
    fn a_vote_is_given_once() {
        let mut votes = Votes::default();
        assert!(votes.give(Nanos(0), 0, 5, NT));
        assert!(!votes.give(Nanos(0), 1, 5, NT), "one vote an epoch");
        assert!(
            !votes.give(Nanos(0), 0, 6, NT),
            "not again for the shard so soon"
        );
        assert!(votes.give(Nanos::from_millis(2000), 0, 6, NT));
    }
}
