//! The bus: which nodes answer, and which a majority of primaries calls failed.
//!
//! Redis Cluster specification, "Failure detection": a node that leaves a ping unanswered for
//! `node_timeout` is *suspected* (PFAIL); when a majority of primaries suspects it within twice that
//! time it has *failed* (FAIL), and everybody is told.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{NodeId, Seat};
use super::message::Header;
use crate::time::Nanos;

/// The last ping that one node sent to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    Answered,
    Unanswered,
    /// Unanswered for so long that the other is suspected.
    Late,
}

/// What one node knows of another.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) shard: u16,
    pub(super) primary: bool,
    /// Whether it ever told of itself.
    pub(super) known: bool,
    ping: Ping,
    pub(super) offset: Option<u64>,
    failed: Option<Nanos>,
}

/// What one node knows of all.
///
/// A large cluster's nodes hear of each other all the time and nearly always that all is well: so what
/// is looked at then lies close together, and what tells of failures is kept for those alone that have any.
pub(super) struct Bus {
    node: NodeId,
    node_timeout: Nanos,
    peers: Vec<Peer>,
    /// By node: when a ping was sent that is unanswered, or else when it answered last; never for the node itself.
    waits_since: Vec<Nanos>,
    /// Who does not answer: suspected or failed.
    silent: BTreeSet<NodeId>,
    /// By node: which primaries suspect it, and since when that is known.
    reports: BTreeMap<NodeId, BTreeMap<NodeId, Nanos>>,
    shards: usize,
    /// Whether a majority of primaries is reached; `None` where that is to be counted again.
    majority_reached: Option<bool>,
}

impl Bus {
    /// `formed`: the cluster begins, and the first primaries are known.
    pub(super) fn new(node: NodeId, seats: &[Seat], node_timeout: Nanos, formed: bool) -> Bus {
        let peers: Vec<_> = seats
            .iter()
            .map(|seat| Peer {
                shard: seat.shard,
                primary: formed && seat.first,
                known: false,
                ping: Ping::Answered,
                offset: None,
                failed: None,
            })
            .collect();
        Bus {
            node,
            node_timeout,
            waits_since: vec![Nanos::default(); peers.len()],
            peers,
            silent: BTreeSet::new(),
            reports: BTreeMap::new(),
            shards: shard_count(seats),
            majority_reached: None,
        }
    }

    /// Everybody counts as heard of at `now`.
    pub(super) fn start(&mut self, now: Nanos) {
        self.waits_since.fill(now);
        if let Some(own) = self.waits_since.get_mut(usize::from(self.node.0)) {
            *own = Nanos(u64::MAX);
        }
    }

    pub(super) fn peer(&self, node: NodeId) -> Option<&Peer> {
        self.peers.get(usize::from(node.0))
    }

    /// All other nodes.
    pub(super) fn others(&self) -> impl Iterator<Item = (NodeId, &Peer)> {
        (0u16..)
            .map(NodeId)
            .zip(&self.peers)
            .filter(|(node, _)| *node != self.node)
    }

    /// How many primaries a majority needs; every shard counts one, whether it is alive or not.
    pub(super) fn majority(&self) -> usize {
        self.shards / 2 + 1
    }

    /// Notes the role of this node itself.
    pub(super) fn set_primary(&mut self, node: NodeId, primary: bool) {
        self.change(node, |peer| peer.primary = primary);
    }

    pub(super) fn has_failed(&self, node: NodeId) -> bool {
        self.peer(node).is_some_and(|peer| peer.failed.is_some())
    }

    /// Whether a node is neither suspected nor failed.
    pub(super) fn answers(peer: &Peer) -> bool {
        peer.ping != Ping::Late && peer.failed.is_none()
    }

    /// Changes what is known of a node, and what follows from it.
    fn change(&mut self, node: NodeId, change: impl FnOnce(&mut Peer)) {
        let Some(peer) = self.peers.get_mut(usize::from(node.0)) else {
            return;
        };
        let before = (peer.primary, Bus::answers(peer));
        change(peer);
        let after = (peer.primary, Bus::answers(peer));
        if before == after {
            return;
        }
        self.majority_reached = None;
        if after.1 {
            self.silent.remove(&node);
        } else {
            self.silent.insert(node);
        }
    }

