//! The world of one run: what happens is taken from a queue, one thing at a time, and leads to more.

mod act;
mod application;
mod calendar;
mod client;
mod database;
mod dns;
pub(crate) mod load;
mod loading;
mod measure;
mod moves;
mod network;
mod node;
mod perform;
mod pool;
mod queue;
mod refresh;
mod request;
mod scaling;

use std::ops::Range;

use seawall_cluster::{
    Event, Nanos, NodeId, Outbox, ReplicationMember, RequestId, Seat, Sharding, Survives,
};
use seawall_store::Reply;

pub(crate) use self::measure::{Measure, Service, WINDOW_MS, Window};
pub(crate) use self::moves::Toll;
pub(crate) use self::network::CrossZone;
pub(crate) use self::node::{Node, apply_effects, empty_shard, unread};

use self::application::Application;
use self::client::Client;
use self::database::Database;
use self::dns::Names;
use self::moves::Moves;
use self::network::{LATE, Network};
use self::node::Fleet;
use self::pool::Pools;
use self::queue::{Happening, Queue};
use self::scaling::Scaling;
use crate::caching::Rules;
use crate::fault::{self, Schedule};
use crate::history::{Attempt, History, Lineage, Wanted, WriteId};
use crate::random::{LogNormal, Rng, rng_of};
use crate::scenario::{ReplicationChoice, Scenario, ShardingChoice};

/// What a client hears of an attempt.
#[derive(Debug)]
enum Outcome {
    Answer(Reply),
    Moved(NodeId),
    /// The key is another shard's already, though its slot is not.
    Ask(u16),
    /// The key is of another shard.
    Elsewhere,
    Down,
}

impl Outcome {
    fn fingerprint(&self) -> u64 {
        match self {
            Outcome::Answer(Reply::Nil) => 1,
            Outcome::Answer(_) => 0,
            Outcome::Moved(node) => 2 | u64::from(node.0) << 8,
            Outcome::Down => 3,
            Outcome::Ask(shard) => 4 | u64::from(*shard) << 8,
            Outcome::Elsewhere => 5,
        }
    }
}

/// What a run is made from.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) replication: &'a ReplicationChoice,
    pub(crate) sharding: &'a ShardingChoice,
    pub(crate) workload: &'a str,
    pub(crate) caching: Rules,
    pub(crate) schedule: &'a Schedule,
    pub(crate) seed: u64,
}

/// The state of a run.
pub(crate) struct World<'a> {
    pub(crate) plan: Plan<'a>,
    now: Nanos,
    end: Nanos,
    queue: Queue,
    network: Network,
    disk: LogNormal,
    disk_rng: Rng,
    seats: Vec<Seat>,
    pub(crate) nodes: Vec<Node>,
    clients: Vec<Client>,
    pub(crate) sharding: Box<dyn Sharding>,
    /// By shard: the executions with which it began.
    pub(crate) base: Vec<Vec<WriteId>>,
    /// Nodes of so many zones do not hear those of the others; 0: all hear each other.
    split: u16,
    /// By zone: whether all of it is down.
    zones_down: Vec<bool>,
    /// What a machine wants done; empty between steps, and kept for its memory.
    outbox: Outbox,
    /// Lineages of states on their way to another node.
    images: Vec<Lineage>,
    moves: Moves,
    scaling: Scaling,
    pub(crate) application: Application,
    database: Database,
    pools: Pools,
    /// How many connections nodes were asked for.
    pub(crate) connects: u64,
    names: Names,
    pub(crate) history: History,
    pub(crate) measure: Measure,
    /// What was sent between zones until clients stopped.
    crossed: CrossZone,
    /// The share of keys whose shard changed in the last resize.
    pub(crate) moved_keys_share: f64,
    /// Machines that panicked, in words.
    pub(crate) panics: Vec<String>,
    /// Executions of one log entry that differed between replicas.
    pub(crate) diverged: u64,
}

/// After clients stop and the last fault is over, the cluster has this long to heal before its state is judged.
const SETTLE: Nanos = Nanos::from_millis(10_000);

