//! Plain: one command over and over, so that a figure is what this command costs; or reads, and writes among them.
//!
//! ```text
//!  get set incr mset     a key each              k000000000000042
//!  lpush                 elements of lists       one value each, nothing to tell them by
//!  sadd hset zadd        members of collections  number n is of collection n modulo `collections`
//! ```
//!
//! The one idea: a thing's number says what is in it, so that every answer is known beforehand (`thing.rs`)
//! and is compared with what came, without looking anything up but one count. A client alone writes its things;
//! whatever is not there, or is another one's, ends the run. It is no cache: nothing may be evicted.

mod model;
mod thing;

use seawall_store::command::{self, Command};
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::dist::{Popularity, Rng, Zipf};
use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Stock, Workload};
use model::{Known, Model};
use thing::Things;

/// Plain commands as the list has them.
pub static DEFINITION: Definition = Definition {
    name: "plain",
    about: "one command over and over, on keys or members of one size",
    source: "redis-benchmark (Redis 7.0), with keys drawn and every answer verified",
    params: &[
        Param::word("op", OPS, "the command"),
        Param::whole(
            "keys",
            1,
            1 << 28,
            "keys, or members of all collections together, of all clients",
        ),
        Param::whole(
            "key_bytes",
            12,
            250,
            "length of a key and of a member, in bytes",
        ),
        Param::whole(
            "value_bytes",
            1,
            1 << 20,
            "length of a value or element, in bytes",
        ),
        Param::real(
            "zipf",
            0.0,
            8.0,
            "exponent of the keys' popularity; 0: none",
        ),
        Param::whole("collections", 1, 1 << 24, "how many collections there are"),
        Param::word("order", ORDERS, "how keys or members follow each other"),
        Param::share(
            "loaded",
            "share of the keys or members that are loaded first",
        ),
        Param::share(
            "sets",
            "share of the reads that set the key instead, to what it holds",
        ),
    ],
    presets: &[Preset {
        name: "even",
        toml: include_str!("../presets/plain.even.toml"),
    }],
    build: |settings, part| Ok(Box::new(Plain::new(settings, part)?)),
};

/// The commands, as [`FORMS`] has them.
const OPS: &[&str] = &[
    "get", "set", "incr", "lpush", "sadd", "hset", "zadd", "mset",
];

/// Drawn, or each in turn.
const ORDERS: &[&str] = &["drawn", "turn"];

/// How many keys one `MSET` sets, as in redis-benchmark.
const MSET_KEYS: usize = 10;

/// Scores are below this, and whole.
const SCORES: u64 = 1_000_000;

/// What a command is sent with, and what is known of its answer.
struct Form {
    /// What loads a thing.
    loads: &'static str,
    /// Whether its things are members of collections.
    collected: bool,
    /// How much must be known of each thing.
    known: Known,
}

/// By the place in [`OPS`].
const FORMS: [Form; OPS.len()] = [
    form("set", false, Known::There),
    form("set", false, Known::Nothing),
    form("set", false, Known::Count),
    form("lpush", true, Known::Count),
    form("sadd", true, Known::There),
    form("hset", true, Known::There),
    form("zadd", true, Known::There),
    form("set", false, Known::Nothing),
];

const fn form(loads: &'static str, collected: bool, known: Known) -> Form {
    Form {
        loads,
        collected,
        known,
    }
}

/// That there are too few of something.
fn least(what: &str, part: Part) -> String {
    format!(
        "`{what}` must be at least the number of clients, {}",
        part.clients
    )
}

impl Form {
    /// The bytes of an item with its name, where ops add none.
    fn item_bytes(&self, name: u64, value: u64) -> Option<u64> {
        /// A score is a double.
        const SCORE_BYTES: u64 = 8;
        match self.loads {
            "hset" => Some(name + value),
            "zadd" => Some(name + SCORE_BYTES),
            "sadd" => Some(name),
            // Counts grow, and so do lists.
            "set" if self.known != Known::Count => Some(name + value),
            _ => None,
        }
    }
}

/// One client that sends one command.
pub struct Plain {
    part: Part,
    command: &'static Command,
    loads: &'static Command,
    form: &'static Form,
    things: Things,
    collections: u64,
    popularity: Option<Popularity>,
    /// The next thing, where each has its turn.
    turn: Option<u64>,
    /// What is there all the time.
    stock: Option<Stock>,
    /// The share of ops that set a key instead of reading it.
    sets: f64,
    /// How many things are still to be loaded.
    to_load: u64,
    model: Model,
    rng: Rng,
}

impl Plain {
    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<Plain, WorkloadError> {
        let place = settings.whole("op") as usize;
        let (name, form) = (OPS[place], &FORMS[place]);
        let collections = settings.whole("collections");
        // A list has one client: its length tells nothing where several push.
        let lists = part.owned(collections);
        if name == "lpush" && lists == 0 {
            return Err(settings.conflict(least("collections", part)));
        }
        let mut plain = Plain::of(settings, part, (name, form))?;
        if name == "lpush" {
            plain.model = Model::new(form.known, lists);
        }
        let zipf = settings.real("zipf");
        let drawn = plain.model.things();
        plain.popularity = (zipf > 0.0).then(|| Popularity::Zipf(Zipf::new(drawn, zipf)));
        plain.collections = collections;
        plain.sets = settings.real("sets");
        if plain.sets > 0.0 && name != "get" {
            return Err(settings.conflict(format!("`sets` is of reads, and `op` is {name}")));
        }
        let loaded = settings.real("loaded");
        if loaded < 1.0 {
            plain.stock = None;
            plain.to_load = (loaded * plain.to_load as f64).round() as u64;
        }
        plain.turn = (ORDERS[settings.whole("order") as usize] == "turn").then_some(0);
        Ok(plain)
    }

