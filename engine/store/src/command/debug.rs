//! What tests of Redis look at and do to a whole store: digests, low-level facts, a reload in place.
//!
//! The server's `DEBUG` makes these ops. Clients cannot name them, since they stand in no table; nothing
//! of them is told to log or replicas, since none changes what a key holds.

use std::io::Read;

use super::object::{encoding, references};
use super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::digest::Digest;
use crate::disk::{Disk, MemoryDisk};
use crate::effect::Effects;
use crate::keyspace::{Inspected, Keyspace, Usage, record_ops};
use crate::op::Op;
use crate::rdb;
use crate::shard::Out;
use crate::snapshot::{self, Meta, Reader, SnapshotError};
use crate::time::Millis;
use crate::value::Value;

/// An array of as many bulk strings as there are databases: the sum of its keys' digests, or nothing
/// where it has no keys. Those of shards are brought together.
pub static DIGEST: Command = Command {
    name: "debug|digest",
    arity: 1,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::Every,
    about: "the digest of each database",
    run: digest,
};

/// The digest of what each key holds, as text.
pub static DIGEST_VALUE: Command = Command {
    name: "debug|digest-value",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ALL,
    about: "the digest of what each key holds",
    run: digest_value,
};

/// How a key is kept, in Redis's words.
pub static OBJECT: Command = Command {
    name: "debug|object",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "how a key is kept",
    run: object,
};

/// `LISTPACK`, `QUICKLIST` or `HTSTATS-KEY`, after the key: whether it is kept so, and how.
pub static LAYOUT: Command = Command {
    name: "debug|layout",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "how the elements of a key are kept",
    run: layout,
};

/// Everything goes into a snapshot, or with `LOG` into a log's records, and comes back out of it.
pub static RELOAD: Command = Command {
    name: "debug|reload",
    arity: -1,
    // Nobody may see the keys while they are away.
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::Every,
    about: "save everything and load it again",
    run: reload,
};

const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");
/// The bytes around a value in what `DUMP` gives: its type before, version and checksum after.
const DUMP_FRAME_BYTES: usize = 1 + 2 + 8;
/// Redis counts accesses on a clock of so many bits of seconds.
const CLOCK_BITS: u32 = 24;

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn digest(call: &mut Call<'_>) -> Result<(), CommandError> {
    let mut sums: Vec<Option<Digest>> = vec![None; call.keyspace.databases()];
    call.keyspace.for_each(|entry| {
        let digest = Digest::of_key(entry.key, entry.value, entry.expires);
        let sum = &mut sums[usize::from(entry.database)];
        sum.get_or_insert_default().add_digest(&digest);
    });
    call.out.reply.array(sums.len());
    for sum in sums {
        match sum {
            Some(sum) => call.out.reply.bulk(sum.as_bytes()),
            None => call.out.reply.nil(),
        }
    }
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn digest_value(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    call.out.reply.array(op.len());
    for key in op.args() {
        let expires = call.keyspace.expires_at(key).flatten();
        let value = call.keyspace.peek(key);
        let digest = value.map(|value| Digest::of_value(value, expires));
        call.out
            .reply
            .simple(&digest.unwrap_or_default().to_string());
    }
    Ok(())
}

fn object(call: &mut Call<'_>) -> Result<(), CommandError> {
    let found = call.keyspace.inspect(&call.op[0]).ok_or(NO_SUCH_KEY)?;
    let clock_mask = (1u64 << CLOCK_BITS) - 1;
    let now_s = call.now.0 / 1_000;
    let (clock, idle_s) = match found.usage {
        Usage::Idle { seconds } => (now_s.saturating_sub(seconds), seconds),
        Usage::Frequency(count) => ((now_s / 60) << 8 | u64::from(count), 0),
        Usage::Unknown => (now_s, 0),
    };
    let text = format!(
        "Value at:0x{:012x} refcount:{} encoding:{} serializedlength:{} lru:{} \
         lru_seconds_idle:{idle_s}{}",
        found.place,
        references(&found),
        encoding(&found),
        rdb::write(found.value).len() - DUMP_FRAME_BYTES,
        clock & clock_mask,
        quicklist(&found),
    );
    call.out.reply.simple(&text);
    Ok(())
}

/// What Redis tells besides of lists.
fn quicklist(found: &Inspected<'_>) -> String {
    let Value::List(list) = found.value else {
        return String::new();
    };
    format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:-2 ql_compressed:0 ql_uncompressed_size:{}",
        list.chunks(),
        list.len() as f64 / list.chunks() as f64,
        list.iter().map(<[u8]>::len).sum::<usize>(),
    )
}