impl<'a> World<'a> {
    /// The world at its beginning, with all data loaded.
    pub(crate) fn new(plan: Plan<'a>) -> World<'a> {
        let scenario = plan.scenario;
        let (member, _) = plan.replication;
        let shards_max = plan
            .schedule
            .actions()
            .iter()
            .filter_map(|dated| match dated.action {
                fault::Action::Resize { shards } => Some(shards),
                _ => None,
            })
            .chain(scenario.autoscaling.map(|table| table.max_capacity))
            .fold(scenario.shards, u16::max);
        let per_shard = scenario.nodes_per_shard(member.keeps_copies);
        let per_region = scenario.nodes_per_region();
        let seats: Vec<Seat> = (0..shards_max)
            .flat_map(|shard| {
                (0..per_shard).map(move |copy| Seat {
                    shard,
                    region: copy / per_region,
                    first: copy == 0,
                    keeps_log: false,
                })
            })
            .chain(seats_of_logs(member, shards_max, scenario))
            .collect();
        let zones = scenario.zones_in_all();
        // Gutter nodes stand beside the shards, each by itself, and know nothing of them.
        let gutters = if plan.caching.gutter_s > 0 {
            scenario.gutter_nodes
        } else {
            0
        };
        let fleet = Fleet {
            member,
            values: &plan.replication.1,
            seats: &seats,
            seed: plan.seed,
            policy: &scenario.policy,
            memory_bytes: scenario.node_memory_kib * 1024,
        };
        // In each region the first of a shard's nodes of either kind is in the zone of the shard's number, the others in those
        // that follow.
        let (mut number, mut region) = (0, 0);
        let nodes = (0u16..)
            .zip(&seats)
            .map(|(id, seat)| {
                let is_first = seat.first || seat.region != region;
                number = if is_first { seat.shard } else { number + 1 };
                region = seat.region;
                let zone = scenario.zones_of(region).start + number % scenario.zones;
                fleet.form(NodeId(id), seat.shard, zone)
            })
            .chain((0..gutters).map(|gutter| {
                let id = NodeId(seats.len() as u16 + gutter);
                fleet.form(id, shards_max + gutter, gutter % zones)
            }))
            .collect();
        let view: Vec<NodeId> = (0..shards_max)
            .map(|shard| NodeId(shard * per_shard))
            .chain((0..gutters).map(|gutter| NodeId(seats.len() as u16 + gutter)))
            .collect();
        let client_count = zones * scenario.clients_per_zone;
        let mut clients: Vec<Client> = (0..client_count)
            .map(|client| {
                let load = load::build(
                    plan.workload,
                    plan.seed,
                    u32::from(client),
                    u32::from(client_count),
                );
                let rng = rng_of(plan.seed, "client", usize::from(client));
                Client::new(scenario, client % zones, load, view.clone(), rng)
            })
            .collect();
        let rows = clients[0].rows().map_or(0, |rows| rows.owned());
        let mut world = World {
            plan,
            now: Nanos::default(),
            end: Nanos::from_millis(scenario.duration_ms),
            queue: Queue::new(),
            network: Network::new(scenario, seats.len(), plan.seed),
            // The spread of an SSD's sync: its 99th percentile is ten times the median (etcd, hardware
            // recommendations), so sigma = ln(10) / 2.326.
            disk: LogNormal::new(scenario.fsync_us as f64, 0.99),
            disk_rng: rng_of(plan.seed, "disk", 0),
            seats,
            nodes,
            clients,
            sharding: (plan.sharding.0.build)(scenario.shards, &plan.sharding.1),
            base: vec![Vec::new(); usize::from(shards_max + gutters)],
            application: Application::new(plan.caching, client_count, rows, plan.seed),
            database: Database::new(scenario, rows, plan.seed),
            pools: match scenario.connections {
                0 => Pools::default(),
                connections => Pools::new(client_count, &view, connections),
            },
            connects: 0,
            names: Names::new(&view),
            split: 0,
            zones_down: vec![false; usize::from(zones)],
            outbox: Outbox::default(),
            images: Vec::new(),
            moves: Moves::default(),
            scaling: Scaling::new(scenario),
            history: History::new(member.last_writer_wins),
            measure: Measure::new(shards_max + gutters),
            crossed: CrossZone::default(),
            moved_keys_share: 0.0,
            panics: Vec::new(),
            diverged: 0,
        };
        world.load();
        world
    }

    /// Runs to the end, and until the cluster has healed.
    pub(crate) fn run(&mut self) {
        for id in 0..self.nodes.len() as u16 {
            self.step(NodeId(id), Event::Start);
        }
        for client in 0..self.clients.len() as u16 {
            let at = self.now + self.clients[usize::from(client)].gap();
            self.queue.push(at, Happening::Arrival { client });
            self.refresh_again(client);
        }
        self.watch();
        self.scale_again();
        let mut over = self.end;
        for (number, dated) in self.plan.schedule.actions().iter().enumerate() {
            self.queue
                .push(Nanos::from_millis(dated.at_ms), Happening::Act { number });
            over = over.max(Nanos::from_millis(dated.at_ms));
        }
        self.run_until(self.end);
        self.crossed = self.network.crossed;
        self.run_until(over + SETTLE);
        self.flush_all();
        self.count_unanswered();
        self.measure.finish(self.end);
    }

    fn run_until(&mut self, until: Nanos) {
        while let Some((at, happening)) = self.queue.pop_before(until) {
            self.now = at;
            self.happen(happening);
        }
        self.now = until;
    }

    /// Ops whose clients would wait for longer than the run lasts, and have waited for all of the time in which it heals.
    fn count_unanswered(&mut self) {
        let longest = Nanos::from_millis(self.plan.scenario.timeout_ms);
        let since = Nanos(self.now.0.saturating_sub(longest.0));
        let waits = |(_, attempt): &(RequestId, &Attempt)| {
            let wanted = self.history.ops[attempt.op as usize].wanted;
            let is_up = |client: u16| self.clients[usize::from(client)].up;
            matches!(wanted, Wanted::By(client) if is_up(client)) && attempt.sent <= self.end
        };
        let waiting = self.history.open_since(since).filter(waits).count();
        for _ in 0..waiting {
            self.measure.failed(Nanos(self.end.0 - 1));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrival { client } => {
                let scenario = self.plan.scenario;
                let idle = Nanos::from_millis(scenario.timeout_ms + scenario.backoff_max_ms);
                self.history.forget(self.now, idle, self.network.longest());
                self.on_arrival(client);
            }
            // What was given up is forgotten.
            Happening::Send { op } if self.history.wanted(op).is_none() => {}
            Happening::Send { op } => self.send(op),
            Happening::Request { id, node } => self.on_request(id, node),
            // What is forgotten has its answer, or nobody waits for it any more.
            Happening::Reply { id, .. } | Happening::Timeout { id, .. }
                if !self.history.knows(id) => {}
            Happening::Reply { id, node, outcome } => self.on_reply(id, node, outcome),
            Happening::Timeout { id, node } => self.on_timeout(id, node),
            Happening::Lookup { client, node } => self.on_lookup(client, node),
            Happening::Found {
                client,
                shard,
                primary,
            } => {
                self.clients[usize::from(client)].learn(shard, primary);
            }
            Happening::Message {
                from,
                to,
                life,
                bytes,
            } => {
                if self.lives(to, life) && self.passes(from, to) {
                    self.step(to, Event::Message { from, bytes });
                }
            }
            Happening::Alarm { node, life, number } => {
                if self.lives(node, life) && self.node(node).alarms == number {
                    self.step(node, Event::Alarm);
                }
            }
            Happening::Synced { node, life } => {
                if self.lives(node, life)
                    && let Some(number) = self.node_mut(node).synced()
                {
                    self.step(node, Event::Persisted { number });
                    self.sync(node);
                }
            }
            Happening::Act { number } => {
                self.act(self.plan.schedule.actions()[number].action);
            }
            Happening::Move { number } => self.go_on_moving(number),
            Happening::LookAtSides => self.look_at_sides(),
            Happening::Connect {
                client,
                node,
                number,
            } => self.on_connect(client, node, number),
            Happening::Connected {
                client,
                node,
                number,
            } => self.on_connected(client, node, number),
            Happening::ConnectLate {
                client,
                node,
                number,
            } => self.on_connect_late(client, node, number),
            Happening::Watch => self.watch(),
            Happening::Scale => self.scale(),
            Happening::Served { served } => self.on_served(served),
            Happening::Look { task } => self.look(task),
            Happening::Fetch { flight } => self.fetch(flight),
            Happening::FetchLate { flight, number } => self.on_fetch_late(flight, number),
            Happening::WriteAgain { task } => self.write_database(task),
            Happening::WriteLate { task, number } => self.on_write_late(task, number),
            Happening::Flush { row } => self.on_flush(row),
            Happening::Refresh { client } => self.refresh(client),
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id.0)]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[usize::from(id.0)]
    }

