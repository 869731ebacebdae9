//! Scheduled actions: what is done to nodes, zones, links and the number of shards.

use std::ops::Range;

use seawall_cluster::{Event, Nanos, NodeId};

use super::World;
use super::node::{Fleet, Node};
use crate::fault::{Action, Role};

impl World<'_> {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Crash {
                shard,
                role: Role::All,
            } => self.of_shard(shard).for_each(|node| node.up = false),
            Action::Crash { shard, role } => {
                if let Some(node) = self.in_role(shard, role) {
                    node.up = false;
                }
            }
            Action::Replace { shard } => {
                self.of_shard(shard)
                    .for_each(|node| node.sync_fails = false);
                self.revive(|world, id| world.node(id).shard_number == shard);
            }
            Action::ZoneDown { zone } => self.stop_zones(zone..zone + 1),
            Action::ZoneUp { zone } => self.start_zones(zone..zone + 1),
            Action::RegionDown { region } => {
                self.stop_zones(self.plan.scenario.zones_of(region));
            }
            Action::RegionUp { region } => {
                self.start_zones(self.plan.scenario.zones_of(region));
            }
            Action::CutRegion { region } => self.network.cut_region(region, true),
            Action::HealRegion { region } => self.network.cut_region(region, false),
            Action::Cut { zone, way } => self.network.cut(zone, way),
            Action::Heal { zone } => self.network.heal(zone),
            Action::Isolate { shard } => {
                if let Some(node) = self.in_role(shard, Role::Primary) {
                    node.isolated = true;
                }
            }
            Action::Split { zones } => self.split = zones,
            Action::Rejoin { shard } => self.of_shard(shard).for_each(|node| node.isolated = false),
            Action::SlowNode { shard, times: 1 } => {
                self.of_shard(shard).for_each(|node| node.times = 1);
            }
            Action::SlowNode { shard, times } => {
                if let Some(node) = self.in_role(shard, Role::Primary) {
                    node.times = times;
                }
            }
            Action::SlowLinks { zone, times } => self.network.slow(zone, times),
            Action::Loss { zone, per_mille } => self.network.lose(zone, per_mille),
            Action::SetClock { shard, ahead_ms: 0 } => {
                self.of_shard(shard)
                    .for_each(|node| node.clock_ahead_ms = 0);
            }
            Action::SetClock { shard, ahead_ms } => {
                if let Some(node) = self.in_role(shard, Role::Primary) {
                    node.clock_ahead_ms = ahead_ms;
                }
            }
            Action::StallDisk { shard, ms } => {
                let until = self.now + Nanos::from_millis(ms);
                if let Some(node) = self.with_disk(shard) {
                    node.disk_busy_until = node.disk_busy_until.max(until);
                }
            }
            Action::FailSync { shard } => {
                if let Some(node) = self.with_disk(shard) {
                    node.sync_fails = true;
                }
            }
            Action::Memory { percent } => {
                let bytes = self.plan.scenario.node_memory_kib * 1024 * percent / 100;
                self.nodes.iter_mut().for_each(|node| node.bound(bytes));
            }
            Action::StallDatabase { ms } => {
                self.database.stall(self.now + Nanos::from_millis(ms));
            }
            Action::Load { percent } => {
                let clients = self.clients.iter_mut();
                clients.for_each(|client| client.load_changes(percent));
            }
            Action::Resize { shards } => self.resize(shards),
        }
    }

    /// All nodes and clients of these zones stop.
    fn stop_zones(&mut self, zones: Range<u16>) {
        for zone in zones.clone() {
            self.zones_down[usize::from(zone)] = true;
        }
        self.nodes
            .iter_mut()
            .filter(|node| zones.contains(&node.zone))
            .for_each(|node| node.up = false);
        for number in 0..self.clients.len() as u16 {
            let client = &mut self.clients[usize::from(number)];
            if zones.contains(&client.zone) {
                client.up = false;
                self.forget(number);
            }
        }
    }

    /// They come back.
    fn start_zones(&mut self, zones: Range<u16>) {
        for zone in zones.clone() {
            self.zones_down[usize::from(zone)] = false;
        }
        self.clients
            .iter_mut()
            .filter(|client| zones.contains(&client.zone))
            .for_each(|client| client.up = true);
        self.revive(|world, id| zones.contains(&world.node(id).zone));
    }

    fn of_shard(&mut self, shard: u16) -> impl Iterator<Item = &mut Node> {
        self.nodes
            .iter_mut()
            .filter(move |node| node.shard_number == shard)
    }

    /// The node of a shard that is this to it now.
    fn in_role(&mut self, shard: u16, role: Role) -> Option<&mut Node> {
        let primary = self.primary_of(shard).map(|node| node.id);
        self.of_shard(shard)
            .filter(|node| node.up && !node.keeps_log)
            .filter(|node| (Some(node.id) == primary) == (role == Role::Primary))
            .min_by_key(|node| node.life)
    }

    /// The node whose disk a shard's writes wait for: one that keeps its log, or the primary where none does.
    fn with_disk(&mut self, shard: u16) -> Option<&mut Node> {
        let has_log = self.of_shard(shard).any(|node| node.keeps_log);
        if !has_log {
            return self.in_role(shard, Role::Primary);
        }
        self.of_shard(shard)
            .filter(|node| node.up && node.keeps_log)
            .min_by_key(|node| node.life)
    }

    /// What is down and chosen comes back, where its zone is not down.
    fn revive(&mut self, chosen: impl Fn(&World<'_>, NodeId) -> bool) {
        for id in (0..self.nodes.len() as u16).map(NodeId) {
            let stays = self.zones_down[usize::from(self.node(id).zone)];
            if self.node(id).up || stays || !chosen(self, id) {
                continue;
            }
            let (member, values) = self.plan.replication;
            let fleet = Fleet {
                member,
                values,
                seats: &self.seats,
                seed: self.plan.seed,
                policy: &self.plan.scenario.policy,
                memory_bytes: self.plan.scenario.node_memory_kib * 1024,
            };
            let node = &mut self.nodes[usize::from(id.0)];
            let base = &self.base[usize::from(node.shard_number)];
            fleet.revive(node, base, &mut self.history);
            self.step(id, Event::Start);
        }
    }
}
