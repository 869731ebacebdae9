//! A shard: a state machine over the keys that it owns.

use std::io;

use smallvec::SmallVec;

use crate::command::{Call, CommandError, Flag};
use crate::effect::Effects;
use crate::event::{Classes, Event};
use crate::evict::PolicySpec;
use crate::keyspace::{Asker, DatabaseStats, DbKey, Keyspace, Loading, Sought};
use crate::log::LogStats;
use crate::mem::Populator;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::time::Millis;
use crate::value::Limits;

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
    /// How many databases there are (`databases`), 1 to 256.
    pub databases: usize,
    /// How far the compact forms of values go.
    pub limits: Limits,
}

impl ShardConfig {
    /// The seed of shard `number` in a store with this one: every shard hashes by another.
    pub fn seed_of(store: u64, number: usize) -> u64 {
        // The golden ratio spreads them.
        store ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Default for ShardConfig {
    fn default() -> ShardConfig {
        ShardConfig {
            seed: 0,
            maxmemory: 0,
            policy: PolicySpec::default(),
            samples: 5,
            databases: 16,
            limits: Limits::default(),
        }
    }
}

/// An op that waits: it has no reply yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// When it is to be told that nothing came; `None`: never.
    pub until: Option<Millis>,
    /// So many of its keys, from the first on, may make it ready; to the others it only writes.
    pub keys: usize,
}

/// What an op gives back: the bytes of its reply, and what log, replicas and listeners must hear.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// Replies, in the order of the ops.
    pub reply: ReplyBuf,
    /// Effects, in the order in which they happened.
    pub effects: Effects,
    /// Keyspace notifications, in the order in which they happened.
    pub events: Vec<Event>,
    /// The last op waits for one of its keys, and wrote no reply.
    pub parked: Option<Parked>,
}

impl Out {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.reply.clear();
        self.effects.clear();
        self.events.clear();
        self.parked = None;
    }
}

/// Counts since the shard was made, and its state now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Keys in all databases, expired ones that nobody met yet among them.
    pub keys: u64,
    /// Bytes counted against `maxmemory`.
    pub used_bytes: u64,
    /// Bytes of the index, which `maxmemory` does not count.
    pub index_bytes: u64,
    /// Large collections whose keys are gone and that are not freed yet.
    pub leaving: u64,
    /// Lookups by read commands that found a key.
    pub hits: u64,
    /// Lookups by read commands that found none.
    pub misses: u64,
    /// Keys evicted.
    pub evicted: u64,
    /// Keys expired.
    pub expired: u64,
    /// What each database holds.
    pub databases: Vec<DatabaseStats>,
    /// How much of its snapshot is in memory, where not all of it is.
    pub loading: Option<Loading>,
    /// Its log, where a store keeps one.
    pub log: Option<LogStats>,
}

/// Whether an op may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait<'a> {
    May,
    MayNot,
    /// It waited, and this key of it may be ready.
    Served(&'a [u8]),
}

/// One shard.
pub struct Shard {
    keyspace: Keyspace,
    expires_actively: bool,
}

impl Shard {
    /// An empty shard.
    ///
    /// # Panics
    /// The system grants no address space; [`Shard::open`] tells instead.
    pub fn new(config: &ShardConfig) -> Shard {
        Shard::open(config).expect("the system grants a shard's address space")
    }

    /// An empty shard.
    ///
    /// # Errors
    /// The system grants no address space.
    pub fn open(config: &ShardConfig) -> io::Result<Shard> {
        Ok(Shard {
            keyspace: Keyspace::new(config)?,
            expires_actively: true,
        })
    }

    /// Applies `op` at time `now`; reply, effects and events are appended to `out`. An op that has to
    /// wait writes no reply and says so in `out.parked`: it changed nothing, and is given to
    /// [`Shard::serve`] when one of its keys may be ready.
    pub fn apply(&mut self, now: Millis, op: &Op, out: &mut Out) {
        self.run(now, op, Wait::May, out);
    }

    /// As [`Shard::apply`], inside a transaction: an op that would wait answers as if its time were up,
    /// and none is refused for want of memory. Who decides on the whole asks for room before.
    pub fn apply_at_once(&mut self, now: Millis, op: &Op, out: &mut Out) {
        self.run(now, op, Wait::MayNot, out);
    }

    /// Applies `op`, which was parked, to `key`, one of its keys, which may be ready; where it is not,
    /// the op is parked again, until the time that was told first.
    pub fn serve(&mut self, now: Millis, op: &Op, key: &[u8], out: &mut Out) {
        self.run(now, op, Wait::Served(key), out);
    }

