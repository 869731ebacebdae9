//! How many shards there are: changed by an action of the schedule, or by the rule of auto-scaling on a metric that the run
//! measures of itself.

use seawall_cluster::Nanos;
use seawall_cluster::autoscaling::{PERCENT, TargetTracking};
use seawall_cluster::sharding::moved_share;

use super::queue::Happening;
use super::{Node, World};
use crate::scenario::Scenario;

/// The number of shards, now and before.
pub(super) struct Scaling {
    tracking: Option<TargetTracking>,
    /// By node: for how long its core had worked when the period began.
    busy_before: Vec<Nanos>,
    /// How many shards there were from when on, those included that come or go meanwhile.
    shards: Vec<(Nanos, u16)>,
    /// How often the number was changed.
    resizes: u64,
    /// What it is to be after the change that is under way.
    next: Option<u16>,
}

impl Scaling {
    pub(super) fn new(scenario: &Scenario) -> Scaling {
        let table = scenario.autoscaling.as_ref();
        Scaling {
            tracking: table.map(|table| TargetTracking::new(table.policy())),
            busy_before: Vec::new(),
            shards: vec![(Nanos::default(), scenario.shards)],
            resizes: 0,
            next: None,
        }
    }
}

impl World<'_> {
    /// Begins a period of the metric, as long as there is load, where there is a rule.
    pub(super) fn scale_again(&mut self) {
        let Some(table) = &self.plan.scenario.autoscaling else {
            return;
        };
        let at = self.now + Nanos::from_millis(table.period_ms);
        let busy = self.nodes.iter().map(|node| node.busy(self.now));
        self.scaling.busy_before = busy.collect();
        if at <= self.end {
            self.queue.push(at, Happening::Scale);
        }
    }

    /// A period of the metric is over.
    pub(super) fn scale(&mut self) {
        let shards = self.sharding.shards();
        let metric = self.primary_engine_cpu();
        // A change that is under way is completed first.
        if !self.moves.is_under_way()
            && let Some(metric) = metric
            && let Some(tracking) = &mut self.scaling.tracking
            && let Some(wanted) = tracking.observe(self.now, shards, metric)
        {
            self.resize(wanted);
        }
        self.scale_again();
    }

    /// How much of the period the cores of the primaries worked, in hundredths of a percent, in the mean over the shards that
    /// have one; none where no shard has.
    fn primary_engine_cpu(&self) -> Option<u64> {
        let table = self.plan.scenario.autoscaling.as_ref()?;
        let period = Nanos::from_millis(table.period_ms);
        let primaries = (0..self.sharding.shards()).filter_map(|shard| self.primary_of(shard));
        let shares: Vec<u64> = primaries
            .map(|node| {
                let before = self.scaling.busy_before[usize::from(node.id.0)];
                // What a node had still to do when it crashed is not work that it did since.
                let busy = node.busy(self.now).since(before).min(period);
                busy.0 * 100 * PERCENT / period.0
            })
            .collect();
        shares.iter().sum::<u64>().checked_div(shares.len() as u64)
    }

    /// The number of shards changes, after a change that is under way.
    pub(super) fn resize(&mut self, shards: u16) {
        if self.moves.is_under_way() {
            self.scaling.next = Some(shards);
            return;
        }
        self.scaling.resizes += 1;
        let before = self.sharding.shards();
        let after = self.sharding.resized(shards);
        self.moved_keys_share = moved_share(&*self.sharding, &*after, self.history.keys());
        self.there_are(before.max(shards));
        if self.plan.sharding.0.moves.is_some() {
            self.begin_moving(after);
        } else {
            // Clients are told at once, and look for every key where it belongs from now on.
            self.sharding = after;
            self.resized();
        }
    }

    /// A change of the number of shards is complete.
    pub(super) fn resized(&mut self) {
        self.there_are(self.sharding.shards());
        if let Some(tracking) = &mut self.scaling.tracking {
            tracking.changed(self.now);
        }
        if let Some(shards) = self.scaling.next.take() {
            self.resize(shards);
        }
    }

    fn there_are(&mut self, shards: u16) {
        if self
            .scaling
            .shards
            .last()
            .is_none_or(|last| last.1 != shards)
        {
            self.scaling.shards.push((self.now, shards));
        }
        let all = 0..self.seats.last().map_or(0, |last| last.shard + 1);
        self.measure.resized(self.now, all, shards);
    }

    /// How often the number of shards was changed.
    pub(crate) fn resizes(&self) -> u64 {
        self.scaling.resizes
    }

    /// How many shards there were from which millisecond on.
    pub(crate) fn shards_over_time(&self) -> impl Iterator<Item = (u64, u16)> {
        let shards = self.scaling.shards.iter();
        shards.map(|(since, shards)| (since.millis().0, *shards))
    }

    /// How many nodes are paid for, in the mean over the run. Who keeps logs is a service's, which asks a price for what is
    /// written to it. Under a rule of auto-scaling a node is paid for while its shard is there.
    pub(crate) fn nodes_paid(&self) -> f64 {
        let is_paid = |node: &&Node| !node.keeps_log;
        let nodes = self.nodes.iter().filter(is_paid);
        if self.scaling.tracking.is_none() {
            return nodes.count() as f64;
        }
        let ends = self.scaling.shards.iter().skip(1).map(|(since, _)| *since);
        let of_time: f64 = (self.scaling.shards.iter())
            .zip(ends.chain([self.end]))
            .map(|(&(since, shards), until)| {
                let is_there =
                    |node: &&Node| node.shard_number < shards || self.is_gutter(node.shard_number);
                let there = nodes.clone().filter(is_there).count();
                until.min(self.end).since(since).0 as f64 * there as f64
            })
            .sum();
        of_time / self.end.0 as f64
    }
}
