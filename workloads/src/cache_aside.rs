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

use seawall_store::command::{Command, key, set, string};
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::database::{Counts, Database, Latency};
use crate::dist::{Exponential, Histogram, Popularity, Rng, Zipf, mix};
use crate::settings::{Kind, Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Workload, sealed};

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
        Param::real(
            "db_floor_us",
            0.0,
            1e9,
            "least latency of a database read, in µs",
        ),
        Param::real(
            "db_beyond_us",
            0.0,
            1e9,
            "mean of the exponential latency on top, in µs",
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
    part: Part,
    rows: Rows,
    popularity: Popularity,
    writes: f64,
    lone: f64,
    /// How many rows are still to be loaded: from the least popular to the most popular one.
    to_load: u64,
    /// The next lone row, counted from 0.
    lone_next: u64,
    database: Database,
    /// By row: how many of its invalidations the store acknowledged.
    floors: Vec<u32>,
    /// Fills that wait to be sent, each with the time that the database took.
    fills: VecDeque<(Op, u64)>,
    delay_us: u64,
    rng: Rng,
    scratch: Vec<u8>,
}

/// What belongs to a row by its number alone.
struct Rows {
    /// Rows of this client that are popular and may be written; as many lone ones follow.
    owned: u64,
    key_bytes: usize,
    value_bytes: Histogram,
    ttl_s: Histogram,
    seed: u64,
}

impl CacheAside {
    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<CacheAside, WorkloadError> {
        let owned = part.owned(settings.whole("keys"));
        if owned == 0 {
            let why = format!(
                "`keys` must be at least the number of clients, {}",
                part.clients
            );
            return Err(settings.conflict(why));
        }
        let (writes, lone) = (settings.real("writes"), settings.real("lone"));
        if writes + lone > 1.0 {
            return Err(settings.conflict("`writes` and `lone` are more than 1 together"));
        }
        let shares = settings.points("shares");
        let popularity = if shares.is_empty() {
            Popularity::Zipf(Zipf::new(owned, settings.real("zipf")))
        } else {
            Popularity::buckets(owned, shares)
                .map_err(|why| settings.no_histogram("shares", why))?
        };
        let latency = Latency {
            floor_us: settings.real("db_floor_us"),
            beyond_us: Exponential::new(settings.real("db_beyond_us")),
        };
        let stream = |name| Rng::stream(part.seed, part.client, name);
        Ok(CacheAside {
            part,
            rows: Rows {
                owned,
                key_bytes: settings.whole("key_bytes") as usize,
                value_bytes: settings.spread("value_bytes")?,
                ttl_s: settings.spread("ttl_s")?,
                seed: part.seed,
            },
            popularity,
            writes,
            lone,
            to_load: (settings.real("warm") * owned as f64).round() as u64,
            lone_next: 0,
            database: Database::new(owned, latency, stream("database")),
            floors: vec![0; owned as usize],
            fills: VecDeque::new(),
            delay_us: 0,
            rng: stream("requests"),
            scratch: Vec::new(),
        })
    }

    /// The op `command` on row `row`.
    fn op(&mut self, command: &'static Command, row: u64) -> Op {
        self.scratch.clear();
        self.scratch.resize(self.rows.key_bytes, b'0');
        self.scratch[0] = b'r';
        let mut number = self.part.global(row);
        for digit in self.scratch[1..].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        assert_eq!(number, 0, "the shortest key has room for the largest row");
        Op::new(command).arg(&self.scratch)
    }

    /// `SET` of `version` of row `row`.
    fn fill(&mut self, row: u64, version: u32) -> Op {
        let op = self.op(&set::SET, row);
        let number = self.part.global(row);
        let salt = mix(self.rows.seed, number);
        let bytes = self.rows.value_bytes.pick(mix(salt, u64::from(version)));
        self.scratch.clear();
        sealed::seal(&mut self.scratch, number, version, bytes as usize);
        let op = op.arg(&self.scratch);
        match self.rows.ttl_s.pick(mix(salt, u64::MAX)) as u64 {
            0 => op,
            seconds => op.arg("EX").text(seconds),
        }
    }

    /// The row of an op of ours.
    fn row(&self, op: &Op) -> u64 {
        let digits = op.key().and_then(|key| std::str::from_utf8(&key[1..]).ok());
        let number = digits.and_then(|digits| digits.parse().ok());
        let row = number.and_then(|number| self.part.local(number));
        row.expect("an op that this workload gave")
    }

    /// Whether `value` may be what row `row` holds.
    fn check(&self, row: u64, value: &[u8]) -> Result<(), String> {
        let (number, version) = sealed::open(value)?;
        if number != self.part.global(row) {
            return Err(format!("the value of row {number}"));
        }
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
        self.delay_us = 0;
        // Fills go before anything else, so a fill is never sent after a later invalidation.
        if let Some((fill, delay_us)) = self.fills.pop_front() {
            self.delay_us = delay_us;
            return fill;
        }
        self.database.request();
        let kind = self.rng.unit();
        if kind < self.writes {
            let row = self.popularity.sample(&mut self.rng);
            self.database.write(row);
            return self.op(&key::DEL, row);
        }
        let row = if kind < self.writes + self.lone {
            self.lone_next = (self.lone_next + 1) % self.rows.owned;
            self.rows.owned + self.lone_next
        } else {
            self.popularity.sample(&mut self.rng)
        };
        self.op(&string::GET, row)
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let row = self.row(op);
        let command = op.command().name;
        let right = match (command, reply) {
            ("get", Reply::Bulk(value)) => self.check(row, value),
            ("get", Reply::Nil) => {
                let read = self.database.read(row);
                let fill = self.fill(row, read.version);
                self.fills.push_back((fill, read.latency_us));
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

    fn delay_us(&self) -> u64 {
        self.delay_us
    }

    fn value_bytes_mean(&self) -> Option<f64> {
        Some(self.rows.value_bytes.mean())
    }

    fn database(&self) -> Option<Counts> {
        Some(self.database.counts())
    }
}
