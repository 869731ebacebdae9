//! Links between zones: latency, bandwidth, cuts, and what was sent across.
//!
//! A link between two nodes delivers in order, as TCP does; a message that meets a cut is lost.

use rand::RngExt;
use seawall_cluster::{Nanos, NodeId};

use crate::fault::Way;
use crate::random::{LogNormal, Rng, rng_of};
use crate::scenario::Scenario;

/// The bytes that a message costs beside its own: Ethernet, IP and TCP headers with timestamps.
const FRAME_BYTES: u64 = 78;

/// How long the sender of a lost packet waits before it sends it again: the first time, and the last. Whoever heard
/// nothing for that long connects anew, so that no packet is late for longer than three seconds.
const RETRANSMIT_MIN: Nanos = Nanos::from_millis(200);
const RETRANSMIT_MAX: Nanos = Nanos::from_millis(1600);

/// What takes longer than this is late: on a link and a disk that are well nothing does.
pub(super) const LATE: Nanos = Nanos::from_millis(250);

/// Bytes sent between zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "names carry units")]
pub(crate) struct CrossZone {
    /// Between clients and nodes.
    pub(crate) client_bytes: u64,
    /// Between nodes.
    pub(crate) replication_bytes: u64,
    /// Whoever sent them, where the zones are of different regions; in none of the two above.
    pub(crate) region_bytes: u64,
}

/// The latencies of requests that travel together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) there: Nanos,
    pub(super) back: Nanos,
}

/// All links.
pub(super) struct Network {
    same_zone: LogNormal,
    cross_zone: LogNormal,
    cross_region: LogNormal,
    /// Zones of a region.
    zones: u16,
    ns_per_byte: f64,
    /// By zone: what leaves it is lost, what enters it is lost.
    cut: Vec<[bool; 2]>,
    /// By region: whether what leaves or enters it is lost.
    region_cut: Vec<bool>,
    /// By zone: how many times as long as it should what is sent in it, out of it or into it takes.
    times: Vec<u32>,
    /// By zone: how many packets in a thousand are lost in it, out of it or into it.
    loss_per_mille: Vec<u16>,
    nodes: usize,
    /// By sender, then by receiver.
    last_delivery: Vec<Nanos>,
    /// When the last that is late between nodes arrives.
    late_until: Nanos,
    /// The longest that anything of a client was on its way.
    longest: Nanos,
    rng: Rng,
    pub(super) crossed: CrossZone,
}

impl Network {
    pub(super) fn new(scenario: &Scenario, nodes: usize, seed: u64) -> Network {
        let one_way = |rtt_us: u64, sigma_percent: u64| {
            LogNormal::new(rtt_us as f64 / 2.0, sigma_percent as f64 / 100.0)
        };
        let zones = usize::from(scenario.zones_in_all());
        Network {
            same_zone: one_way(scenario.same_zone_rtt_us, scenario.same_zone_sigma_percent),
            cross_zone: one_way(
                scenario.cross_zone_rtt_us,
                scenario.cross_zone_sigma_percent,
            ),
            cross_region: one_way(
                scenario.cross_region_rtt_us,
                scenario.cross_region_sigma_percent,
            ),
            zones: scenario.zones,
            ns_per_byte: 8000.0 / scenario.link_mbit_per_s as f64,
            cut: vec![[false; 2]; zones],
            region_cut: vec![false; usize::from(scenario.regions)],
            times: vec![1; zones],
            loss_per_mille: vec![0; zones],
            nodes,
            last_delivery: vec![Nanos::default(); nodes * nodes],
            late_until: Nanos::default(),
            longest: Nanos::default(),
            rng: rng_of(seed, "network", 0),
            crossed: CrossZone::default(),
        }
    }

    /// Cuts a zone off.
    pub(super) fn cut(&mut self, zone: u16, way: Way) {
        let [out, into] = &mut self.cut[usize::from(zone)];
        *out |= way != Way::In;
        *into |= way != Way::Out;
    }

    /// Everything passes again between a zone and those that are not cut off themselves.
    pub(super) fn heal(&mut self, zone: u16) {
        self.cut[usize::from(zone)] = [false; 2];
    }

    /// Cuts a region off from the others, or ends that.
    pub(super) fn cut_region(&mut self, region: u16, is_cut: bool) {
        self.region_cut[usize::from(region)] = is_cut;
    }

    /// Whether everything passes, and nothing is late.
    pub(super) fn is_whole(&self, now: Nanos) -> bool {
        self.cut.iter().all(|cut| *cut == [false; 2])
            && !self.region_cut.contains(&true)
            && self.loss_per_mille.iter().all(|loss| *loss == 0)
            && self.times.iter().all(|times| *times == 1)
            && self.late_until <= now
    }

