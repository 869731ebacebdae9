//! The table of commands: name, arity, flags, key positions, handler.
//!
//! One table feeds dispatch and documentation. A family of commands is a file; a command is a
//! `static` in it and a line in [`COMMANDS`]. Names are found by a table that the compiler makes
//! (`lookup`).

pub mod bits;
pub mod brief;
pub mod counter;
pub(crate) mod cursor;
pub mod debug;
mod draw;
pub mod dump;
mod error;
pub mod expiry;
mod extended;
mod flags;
pub mod geo;
pub mod glob;
pub mod hash;
pub mod hash_random;
pub mod hash_scan;
pub mod hyperloglog;
pub mod key;
mod keys;
pub mod lcs;
pub mod list;
mod lookup;
pub mod memcached;
pub mod number;
pub mod object;
pub mod scan;
pub mod server;
pub mod set;
pub mod sets;
pub mod sort;
pub mod sorted_set;
pub mod string;
pub mod transfer;
mod waiting;

use std::fmt;

pub use error::{CommandError, Refused, shown};
pub use flags::{Flag, Flags};
pub use keys::{Keys, Positions};
pub use lookup::find;

use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::shard::Out;
use crate::time::Millis;

/// Every command, by family.
pub static COMMANDS: &[&Command] = &[
    // Strings.
    &string::GET,
    &set::SET,
    &set::SETNX,
    &set::SETEX,
    &set::PSETEX,
    &set::MSET,
    &set::MSETNX,
    &string::GETSET,
    &string::GETDEL,
    &string::GETEX,
    &string::MGET,
    &string::STRLEN,
    &string::APPEND,
    &string::GETRANGE,
    &string::SUBSTR,
    &string::SETRANGE,
    &counter::INCR,
    &counter::DECR,
    &counter::INCRBY,
    &counter::DECRBY,
    &counter::INCRBYFLOAT,
    &lcs::LCS,
    // Bits.
    &bits::single::SETBIT,
    &bits::single::GETBIT,
    &bits::count::BITCOUNT,
    &bits::count::BITPOS,
    &bits::combine::BITOP,
    &bits::field::BITFIELD,
    &bits::field::BITFIELD_RO,
    // HyperLogLogs.
    &hyperloglog::PFADD,
    &hyperloglog::PFCOUNT,
    &hyperloglog::PFMERGE,
    &hyperloglog::PFDEBUG,
    &hyperloglog::PFSELFTEST,
    // Keys and expiry.
    &key::DEL,
    &key::UNLINK,
    &key::EXISTS,
    &key::TYPE,
    &key::TOUCH,
    &transfer::RENAME,
    &transfer::RENAMENX,
    &transfer::COPY,
    &transfer::MOVE,
    &dump::DUMP,
    &dump::RESTORE,
    &sort::SORT,
    &sort::SORT_RO,
    &object::OBJECT,
    &object::MEMORY,
    &expiry::EXPIRE,
    &expiry::PEXPIRE,
    &expiry::EXPIREAT,
    &expiry::PEXPIREAT,
    &expiry::TTL,
    &expiry::PTTL,
    &expiry::EXPIRETIME,
    &expiry::PEXPIRETIME,
    &expiry::PERSIST,
    // The whole keyspace, the connection.
    &scan::SCAN,
    &scan::KEYS,
    &scan::RANDOMKEY,
    &server::DBSIZE,
    &server::FLUSHALL,
    &server::FLUSHDB,
    &server::SWAPDB,
    &server::PING,
    &server::ECHO,
    // Hashes.
    &hash::HSET,
    &hash::HMSET,
    &hash::HSETNX,
    &hash::HGET,
    &hash::HMGET,
    &hash::HGETALL,
    &hash::HKEYS,
    &hash::HVALS,
    &hash::HDEL,
    &hash::HEXISTS,
    &hash::HLEN,
    &hash::HSTRLEN,
    &hash::HINCRBY,
    &hash::HINCRBYFLOAT,
    &hash_scan::HSCAN,
    &hash_random::HRANDFIELD,
    // Lists.
    &list::push::LPUSH,
    &list::push::RPUSH,
    &list::push::LPUSHX,
    &list::push::RPUSHX,
    &list::pop::LPOP,
    &list::pop::RPOP,
    &list::pop::LMPOP,
    &list::read::LLEN,
    &list::read::LRANGE,
    &list::read::LINDEX,
    &list::read::LPOS,
    &list::change::LSET,
    &list::change::LINSERT,
    &list::change::LREM,
    &list::change::LTRIM,
    &list::transfer::LMOVE,
    &list::transfer::RPOPLPUSH,
    &list::block::BLPOP,
    &list::block::BRPOP,
    &list::block::BLMPOP,
    &list::block::BLMOVE,
    &list::block::BRPOPLPUSH,
    // Sets.
    &sets::change::SADD,
    &sets::change::SREM,
    &sets::change::SMOVE,
    &sets::read::SISMEMBER,
    &sets::read::SMISMEMBER,
    &sets::read::SCARD,
    &sets::read::SMEMBERS,
    &sets::random::SRANDMEMBER,
    &sets::random::SPOP,
    &sets::algebra::SINTER,
    &sets::algebra::SINTERCARD,
    &sets::algebra::SINTERSTORE,
    &sets::algebra::SUNION,
    &sets::algebra::SUNIONSTORE,
    &sets::algebra::SDIFF,
    &sets::algebra::SDIFFSTORE,
    &sets::scan::SSCAN,
    // Sorted sets.
    &sorted_set::add::ZADD,
    &sorted_set::add::ZINCRBY,
    &sorted_set::read::ZSCORE,
    &sorted_set::read::ZMSCORE,
    &sorted_set::read::ZCARD,
    &sorted_set::read::ZCOUNT,
    &sorted_set::read::ZLEXCOUNT,
    &sorted_set::read::ZRANK,
    &sorted_set::read::ZREVRANK,
    &sorted_set::range::ZRANGE,
    &sorted_set::range::ZREVRANGE,
    &sorted_set::range::ZRANGEBYSCORE,
    &sorted_set::range::ZREVRANGEBYSCORE,
    &sorted_set::range::ZRANGEBYLEX,
    &sorted_set::range::ZREVRANGEBYLEX,
    &sorted_set::remove::ZREM,
    &sorted_set::remove::ZREMRANGEBYRANK,
    &sorted_set::remove::ZREMRANGEBYSCORE,
    &sorted_set::remove::ZREMRANGEBYLEX,
    &sorted_set::pop::ZPOPMIN,
    &sorted_set::pop::ZPOPMAX,
    &sorted_set::pop::ZMPOP,
    &sorted_set::block::BZPOPMIN,
    &sorted_set::block::BZPOPMAX,
    &sorted_set::block::BZMPOP,
    &sorted_set::range::ZRANGESTORE,
    &sorted_set::algebra::ZUNION,
    &sorted_set::algebra::ZINTER,
    &sorted_set::algebra::ZDIFF,
    &sorted_set::algebra::ZINTERCARD,
    &sorted_set::algebra::ZUNIONSTORE,
    &sorted_set::algebra::ZINTERSTORE,
    &sorted_set::algebra::ZDIFFSTORE,
    &sorted_set::random::ZRANDMEMBER,
    &sorted_set::scan::ZSCAN,
    // Places.
    &geo::add::GEOADD,
    &geo::read::GEODIST,
    &geo::read::GEOHASH,
    &geo::read::GEOPOS,
    &geo::search::GEOSEARCH,
    &geo::search::GEOSEARCHSTORE,
    &geo::search::GEORADIUS,
    &geo::search::GEORADIUS_RO,
    &geo::search::GEORADIUSBYMEMBER,
    &geo::search::GEORADIUSBYMEMBER_RO,
];

