//! The bus: which nodes answer, and which a majority of primaries calls failed.
//!
//! Redis Cluster specification, "Failure detection": a node that leaves a ping unanswered for
//! `node_timeout` is *suspected* (PFAIL); when a majority of primaries suspects it within twice that
//! time it has *failed* (FAIL), and everybody is told.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{NodeId, Seat};
use super::message::Header;
use crate::time::Nanos;

/// What one node knows of another.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) shard: u16,
    pub(super) primary: bool,
    pub(super) offset: Option<u64>,
    /// Whether it ever told of itself.
    pub(super) known: bool,
    pinged: Option<Nanos>,
    heard: Nanos,
    suspected: bool,
    failed: Option<Nanos>,
    /// Which primaries suspect it, and since when that is known.
    reports: BTreeMap<NodeId, Nanos>,
}

/// What one node knows of all.
pub(super) struct Bus {
    node: NodeId,
    node_timeout: Nanos,
    peers: Vec<Peer>,
    shards: usize,
}

impl Bus {
    /// `formed`: the cluster begins, and the first primaries are known.
    pub(super) fn new(node: NodeId, seats: &[Seat], node_timeout: Nanos, formed: bool) -> Bus {
        let peers: Vec<_> = seats
            .iter()
            .map(|seat| Peer {
                shard: seat.shard,
                primary: formed && seat.first,
                offset: None,
                known: false,
                pinged: None,
                heard: Nanos::default(),
                suspected: false,
                failed: None,
                reports: BTreeMap::new(),
            })
            .collect();
        let shards = usize::from(seats.iter().map(|seat| seat.shard + 1).max().unwrap_or(0));
        Bus {
            node,
            node_timeout,
            peers,
            shards,
        }
    }

    /// Everybody counts as heard of at `now`.
    pub(super) fn start(&mut self, now: Nanos) {
        self.peers.iter_mut().for_each(|peer| peer.heard = now);
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
        if let Some(peer) = self.peers.get_mut(usize::from(node.0)) {
            peer.primary = primary;
        }
    }

    pub(super) fn has_failed(&self, node: NodeId) -> bool {
        self.peer(node).is_some_and(|peer| peer.failed.is_some())
    }

    fn answers(peer: &Peer) -> bool {
        !peer.suspected && peer.failed.is_none()
    }

    /// Whether this node reaches a majority of the shards' primaries, itself counted where it is one.
    pub(super) fn reaches_majority(&self) -> bool {
        let reached: BTreeSet<u16> = (0u16..)
            .zip(&self.peers)
            .filter(|(node, peer)| peer.primary && (*node == self.node.0 || Bus::answers(peer)))
            .map(|(_, peer)| peer.shard)
            .collect();
        reached.len() >= self.majority()
    }

    /// The nodes that this one suspects, for the header of its messages.
    pub(super) fn failing(&self) -> Vec<NodeId> {
        self.others()
            .filter(|(_, peer)| !Bus::answers(peer))
            .map(|(node, _)| node)
            .collect()
    }

    /// Whom to ping now; and suspects whoever left a ping unanswered for too long.
    pub(super) fn cron(&mut self, now: Nanos) -> Vec<NodeId> {
        let half = Nanos(self.node_timeout.0 / 2);
        let mut ping = Vec::new();
        for (id, peer) in (0u16..).map(NodeId).zip(&mut self.peers) {
            if id == self.node {
                continue;
            }
            match peer.pinged {
                Some(at) => {
                    if now.since(at) > self.node_timeout {
                        peer.suspected = true;
                    }
                    // The link may be a new one by now; Redis reconnects and pings again.
                    if now.since(at) > half {
                        ping.push(id);
                    }
                }
                None if now.since(peer.heard) > half => {
                    peer.pinged = Some(now);
                    ping.push(id);
                }
                None => {}
            }
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
        let Some(peer) = self.peers.get_mut(usize::from(from.0)) else {
            return;
        };
        if answered {
            peer.pinged = None;
            peer.heard = now;
            peer.suspected = false;
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
        if !header.primary {
            return;
        }
        for (node, suspect) in (0u16..).map(NodeId).zip(&mut self.peers) {
            if header.failing.contains(&node) {
                suspect.reports.insert(from, now);
            } else {
                suspect.reports.remove(&from);
            }
        }
    }

    /// The nodes that a majority of primaries suspects as of now: they have failed.
    pub(super) fn newly_failed(&mut self, now: Nanos) -> Vec<NodeId> {
        let majority = self.majority();
        let self_counts = usize::from(
            self.peers
                .get(usize::from(self.node.0))
                .is_some_and(|me| me.primary),
        );
        let window = self.node_timeout.times(2);
        let mut failed = Vec::new();
        for (node, peer) in (0u16..).map(NodeId).zip(&mut self.peers) {
            peer.reports.retain(|_, at| now.since(*at) <= window);
            if peer.suspected
                && peer.failed.is_none()
                && peer.reports.len() + self_counts >= majority
            {
                peer.failed = Some(now);
                failed.push(node);
            }
        }
        failed
    }

    /// Somebody says that `node` has failed.
    pub(super) fn told_failed(&mut self, now: Nanos, node: NodeId) {
        if node != self.node
            && let Some(peer) = self.peers.get_mut(usize::from(node.0))
        {
            peer.failed.get_or_insert(now);
        }
    }
}