fn layout(call: &mut Call<'_>) -> Result<(), CommandError> {
    let wanted = call.op[1].to_ascii_lowercase();
    let found = call.keyspace.inspect(&call.op[0]).ok_or(NO_SUCH_KEY)?;
    let (encoding, bytes) = (encoding(&found), found.bytes);
    let elements = match found.value {
        Value::String(_) => 1,
        Value::Hash(hash) => hash.len(),
        Value::List(list) => list.len(),
        Value::Set(set) => set.len(),
        Value::SortedSet(set) => set.len(),
    };
    let is_so = match wanted.as_slice() {
        b"listpack" => encoding == "listpack",
        b"quicklist" => encoding == "quicklist",
        _ => matches!(encoding, "hashtable" | "skiplist"),
    };
    if !is_so {
        return Err(CommandError::fixed(match wanted.as_slice() {
            b"listpack" => "ERR Not a listpack encoded object.",
            b"quicklist" => "ERR Not a quicklist encoded object.",
            _ => "ERR The value stored at the specified key is not represented using an hash table",
        }));
    }
    let text = format!("{encoding}: {elements} elements in {bytes} bytes");
    if matches!(wanted.as_slice(), b"listpack" | b"quicklist") {
        call.out.reply.simple(&text);
    } else {
        let text = format!(
            "Hash table 0 stats (main hash table):\n number of elements: {elements}\n bytes: {bytes}\n"
        );
        call.out.reply.verbatim(*b"txt", text.as_bytes());
    }
    Ok(())
}

fn reload(call: &mut Call<'_>) -> Result<(), CommandError> {
    let through = match call.op.get(0) {
        None => Through::snapshot(call.keyspace, call.now)?,
        Some(word) if word.eq_ignore_ascii_case(b"log") => Through::log(call.keyspace, call.now),
        Some(_) => return Err(CommandError::SYNTAX),
    };
    // Nothing is dropped that cannot be read back.
    through.ops(&mut |_| Ok(()))?;
    let classes = call.keyspace.mute();
    call.keyspace.clear();
    let (keyspace, mut scratch) = (&mut *call.keyspace, Out::default());
    let loaded = through.ops(&mut |op| rebuild(keyspace, op, &mut scratch));
    call.keyspace.set_notify(classes);
    call.keyspace.begin(call.now, call.op.database(), false);
    loaded?;
    call.out.reply.ok();
    Ok(())
}

/// All keys in one of the forms in which they outlive the process, in memory.
enum Through {
    Snapshot(Reader),
    Log(Effects),
}

impl Through {
    fn snapshot(keyspace: &Keyspace, now: Millis) -> Result<Through, CommandError> {
        const NAME: &str = "reload.snapshot";
        let disk = MemoryDisk::default();
        let mut meta = Meta {
            shards: 1,
            taken: now,
            ..Meta::default()
        };
        keyspace.describe(&mut meta);
        snapshot::write_to(&disk, NAME, &meta, |writer| keyspace.write_to(writer))?;
        let mut bytes = Vec::new();
        let read = disk
            .read(NAME, 0)
            .and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(|source| SnapshotError::Io {
            doing: "read",
            file: NAME.to_owned(),
            source,
        })?;
        Ok(Through::Snapshot(Reader::from_bytes(NAME, bytes)?))
    }

    fn log(keyspace: &Keyspace, now: Millis) -> Through {
        let mut effects = Effects::default();
        keyspace.dump(now, &mut |op| effects.push(op));
        Through::Log(effects)
    }

    /// Shows the ops that rebuild the keys, as far as they are taken.
    fn ops(
        &self,
        each: &mut dyn FnMut(&Op) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        match self {
            Through::Snapshot(reader) => {
                let mut taken = Ok(());
                reader.for_each(|record| {
                    record_ops(&record, &mut |op| {
                        if taken.is_ok() {
                            taken = each(op);
                        }
                    });
                })?;
                taken
            }
            Through::Log(effects) => {
                Effects::decode(effects.as_bytes()).try_for_each(|op| each(&op?))
            }
        }
    }
}

/// Applies `op`, which keys were kept as, as if no time passed.
fn rebuild(keyspace: &mut Keyspace, op: &Op, out: &mut Out) -> Result<(), CommandError> {
    keyspace.begin(Millis(0), op.database(), false);
    out.clear();
    (op.command().run)(&mut Call {
        keyspace,
        now: Millis(0),
        op,
        may_park: false,
        ready: None,
        out,
    })
}

impl From<SnapshotError> for CommandError {
    fn from(error: SnapshotError) -> CommandError {
        CommandError::new(format!("ERR {error}"))
    }
}
