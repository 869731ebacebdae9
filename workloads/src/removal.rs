//! Removal: reads of small strings, among which one large collection goes away. Who reads meanwhile waits for as
//! long as the store does nothing else.
//!
//! ```text
//!  GET GET GET … DEL large … GET GET          way=del, way=unlink
//!  GET GET GET … PEXPIRE large 1 … GET GET    way=expire
//!  GET GET GET … SET new SET new SET new …    way=evict
//! ```
//!
//! To be evicted it is the only key that expires, in a month: with `maxmemory-policy=volatile-ttl` and a
//! `maxmemory` that holds it, or what is new, but not both, it goes in the midst of them.
//!
//! The one idea: the removal is a single op in a stream of cheap ones, so that whatever it costs beyond its own
//! reply is seen in the latency of the others. The large collection is the first client's.

use seawall_store::command;
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::plain::Plain;
use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Workload};

/// Removal as the list has it.
pub static DEFINITION: Definition = Definition {
    name: "removal",
    about: "reads of small strings, among which one large collection is deleted, expires or is evicted",
    source: "Redis documentation of DEL, UNLINK and lazyfree-lazy-expire: freeing a large value takes time by its size",
    params: &[
        Param::word("kind", KINDS, "the kind of the large collection"),
        Param::word("way", WAYS, "how it goes away"),
        Param::whole("members", 1, 1 << 26, "members of the large collection"),
        Param::whole("keys", 1, 1 << 28, "small strings, of all clients"),
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
            "length of a small string, in bytes",
        ),
        Param::whole("after", 0, 1 << 40, "reads before it goes, of all clients"),
        Param::whole(
            "new_bytes",
            NEW_BYTES,
            1 << 40,
            "way=evict: bytes of new strings that drive it out",
        ),
    ],
    presets: &[Preset {
        name: "million",
        toml: include_str!("../presets/removal.million.toml"),
    }],
    build: |settings, part| Ok(Box::new(Removal::new(settings, part)?)),
};

const KINDS: &[&str] = &["zset", "hash", "set", "list"];
const WAYS: &[&str] = &["del", "unlink", "expire", "evict"];

/// The key of the large collection: no small string has such a name.
const LARGE: &str = "large";

/// What drives it out has such names, and so many bytes each: with what a server keeps beside them, they fit into
/// blocks of 16 KiB, which allocators have.
const NEW: &str = "new:";
const NEW_BYTES: u64 = 16_000;
/// It would live longer than any run.
const LIFE_SECONDS: u64 = 30 * 24 * 3_600;

/// How many members one op loads.
const MEMBERS_AT_ONCE: u64 = 100;

/// One client of the store.
pub struct Removal {
    reads: Plain,
    /// What the first client adds and removes.
    large: Option<Large>,
}

/// The large collection.
struct Large {
    kind: &'static str,
    way: &'static str,
    name_bytes: usize,
    members: u64,
    loaded: u64,
    /// Reads before it goes; none once it went.
    after: Option<u64>,
    /// Whether the loaded collection is still to get its life, so that it may be evicted.
    mortal: bool,
    /// New strings that are still to come, to drive it out.
    new: u64,
}

impl Removal {
    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<Removal, WorkloadError> {
        let way = WAYS[settings.whole("way") as usize];
        let large = Large {
            kind: KINDS[settings.whole("kind") as usize],
            way,
            name_bytes: settings.whole("key_bytes") as usize,
            members: settings.whole("members"),
            loaded: 0,
            after: Some(settings.whole("after") / u64::from(part.clients)),
            mortal: way == "evict",
            new: settings.whole("new_bytes") / NEW_BYTES,
        };
        Ok(Removal {
            reads: Plain::reads(settings, part)?,
            large: (part.client == 0).then_some(large),
        })
    }
}

impl Large {
    /// The next op that loads it.
    fn load(&mut self) -> Option<Op> {
        let end = self.members.min(self.loaded + MEMBERS_AT_ONCE);
        if self.loaded == end {
            let lives = std::mem::take(&mut self.mortal);
            return lives.then(|| op("expire").arg(LARGE).text(LIFE_SECONDS));
        }
        let name = match self.kind {
            "zset" => "zadd",
            "hash" => "hset",
            "set" => "sadd",
            _ => "rpush",
        };
        let mut op = op(name).arg(LARGE);
        for number in self.loaded..end {
            let member = format!("m{number:0width$}", width = self.name_bytes - 1);
            if self.kind == "zset" {
                op = op.text(number);
            }
            op.push(member.as_bytes());
            if self.kind == "hash" {
                op = op.text(number);
            }
        }
        self.loaded = end;
        Some(op)
    }

    /// The op that lets it go, once it is time.
    fn remove(&mut self) -> Option<Op> {
        let after = self.after.as_mut()?;
        if let Some(left) = after.checked_sub(1) {
            *after = left;
            return None;
        }
        if self.way == "evict" && self.new > 0 {
            self.new -= 1;
            let value = [b'n'; NEW_BYTES as usize];
            return Some(op("set").arg(format!("{NEW}{}", self.new)).arg(value));
        }
        self.after = None;
        Some(match self.way {
            "expire" => op("pexpire").arg(LARGE).text(1),
            "evict" => return None,
            way => op(way).arg(LARGE),
        })
    }

    /// Whether `reply` to an op on it is right.
    fn check(&self, op: &Op, reply: &Reply) -> Result<(), String> {
        let added = match op.command().name {
            "zadd" | "hset" => (op.len() - 1) as i64 / 2,
            "sadd" => (op.len() - 1) as i64,
            // The list's length so far; ops are observed in their order, and all but the last are full.
            "rpush" => match reply {
                Reply::Int(length) if *length > 0 && *length <= self.members as i64 => {
                    return Ok(());
                }
                _ => return Err("the length of the list is right".to_owned()),
            },
            "set" => {
                let is_stored = reply.is_ok();
                let wrong = || "it is stored, and what expires makes room".to_owned();
                return is_stored.then_some(()).ok_or_else(wrong);
            }
            _ => 1,
        };
        if *reply == Reply::Int(added) {
            return Ok(());
        }
        Err(format!("{added} is right"))
    }
}

fn op(name: &str) -> Op {
    Op::new(command::find(name.as_bytes()).expect("the table has it"))
}

/// Whether `op` is on the large collection, or drives it out.
fn is_its(op: &Op) -> bool {
    let is_its = |key: &[u8]| key == LARGE.as_bytes() || key.starts_with(NEW.as_bytes());
    op.key().is_some_and(is_its)
}

impl Workload for Removal {
    fn preload(&mut self) -> Option<Op> {
        let large = self.large.as_mut().and_then(Large::load);
        large.or_else(|| self.reads.preload())
    }

    fn next(&mut self) -> Op {
        let removal = self.large.as_mut().and_then(Large::remove);
        removal.unwrap_or_else(|| self.reads.next())
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        match &self.large {
            Some(large) if is_its(op) => large
                .check(op, reply)
                .map_err(|why| Mismatch::new(op, reply, why)),
            _ => self.reads.observe(op, reply),
        }
    }

    fn unanswered(&mut self, op: &Op) {
        if !is_its(op) {
            self.reads.unanswered(op);
        }
    }

    fn value_bytes_mean(&self) -> Option<f64> {
        self.reads.value_bytes_mean()
    }
}
