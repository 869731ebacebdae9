//! Sessions: a hash per visitor, created, read and prolonged at every visit, updated at some, and
//! deleted or left to expire at the end.
//!
//! ```text
//!  create   HSET k user … serial … visits 1 data … · EXPIRE k ttl
//!  visit    HGETALL k · [HINCRBY k visits 1] · [HSET k data …] · EXPIRE k ttl
//!  end      DEL k, or nothing
//! ```
//!
//! Its one idea: a client keeps `sessions` places; a place holds one session at a time and each new one
//! has a key of its own. A session that is gone (expired, evicted) is right at any time, since a session
//! store is a cache; one with other contents than its client wrote is not. It is not a model of pages.

use std::collections::VecDeque;

use seawall_store::command::{Command, expiry, hash, key};
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::dist::{Histogram, Rng, Uniform, mix};
use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Workload, sealed};

/// Sessions as the list has them.
pub static DEFINITION: Definition = Definition {
    name: "session",
    about: "a hash per visitor: create, read, prolong, update, count, delete or expire",
    source: "redis-benchmarks-specification session-storage-100k; NASA-HTTP log (Arlitt and Williamson, 1996)",
    params: &[
        Param::whole("sessions", 1, 1 << 26, "sessions at a time, of all clients"),
        Param::spread("visits", 1, 1_000_000, "visits of a session"),
        Param::whole(
            "fields",
            4,
            1000,
            "fields of a session's hash, 4 of them its own",
        ),
        Param::spread(
            "value_bytes",
            1,
            1 << 20,
            "length of the application's field, in bytes, 24 at least",
        ),
        Param::share(
            "updates",
            "share of visits that rewrite the application's field",
        ),
        Param::share("counts", "share of visits that count in the session"),
        Param::share("touches", "share of visits that prolong the session"),
        Param::share("logouts", "share of sessions that end by being deleted"),
        Param::whole(
            "ttl_s",
            1,
            100_000_000,
            "how long a session outlives its last visit, in seconds",
        ),
    ],
    presets: &[Preset {
        name: "web",
        toml: include_str!("../presets/session.web.toml"),
    }],
    build: |settings, part| Ok(Box::new(Sessions::new(settings, part)?)),
};

const OWN_FIELDS: usize = 4;

/// One client of a session store.
pub struct Sessions {
    part: Part,
    places: Vec<Place>,
    /// Which place is visited.
    who: Uniform,
    visits: Histogram,
    fields: usize,
    value_bytes: Histogram,
    updates: f64,
    counts: f64,
    touches: f64,
    logouts: f64,
    ttl_s: u64,
    /// The next place to load.
    to_load: usize,
    /// The rest of what a visit or a new session sends.
    queue: VecDeque<Op>,
    rng: Rng,
    scratch: Vec<u8>,
}

/// One session at a time: what will be sent, and what replies said.
#[derive(Clone, Default)]
struct Place {
    /// The session that is being sent: its serial number, the visits left, its data's version.
    serial: u32,
    visits_left: u32,
    version: u32,
    /// By the replies so far.
    seen: Seen,
}

/// A session as its replies leave it.
#[derive(Clone, Copy, Default)]
struct Seen {
    serial: u32,
    state: State,
    version: u32,
    visits: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// It cannot be there.
    #[default]
    Absent,
    /// It is there as known, or gone.
    Known,
    /// A reply is missing, or it was found gone while being changed: its contents are not known.
    Unknown,
}

impl Sessions {
    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<Sessions, WorkloadError> {
        let owned = part.owned(settings.whole("sessions"));
        if owned == 0 {
            let why = format!(
                "`sessions` must be at least the number of clients, {}",
                part.clients
            );
            return Err(settings.conflict(why));
        }
        Ok(Sessions {
            part,
            places: vec![Place::default(); owned as usize],
            who: Uniform::new(0, owned - 1),
            visits: settings.spread("visits")?,
            fields: settings.whole("fields") as usize,
            value_bytes: settings.spread("value_bytes")?,
            updates: settings.real("updates"),
            counts: settings.real("counts"),
            touches: settings.real("touches"),
            logouts: settings.real("logouts"),
            ttl_s: settings.whole("ttl_s"),
            to_load: 0,
            queue: VecDeque::new(),
            rng: Rng::stream(part.seed, part.client, "visits"),
            scratch: Vec::new(),
        })
    }