    /// What is sent in a zone, out of it and into it takes so many times as long.
    pub(super) fn slow(&mut self, zone: u16, times: u32) {
        self.times[usize::from(zone)] = times;
    }

    /// So many packets in a thousand are lost in a zone, out of it and into it.
    pub(super) fn lose(&mut self, zone: u16, per_mille: u16) {
        self.loss_per_mille[usize::from(zone)] = per_mille;
    }

    /// Whether messages pass from one zone to another.
    pub(super) fn passes(&self, from: u16, to: u16) -> bool {
        let is_cut = self.cut[usize::from(from)][0] || self.cut[usize::from(to)][1];
        from == to || !(is_cut || self.is_region_cut(from, to))
    }

    /// How long a link takes to carry so many bytes.
    pub(super) fn transmission(&self, bytes: usize) -> Nanos {
        Nanos(((bytes as u64 + FRAME_BYTES) as f64 * self.ns_per_byte) as u64)
    }

    /// How long a packet is on its way. What is lost is sent again, each time after twice as long (RFC 6298,
    /// and the least of Linux).
    fn travel(&mut self, from: u16, to: u16, bytes: usize, drawn: Option<Nanos>) -> Nanos {
        let drawn = drawn.unwrap_or_else(|| self.draw(from, to));
        let (a, b) = (usize::from(from), usize::from(to));
        let times = self.times[a].max(self.times[b]);
        let loss = self.loss_per_mille[a].max(self.loss_per_mille[b]);
        let mut lost_for = Nanos::default();
        if loss > 0 {
            let mut again_after = RETRANSMIT_MIN;
            while again_after <= RETRANSMIT_MAX && self.rng.random_range(0..1000) < loss {
                lost_for = lost_for + again_after;
                again_after = again_after.times(2);
            }
        }
        let takes = drawn + self.transmission(bytes);
        lost_for + takes.times(u64::from(times))
    }

    /// A latency between two zones.
    fn draw(&mut self, from: u16, to: u16) -> Nanos {
        let link = if from == to {
            &self.same_zone
        } else if self.is_one_region(from, to) {
            &self.cross_zone
        } else {
            &self.cross_region
        };
        Nanos(link.draw(&mut self.rng))
    }

    /// The latencies of a stream of requests from one zone to another and of their answers: what travels together is on its way
    /// for equally long.
    pub(super) fn stream(&mut self, from: u16, to: u16) -> Stream {
        Stream {
            there: self.draw(from, to),
            back: self.draw(to, from),
        }
    }

    /// Whether a cut of a region lies between two zones.
    fn is_region_cut(&self, a: u16, b: u16) -> bool {
        let is_cut = |zone: u16| self.region_cut[usize::from(zone / self.zones)];
        !self.is_one_region(a, b) && (is_cut(a) || is_cut(b))
    }

    fn is_one_region(&self, a: u16, b: u16) -> bool {
        a / self.zones == b / self.zones
    }

    /// When a message of a client (or to it) arrives; `None` where it is lost.
    pub(super) fn client(&mut self, now: Nanos, from: u16, to: u16, bytes: usize) -> Option<Nanos> {
        self.send(now, (from, to), bytes, None)
    }

    /// As [`Network::client`], with a latency that was drawn before, if there is one.
    pub(super) fn send(
        &mut self,
        now: Nanos,
        (from, to): (u16, u16),
        bytes: usize,
        latency: Option<Nanos>,
    ) -> Option<Nanos> {
        if !self.passes(from, to) {
            return None;
        }
        if !self.is_one_region(from, to) {
            self.crossed.region_bytes += bytes as u64 + FRAME_BYTES;
        } else if from != to {
            self.crossed.client_bytes += bytes as u64 + FRAME_BYTES;
        }
        let takes = self.travel(from, to, bytes, latency);
        self.longest = self.longest.max(takes);
        Some(now + takes)
    }

    /// The longest that anything of a client was on its way so far.
    pub(super) fn longest(&self) -> Nanos {
        self.longest
    }

    /// When a message between nodes arrives, after all before it on its link.
    pub(super) fn nodes(
        &mut self,
        now: Nanos,
        (from, from_zone): (NodeId, u16),
        (to, to_zone): (NodeId, u16),
        bytes: usize,
    ) -> Nanos {
        if !self.is_one_region(from_zone, to_zone) {
            self.crossed.region_bytes += bytes as u64 + FRAME_BYTES;
        } else if from_zone != to_zone {
            self.crossed.replication_bytes += bytes as u64 + FRAME_BYTES;
        }
        let arrival = now + self.travel(from_zone, to_zone, bytes, None);
        let link = usize::from(from.0) * self.nodes + usize::from(to.0);
        let last = &mut self.last_delivery[link];
        *last = arrival.max(*last + Nanos(1));
        if last.since(now) > LATE {
            self.late_until = self.late_until.max(*last);
        }
        *last
    }
}