    /// Reads of strings, with `keys`, `key_bytes` and `value_bytes` of these settings alone.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub(crate) fn reads(settings: &Settings, part: Part) -> Result<Plain, WorkloadError> {
        Plain::of(settings, part, (OPS[0], &FORMS[0]))
    }

    /// A command on things that are all loaded and drawn evenly.
    fn of(
        settings: &Settings,
        part: Part,
        (name, form): (&str, &'static Form),
    ) -> Result<Plain, WorkloadError> {
        let owned = part.owned(settings.whole("keys"));
        if owned == 0 {
            return Err(settings.conflict(least("keys", part)));
        }
        let (name_bytes, value_bytes) =
            (settings.whole("key_bytes"), settings.whole("value_bytes"));
        let find = |name: &str| command::find(name.as_bytes()).expect("the table has it");
        Ok(Plain {
            part,
            command: find(name),
            loads: find(form.loads),
            form,
            things: Things::new(name_bytes as usize, value_bytes as usize),
            collections: 1,
            popularity: None,
            turn: None,
            stock: form.item_bytes(name_bytes, value_bytes).map(|bytes| Stock {
                items: owned,
                bytes: owned * bytes,
            }),
            sets: 0.0,
            to_load: owned,
            model: Model::new(form.known, owned),
            rng: Rng::stream(part.seed, part.client, "plain"),
        })
    }

    /// Draws one of this client's things.
    #[inline]
    fn draw(&mut self) -> u64 {
        if let Some(turn) = &mut self.turn {
            let this = *turn;
            *turn = (this + 1) % self.model.things();
            return this;
        }
        match &self.popularity {
            Some(popularity) => popularity.sample(&mut self.rng),
            None => self.rng.below(self.model.things()),
        }
    }

    /// `command` on this client's thing `local`.
    #[inline]
    fn op(&mut self, command: &'static Command, local: u64) -> Op {
        let number = self.part.global(local);
        let mut op = Op::new(command);
        if self.form.collected {
            // A list's number is the list's; a member's says which collection it is of.
            op.push(self.things.key(number % self.collections));
        } else {
            op.push(self.things.key(number));
        }
        match command.name {
            "set" if self.command.name == "incr" => op.push(b"0"),
            "set" | "mset" | "lpush" => self.things.value_into(number, &mut op),
            "sadd" => op.push(self.things.member(number)),
            "hset" => {
                op.push(self.things.member(number));
                self.things.value_into(number, &mut op);
            }
            "zadd" => {
                op = op.text(self.rng.below(SCORES));
                op.push(self.things.member(number));
            }
            _ => {}
        }
        op
    }

    /// The thing that an op of ours is of.
    fn local(&self, op: &Op) -> u64 {
        let name = if self.form.collected && self.command.name != "lpush" {
            &op[if self.command.name == "zadd" { 2 } else { 1 }]
        } else {
            &op[0]
        };
        let local = thing::number(name).and_then(|number| self.part.local(number));
        local.expect("an op that this workload gave")
    }

    /// Whether `reply` to `op` is right; in words what would have been.
    #[inline]
    fn check(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let name = op.command().name;
        match (name, reply) {
            ("set" | "mset", reply) if reply.is_ok() => {
                if self.form.known == Known::There {
                    let local = self.local(op);
                    self.model.add(local);
                }
                Ok(())
            }
            ("get", Reply::Bulk(value)) => {
                let local = self.local(op);
                match self.things.is_value(self.part.global(local), value) {
                    true if self.model.is_there(local) => Ok(()),
                    true => Err("nil is right: nobody set it".to_owned()),
                    false => Err("the value of this key is right".to_owned()),
                }
            }
            ("get", Reply::Nil) => {
                let local = self.local(op);
                if self.model.may_be_absent(local) {
                    return Ok(());
                }
                Err("a value is right: it was set, and nothing took it away".to_owned())
            }
            ("incr" | "lpush", Reply::Int(count)) => {
                let local = self.local(op);
                self.model.counted(local, *count)
            }
            ("sadd" | "hset" | "zadd", Reply::Int(added)) => {
                let local = self.local(op);
                self.model.added(local, *added)
            }
            ("set" | "mset", _) => Err("OK is right".to_owned()),
            ("get", _) => Err("a value is right".to_owned()),
            _ => Err("a number is right".to_owned()),
        }
    }
}

impl Workload for Plain {
    fn preload(&mut self) -> Option<Op> {
        self.to_load = self.to_load.checked_sub(1)?;
        let local = self.to_load % self.model.things();
        Some(self.op(self.loads, local))
    }

    fn next(&mut self) -> Op {
        let local = self.draw();
        let sets = self.sets > 0.0 && self.rng.chance(self.sets);
        let command = if sets { self.loads } else { self.command };
        let mut op = self.op(command, local);
        if self.command.name == "mset" {
            for _ in 1..MSET_KEYS {
                let number = self.part.global(self.draw());
                op.push(self.things.key(number));
                self.things.value_into(number, &mut op);
            }
        }
        op
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        self.check(op, reply)
            .map_err(|why| Mismatch::new(op, reply, why))
    }

    fn unanswered(&mut self, op: &Op) {
        let local = self.local(op);
        self.model.lost(local);
    }

    fn stock(&self) -> Option<Stock> {
        self.stock
    }

    fn value_bytes_mean(&self) -> Option<f64> {
        Some(self.things.value_bytes() as f64)
    }
}