    /// Whether this node reaches a majority of the shards' primaries, itself counted where it is one.
    pub(super) fn reaches_majority(&mut self) -> bool {
        if let Some(reached) = self.majority_reached {
            return reached;
        }
        let reached: BTreeSet<u16> = (0u16..)
            .zip(&self.peers)
            .filter(|(node, peer)| peer.primary && (*node == self.node.0 || Bus::answers(peer)))
            .map(|(_, peer)| peer.shard)
            .collect();
        let is_majority = reached.len() >= self.majority();
        self.majority_reached = Some(is_majority);
        is_majority
    }

    /// The nodes that this one suspects, for the header of its messages.
    pub(super) fn failing(&self) -> Vec<NodeId> {
        let others = self.silent.iter().filter(|node| **node != self.node);
        others.copied().collect()
    }

    /// Whom to ping now; and suspects whoever left a ping unanswered for too long.
    pub(super) fn cron(&mut self, now: Nanos) -> Vec<NodeId> {
        let half = Nanos(self.node_timeout.0 / 2);
        let late = |since: &Nanos| now.since(*since) > half;
        let ping: Vec<NodeId> = (0u16..)
            .map(NodeId)
            .zip(&self.waits_since)
            .filter(|(_, since)| late(since))
            .map(|(node, _)| node)
            .collect();
        for node in &ping {
            let (at, timeout) = (usize::from(node.0), self.node_timeout);
            if self.peers[at].ping == Ping::Answered {
                self.peers[at].ping = Ping::Unanswered;
                self.waits_since[at] = now;
            } else if now.since(self.waits_since[at]) > timeout {
                self.change(*node, |peer| peer.ping = Ping::Late);
            }
            // An unanswered ping is sent again: the link may be a new one by now; Redis reconnects.
        }
        ping
    }

    /// A node spoke: it is alive, and this is what it tells. `owner`: it serves its shard, as far as this
    /// node knows.
    pub(super) fn hear(
        &mut self,
        now: Nanos,
        from: NodeId,
        header: &Header,
        answered: bool,
        owner: bool,
    ) {
        let timeout = self.node_timeout;
        if answered && let Some(since) = self.waits_since.get_mut(usize::from(from.0)) {
            *since = now;
        }
        self.change(from, |peer| {
            if answered {
                peer.ping = Ping::Answered;
            }
            if owner && !header.primary && header.offset.is_none() {
                // A new machine in the primary's place: the primary is gone, whoever answers now.
                peer.failed.get_or_insert(now);
            } else if answered
                && let Some(at) = peer.failed
                && (!header.primary || now.since(at) > timeout.times(2))
            {
                // A failed primary stays failed for a while, unless it has been replaced: its replica
                // may be about to take over.
                peer.failed = None;
            }
            peer.primary = header.primary;
            peer.offset = header.offset;
            peer.known = true;
        });
        if header.primary {
            self.take_report(now, from, &header.failing);
        }
    }

    /// A primary says whom it suspects: these, and nobody else.
    fn take_report(&mut self, now: Nanos, from: NodeId, failing: &[NodeId]) {
        self.reports.retain(|node, by| {
            if !failing.contains(node) {
                by.remove(&from);
            }
            !by.is_empty()
        });
        for node in failing {
            self.reports.entry(*node).or_default().insert(from, now);
        }
    }

    /// The nodes that a majority of primaries suspects as of now: they have failed.
    pub(super) fn newly_failed(&mut self, now: Nanos) -> Vec<NodeId> {
        let window = self.node_timeout.times(2);
        self.reports.retain(|_, by| {
            by.retain(|_, at| now.since(*at) <= window);
            !by.is_empty()
        });
        let counts = self.peer(self.node).is_some_and(|own| own.primary);
        let suspected_by =
            |node: &NodeId| self.reports.get(node).map_or(0, BTreeMap::len) + usize::from(counts);
        let is_new = |node: &&NodeId| {
            let peer = self.peer(**node);
            peer.is_some_and(|peer| peer.ping == Ping::Late && peer.failed.is_none())
        };
        let failed: Vec<NodeId> = self
            .silent
            .iter()
            .filter(is_new)
            .filter(|node| suspected_by(node) >= self.majority())
            .copied()
            .collect();
        for node in &failed {
            self.change(*node, |peer| peer.failed = Some(now));
        }
        failed
    }

    /// Somebody says that `node` has failed.
    pub(super) fn told_failed(&mut self, now: Nanos, node: NodeId) {
        if node != self.node {
            self.change(node, |peer| {
                peer.failed.get_or_insert(now);
            });
        }
    }
}

/// How many shards there are.
pub(super) fn shard_count(seats: &[Seat]) -> usize {
    usize::from(seats.iter().map(|seat| seat.shard + 1).max().unwrap_or(0))
}