    fn lives(&self, id: NodeId, life: u32) -> bool {
        let node = self.node(id);
        node.up && node.life == life
    }

    /// Whether a message from a node reaches another.
    fn passes(&self, from: NodeId, to: NodeId) -> bool {
        let (from, to) = (self.node(from), self.node(to));
        let is_apart = (from.zone < self.split) != (to.zone < self.split);
        !from.isolated && !to.isolated && !is_apart && self.network.passes(from.zone, to.zone)
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// For how long some shard had no node that serves it, in ms.
    pub(crate) fn leaderless_ms(&self) -> u64 {
        self.names.leaderless.millis().0
    }

    /// What moving slots took.
    pub(crate) fn moves_toll(&self) -> Toll {
        self.moves.toll
    }

    /// What was sent between zones while clients asked.
    pub(crate) fn crossed(&self) -> CrossZone {
        self.crossed
    }

    /// How many things happened, and the hash over all of them.
    pub(crate) fn digest(&self) -> (u64, u64) {
        self.queue.digest()
    }

    /// The node that serves a shard: of those that say so, the one of the newest epoch.
    pub(crate) fn primary_of(&self, shard: u16) -> Option<&Node> {
        self.nodes
            .iter()
            .filter(|node| node.up && node.shard_number == shard)
            .filter_map(|node| Some((node.machine.primary_since()?, node)))
            .max_by_key(|(since, _)| *since)
            .map(|(_, node)| node)
    }

    /// The nodes whose data is a shard's: its primary, or every copy where none is more than another.
    pub(crate) fn keepers(&self, shard: u16) -> Vec<&Node> {
        if self.plan.replication.0.has_primary() {
            return self.primary_of(shard).into_iter().collect();
        }
        let keeps = |node: &&Node| node.up && node.shard_number == shard;
        self.nodes.iter().filter(keeps).collect()
    }

    /// Whether there is no such shard (any more), so that nobody has to serve it.
    pub(crate) fn is_needless(&self, shard: u16) -> bool {
        self.is_gutter(shard) || shard >= self.sharding.shards()
    }

    /// Whether a shard may have a write though nobody serves it: on disks that outlast a restart, in a log, or in a node that is up.
    pub(crate) fn may_have(&self, shard: u16, write: WriteId) -> bool {
        let member = self.plan.replication.0;
        let has_it = |node: &Node| {
            node.up && node.shard_number == shard && self.history.holds(&node.lineage, write)
        };
        member.claim.survives >= Survives::Restart
            || member.logs_in_zones
            || self.nodes.iter().any(has_it)
    }

    /// Whether nothing fails any more: all nodes are up and hear each other at once.
    pub(crate) fn is_whole(&self) -> bool {
        let is_well = |node: &Node| {
            let disk = node.disk_busy_until <= self.now + LATE;
            // What it has to do still, it has not sent on either.
            let has_done_all = node.core_busy_until <= self.now;
            node.up && !node.isolated && node.times == 1 && disk && has_done_all
        };
        self.split == 0 && self.network.is_whole(self.now) && self.nodes.iter().all(is_well)
    }

    /// Whether this is the number of a gutter node's shard.
    pub(crate) fn is_gutter(&self, shard: u16) -> bool {
        self.seats.last().is_some_and(|last| shard > last.shard)
    }

    /// The shard of the gutter node that has a key.
    fn gutter_of(&self, key: &[u8]) -> u16 {
        let first = self.seats.last().map_or(0, |last| last.shard + 1);
        let gutters = self.base.len() as u64 - u64::from(first);
        first + (xxhash_rust::xxh3::xxh3_64(key) % gutters.max(1)) as u16
    }

    /// A client's choice among the nodes of a shard.
    fn any_node(&mut self, client: u16, shard: u16) -> NodeId {
        let hosts = |seat: &&Seat| seat.shard == shard && !seat.keeps_log;
        let per_shard = self.seats.iter().filter(hosts).count() as u16;
        NodeId(shard * per_shard + self.clients[usize::from(client)].choose(per_shard))
    }

    /// A client's choice among the nodes of a shard in its own zone; where none is there, in its own region; else of all.
    fn near_node(&mut self, client: u16, shard: u16) -> NodeId {
        let (scenario, zone) = (self.plan.scenario, self.clients[usize::from(client)].zone);
        let mut near = self.hosts_in(shard, zone..zone + 1);
        if let [one] = near[..] {
            return one;
        }
        if near.is_empty() {
            near = self.hosts_in(shard, scenario.zones_of(scenario.region_of(zone)));
        }
        if near.is_empty() {
            return self.any_node(client, shard);
        }
        near[usize::from(self.clients[usize::from(client)].choose(near.len() as u16))]
    }

    /// The nodes of some zones that host a shard's data.
    fn hosts_in(&self, shard: u16, zones: Range<u16>) -> Vec<NodeId> {
        let hosts = |node: &&Node| {
            node.shard_number == shard && zones.contains(&node.zone) && !node.keeps_log
        };
        let nodes = self.nodes.iter().filter(hosts);
        nodes.map(|node| node.id).collect()
    }
}

/// The seats of those that keep logs, one for each shard and zone.
fn seats_of_logs(
    member: &ReplicationMember,
    shards: u16,
    scenario: &Scenario,
) -> impl Iterator<Item = Seat> {
    let zones = if member.logs_in_zones {
        scenario.zones_in_all()
    } else {
        0
    };
    let seat = move |shard, zone| Seat {
        shard,
        region: scenario.region_of(zone),
        first: zone == 0,
        keeps_log: true,
    };
    (0..shards).flat_map(move |shard| (0..zones).map(move |zone| seat(shard, zone)))
}

/// The bytes of `-MOVED 3999 127.0.0.1:6381` and its kin.
const REFUSAL_BYTES: usize = 30;
