//! Rows of a database, as an application reads and writes them through a cache: which is asked for next,
//! its key in the cache, the value of each of its versions, and how long the cache may keep it.
//!
//! Its one idea: all of a row follows from its number, its version and the seed, so nothing is stored, and
//! whoever reads a value can tell whose it is and how old. It does not know what a cache answers.

use seawall_store::Op;
use seawall_store::command::{Command, set};
use seawall_store::spec::Spec;

use crate::cache_aside::DEFINITION;
use crate::catalog::Part;
use crate::dist::{Histogram, Popularity, Rng, Zipf, mix};
use crate::sealed;
use crate::settings::{Settings, WorkloadError};

/// What the application is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To read this row.
    Read(u64),
    /// To write it.
    Write(u64),
}

/// The first byte of a row's key. Whoever keeps a row under several keys lets them differ in this byte.
pub const PREFIX: u8 = b'r';

/// The rows of one part of a workload, and a stream of requests for them.
#[derive(Clone, Debug)]
pub struct Rows {
    part: Part,
    /// Rows of this part that are popular and may be written; as many lone ones follow.
    owned: u64,
    /// Of those: how many are in the cache at first.
    warm: u64,
    key_bytes: usize,
    value_bytes: Histogram,
    ttl_s: Histogram,
    popularity: Popularity,
    writes: f64,
    lone: f64,
    /// The next lone row, counted from 0.
    lone_next: u64,
    rng: Rng,
    scratch: Vec<u8>,
}

impl Rows {
    /// The rows of `part`; requests for them are drawn from `rng`.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part, rng: Rng) -> Result<Rows, WorkloadError> {
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
        Ok(Rows {
            part,
            owned,
            warm: (settings.real("warm") * owned as f64).round() as u64,
            key_bytes: settings.whole("key_bytes") as usize,
            value_bytes: settings.spread("value_bytes")?,
            ttl_s: settings.spread("ttl_s")?,
            popularity,
            writes,
            lone,
            lone_next: 0,
            rng,
            scratch: Vec::new(),
        })
    }

    /// All rows of the workload that `spec` describes, which all clients share, as client `client` asks for them;
    /// `None` where the workload has no rows of a database.
    ///
    /// # Errors
    /// What is not accepted, with what is.
    pub fn shared(spec: &str, seed: u64, client: u32) -> Result<Option<Rows>, WorkloadError> {
        let spec = Spec::parse(spec)?;
        if spec.name() != DEFINITION.name {
            return Ok(None);
        }
        let settings = Settings::parse(
            DEFINITION.name,
            DEFINITION.params,
            DEFINITION.presets,
            &spec,
        )?;
        let all = Part {
            seed,
            client: 0,
            clients: 1,
        };
        Rows::new(&settings, all, Rng::stream(seed, client, "requests")).map(Some)
    }

    /// How many rows may be written.
    pub fn owned(&self) -> u64 {
        self.owned
    }

    /// How many rows, the most popular, are in the cache at first: rows 0 and up.
    pub fn warm(&self) -> u64 {
        self.warm
    }

    /// What is asked for next. Rows are numbered from the most popular one on.
    pub fn request(&mut self) -> Request {
        let kind = self.rng.unit();
        if kind < self.writes {
            Request::Write(self.popularity.sample(&mut self.rng))
        } else if kind < self.writes + self.lone {
            self.lone_next = (self.lone_next + 1) % self.owned;
            Request::Read(self.owned + self.lone_next)
        } else {
            Request::Read(self.popularity.sample(&mut self.rng))
        }
    }

    /// The op `command` on the key of row `row` that begins with `prefix`.
    pub fn op(&mut self, command: &'static Command, prefix: u8, row: u64) -> Op {
        self.scratch.clear();
        self.scratch.resize(self.key_bytes, b'0');
        self.scratch[0] = prefix;
        let mut number = self.part.global(row);
        let mut places = self.scratch[1..].iter_mut().rev();
        while number > 0 {
            let place = places.next();
            *place.expect("the shortest key has room for the largest row") += (number % 10) as u8;
            number /= 10;
        }
        Op::new(command).arg(&self.scratch)
    }

    /// `SET` of a version of a row, without an expiry.
    pub fn set(&mut self, prefix: u8, row: u64, version: u32) -> Op {
        let op = self.op(&set::SET, prefix, row);
        op.arg(self.value(row, version))
    }

    /// The value of a version of a row.
    pub fn value(&mut self, row: u64, version: u32) -> &[u8] {
        let number = self.part.global(row);
        let bytes = self
            .value_bytes
            .pick(mix(self.salt(row), u64::from(version)));
        self.scratch.clear();
        sealed::seal(&mut self.scratch, number, version, bytes as usize);
        &self.scratch
    }

    /// For how many seconds the cache may keep a row; 0: as long as it likes.
    pub fn ttl_s(&self, row: u64) -> u64 {
        self.ttl_s.pick(mix(self.salt(row), u64::MAX)) as u64
    }

    fn salt(&self, row: u64) -> u64 {
        mix(self.part.seed, self.part.global(row))
    }

    /// The row of an op that [`Rows::op`] gave.
    ///
    /// # Panics
    /// Where it did not.
    pub fn row(&self, op: &Op) -> u64 {
        let digits = op.key().and_then(|key| std::str::from_utf8(&key[1..]).ok());
        let number = digits.and_then(|digits| digits.parse().ok());
        let row = number.and_then(|number| self.part.local(number));
        row.expect("an op that these rows gave")
    }

    /// The version that a value of row `row` is of.
    ///
    /// # Errors
    /// What is wrong with the value: damaged, or another row's.
    pub fn version_of(&self, row: u64, value: &[u8]) -> Result<u32, String> {
        let (number, version) = sealed::open(value)?;
        if number == self.part.global(row) {
            Ok(version)
        } else {
            Err(format!("the value of row {number}"))
        }
    }

    /// The mean length of a value, in bytes.
    pub fn value_bytes_mean(&self) -> f64 {
        self.value_bytes.mean()
    }
}
