//! Replicas that a primary heard lately: with too few of them it refuses writes.
//!
//! As in Redis (`min-replicas-to-write`, `min-replicas-max-lag`): a replica is good if it receives the stream and said
//! within the lag how far it is. A primary that is cut off takes no more writes when the lag is over; what it took
//! before may be lost all the same.

use std::collections::BTreeMap;

use super::super::NodeId;
use crate::time::Nanos;

/// How many good replicas a write needs, and when each was heard last.
pub(in super::super) struct GoodReplicas {
    least: usize,
    lag: Nanos,
    heard: BTreeMap<NodeId, Nanos>,
}

impl GoodReplicas {
    pub(in super::super) fn new(least: usize, lag: Nanos) -> GoodReplicas {
        let heard = BTreeMap::new();
        GoodReplicas { least, lag, heard }
    }

    /// A replica said how far it is.
    pub(super) fn hear(&mut self, now: Nanos, replica: NodeId) {
        self.heard.insert(replica, now);
    }

    /// Whether enough of those that receive the stream are good.
    pub(super) fn suffice(&self, now: Nanos, replicas: impl Iterator<Item = NodeId>) -> bool {
        let is_good = |replica: &NodeId| {
            let heard = self.heard.get(replica);
            heard.is_some_and(|at| now.since(*at) <= self.lag)
        };
        replicas.filter(is_good).count() >= self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_silent_for_longer_than_the_lag_does_not_count() {
        let mut good = GoodReplicas::new(2, Nanos(100));
        let three = || (1..=3).map(NodeId);
        good.hear(Nanos(10), NodeId(1));
        good.hear(Nanos(50), NodeId(2));
        assert!(good.suffice(Nanos(110), three()));
        assert!(!good.suffice(Nanos(111), three()));
        assert!(!good.suffice(Nanos(60), three().skip(1)), "it left");
    }
}
