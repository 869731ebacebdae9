//! The database behind the cache: so many connections that serve one query each, and a queue before them.
//!
//! A query that nobody waits for any more is served all the same: that work is what keeps an overloaded
//! database overloaded (Huang et al., "Metastable Failures in the Wild", OSDI 2022).

use std::collections::VecDeque;

use seawall_cluster::Nanos;

use super::application::{FlightId, TaskId};
use crate::random::{Rng, exponential, rng_of};
use crate::scenario::Scenario;

/// What the database is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// A read of a row that missed, for those who wait for the flight; `number` tells its attempts apart.
    Fetch {
        flight: FlightId,
        number: u32,
        row: u64,
    },
    /// A write of a row; `number` tells the task's attempts apart.
    Write { task: TaskId, number: u32, row: u64 },
    /// What the cache has of a row goes to the database.
    Flush { row: u64, version: u32 },
    /// A read of something without rows, wanted since then.
    Plain { begun: Nanos },
}

/// Its queue, and the rows' versions.
pub(super) struct Database {
    /// How many queries are served at a time; 0: all.
    connections: u64,
    busy: u64,
    waiting: VecDeque<Query>,
    floor: Nanos,
    /// The mean of what comes on top of it.
    beyond_ns: f64,
    /// Nothing is done before this time.
    stalled_until: Nanos,
    /// By row: how many times it was written. Rows beyond are never written.
    versions: Vec<u32>,
    rng: Rng,
}

/// A query that is being served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    pub(super) query: Query,
    /// The version of its row when it began.
    pub(super) version: u32,
    pub(super) done: Nanos,
}

impl Database {
    pub(super) fn new(scenario: &Scenario, rows: u64, seed: u64) -> Database {
        Database {
            connections: scenario.database_connections,
            busy: 0,
            waiting: VecDeque::new(),
            floor: Nanos(scenario.database_floor_us * 1000),
            beyond_ns: scenario
                .database_us
                .saturating_sub(scenario.database_floor_us) as f64
                * 1000.0,
            stalled_until: Nanos::default(),
            versions: vec![0; rows as usize],
            rng: rng_of(seed, "database", 0),
        }
    }

    /// A query arrives: it is served now, or it waits.
    pub(super) fn ask(&mut self, now: Nanos, query: Query) -> Option<Served> {
        if self.connections > 0 && self.busy >= self.connections {
            self.waiting.push_back(query);
            return None;
        }
        self.busy += 1;
        Some(self.serve(now, query))
    }

    /// A query is done: the next one that waits.
    pub(super) fn next(&mut self, now: Nanos) -> Option<Served> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.busy -= 1;
        }
        next.map(|query| self.serve(now, query))
    }

    fn serve(&mut self, now: Nanos, query: Query) -> Served {
        let version = match query {
            Query::Fetch { row, .. } | Query::Write { row, .. } => self.version(row),
            Query::Flush { version, .. } => version,
            Query::Plain { .. } => 0,
        };
        let takes = self.floor + Nanos(exponential(&mut self.rng, self.beyond_ns));
        Served {
            query,
            version,
            done: now.max(self.stalled_until) + takes,
        }
    }

    /// Whatever begins before this time is done after it.
    pub(super) fn stall(&mut self, until: Nanos) {
        self.stalled_until = self.stalled_until.max(until);
    }

    /// The newest version of a row.
    pub(super) fn version(&self, row: u64) -> u32 {
        self.versions.get(row as usize).copied().unwrap_or(0)
    }

    /// A row is written; its new version.
    pub(super) fn write(&mut self, row: u64) -> u32 {
        let version = &mut self.versions[row as usize];
        *version += 1;
        *version
    }

    /// A row has this version at least.
    pub(super) fn raise(&mut self, row: u64, version: u32) {
        let held = &mut self.versions[row as usize];
        *held = version.max(*held);
    }
}
