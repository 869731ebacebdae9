//! Connections: each client has so many to a node, one request at a time on each, and opening one costs the node.
//!
//! A request that takes too long takes its connection with it, since nobody could tell a late answer from the next
//! one. So a node that is late is asked for new connections on top of its work: a connection storm.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seawall_cluster::{Nanos, NodeId, RequestId};

use super::World;
use super::queue::Happening;

/// The bytes of a handshake, each way: TCP's, and TLS 1.3's with a certificate of usual length.
const HANDSHAKE_BYTES: usize = 2000;

/// A client's connections to one node.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: u64,
    /// Connections that are being opened, by number.
    opening: BTreeSet<u64>,
    on_wire: BTreeSet<RequestId>,
    waiting: VecDeque<RequestId>,
    /// The life of the node that they are open to.
    life: u32,
}

/// All of them, and how many were begun.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pools: BTreeMap<(u16, NodeId), Pool>,
    begun: u64,
}

impl Pools {
    /// Those of so many clients, all open to all of these nodes.
    pub(super) fn new(clients: u16, nodes: &[NodeId], connections: u64) -> Pools {
        let pairs = (0..clients).flat_map(|client| nodes.iter().map(move |node| (client, *node)));
        let full = |pair| {
            let pool = Pool {
                idle: connections,
                ..Pool::default()
            };
            (pair, pool)
        };
        Pools {
            pools: pairs.map(full).collect(),
            begun: 0,
        }
    }

    fn of(&mut self, client: u16, node: NodeId) -> &mut Pool {
        self.pools.entry((client, node)).or_default()
    }

    /// A client's connections are gone with it.
    pub(super) fn forget(&mut self, client: u16) {
        self.pools.retain(|(owner, _), _| *owner != client);
    }
}

impl World<'_> {
    /// Sends a request on a connection of its client's, now or when there is one.
    pub(super) fn send_connected(&mut self, client: u16, node: NodeId, id: RequestId) {
        if self.plan.scenario.connections == 0 {
            self.transmit(id, node);
            return;
        }
        let there = &self.nodes[usize::from(node.0)];
        let pool = self.pools.of(client, node);
        if there.up && pool.life != there.life {
            // A node that came back knows nothing of the connections of its earlier life, and says so at once.
            (pool.life, pool.idle) = (there.life, 0);
            pool.on_wire.clear();
        }
        pool.waiting.push_back(id);
        if pool.idle > 0 {
            pool.idle -= 1;
            self.hand_on(client, node);
        } else {
            self.connect(client, node);
        }
    }

    /// A connection is free: the first request that still waits takes it.
    fn hand_on(&mut self, client: u16, node: NodeId) {
        let pool = self.pools.of(client, node);
        while let Some(id) = pool.waiting.pop_front() {
            if self.history.is_open(id) {
                pool.on_wire.insert(id);
                self.transmit(id, node);
                return;
            }
        }
        pool.idle += 1;
    }

    /// Opens a connection, if somebody waits for one and there may be another.
    fn connect(&mut self, client: u16, node: NodeId) {
        let at_a_time = self.plan.caching.connecting as usize;
        let most = self.plan.scenario.connections as usize;
        self.pools.begun += 1;
        let number = self.pools.begun;
        let pool = self.pools.of(client, node);
        let opening = pool.opening.len();
        let open = pool.idle as usize + opening + pool.on_wire.len();
        let may = open < most && (at_a_time == 0 || opening < at_a_time);
        if !may || pool.waiting.len() <= opening {
            return;
        }
        pool.opening.insert(number);
        let (from, to) = (self.clients[usize::from(client)].zone, self.node(node).zone);
        if let Some(at) = self.network.client(self.now, from, to, HANDSHAKE_BYTES) {
            let happening = Happening::Connect {
                client,
                node,
                number,
            };
            self.queue.push(at, happening);
        }
        let late = Happening::ConnectLate {
            client,
            node,
            number,
        };
        let timeout = Nanos::from_millis(self.plan.scenario.timeout_ms);
        self.queue.push(self.now + timeout, late);
    }

    /// A client's wish for a connection reaches a node, which works for it whether or not the client still waits.
    pub(super) fn on_connect(&mut self, client: u16, node: NodeId, number: u64) {
        let (from, to) = (self.clients[usize::from(client)].zone, self.node(node).zone);
        if !self.node(node).up || !self.network.passes(from, to) {
            return;
        }
        self.connects += 1;
        let (now, takes) = (self.now, Nanos(self.plan.scenario.connect_us * 1000));
        let done = self.node_mut(node).work(now, takes);
        if let Some(at) = self.network.client(done, to, from, HANDSHAKE_BYTES) {
            let happening = Happening::Connected {
                client,
                node,
                number,
            };
            self.queue.push(at, happening);
        }
    }

    /// A connection is open; one that nobody waits for any more is closed.
    pub(super) fn on_connected(&mut self, client: u16, node: NodeId, number: u64) {
        if self.pools.of(client, node).opening.remove(&number) {
            self.hand_on(client, node);
            self.connect(client, node);
        } else {
            let shard = self.node(node).shard_number;
            self.measure.shard_was_late(self.now, shard);
        }
    }

    /// A connection was not opened in time.
    pub(super) fn on_connect_late(&mut self, client: u16, node: NodeId, number: u64) {
        if self.pools.of(client, node).opening.remove(&number) {
            self.connect_for_those_who_wait(client, node);
        }
    }

    /// The connection of a request that was answered is free.
    pub(super) fn release(&mut self, client: u16, node: NodeId, id: RequestId) {
        if self.pools.of(client, node).on_wire.remove(&id) {
            self.hand_on(client, node);
        }
    }

    /// A request took too long: its connection is closed, and those who wait need another.
    pub(super) fn close(&mut self, client: u16, node: NodeId, id: RequestId) {
        self.pools.of(client, node).on_wire.remove(&id);
        self.connect_for_those_who_wait(client, node);
    }

    fn connect_for_those_who_wait(&mut self, client: u16, node: NodeId) {
        let attempts = &self.history;
        let pool = self.pools.of(client, node);
        pool.waiting.retain(|id| attempts.is_open(*id));
        self.connect(client, node);
    }
}
