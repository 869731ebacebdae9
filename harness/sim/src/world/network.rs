//! Links between zones: latency, bandwidth, cuts, and what was sent across.
//!
//! A link between two nodes delivers in order, as TCP does; a message that meets a cut is lost.

use std::collections::BTreeMap;

use seawall_cluster::{Nanos, NodeId};

use crate::random::{LogNormal, Rng, rng_of};
use crate::scenario::Scenario;

/// The bytes that a message costs beside its own: Ethernet, IP and TCP headers with timestamps.
const FRAME_BYTES: u64 = 78;

/// Bytes sent between zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CrossZone {
    /// Between clients and nodes.
    pub(crate) client_bytes: u64,
    /// Between nodes.
    pub(crate) replication_bytes: u64,
}

/// All links.
pub(super) struct Network {
    same_zone: LogNormal,
    cross_zone: LogNormal,
    ns_per_byte: f64,
    cut: Vec<bool>,
    last_delivery: BTreeMap<(NodeId, NodeId), Nanos>,
    rng: Rng,
    pub(super) crossed: CrossZone,
}

impl Network {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Network {
        let one_way = |rtt_us: u64, sigma_percent: u64| {
            LogNormal::new(rtt_us as f64 / 2.0, sigma_percent as f64 / 100.0)
        };
        Network {
            same_zone: one_way(scenario.same_zone_rtt_us, scenario.same_zone_sigma_percent),
            cross_zone: one_way(
                scenario.cross_zone_rtt_us,
                scenario.cross_zone_sigma_percent,
            ),
            ns_per_byte: 8000.0 / scenario.link_mbit_per_s as f64,
            cut: vec![false; usize::from(scenario.zones)],
            last_delivery: BTreeMap::new(),
            rng: rng_of(seed, "network", 0),
            crossed: CrossZone::default(),
        }
    }

    /// Cuts a zone off, or heals it.
    pub(super) fn set_cut(&mut self, zone: u16, cut: bool) {
        self.cut[usize::from(zone)] = cut;
    }

    /// Whether messages pass between two zones.
    pub(super) fn passes(&self, from: u16, to: u16) -> bool {
        from == to || !(self.cut[usize::from(from)] || self.cut[usize::from(to)])
    }

    fn travel(&mut self, from: u16, to: u16, bytes: usize) -> Nanos {
        let link = if from == to {
            &self.same_zone
        } else {
            &self.cross_zone
        };
        let transmission = (bytes as u64 + FRAME_BYTES) as f64 * self.ns_per_byte;
        Nanos(link.draw(&mut self.rng) + transmission as u64)
    }

    /// When a message of a client (or to it) arrives; `None` where it is lost.
    pub(super) fn client(&mut self, now: Nanos, from: u16, to: u16, bytes: usize) -> Option<Nanos> {
        if !self.passes(from, to) {
            return None;
        }
        if from != to {
            self.crossed.client_bytes += bytes as u64 + FRAME_BYTES;
        }
        Some(now + self.travel(from, to, bytes))
    }

    /// When a message between nodes arrives, after all before it on its link; `None` where it is lost.
    pub(super) fn nodes(
        &mut self,
        now: Nanos,
        (from, from_zone): (NodeId, u16),
        (to, to_zone): (NodeId, u16),
        bytes: usize,
    ) -> Option<Nanos> {
        if !self.passes(from_zone, to_zone) {
            return None;
        }
        if from_zone != to_zone {
            self.crossed.replication_bytes += bytes as u64 + FRAME_BYTES;
        }
        let arrival = now + self.travel(from_zone, to_zone, bytes);
        let last = self.last_delivery.entry((from, to)).or_default();
        *last = arrival.max(*last + Nanos(1));
        Some(*last)
    }
}
