//! Writing a row: the database and the cache, in the order of the rules.

use seawall_cluster::{Nanos, NodeId};
use seawall_store::command::{key, string};
use seawall_store::{Op, Out, Reply};

use super::{Of, TaskId, prefix, with_expiry};
use crate::caching::OnWrite;
use crate::history::WriteId;
use crate::world::World;
use crate::world::database::Query;
use crate::world::queue::Happening;

/// A user waits for a row to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    pub(super) client: u16,
    row: u64,
    begun: Nanos,
    /// How many times the database was asked.
    attempts: u32,
    /// What it wrote.
    version: u32,
    /// How many answers of the cache are missing.
    missing: u8,
}

/// After how long a flush looks again for a primary that has the row.
const NO_PRIMARY: Nanos = Nanos::from_millis(100);

impl World<'_> {
    /// A user wants to write a row.
    pub(in crate::world) fn begin_write(&mut self, client: u16, row: u64) {
        let it = &mut self.application;
        it.locals[usize::from(client)].forget(row);
        let task = it.number();
        let writing = Writing {
            client,
            row,
            begun: self.now,
            attempts: 0,
            version: 0,
            missing: 0,
        };
        it.writings.insert(task, writing);
        if let OnWrite::Behind(_) = it.rules.on_write {
            let known = &mut it.rows[row as usize];
            known.written += 1;
            let version = known.written;
            self.store(task, version);
        } else {
            self.write_database(task);
        }
    }

    /// Asks the database to write the row of a writing.
    pub(in crate::world) fn write_database(&mut self, task: TaskId) {
        let Some(writing) = self.application.writings.get_mut(&task) else {
            return;
        };
        if writing.missing > 0 {
            // An answer came while this waited to ask again.
            return;
        }
        writing.attempts += 1;
        let (number, row) = (writing.attempts, writing.row);
        self.ask_database(Query::Write { task, number, row });
        let timeout = Nanos::from_millis(self.plan.scenario.database_timeout_ms);
        let late = Happening::WriteLate { task, number };
        self.queue.push(self.now + timeout, late);
    }

    /// The database has written a row, whether or not somebody still waits for it.
    pub(super) fn written(&mut self, task: TaskId, number: u32, row: u64) {
        let version = self.database.write(row);
        let waits = self.application.writings.get(&task);
        if waits.is_some_and(|writing| writing.attempts == number && writing.missing == 0) {
            self.store(task, version);
        } else {
            self.application.toll.queries_wasted += 1;
        }
    }

    /// The database took too long for a writing.
    pub(in crate::world) fn on_write_late(&mut self, task: TaskId, number: u32) {
        let writing = self.application.writings.get(&task);
        let waits = |writing: &&Writing| writing.attempts == number && writing.missing == 0;
        let Some(client) = writing.filter(waits).map(|writing| writing.client) else {
            return;
        };
        if let Some(wait) = self.asks_again(client, number) {
            self.queue
                .push(self.now + wait, Happening::WriteAgain { task });
        } else {
            self.application.writings.remove(&task);
            self.unserved();
        }
    }

    /// Brings the cache to what was written: every copy of the row.
    fn store(&mut self, task: TaskId, version: u32) {
        let it = &mut self.application;
        let Some(writing) = it.writings.get_mut(&task) else {
            return;
        };
        let (client, row) = (writing.client, writing.row);
        let copies = it.rules.copies_of(row);
        (writing.version, writing.missing) = (version, copies);
        for copy in 0..copies {
            let Some(rows) = self.clients[usize::from(client)].rows() else {
                return;
            };
            let prefix = prefix(copy, false);
            let op = if self.application.rules.on_write == OnWrite::Invalidate {
                rows.op(&key::DEL, prefix, row)
            } else {
                let expiry = self.application.expiry(rows.ttl_s(row));
                with_expiry(rows.set(prefix, row, version), expiry)
            };
            self.ask_cache(client, op, Of::Store(task), false);
        }
    }

    /// The cache did what a writing asked, by an op, or gave no answer.
    pub(super) fn stored(&mut self, task: TaskId, by: Option<WriteId>) {
        let it = &mut self.application;
        let Some(writing) = it.writings.get_mut(&task) else {
            return;
        };
        writing.missing -= 1;
        if writing.missing > 0 {
            return;
        }
        let writing = *writing;
        it.writings.remove(&task);
        it.locals[usize::from(writing.client)].forget(writing.row);
        if let OnWrite::Behind(after) = it.rules.on_write {
            let Some(write) = by else {
                // Nobody has it: the user is told so.
                self.unserved();
                return;
            };
            let row = writing.row;
            let behind = it.behind.entry(row).or_default();
            behind.push(write);
            if behind.len() == 1 {
                self.queue.push(self.now + after, Happening::Flush { row });
            }
        }
        let known = &mut it.rows[writing.row as usize];
        if writing.version > known.settled {
            (known.settled, known.settled_at) = (writing.version, self.now);
        }
        self.measure
            .answered(self.now, self.now.since(writing.begun));
    }

    /// The time has come to bring a row from the cache to the database.
    pub(in crate::world) fn on_flush(&mut self, row: u64) {
        if !self.flush(row) {
            self.queue
                .push(self.now + NO_PRIMARY, Happening::Flush { row });
        }
    }

    /// Brings to the database what the serving primary has of a row; gives whether there is one. What is not there any
    /// more is lost.
    fn flush(&mut self, row: u64) -> bool {
        let Some(rows) = self.clients[0].rows() else {
            return true;
        };
        let op = rows.op(&string::GET, prefix(0, false), row);
        let shard = op.key().map_or(0, |key| self.sharding.shard_of(key));
        let Some(primary) = self.primary_of(shard).map(|node| node.id) else {
            return false;
        };
        let held = self.peek(primary, &op);
        let behind = self.application.behind.remove(&row).unwrap_or_default();
        let lineage = &self.node(primary).lineage;
        let is_lost = |write: &&WriteId| held.is_none() || !self.history.reflects(lineage, **write);
        let lost = behind.iter().filter(is_lost).count();
        self.application.toll.writes_lost_behind += lost as u64;
        let rows = self.clients[0].rows();
        let version = rows
            .zip(held)
            .and_then(|(rows, value)| rows.version_of(row, &value).ok());
        if let Some(version) = version {
            self.ask_database(Query::Flush { row, version });
        }
        true
    }

    /// The run is over: what still waits to go to the database goes there, if anybody has it.
    pub(in crate::world) fn flush_all(&mut self) {
        let rows: Vec<u64> = self.application.behind.keys().copied().collect();
        for row in rows {
            if !self.flush(row) {
                let left = self.application.behind.remove(&row).unwrap_or_default();
                self.application.toll.writes_lost_behind += left.len() as u64;
            }
        }
    }

    /// What a node's shard answers, past replication: nobody but the node itself asks.
    fn peek(&mut self, node: NodeId, op: &Op) -> Option<Vec<u8>> {
        let (now, mut out) = (self.now.millis(), Out::default());
        self.node_mut(node).shard.apply(now, op, &mut out);
        match Reply::parse(out.reply.as_bytes()) {
            Some((Reply::Bulk(value), _)) => Some(value),
            _ => None,
        }
    }
}
