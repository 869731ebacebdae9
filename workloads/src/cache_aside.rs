//! Cache-aside: an application reads through a cache that it fills and invalidates itself.
//!
//! ```text
//!  read:   GET k ──hit──► done            write:  database: version + 1
//!             └─miss─► database ─► SET k v EX ttl           └─► DEL k
//! ```
//!
//! Its one idea: a value names its row and version and carries a checksum (`sealed.rs`), so every
//! hit is checked: it is the key's own value, whole, not newer than the database, and not older than the
//! last invalidation that the store acknowledged. It is not a race between writers: a row has one
//! client, whose ops the store sees in order.

use std::collections::VecDeque;

use seawall_store::command::{key, string};
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::database::{Counts, Database};
use crate::dist::Rng;
use crate::rows::{PREFIX, Request, Rows};
use crate::settings::{Kind, Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Workload};

/// Cache-aside as the list has it.
pub static DEFINITION: Definition = Definition {
    name: "cache-aside",
    about: "reads through a cache before a database: fill on a miss, delete on a write",
    source: "Twitter cache-trace (Yang et al., OSDI 2020); Meta CacheLib (Berg et al., OSDI 2020); Facebook ETC (Atikoglu et al., SIGMETRICS 2012)",
    params: &[
        Param::whole("keys", 1, 1 << 28, "rows in the database, of all clients"),
        Param::whole("key_bytes", 12, 250, "length of a key, in bytes"),
        Param::spread(
            "value_bytes",
            0,
            1 << 26,
            "length of a row's value, in bytes, 24 at least",
        ),
        Param::real("zipf", 0.0, 8.0, "exponent of the rows' popularity"),
        Param {
            name: "shares",
            about: "popularity as shares of rows and of requests, instead of Zipf's law",
            kind: Kind::Shares,
            min: 0.0,
            max: 1.0,
        },
        Param::share("writes", "share of requests that write a row"),
        Param::share(
            "lone",
            "share of requests for rows outside the popular ones, each in turn",
        ),
        Param::spread(
            "ttl_s",
            0,
            100_000_000,
            "expiry of a row's value, in seconds; 0: none",
        ),
        Param::share(
            "warm",
            "share of the rows, the most popular, that are loaded first",
        ),
    ],
    presets: &[
        Preset {
            name: "twitter-52",
            toml: include_str!("../presets/cache-aside.twitter-52.toml"),
        },
        Preset {
            name: "meta-leader-fbobj",
            toml: include_str!("../presets/cache-aside.meta-leader-fbobj.toml"),
        },
        Preset {
            name: "facebook-etc",
            toml: include_str!("../presets/cache-aside.facebook-etc.toml"),
        },
    ],
    build: |settings, part| Ok(Box::new(CacheAside::new(settings, part)?)),
};

/// One client of an application with a cache and a database.
pub struct CacheAside {
    rows: Rows,
    /// How many rows are still to be loaded: from the least popular to the most popular one.
    to_load: u64,
    database: Database,
    /// By row: how many of its invalidations the store acknowledged.
    floors: Vec<u32>,
    /// Fills that wait to be sent.
    fills: VecDeque<Op>,
}

impl CacheAside {
    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<CacheAside, WorkloadError> {
        let rng = Rng::stream(part.seed, part.client, "requests");
        let rows = Rows::new(settings, part, rng)?;
        Ok(CacheAside {
            to_load: rows.warm(),
            database: Database::new(rows.owned()),
            floors: vec![0; rows.owned() as usize],
            rows,
            fills: VecDeque::new(),
        })
    }

    /// `SET` of `version` of row `row`.
    fn fill(&mut self, row: u64, version: u32) -> Op {
        let op = self.rows.set(PREFIX, row, version);
        match self.rows.ttl_s(row) {
            0 => op,
            seconds => op.arg("EX").text(seconds),
        }
    }

    /// Whether `value` may be what row `row` holds.
    fn check(&self, row: u64, value: &[u8]) -> Result<(), String> {
        let version = self.rows.version_of(row, value)?;
        let newest = self.database.version(row);
        let floor = self.floors.get(row as usize).copied().unwrap_or(0);
        if version > newest {
            return Err(format!("version {version}, the database has {newest}"));
        }
        if version < floor {
            return Err(format!(
                "stale: version {version}, {floor} was invalidated before"
            ));
        }
        Ok(())
    }
}

impl Workload for CacheAside {
    fn preload(&mut self) -> Option<Op> {
        // Least popular first, so that a store too small for all holds the popular ones.
        self.to_load = self.to_load.checked_sub(1)?;
        Some(self.fill(self.to_load, self.database.version(self.to_load)))
    }

    fn next(&mut self) -> Op {
        // Fills go before anything else, so a fill is never sent after a later invalidation.
        if let Some(fill) = self.fills.pop_front() {
            return fill;
        }
        self.database.request();
        match self.rows.request() {
            Request::Write(row) => {
                self.database.write(row);
                self.rows.op(&key::DEL, PREFIX, row)
            }
            Request::Read(row) => self.rows.op(&string::GET, PREFIX, row),
        }
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let row = self.rows.row(op);
        let command = op.command().name;
        let right = match (command, reply) {
            ("get", Reply::Bulk(value)) => self.check(row, value),
            ("get", Reply::Nil) => {
                let version = self.database.read(row);
                let fill = self.fill(row, version);
                self.fills.push_back(fill);
                Ok(())
            }
            ("set", reply) if reply.is_ok() => Ok(()),
            ("del", Reply::Int(0 | 1)) => {
                // Each write raised the version by one, and writes are observed in their order.
                self.floors[row as usize] += 1;
                Ok(())
            }
            ("get", _) => Err("a value or nil is right".to_owned()),
            ("set", _) => Err("OK is right".to_owned()),
            _ => Err("0 or 1 is right".to_owned()),
        };
        right.map_err(|why| Mismatch::new(op, reply, why))
    }

    fn unanswered(&mut self, _op: &Op) {
        // A fill or a read that got lost changes nothing that is checked; an invalidation that got lost
        // leaves the floor where it is, which every later version satisfies.
    }

    fn value_bytes_mean(&self) -> Option<f64> {
        Some(self.rows.value_bytes_mean())
    }

    fn database(&self) -> Option<Counts> {
        Some(self.database.counts())
    }
}
