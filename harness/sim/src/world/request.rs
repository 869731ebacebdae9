//! The life of an op: arrival, attempts, answer or giving up.

use seawall_cluster::replication::Reads;
use seawall_cluster::{Event, Nanos, NodeId, RequestId};
use seawall_store::{Op, Reply};
use seawall_workloads::rows::Request;

use super::database::Query;
use super::load::{Load, is_miss};
use super::measure::Service;
use super::moves::Fate;
use super::network::Stream;
use super::queue::Happening;
use super::{Outcome, World};
use crate::history::{OpId, Wanted};

/// The bytes of an op as a client sends it.
pub(super) fn request_bytes(op: &Op) -> usize {
    // "*N\r\n" and "$N\r\n…\r\n" per word, with lengths of two digits.
    let words = op.args().map(|arg| arg.len() + 7).sum::<usize>();
    5 + op.command().name.len() + 7 + words
}

/// The bytes of a question who serves a shard, and of its answer.
const LOOKUP_BYTES: usize = 100;

impl World<'_> {
    pub(super) fn on_arrival(&mut self, number: u16) {
        if self.now >= self.end {
            return;
        }
        let client = &mut self.clients[usize::from(number)];
        let gap = client.gap();
        self.queue
            .push(self.now + gap, Happening::Arrival { client: number });
        let client = &mut self.clients[usize::from(number)];
        if !client.up {
            return;
        }
        client.earn_retries(&self.plan.caching);
        match &mut client.load {
            Load::Ops(workload) => {
                let op = workload.next();
                let op = self.history.ask(op, Wanted::By(number), self.now);
                self.send(op);
            }
            Load::Rows(rows) => match rows.request() {
                Request::Read(row) => self.begin_read(number, row),
                Request::Write(row) => self.begin_write(number, row),
            },
        }
    }

    /// Sends the next attempt at an op.
    pub(super) fn send(&mut self, op: OpId) {
        let asked = &self.history.ops[op as usize];
        let Some(key) = asked.op.key() else {
            return;
        };
        let shard = self.sharding.shard_of(key);
        let shard = match asked.wanted {
            Wanted::Moved | Wanted::Cleared if !self.is_wanted(op) => return,
            Wanted::Moved | Wanted::Cleared => self.moves.target().unwrap_or(shard),
            Wanted::By(_) if self.application.goes_to_gutter(op) => self.gutter_of(key),
            Wanted::By(_) => self.moves.asked_on(op).unwrap_or(shard),
            Wanted::Loaded => shard,
        };
        let (client, node) = match asked.wanted {
            Wanted::By(number) => {
                let client = &mut self.clients[usize::from(number)];
                if !client.up {
                    return;
                }
                (Some(number), client.primary(shard))
            }
            // The control plane sits beside the node and knows who serves.
            Wanted::Loaded | Wanted::Moved | Wanted::Cleared => match self.primary_of(shard) {
                Some(primary) => (None, primary.id),
                None if asked.wanted.is_of_control() => return self.retry_moved(op),
                None => return,
            },
        };
        let node = client.map_or(node, |client| self.resolved(client, shard, node));
        let node = self.copy_to_ask(op, shard).unwrap_or(node);
        let id = self.history.attempt(op, shard, self.now);
        match client {
            Some(client) => {
                let service = Service::of(&self.history.ops[op as usize]);
                self.measure.shard_asked(self.now, shard, service);
                self.send_connected(client, node, id);
            }
            None => self.transmit(id, node),
        }
        let timeout = Nanos::from_millis(self.plan.scenario.timeout_ms);
        self.queue
            .push(self.now + timeout, Happening::Timeout { id, node });
    }

    /// Whom a client asks for a shard: whom it knows, or, where it goes by names, whom it was told last.
    fn resolved(&mut self, client: u16, shard: u16, known: NodeId) -> NodeId {
        let ttl = Nanos::from_millis(self.plan.scenario.dns_ttl_ms);
        if ttl == Nanos::default() || self.is_gutter(shard) {
            return known;
        }
        let named = self.names.resolve(shard);
        let client = &mut self.clients[usize::from(client)];
        if client.asks_for_name(self.now, shard, ttl) {
            client.learn(shard, named);
        }
        client.primary(shard)
    }

    /// Puts a request on the wire.
    pub(super) fn transmit(&mut self, id: RequestId, node: NodeId) {
        self.history.transmitted(id, self.now);
        let bytes = request_bytes(&self.history.ops[self.history.attempt_of(id).op as usize].op);
        let (from, to) = (self.zone_of(id), self.node(node).zone);
        let latency = self.stream_of(id).map(|stream| stream.there);
        if let Some(at) = self.network.send(self.now, (from, to), bytes, latency) {
            self.queue.push(at, Happening::Request { id, node });
        }
    }

    /// The stream that what is moved travels on.
    fn stream_of(&self, id: RequestId) -> Option<Stream> {
        let op = self.history.attempt_of(id).op;
        let is_moved = self.history.ops[op as usize].wanted.is_of_control();
        self.moves.stream().filter(|_| is_moved)
    }

    /// The copy that a client asks first, where that is not the primary; who is told no asks the primary.
    fn copy_to_ask(&mut self, op: OpId, shard: u16) -> Option<NodeId> {
        let asked = &self.history.ops[op as usize];
        let Wanted::By(client) = asked.wanted else {
            return None;
        };
        if asked.attempts > 0 || self.is_gutter(shard) {
            return None;
        }
        let (member, values) = self.plan.replication;
        match member.reads_with(values) {
            Reads::OwnZone => Some(self.near_node(client, shard)),
            Reads::AnyCopy if asked.writes() => None,
            Reads::AnyCopy if self.plan.scenario.reads_in_zone() => {
                Some(self.near_node(client, shard))
            }
            Reads::AnyCopy => Some(self.any_node(client, shard)),
            Reads::Primary => None,
        }
    }

    pub(super) fn on_request(&mut self, id: RequestId, node: NodeId) {
        // What waited, or was given up, may be forgotten.
        if !self.history.knows(id) {
            return;
        }
        let zone = self.zone_of(id);
        if !self.node(node).up || !self.network.passes(zone, self.node(node).zone) {
            return;
        }
        let op = &self.history.ops[self.history.attempt_of(id).op as usize];
        // Who gives a copy up closes the connection: what is on it still is not read.
        if op.wanted.is_of_control() && !self.history.is_open(id) {
            return;
        }
        // A cluster that moves data knows its map: a node refuses what is not its own.
        if self.plan.sharding.0.moves.is_some()
            && !self.is_gutter(self.node(node).shard_number)
            && !op.wanted.is_of_control()
        {
            let outcome = match self.fate(id, node) {
                Fate::Taken => None,
                Fate::Waits => return self.hold_back(id, node),
                Fate::Asks(shard) => Some(Outcome::Ask(shard)),
                Fate::Elsewhere => Some(Outcome::Elsewhere),
            };
            if let Some(outcome) = outcome {
                self.reply(node, id, outcome, super::REFUSAL_BYTES);
                return;
            }
        }
        let op = self.history.ops[self.history.attempt_of(id).op as usize]
            .op
            .clone();
        let takes = match self.plan.scenario.service_ns {
            0 => self.plan.scenario.profile.takes(&op),
            ns => Nanos(ns),
        };
        let now = self.now;
        self.node_mut(node).work(now, takes);
        let at = self.node(node).wall_clock(now);
        self.step(node, Event::Request { id, at, op });
    }

    fn zone_of(&self, id: RequestId) -> u16 {
        let attempt = self.history.attempt_of(id);
        match self.history.ops[attempt.op as usize].wanted {
            Wanted::By(client) => self.clients[usize::from(client)].zone,
            // A shard sends what it copies itself.
            Wanted::Loaded | Wanted::Moved | Wanted::Cleared => {
                let shard = self.moves.source().unwrap_or(attempt.shard);
                self.primary_of(shard).map_or(0, |node| node.zone)
            }
        }
    }

    /// Sends a reply when the node's core has got to it.
    pub(super) fn reply(&mut self, node: NodeId, id: RequestId, outcome: Outcome, bytes: usize) {
        let done = self.node(node).core_busy_until.max(self.now);
        let (from, to) = (self.node(node).zone, self.zone_of(id));
        let latency = self.stream_of(id).map(|stream| stream.back);
        if let Some(at) = self.network.send(done, (from, to), bytes, latency) {
            self.queue.push(at, Happening::Reply { id, node, outcome });
        }
    }

    pub(super) fn on_reply(&mut self, id: RequestId, node: NodeId, outcome: Outcome) {
        if !self.history.attempt_of(id).open {
            // It came after the client had stopped waiting.
            if let Outcome::Answer(_) = outcome {
                let shard = self.history.attempt_of(id).shard;
                self.measure.shard_was_late(self.now, shard);
            }
            return;
        }
        self.history.attempt_mut(id).open = false;
        let attempt = self.history.attempt_of(id);
        let (op, shard, sent) = (attempt.op, attempt.shard, attempt.sent);
        if self.history.ops[op as usize].wanted.is_of_control() {
            if let Outcome::Answer(_) = outcome {
                self.moved_one(id);
            } else {
                self.retry_moved(op);
            }
            return;
        }
        let Wanted::By(client) = self.history.ops[op as usize].wanted else {
            return;
        };
        if !self.clients[usize::from(client)].up {
            return;
        }
        if self.plan.scenario.connections > 0 {
            self.release(client, node, id);
        }
        let service = Service::of(&self.history.ops[op as usize]);
        match outcome {
            Outcome::Answer(reply) => self.finish(id, client, op, &reply),
            Outcome::Moved(node) => {
                self.measure.shard_failed(sent, shard, service);
                if self.plan.scenario.dns_ttl_ms == 0 {
                    self.clients[usize::from(client)].learn(shard, node);
                    self.try_again(client, op, false);
                } else {
                    // Who goes by names takes this for a replica's refusal to write.
                    self.try_again(client, op, true);
                }
            }
            // Both are answers: the shard is there.
            Outcome::Ask(asked) => {
                self.measure.shard_answered(self.now, shard, service);
                self.moves.toll.asked += 1;
                self.moves.ask_on(op, asked);
                self.try_again(client, op, false);
            }
            Outcome::Elsewhere => {
                self.measure.shard_answered(self.now, shard, service);
                self.try_again(client, op, false);
            }
            Outcome::Down => {
                self.measure.shard_failed(sent, shard, service);
                self.try_again(client, op, true);
            }
        }
    }

    /// The client has its answer.
    fn finish(&mut self, id: RequestId, number: u16, op: OpId, reply: &Reply) {
        let shard = self.history.attempt_of(id).shard;
        let service = Service::of(&self.history.ops[op as usize]);
        self.measure.shard_answered(self.now, shard, service);
        self.history.acknowledge(id, self.now);
        if self.cache_answered(op, reply) {
            return;
        }
        let Load::Ops(workload) = &mut self.clients[usize::from(number)].load else {
            // Its client was gone meanwhile, and knows of nothing.
            return;
        };
        let asked = &self.history.ops[op as usize];
        let begun = asked.begun;
        let misses = !asked.writes() && is_miss(&asked.op, reply);
        if !asked.writes() {
            self.measure.looked_up(self.now, !misses);
        }
        // Under failures a reply may contradict what the workload believes; what that means is the checkers' to say.
        let _ = workload.observe(&asked.op, reply);
        if misses {
            self.ask_database(Query::Plain { begun });
        } else {
            self.measure.answered(self.now, self.now.since(begun));
        }
    }

    pub(super) fn on_timeout(&mut self, id: RequestId, node: NodeId) {
        let attempt = self.history.attempt_mut(id);
        if !std::mem::take(&mut attempt.open) {
            return;
        }
        let (op, shard, sent) = (attempt.op, attempt.shard, attempt.sent);
        match self.history.ops[op as usize].wanted {
            Wanted::Moved | Wanted::Cleared => self.retry_moved(op),
            Wanted::Loaded => {}
            Wanted::By(client) => {
                if self.clients[usize::from(client)].up {
                    if self.plan.scenario.connections > 0 {
                        self.close(client, node, id);
                    }
                    let service = Service::of(&self.history.ops[op as usize]);
                    self.measure.shard_failed(sent, shard, service);
                    self.look_up(client, shard);
                    self.try_again(client, op, true);
                }
            }
        }
    }

    fn try_again(&mut self, number: u16, op: OpId, after_a_while: bool) {
        let scenario = self.plan.scenario;
        let attempts = self.history.ops[op as usize].attempts;
        let client = &mut self.clients[usize::from(number)];
        // A redirection is no failure: following it is free.
        let stops = after_a_while
            && (self.application.has_another_place(op) || !client.may_retry(&self.plan.caching));
        if stops || attempts >= scenario.attempts {
            self.give_up(number, op);
            return;
        }
        let wait = if after_a_while {
            client.backoff(scenario, attempts)
        } else {
            Nanos::default()
        };
        self.queue.push(self.now + wait, Happening::Send { op });
    }

    /// The client stops asking.
    fn give_up(&mut self, number: u16, op: OpId) {
        let asked = &mut self.history.ops[op as usize];
        asked.done = true;
        let (reads, begun) = (!asked.writes(), asked.begun);
        self.measure.failed(self.now);
        if self.cache_unanswered(op) {
            return;
        }
        let Load::Ops(workload) = &mut self.clients[usize::from(number)].load else {
            return;
        };
        workload.unanswered(&self.history.ops[op as usize].op);
        if reads {
            // The application goes to the database itself.
            self.ask_database(Query::Plain { begun });
        }
    }

    /// Asks one of a shard's nodes who serves it.
    fn look_up(&mut self, client: u16, shard: u16) {
        if self.is_gutter(shard) || self.plan.scenario.dns_ttl_ms > 0 {
            return;
        }
        let node = self.any_node(client, shard);
        self.ask(client, node);
    }

    /// Asks a node who serves its shard.
    pub(super) fn ask(&mut self, client: u16, node: NodeId) {
        let (from, to) = (self.clients[usize::from(client)].zone, self.node(node).zone);
        if let Some(at) = self.network.client(self.now, from, to, LOOKUP_BYTES) {
            self.queue.push(at, Happening::Lookup { client, node });
        }
    }

    pub(super) fn on_lookup(&mut self, client: u16, node: NodeId) {
        let there = self.node(node);
        let (from, to) = (there.zone, self.clients[usize::from(client)].zone);
        if !there.up || !self.network.passes(from, to) {
            return;
        }
        let shard = there.shard_number;
        if let Some(primary) = there.machine.primary()
            && let Some(at) = self.network.client(self.now, from, to, LOOKUP_BYTES)
        {
            self.queue.push(
                at,
                Happening::Found {
                    client,
                    shard,
                    primary,
                },
            );
        }
    }
}