    fn run(&mut self, now: Millis, op: &Op, wait: Wait<'_>, out: &mut Out) {
        let begin = out.reply.len();
        let command = op.command();
        out.reply.speak(op.protocol());
        out.parked = None;
        let told = out.effects.len();
        let mut before = (told > 0).then(|| out.effects.take());
        let done = self.begin(now, op, !command.flags.writes(), Asker::Client);
        // A transaction was found room for as a whole (`Shard::prepare`), and is not done by half.
        let room = |()| match wait {
            Wait::MayNot => Ok(()),
            Wait::May | Wait::Served(_) => self.keyspace.prepare(op).map(drop),
        };
        let done = done.and_then(room).and_then(|()| {
            (command.run)(&mut Call {
                keyspace: &mut self.keyspace,
                now,
                op,
                may_park: wait != Wait::MayNot,
                ready: match wait {
                    Wait::Served(key) => Some(key),
                    Wait::May | Wait::MayNot => None,
                },
                out,
            })
        });
        let done = if self.keyspace.is_cold() {
            done.and_then(|()| self.stand_by(op, &mut out.effects))
        } else {
            done
        };
        // What expired or was evicted went before the op took effect.
        if before.is_some() || self.keyspace.has_removed() {
            let mut own = out.effects.take();
            if let Some(before) = &mut before {
                out.effects.append(before);
            }
            self.keyspace.drain_removed(&mut out.effects);
            out.effects.append(&mut own);
        }
        self.keyspace.drain_events(&mut out.events);
        self.keyspace.settle(out.effects.len() > told);
        if let Err(error) = done {
            out.reply.truncate(begin);
            out.reply.error(&error);
        }
    }

    /// Lets the keyspace serve `op`, whose database there must be, for `asker`.
    #[inline]
    fn begin(
        &mut self,
        now: Millis,
        op: &Op,
        reads: bool,
        asker: Asker,
    ) -> Result<(), CommandError> {
        if usize::from(op.database()) >= self.keyspace.databases() {
            return Err(CommandError::NO_SUCH_DATABASE);
        }
        self.keyspace.begin(now, op.database(), reads);
        if self.keyspace.is_cold() {
            self.keyspace.warm_for(op, asker)?;
        }
        Ok(())
    }

    /// Takes back what `op` did where it met a damaged block in its midst: a key that it does not name, and that
    /// it took for missing. From then on every op is answered with the damage, but for reads of strings that are in
    /// memory, which callers may do by themselves: of those, what the op did to them is seen.
    #[cold]
    fn stand_by(&self, op: &Op, effects: &mut Effects) -> Result<(), CommandError> {
        let damage = self.keyspace.damage().cloned();
        match damage.filter(|_| op.keys().next().is_some()) {
            Some(damage) => {
                effects.clear();
                Err(damage)
            }
            None => Ok(()),
        }
    }

    /// Makes room for `ops` ahead of applying them at once. Effects go to `out`.
    ///
    /// # Errors
    /// `OOM` where nothing may go and one of them has no room.
    pub(crate) fn prepare(
        &mut self,
        now: Millis,
        ops: &[Op],
        out: &mut Out,
    ) -> Result<(), CommandError> {
        let mut need = 0;
        // What is cold is loaded before anything is done: a part that is refused later would leave others done.
        let is_cold = self.keyspace.is_cold();
        let grow = |op: &&Op| is_cold || op.command().flags.has(Flag::Denyoom);
        let done = ops.iter().filter(grow).try_for_each(|op| {
            self.begin(now, op, false, Asker::Client)?;
            need += self.keyspace.prepare(op)?;
            Ok(())
        });
        if done.is_ok() && ops.len() > 1 {
            self.keyspace.prepare_together(need);
        }
        self.keyspace.drain_removed(&mut out.effects);
        self.keyspace.drain_events(&mut out.events);
        self.keyspace.settle(true);
        done
    }

    /// Removes `key` where it has expired: for those who watch it. Effects go to `out`.
    pub(crate) fn look(&mut self, now: Millis, key: &DbKey, out: &mut Out) {
        self.keyspace.begin(now, key.database(), false);
        self.keyspace.peek(key.key());
        self.keyspace.drain_removed(&mut out.effects);
        self.keyspace.drain_events(&mut out.events);
        self.keyspace.settle(true);
    }

    /// Applies an effect of the past, from a log or a snapshot: no time passes, and no room is made,
    /// since what expired or was evicted then is among the effects.
    ///
    /// # Errors
    /// The op is refused, which an effect never was.
    pub fn replay(&mut self, op: &Op, out: &mut Out) -> Result<(), CommandError> {
        self.replay_sought(op, None, out)
    }