/// A command, as the table has it.
pub struct Command {
    /// Its name, in lower case.
    pub name: &'static str,
    /// How many words a call has, the name counted; negative: at least so many (Redis's convention).
    pub arity: i8,
    /// What it does to the store.
    pub flags: Flags,
    /// Which arguments are keys.
    pub keys: Keys,
    /// One line for people.
    pub about: &'static str,
    /// What runs it.
    pub run: fn(&mut Call<'_>) -> Result<(), CommandError>,
}

/// What one of the subcommands needs that a command runs itself, as `OBJECT ENCODING`.
#[derive(Debug)]
pub struct Part {
    /// Its name, in lower case, after its command's: `object|encoding`.
    pub name: &'static str,
    /// How many words a call has, both names counted; negative: at least so many.
    pub arity: i8,
    /// What it does to the store.
    pub flags: Flags,
    /// One line for people.
    pub about: &'static str,
}

/// The subcommands of the commands of [`COMMANDS`] that have some.
pub static PARTS: &[(&Command, &[Part])] = &[(&object::OBJECT, object::OBJECT_PARTS)];

impl Command {
    /// Whether `args` arguments (the name not counted) fit the arity.
    pub fn accepts(&self, args: usize) -> bool {
        let words = args + 1;
        let wanted = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            words >= wanted
        } else {
            words == wanted
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// One call of a command: what its handler may touch.
pub struct Call<'a> {
    /// The shard's keys.
    pub keyspace: &'a mut Keyspace,
    /// The time of the call.
    pub now: Millis,
    /// The op.
    pub op: &'a Op,
    /// Whether it may wait for its keys; inside a transaction it may not.
    pub may_park: bool,
    /// It waited, and this one of its keys may be ready: it looks at no other.
    pub ready: Option<&'a [u8]>,
    /// Where reply and effects go.
    pub out: &'a mut Out,
}

impl Call<'_> {
    /// Tells log and replicas the op as it came: for handlers whose op is deterministic.
    pub fn propagate(&mut self) {
        self.out.effects.push(self.op);
    }

    /// Tells listeners what happened to `key`: at the places where Redis does, and cheap where nobody
    /// listens.
    #[inline]
    pub fn notify(&mut self, class: Class, name: &'static str, key: &[u8]) {
        self.keyspace.notify(class, name, key);
    }

    /// Tells log and replicas another op within the same database, which has the same effect at any
    /// time.
    fn effect(&mut self, op: &Op) {
        self.out.effects.push_within(op, self.op.database());
    }

    /// As [`Call::effect`], of a command and its arguments: for what runs most often, so that no op is made of them.
    #[inline]
    fn effect_words(&mut self, command: &Command, args: &[&[u8]]) {
        let effects = &mut self.out.effects;
        effects.push_words(command, args.iter().copied(), self.op.database());
    }

    /// The database of this number.
    ///
    /// # Errors
    /// There is none.
    fn database(&self, number: i32) -> Result<u8, CommandError> {
        let there = usize::try_from(number).is_ok_and(|n| n < self.keyspace.databases());
        let database = u8::try_from(number).ok().filter(|_| there);
        database.ok_or(CommandError::NO_SUCH_DATABASE)
    }

    /// Removes `key` and tells it (`DEL`), to listeners too; whether it was there.
    fn remove(&mut self, key: &[u8]) -> bool {
        let removed = self.keyspace.remove(key);
        if removed {
            self.notify(Class::Generic, "del", key);
            self.effect(&Op::new(&key::DEL).arg(key));
        }
        removed
    }
}
