//! A client: an application server in a zone that asks, waits, tries again, and learns who serves what.

use rand::RngExt;
use seawall_cluster::{Nanos, NodeId};
use seawall_workloads::rows::Rows;

use super::load::Load;
use crate::caching::Rules;
use crate::random::{Rng, exponential};
use crate::scenario::Scenario;

/// The most that a budget for retries holds, in hundredths of an attempt: what is saved up in quiet times must not
/// feed a storm. Finagle's holds what ten seconds give; this is as much at ten retries a second.
const RETRIES_MAX: u64 = 10_000;

/// A client.
pub(super) struct Client {
    pub(super) zone: u16,
    pub(super) up: bool,
    pub(super) load: Load,
    /// What it may still try again, in hundredths of an attempt.
    retries: u64,
    /// By shard: whom it asks.
    view: Vec<NodeId>,
    /// By shard: when what a name told it is too old.
    names_until: Vec<Nanos>,
    rng: Rng,
    /// The mean of what is between ops, as it is usually and as it is now.
    usual_gap_ns: f64,
    gap_ns: f64,
}

impl Client {
    pub(super) fn new(
        scenario: &Scenario,
        zone: u16,
        load: Load,
        view: Vec<NodeId>,
        rng: Rng,
    ) -> Client {
        let clients = f64::from(scenario.zones_in_all()) * f64::from(scenario.clients_per_zone);
        let gap_ns = 1e9 * clients / scenario.rate_per_s as f64;
        Client {
            zone,
            up: true,
            load,
            retries: RETRIES_MAX,
            names_until: vec![Nanos::default(); view.len()],
            view,
            rng,
            usual_gap_ns: gap_ns,
            gap_ns,
        }
    }

    /// Until the next op: ops come whether or not those before are done.
    pub(super) fn gap(&mut self) -> Nanos {
        Nanos(exponential(&mut self.rng, self.gap_ns))
    }

    /// Users want so much of what they usually do.
    pub(super) fn load_changes(&mut self, percent: u64) {
        self.gap_ns = self.usual_gap_ns * 100.0 / percent as f64;
    }

    /// The rows that it asks for, where its load is of rows.
    pub(super) fn rows(&mut self) -> Option<&mut Rows> {
        match &mut self.load {
            Load::Rows(rows) => Some(rows),
            Load::Ops(_) => None,
        }
    }

    /// A user wants something: some part of it is for trying again.
    pub(super) fn earn_retries(&mut self, rules: &Rules) {
        self.retries = (self.retries + rules.budget_percent).min(RETRIES_MAX);
    }

    /// Whether it may try something again; takes it off the budget.
    pub(super) fn may_retry(&mut self, rules: &Rules) -> bool {
        if rules.budget_percent == 0 {
            return true;
        }
        let left = self.retries.checked_sub(100);
        self.retries = left.unwrap_or(self.retries);
        left.is_some()
    }

    /// Whom to ask for `shard`.
    pub(super) fn primary(&self, shard: u16) -> NodeId {
        self.view[usize::from(shard)]
    }

    /// Whether it asks for the name of a shard now; what it hears then holds for `ttl`.
    pub(super) fn asks_for_name(&mut self, now: Nanos, shard: u16, ttl: Nanos) -> bool {
        let until = &mut self.names_until[usize::from(shard)];
        let asks = *until <= now;
        if asks {
            // Clients did not all ask at one moment the first time either.
            let first = *until == Nanos::default();
            let holds = if first {
                self.rng.random_range(0..=ttl.0)
            } else {
                ttl.0
            };
            *until = now + Nanos(holds);
        }
        asks
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
}