    /// As [`Shard::replay`] of an op whose first key was sought there.
    fn replay_sought(
        &mut self,
        op: &Op,
        sought: Option<Sought>,
        out: &mut Out,
    ) -> Result<(), CommandError> {
        self.begin(Millis(0), op, false, Asker::Log)?;
        if let Some((key, sought)) = op.key().zip(sought) {
            self.keyspace.foresee(key, sought);
        }
        let done = (op.command().run)(&mut Call {
            keyspace: &mut self.keyspace,
            now: Millis(0),
            op,
            may_park: false,
            ready: None,
            out,
        });
        self.keyspace.drain_events(&mut out.events);
        self.keyspace.settle(true);
        out.clear();
        done
    }

    /// As [`Shard::replay`] of each of `ops`, in order, whose waits for memory overlap.
    ///
    /// # Errors
    /// Which is refused, and why; those before it ran.
    pub(crate) fn replay_together(
        &mut self,
        ops: &[Op],
        out: &mut Out,
    ) -> Result<(), (usize, CommandError)> {
        let databases = self.keyspace.databases();
        let seek = |op: &Op| {
            let is_there = usize::from(op.database()) < databases;
            let key = op.key().filter(|_| is_there)?;
            Some(self.keyspace.seek(op.database(), key))
        };
        let mut sought: SmallVec<[Option<Sought>; 32]> = ops.iter().map(seek).collect();
        for sought in sought.iter_mut().flatten() {
            self.keyspace.approach(sought);
        }
        for (at, (op, sought)) in ops.iter().zip(sought).enumerate() {
            self.replay_sought(op, sought, out)
                .map_err(|error| (at, error))?;
        }
        Ok(())
    }

    /// Places the shard's items, from now on, in the memory of NUMA node `node`.
    ///
    /// # Errors
    /// The system cannot.
    pub fn bind(&mut self, node: usize) -> io::Result<()> {
        self.keyspace.bind(node)
    }

    /// Asks `populator` for the pages of memory that the shard is about to use, from now on.
    pub(crate) fn populate_by(&mut self, populator: Populator) {
        self.keyspace.populate_by(populator);
    }

    /// Does a bounded part of the work that no op asks for: removes expired keys, reuses and frees memory.
    /// Effects go to `out`. Whether more is to be done.
    pub fn tick(&mut self, now: Millis, out: &mut Out) -> bool {
        self.keyspace.begin(now, 0, false);
        self.keyspace.collect();
        self.keyspace.rest();
        let mut more = self.keyspace.dismantle_step();
        more |= self.keyspace.walk_policy();
        more |= self.keyspace.evict_slice(&mut out.effects);
        more |= self.keyspace.load_slice();
        if self.expires_actively {
            more |= self.keyspace.expire_slice(&mut out.effects);
        }
        self.keyspace.drain_events(&mut out.events);
        self.keyspace.settle(true);
        more
    }

    /// The most bytes that keys and values may take from now on (`maxmemory`); 0: no bound. What is above goes when the
    /// next write needs room.
    pub fn set_maxmemory(&mut self, bytes: u64) {
        self.keyspace.set_maxmemory(bytes);
    }

    /// Whether expired keys that nobody meets are removed (`DEBUG SET-ACTIVE-EXPIRE`).
    pub fn set_active_expiry(&mut self, whether: bool) {
        self.expires_actively = whether;
    }

    /// Which events are collected from now on (`notify-keyspace-events`).
    pub fn set_notify(&mut self, classes: Classes) {
        self.keyspace.set_notify(classes);
    }

    /// The whole state as ops that rebuild it on an empty shard, expired keys left out.
    pub fn dump(&self, now: Millis, each: &mut dyn FnMut(&Op)) {
        self.keyspace.dump(now, each);
    }

    /// Ops that make one key of database 0 what it is here wherever they are applied. One that has expired comes with
    /// its expiry, since no time passes.
    pub fn dump_key(&mut self, key: &[u8], each: &mut dyn FnMut(&Op)) {
        each(&Op::new(&crate::command::key::DEL).arg(key));
        self.keyspace.begin(Millis(0), 0, false);
        self.keyspace.dump_key(key, each);
    }

    /// Counts and state.
    pub fn stats(&self) -> ShardStats {
        self.keyspace.stats()
    }

    /// The keys, for those who look ahead.
    #[inline]
    pub(crate) fn keys(&self) -> &Keyspace {
        &self.keyspace
    }

    /// The keys, for those who share them with other cores.
    pub(crate) fn keyspace(&mut self) -> &mut Keyspace {
        &mut self.keyspace
    }
}