    fn op(&self, command: &'static Command, place: usize) -> Op {
        let (number, serial) = (self.part.global(place as u64), self.places[place].serial);
        Op::new(command).text(format_args!("session:{number}:{serial}"))
    }

    /// A name for the session in sealed values.
    fn id(&self, place: usize, serial: u32) -> u64 {
        mix(self.part.global(place as u64), u64::from(serial))
    }

    /// `op` with the application's field at the place's version.
    fn with_data(&mut self, op: Op, place: usize) -> Op {
        let Place {
            serial, version, ..
        } = self.places[place];
        let id = self.id(place, serial);
        let bytes = self.value_bytes.pick(mix(id, u64::from(version))) as usize;
        self.scratch.clear();
        sealed::seal(&mut self.scratch, id, version, bytes);
        op.arg("data").arg(&self.scratch)
    }

    /// Queues the ops of a new session at `place`.
    fn create(&mut self, place: usize) {
        let visits = self.visits.sample(&mut self.rng) as u32;
        let at = &mut self.places[place];
        at.serial = at.serial.wrapping_add(1);
        (at.visits_left, at.version) = (visits, 0);
        let serial = at.serial;
        let mut op = self.op(&hash::HSET, place);
        op = op.arg("user").text(self.part.global(place as u64));
        op = op.arg("serial").text(serial).arg("visits").arg("1");
        for extra in OWN_FIELDS..self.fields {
            op = op
                .text(format_args!("field{extra}"))
                .text(self.id(place, serial) >> extra.min(40));
        }
        op = self.with_data(op, place);
        self.queue.push_back(op);
        self.prolong(place);
    }

    fn prolong(&mut self, place: usize) {
        let op = self.op(&expiry::EXPIRE, place).text(self.ttl_s);
        self.queue.push_back(op);
    }

    /// Queues the ops of one visit at `place`.
    fn visit(&mut self, place: usize) {
        self.places[place].visits_left -= 1;
        let op = self.op(&hash::HGETALL, place);
        self.queue.push_back(op);
        if self.rng.chance(self.counts) {
            let op = self.op(&hash::HINCRBY, place).arg("visits").arg("1");
            self.queue.push_back(op);
        }
        if self.rng.chance(self.updates) {
            self.places[place].version += 1;
            let op = self.op(&hash::HSET, place);
            let op = self.with_data(op, place);
            self.queue.push_back(op);
        }
        if self.rng.chance(self.touches) {
            self.prolong(place);
        }
    }

    /// The place and serial number in the key of an op of ours.
    fn parse(&self, op: &Op) -> (usize, u32) {
        let text = op.key().and_then(|key| std::str::from_utf8(key).ok());
        let mut parts = text.unwrap_or_default().split(':').skip(1);
        let mut number = || parts.next().and_then(|text| text.parse::<u64>().ok());
        let place = number().and_then(|number| self.part.local(number));
        let (Some(place), Some(serial)) = (place, number()) else {
            panic!("{op:?} is not an op that this workload gave");
        };
        (place as usize, serial as u32)
    }

    /// Whether `fields` may be what the session holds.
    fn check(&self, place: usize, serial: u32, fields: &[Reply]) -> Result<(), String> {
        let seen = self.places[place].seen;
        if fields.is_empty() || seen.state == State::Unknown && seen.serial == serial {
            return Ok(());
        }
        if seen.state == State::Absent || seen.serial != serial {
            return Err("the session was deleted".to_owned());
        }
        if fields.len() != 2 * self.fields {
            return Err(format!("{} fields are right", self.fields));
        }
        let number = |name: &str| {
            let text = field(fields, name).and_then(|value| std::str::from_utf8(value).ok());
            text.and_then(|text| text.parse::<u64>().ok())
        };
        for (name, right) in [
            ("user", self.part.global(place as u64)),
            ("serial", u64::from(serial)),
            ("visits", seen.visits),
        ] {
            if number(name) != Some(right) {
                return Err(format!("`{name}` is {right}"));
            }
        }
        for extra in OWN_FIELDS..self.fields {
            let right = self.id(place, serial) >> extra.min(40);
            if number(&format!("field{extra}")) != Some(right) {
                return Err(format!("`field{extra}` is {right}"));
            }
        }
        let data = field(fields, "data").ok_or("`data` is missing")?;
        let (id, version) = sealed::open(data)?;
        if id != self.id(place, serial) {
            return Err("`data` is another session's".to_owned());
        }
        if version != seen.version {
            return Err(format!(
                "`data` has version {version}, {} is right",
                seen.version
            ));
        }
        Ok(())
    }

