//! What the store knows of a key besides its value: `OBJECT`, and `MEMORY USAGE`.

use super::{Call, Command, CommandError, Flag, Flags, Keys, Part, number};
use crate::keyspace::{Inspected, Usage};
use crate::value::Value;

/// The key of a subcommand.
const SECOND: Keys = Keys::Range {
    first: 1,
    last: 1,
    step: 1,
};

/// `OBJECT ENCODING key | FREQ key | IDLETIME key | REFCOUNT key | HELP`
pub static OBJECT: Command = Command {
    name: "object",
    arity: -2,
    flags: Flags::of(&[]),
    keys: SECOND,
    about: "how a key is kept and used",
    run: object,
};

/// The subcommands of `OBJECT`.
pub static OBJECT_PARTS: &[Part] = &[
    of_a_key("object|encoding", "the form in which a value is kept"),
    of_a_key("object|freq", "how often a key was used"),
    Part {
        name: "object|help",
        arity: 2,
        flags: Flags::of(&[Flag::Loading, Flag::Stale]),
        about: "what the subcommands do",
    },
    of_a_key("object|idletime", "the seconds since a key was used"),
    of_a_key("object|refcount", "how many references a value has"),
];

const fn of_a_key(name: &'static str, about: &'static str) -> Part {
    Part {
        name,
        arity: 3,
        flags: Flags::of(&[Flag::Readonly]),
        about,
    }
}

/// `MEMORY USAGE key [SAMPLES count]`; the other subcommands are not about a key, and a server's.
pub static MEMORY: Command = Command {
    name: "memory",
    arity: -2,
    flags: Flags::of(&[]),
    keys: SECOND,
    about: "the bytes that a key takes",
    run: memory,
};

const OBJECT_HELP: &[&str] = &[
    "OBJECT <subcommand> <key>: what is kept of a key besides its value.",
    "ENCODING <key>",
    "    The form in which its value is kept.",
    "FREQ <key>",
    "    How often it was used, where the eviction policy counts that.",
    "IDLETIME <key>",
    "    Seconds since it was used, where the eviction policy keeps that.",
    "REFCOUNT <key>",
    "    How many references its value has.",
    "HELP",
    "    This text.",
];

/// Strings up to so many bytes are `embstr`.
const EMBEDDED_BYTES_MAX: usize = 44;
/// Integers below this are shared objects in Redis, which show as many references as an `int` holds,
/// unless the eviction policy keeps something of each.
const SHARED_INTEGERS: i64 = 10_000;

fn object(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let word = op[0].to_ascii_lowercase();
    if word == b"help" && op.len() == 1 {
        call.out.reply.array(OBJECT_HELP.len());
        for line in OBJECT_HELP {
            call.out.reply.simple(line);
        }
        return Ok(());
    }
    let word = match word.as_slice() {
        b"encoding" => "encoding",
        b"freq" => "freq",
        b"idletime" => "idletime",
        b"refcount" => "refcount",
        b"help" => return Err(wrong_number("object|help")),
        _ => return Err(unknown(call, "OBJECT")),
    };
    if op.len() != 2 {
        return Err(wrong_number(&format!("object|{word}")));
    }
    let Some(found) = call.keyspace.inspect(&op[1]) else {
        call.out.reply.nil();
        return Ok(());
    };
    match word {
        "encoding" => {
            let name = encoding(&found);
            call.out.reply.bulk(name.as_bytes());
        }
        "refcount" => {
            let references = references(&found);
            call.out.reply.int(references);
        }
        "freq" => match found.usage {
            Usage::Frequency(count) => call.out.reply.int(count.into()),
            Usage::Idle { .. } | Usage::Unknown => {
                return Err(CommandError::new(
                    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                     Please note that when switching between policies at runtime LRU and LFU data \
                     will take some time to adjust.",
                ));
            }
        },
        _ => match found.usage {
            Usage::Idle { seconds } => call.out.reply.int(seconds as i64),
            Usage::Frequency(_) => {
                return Err(CommandError::new(
                    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note \
                     that when switching between policies at runtime LRU and LFU data will take \
                     some time to adjust.",
                ));
            }
            Usage::Unknown => {
                return Err(CommandError::new(
                    "ERR The maxmemory policy that is selected does not track idle times.",
                ));
            }
        },
    }
    Ok(())
}

fn memory(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    if !op[0].eq_ignore_ascii_case(b"usage") {
        return Err(unknown(call, "MEMORY"));
    }
    if op.len() < 2 {
        return Err(wrong_number("memory|usage"));
    }
    let mut i = 2;
    while let Some(word) = op.get(i) {
        let samples = op.get(i + 1).ok_or(CommandError::SYNTAX)?;
        // How many elements are looked at does not matter to a store that keeps count.
        if !word.eq_ignore_ascii_case(b"samples") || number::int(samples)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        i += 2;
    }
    match call.keyspace.inspect(&op[1]).map(|found| found.bytes) {
        Some(bytes) => call.out.reply.int(bytes as i64),
        None => call.out.reply.nil(),
    }
    Ok(())
}

pub(super) fn encoding(found: &Inspected<'_>) -> &'static str {
    match found.value {
        Value::String(bytes) if integer(found, bytes).is_some() => "int",
        Value::String(bytes) if found.raw || bytes.len() > EMBEDDED_BYTES_MAX => "raw",
        Value::String(_) => "embstr",
        Value::Hash(hash) if hash.is_compact() => "listpack",
        Value::List(_) => "quicklist",
        Value::Set(set) if set.is_ints() => "intset",
        Value::Hash(_) | Value::Set(_) => "hashtable",
        Value::SortedSet(set) if set.is_compact() => "listpack",
        Value::SortedSet(_) => "skiplist",
    }
}

fn integer(found: &Inspected<'_>, bytes: &[u8]) -> Option<i64> {
    number::parse_int(bytes).filter(|_| !found.raw)
}

pub(super) fn references(found: &Inspected<'_>) -> i64 {
    match found.value {
        Value::String(bytes)
            if !found.apart
                && integer(found, bytes).is_some_and(|n| (0..SHARED_INTEGERS).contains(&n)) =>
        {
            i32::MAX.into()
        }
        _ => 1,
    }
}

fn wrong_number(name: &str) -> CommandError {
    CommandError::new(format!(
        "ERR wrong number of arguments for '{name}' command"
    ))
}

fn unknown(call: &Call<'_>, command: &str) -> CommandError {
    let word = super::error::shown(&call.op[0], 128);
    CommandError::new(format!(
        "ERR unknown subcommand '{word}'. Try {command} HELP."
    ))
}
