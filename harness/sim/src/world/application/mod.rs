//! The application: servers that read and write the rows of a database through the cache, by the [`Rules`] of
//! the cell's caching.
//!
//! ```text
//!  read:  look ──hit──────────────────────────────► answered
//!          │ └─somebody has the lease─► look again
//!          └─miss─► flight ─► database ──► answered, and a fill of the cache
//!  write: database ─► delete the key, or store the value ──► answered
//! ```
//!
//! A **flight** is one read of the database for all who wait for it. What the cache is asked is an op of the
//! history like any other; its **purpose** says what for. Here stands what is kept; `read` and `write` say what
//! happens.

mod lease;
mod local;
mod read;
mod write;

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rand::RngExt;
use seawall_cluster::Nanos;
use seawall_store::{Op, Reply};

use super::World;
use super::database::{Query, Served};
use super::queue::Happening;
use crate::caching::Rules;
use crate::history::{NumberHasher, OpId, Wanted, WriteId};
use crate::random::{Rng, rng_of};

/// A request of a user.
pub(super) type TaskId = u64;
/// One read of the database for all who wait for it.
pub(super) type FlightId = u64;

/// What the application's servers have under way, and what they know of rows.
pub(crate) struct Application {
    rules: Rules,
    // Maps in no order: nothing of theirs is ever done one after the other in such a way that the order would matter.
    readings: HashMap<TaskId, read::Reading, NumberHasher>,
    writings: HashMap<TaskId, write::Writing, NumberHasher>,
    flights: HashMap<FlightId, read::Flight, NumberHasher>,
    /// The flights that others may join, by who may and the row.
    joinable: BTreeMap<(u16, u64), FlightId>,
    purposes: HashMap<OpId, Purpose, NumberHasher>,
    rows: Vec<Row>,
    /// By client: what it keeps itself.
    locals: Vec<local::Local>,
    /// By row: acknowledged writes of the cache that wait to go to the database.
    behind: BTreeMap<u64, Vec<WriteId>>,
    /// How many tasks and flights there were.
    begun: u64,
    rng: Rng,
    pub(crate) toll: Toll,
}

/// What went wrong between cache and database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toll {
    /// Hits with a value older than one that somebody had been told is written.
    pub(crate) stale_hits: u64,
    /// The longest time after such a write at which the older value was still read.
    pub(crate) stale_ms_max: u64,
    /// Fills that a lease kept out, since the row was written after they were read.
    pub(crate) fills_refused: u64,
    /// Answers of the database older than that, to those who joined a read that was under way.
    pub(crate) stale_answers: u64,
    /// Requests that got no answer, since the database gave none in time.
    pub(crate) unserved: u64,
    /// Queries that the database served when nobody waited for them any more.
    pub(crate) queries_wasted: u64,
    /// Writes that were acknowledged and never reached the database.
    pub(crate) writes_lost_behind: u64,
    /// Values that are not their row's, or damaged.
    pub(crate) wrong_values: u64,
}

impl Toll {
    /// A hit with this version, where somebody had been told at `since` that `floor` is written.
    fn judge(&mut self, now: Nanos, version: u32, floor: u32, since: Nanos) {
        if version < floor {
            self.stale_hits += 1;
            self.stale_ms_max = self.stale_ms_max.max(now.since(since).millis().0);
        }
    }
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Its newest version.
    written: u32,
    /// The newest that somebody was told is written, and since when.
    settled: u32,
    settled_at: Nanos,
    /// When what was filled last expires, and how long the database took for it.
    expires: Nanos,
    took: Nanos,
}

/// What an op of the cache is for.
#[derive(Clone, Copy, Debug)]
struct Purpose {
    of: Of,
    /// Whether a gutter node is asked.
    in_gutter: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// A reading looks for its row.
    Look(TaskId),
    /// The cache is filled.
    Fill,
    /// A writing deletes a key or stores a value.
    Store(TaskId),
}

impl Application {
    pub(super) fn new(rules: Rules, clients: u16, rows: u64, seed: u64) -> Application {
        Application {
            rules,
            readings: HashMap::default(),
            writings: HashMap::default(),
            flights: HashMap::default(),
            joinable: BTreeMap::new(),
            purposes: HashMap::default(),
            rows: vec![Row::default(); rows as usize],
            locals: vec![local::Local::default(); usize::from(clients)],
            behind: BTreeMap::new(),
            begun: 0,
            rng: rng_of(seed, "application", 0),
            toll: Toll::default(),
        }
    }