    /// Applies a reply to what is known of a session.
    fn learn(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let (place, serial) = self.parse(op);
        let fields = self.fields;
        let seen = &mut self.places[place].seen;
        let current = seen.serial == serial;
        match (op.command().name, reply) {
            ("hgetall", Reply::Array(found)) => {
                let right = self.check(place, serial, found);
                let at = &mut self.places[place];
                if found.is_empty() && current {
                    // Gone. The next visit finds nobody, and begins a new session.
                    at.seen.state = State::Absent;
                    if at.serial == serial {
                        at.visits_left = 0;
                    }
                } else if right.is_err() {
                    at.seen.state = State::Unknown;
                }
                right
            }
            // A new session: all its fields at once.
            ("hset", Reply::Int(added)) if op.len() > 3 => {
                *seen = Seen {
                    serial,
                    state: State::Known,
                    version: 0,
                    visits: 1,
                };
                if *added == fields as i64 {
                    Ok(())
                } else {
                    seen.state = State::Unknown;
                    Err(format!("{fields} fields are new"))
                }
            }
            ("hset", Reply::Int(0)) if seen.state == State::Known => {
                seen.version = sealed::open(&op[2]).map_or(0, |(_, version)| version);
                Ok(())
            }
            ("hset", Reply::Int(0 | 1)) => {
                // It had gone, and is there again with this field alone.
                seen.state = State::Unknown;
                Ok(())
            }
            ("hincrby", Reply::Int(count)) => {
                let right = seen.visits as i64 + 1;
                if seen.state == State::Known && *count == right {
                    seen.visits += 1;
                    Ok(())
                } else {
                    let known = std::mem::replace(&mut seen.state, State::Unknown);
                    // 1 is what a session that had gone counts; one that is there begins with 1.
                    if known != State::Known || *count == 1 {
                        Ok(())
                    } else {
                        Err(format!("{right} is right"))
                    }
                }
            }
            ("expire", Reply::Int(0 | 1)) => Ok(()),
            ("del", Reply::Int(0 | 1)) => {
                if current {
                    seen.state = State::Absent;
                }
                Ok(())
            }
            ("hgetall", _) => Err("fields and values are right".to_owned()),
            _ => Err("a number is right".to_owned()),
        }
    }
}

/// The value of a field in the reply to `HGETALL`.
fn field<'a>(fields: &'a [Reply], name: &str) -> Option<&'a [u8]> {
    let mut pairs = fields.chunks_exact(2);
    pairs.find_map(|pair| match pair {
        [Reply::Bulk(field), Reply::Bulk(value)] if field == name.as_bytes() => Some(&value[..]),
        _ => None,
    })
}

impl Workload for Sessions {
    fn preload(&mut self) -> Option<Op> {
        if self.queue.is_empty() && self.to_load < self.places.len() {
            self.create(self.to_load);
            // Sessions are met in the middle of their lives.
            let at = &mut self.places[self.to_load];
            at.visits_left = 1 + self.rng.below(u64::from(at.visits_left)) as u32;
            self.to_load += 1;
        }
        self.queue.pop_front()
    }

    fn next(&mut self) -> Op {
        loop {
            if let Some(op) = self.queue.pop_front() {
                return op;
            }
            let place = self.who.sample(&mut self.rng) as usize;
            let at = &self.places[place];
            if at.visits_left > 0 {
                self.visit(place);
                continue;
            }
            // What cannot be trusted any more is deleted; else some log out and others just leave.
            let unknown = at.seen.state == State::Unknown && at.seen.serial == at.serial;
            if at.serial > 0 && (unknown || self.rng.chance(self.logouts)) {
                let op = self.op(&key::DEL, place);
                self.queue.push_back(op);
            }
            self.create(place);
        }
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let right = self.learn(op, reply);
        right.map_err(|why| Mismatch::new(op, reply, why))
    }

    fn unanswered(&mut self, op: &Op) {
        let (place, serial) = self.parse(op);
        let at = &mut self.places[place];
        match op.command().name {
            "hgetall" | "expire" => {}
            // A lost creation leaves a session that may be there or not.
            "hset" if op.len() > 3 => {
                at.seen = Seen {
                    serial,
                    state: State::Unknown,
                    ..Seen::default()
                };
            }
            _ => at.seen.state = State::Unknown,
        }
    }
}
