//! A shard: a state machine over the keys that it owns.

use crate::effect::Effects;
use crate::evict::PolicySpec;
use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::time::Millis;

/// What a shard is made with. Randomness comes in here and nowhere else.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Seeds the hash of keys and every random choice.
    pub seed: u64,
    /// The most bytes that keys and values may take; 0: no bound.
    pub maxmemory: u64,
    /// Who goes when `maxmemory` is reached (`maxmemory-policy`).
    pub policy: PolicySpec,
    /// How many items a sampling policy looks at (`maxmemory-samples`).
    pub samples: u32,
}

impl Default for ShardConfig {
    fn default() -> ShardConfig {
        ShardConfig {
            seed: 0,
            maxmemory: 0,
            policy: PolicySpec::default(),
            samples: 5,
        }
    }
}

/// What an op gives back: the bytes of its reply, and what log and replicas must hear.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// Replies, in the order of the ops.
    pub reply: ReplyBuf,
    /// Effects, in the order in which they happened.
    pub effects: Effects,
}

impl Out {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.reply.clear();
        self.effects.clear();
    }
}

/// Counts since the shard was made, and its state now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Keys, expired ones that nobody met yet among them.
    pub keys: u64,
    /// Bytes counted against `maxmemory`.
    pub used_bytes: u64,
    /// Lookups by read commands that found a key.
    pub hits: u64,
    /// Lookups by read commands that found none.
    pub misses: u64,
    /// Keys evicted.
    pub evicted: u64,
    /// Keys expired.
    pub expired: u64,
}

/// One shard.
pub struct Shard {
    keyspace: Keyspace,
}

impl Shard {
    /// An empty shard.
    pub fn new(_config: &ShardConfig) -> Shard {
        Shard {
            keyspace: Keyspace::default(),
        }
    }

    /// Applies `op` at time `now`; reply and effects are appended to `out`.
    pub fn apply(&mut self, now: Millis, op: &Op, out: &mut Out) {
        let begin = out.reply.len();
        self.keyspace.set_now(now);
        let mut call = crate::command::Call {
            keyspace: &mut self.keyspace,
            now,
            op,
            out,
        };
        if let Err(error) = (op.command().run)(&mut call) {
            out.reply.truncate(begin);
            out.reply.error(&error);
        }
    }

    /// Does a bounded part of the work that no op asks for: removes expired keys. Effects go to `out`.
    pub fn tick(&mut self, _now: Millis, _out: &mut Out) {}

    /// The whole state as ops that rebuild it on an empty shard, expired keys left out.
    pub fn dump(&self, _now: Millis, _each: &mut dyn FnMut(&Op)) {}

    /// Counts and state.
    pub fn stats(&self) -> ShardStats {
        ShardStats::default()
    }
}