    fn number(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    /// What is known of a row; of one that is never written: nothing.
    fn row(&self, row: u64) -> Row {
        self.rows.get(row as usize).copied().unwrap_or_default()
    }

    fn row_mut(&mut self, row: u64) -> Option<&mut Row> {
        self.rows.get_mut(row as usize)
    }

    /// For how long the cache may keep a row that is given to it now; `None`: as long as it likes.
    fn expiry(&mut self, ttl_s: u64) -> Option<Nanos> {
        let jitter = self.rules.jitter;
        (ttl_s > 0).then(|| {
            let share = if jitter > 0.0 {
                1.0 + jitter * (2.0 * self.rng.random::<f64>() - 1.0)
            } else {
                1.0
            };
            // A whole jitter may come to nothing; a cache knows no expiry at once.
            Nanos::from_millis((ttl_s as f64 * 1000.0 * share) as u64 + 1)
        })
    }

    /// Whether this op goes to a gutter node.
    pub(super) fn goes_to_gutter(&self, op: OpId) -> bool {
        self.rules.gutter_s > 0 && self.purposes.get(&op).is_some_and(|it| it.in_gutter)
    }

    /// Whether this op is left at its first failure, for a gutter node.
    pub(super) fn has_another_place(&self, op: OpId) -> bool {
        let looks = |it: &Purpose| matches!(it.of, Of::Look(_)) && !it.in_gutter;
        self.rules.gutter_s > 0 && self.purposes.get(&op).is_some_and(looks)
    }
}

/// The first byte of a row's key: its copies lie under keys of their own, and so does what a gutter node has.
fn prefix(copy: u8, in_gutter: bool) -> u8 {
    match (in_gutter, copy) {
        (true, _) => b'g',
        (false, 0) => b'r',
        (false, copy) => b'A' + copy,
    }
}

impl World<'_> {
    /// The value of a row, with its expiry, as it lies in the cache before the run.
    pub(super) fn loaded_row(&mut self, client: usize, row: u64, copy: u8) -> Option<Op> {
        let rows = self.clients[client].rows()?;
        let ttl_s = rows.ttl_s(row);
        let expiry = self.application.expiry(ttl_s);
        let prefix = prefix(copy, false);
        let op = if self.application.rules.lease_s > 0 {
            lease::loaded(rows, prefix, row, expiry)
        } else {
            with_expiry(rows.set(prefix, row, 0), expiry)
        };
        if let (Some(known), Some(expiry)) = (self.application.row_mut(row), expiry) {
            known.expires = expiry;
            known.took = Nanos(self.plan.scenario.database_us * 1000);
        }
        Some(op)
    }

    /// How many copies of a row are loaded.
    pub(super) fn copies_of(&self, row: u64) -> u8 {
        self.application.rules.copies_of(row)
    }

    /// Asks the cache for something; the answer comes to [`World::cache_answered`].
    fn ask_cache(&mut self, client: u16, op: Op, of: Of, in_gutter: bool) {
        if !self.clients[usize::from(client)].up {
            return;
        }
        let op = self.history.ask(op, Wanted::By(client), self.now);
        let purpose = Purpose { of, in_gutter };
        self.application.purposes.insert(op, purpose);
        self.send(op);
    }

    /// The cache answered an op of the application; gives whether it was one.
    pub(super) fn cache_answered(&mut self, op: OpId, reply: &Reply) -> bool {
        let Some(Purpose { of, .. }) = self.application.purposes.remove(&op) else {
            return false;
        };
        match of {
            Of::Look(task) => self.looked(task, reply),
            Of::Fill => {
                let is_refused = lease::is_refused(reply);
                self.application.toll.fills_refused += u64::from(is_refused);
            }
            Of::Store(task) => {
                let is_done = !matches!(reply, Reply::Error(_));
                let by = self.history.write_of(op).filter(|_| is_done);
                self.stored(task, by);
            }
        }
        true
    }

    /// The cache gave no answer to an op of the application, and is asked no more; gives whether it was one.
    pub(super) fn cache_unanswered(&mut self, op: OpId) -> bool {
        let Some(Purpose { of, in_gutter }) = self.application.purposes.remove(&op) else {
            return false;
        };
        match of {
            Of::Look(task) => self.looked_in_vain(task, in_gutter),
            Of::Fill => {}
            // The database has it, and whoever wrote it is told so.
            Of::Store(task) => self.stored(task, None),
        }
        true
    }

    /// Asks the database.
    pub(super) fn ask_database(&mut self, query: Query) {
        if matches!(query, Query::Fetch { .. } | Query::Plain { .. }) {
            self.measure.database_read(self.now);
        }
        let served = self.database.ask(self.now, query);
        self.serve(served);
    }

    fn serve(&mut self, served: Option<Served>) {
        if let Some(served) = served {
            self.queue.push(served.done, Happening::Served { served });
        }
    }

    /// The database has done a query.
    pub(super) fn on_served(&mut self, served: Served) {
        let next = self.database.next(self.now);
        self.serve(next);
        match served.query {
            Query::Fetch { flight, number, .. } => self.fetched(flight, number, served.version),
            Query::Write { task, number, row } => self.written(task, number, row),
            Query::Flush { row, version } => self.database.raise(row, version),
            Query::Plain { begun } => self.measure.answered(self.now, self.now.since(begun)),
        }
    }

    /// The application's server `client` is gone, with all that it had under way.
    pub(super) fn forget(&mut self, client: u16) {
        self.pools.forget(client);
        let it = &mut self.application;
        it.locals[usize::from(client)] = local::Local::default();
        it.readings.retain(|_, reading| reading.client != client);
        it.writings.retain(|_, writing| writing.client != client);
        // What the cache reads itself goes on for those who wait in other servers.
        let readings = &it.readings;
        it.flights.retain(|_, flight| {
            flight.client != client || flight.passes_on(|task| Some(readings.get(&task)?.client))
        });
        let flights = &it.flights;
        it.joinable.retain(|_, flight| flights.contains_key(flight));
        let history = &self.history;
        it.purposes.retain(|op, _| {
            history
                .wanted(*op)
                .is_some_and(|by| by != Wanted::By(client))
        });
    }

    /// A user got no answer.
    fn unserved(&mut self) {
        self.application.toll.unserved += 1;
        self.measure.failed(self.now);
    }

    /// Whether a client asks the database once more, and after how long.
    fn asks_again(&mut self, client: u16, attempts: u32) -> Option<Nanos> {
        let scenario = self.plan.scenario;
        let client = &mut self.clients[usize::from(client)];
        (attempts < scenario.database_attempts && client.may_retry(&self.plan.caching))
            .then(|| client.backoff(scenario, attempts))
    }
}

/// An op that stores a value, for so long.
fn with_expiry(op: Op, expiry: Option<Nanos>) -> Op {
    match expiry {
        None => op,
        Some(expiry) => op.arg("PX").text(expiry.millis().0),
    }
}
