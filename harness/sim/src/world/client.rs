//! A client: an application server in a zone that asks, waits, tries again, and learns who serves what.

use rand::RngExt;
use seawall_cluster::{Nanos, NodeId};
use seawall_store::{Op, Reply};
use seawall_workloads::Workload;

use crate::random::{Rng, exponential};
use crate::scenario::Scenario;

/// A client.
pub(super) struct Client {
    pub(super) zone: u16,
    pub(super) up: bool,
    load: Box<dyn Workload>,
    /// By shard: whom it asks.
    view: Vec<NodeId>,
    rng: Rng,
    gap_ns: f64,
}

impl Client {
    pub(super) fn new(
        scenario: &Scenario,
        zone: u16,
        load: Box<dyn Workload>,
        view: Vec<NodeId>,
        rng: Rng,
    ) -> Client {
        let clients = f64::from(scenario.zones) * f64::from(scenario.clients_per_zone);
        let gap_ns = 1e9 * clients / scenario.rate_per_s as f64;
        Client {
            zone,
            up: true,
            load,
            view,
            rng,
            gap_ns,
        }
    }

    /// Until the next op: ops come whether or not those before are done.
    pub(super) fn gap(&mut self) -> Nanos {
        Nanos(exponential(&mut self.rng, self.gap_ns))
    }

    /// The next op, and how long it waits for the database before it is sent.
    pub(super) fn next(&mut self) -> (Op, Nanos) {
        let op = self.load.next();
        (op, Nanos(self.load.delay_us().saturating_mul(1000)))
    }

    /// The client's ops that must be there before the run.
    pub(super) fn preload(&mut self) -> Option<Op> {
        self.load.preload()
    }

    /// A reply came. Under failures it may contradict what the workload believes; what that means is the
    /// checkers' to say.
    pub(super) fn observe(&mut self, op: &Op, reply: &Reply) {
        let _ = self.load.observe(op, reply);
    }

    /// No reply came.
    pub(super) fn unanswered(&mut self, op: &Op) {
        self.load.unanswered(op);
    }

    /// Whom to ask for `shard`.
    pub(super) fn primary(&self, shard: u16) -> NodeId {
        self.view[usize::from(shard)]
    }

    pub(super) fn learn(&mut self, shard: u16, primary: NodeId) {
        self.view[usize::from(shard)] = primary;
    }

    /// One of so many nodes, to ask who serves their shard.
    pub(super) fn choose(&mut self, nodes: u16) -> u16 {
        self.rng.random_range(0..nodes)
    }

    /// How long to wait before attempt `n` (from 1 on): exponential back-off with full jitter.
    pub(super) fn backoff(&mut self, scenario: &Scenario, n: u32) -> Nanos {
        let ceiling = scenario
            .backoff_ms
            .saturating_mul(1 << n.saturating_sub(1).min(32))
            .min(scenario.backoff_max_ms);
        Nanos(self.rng.random_range(0..=Nanos::from_millis(ceiling).0))
    }

    /// How long a read of the database takes.
    pub(super) fn database_read(&mut self, scenario: &Scenario) -> Nanos {
        Nanos(exponential(
            &mut self.rng,
            scenario.database_us as f64 * 1000.0,
        ))
    }
}
