//! How many different elements there were, roughly: `PFADD`, `PFCOUNT`, `PFMERGE`.

use std::fmt::Write;

use super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::keyspace::Expire;
use crate::value::Limits;
use crate::value::hyperloglog::{Corrupt, HyperLogLog, REGISTERS, estimate, sparse};

/// `PFADD key [element ...]`
pub static PFADD: Command = Command {
    name: "pfadd",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add elements to a HyperLogLog",
    run: pfadd,
};

/// `PFCOUNT key [key ...]`
pub static PFCOUNT: Command = Command {
    name: "pfcount",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ALL,
    about: "how many different elements HyperLogLogs saw, roughly",
    run: pfcount,
};

/// `PFMERGE destkey [sourcekey ...]`
pub static PFMERGE: Command = Command {
    name: "pfmerge",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ALL,
    about: "make one HyperLogLog of several",
    run: pfmerge,
};

/// `PFDEBUG GETREG | DECODE | ENCODING | TODENSE key`
pub static PFDEBUG: Command = Command {
    name: "pfdebug",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Admin]),
    keys: Keys::Range {
        first: 1,
        last: 1,
        step: 1,
    },
    about: "what a HyperLogLog is made of",
    run: pfdebug,
};

/// `PFSELFTEST`
pub static PFSELFTEST: Command = Command {
    name: "pfselftest",
    arity: 1,
    flags: Flags::of(&[Flag::Admin]),
    keys: Keys::NONE,
    about: "test the HyperLogLog",
    run: pfselftest,
};

const NOT_ONE: CommandError =
    CommandError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");

impl From<Corrupt> for CommandError {
    fn from(_: Corrupt) -> CommandError {
        CommandError::fixed("INVALIDOBJ Corrupted HLL object detected")
    }
}

fn read(call: &mut Call<'_>, key: &[u8]) -> Result<Option<HyperLogLog>, CommandError> {
    let bytes = call.keyspace.string(key)?;
    let one = |bytes| HyperLogLog::of(bytes).ok_or(NOT_ONE);
    bytes.map(one).transpose()
}

fn keep(call: &mut Call<'_>, key: &[u8], value: &HyperLogLog) -> Result<(), CommandError> {
    call.keyspace.set_raw(key, value.as_bytes(), Expire::Keep)
}

fn pfadd(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let found = read(call, key)?;
    let mut changed = found.is_none();
    let mut value = found.unwrap_or_default();
    let sparse_max = call.keyspace.limits().sparse_bytes;
    for element in call.op.args().skip(1) {
        changed |= value.add(element, sparse_max)?;
    }
    if changed {
        value.invalidate();
        keep(call, key, &value)?;
        call.notify(Class::String, "pfadd", key);
        call.propagate();
    }
    call.out.reply.int(i64::from(changed));
    Ok(())
}

fn pfcount(call: &mut Call<'_>) -> Result<(), CommandError> {
    let count = if call.op.len() == 1 {
        count_one(call)?
    } else {
        let mut registers = [0; REGISTERS];
        for key in call.op.args() {
            if let Some(value) = read(call, key)? {
                value.merge_into(&mut registers)?;
            }
        }
        estimate(&registers)
    };
    call.out.reply.int(count as i64);
    Ok(())
}

/// The estimate of one key, which keeps it: the command reads, and yet changes the key's bytes.
fn count_one(call: &mut Call<'_>) -> Result<u64, CommandError> {
    let key = &call.op[0];
    let Some(mut value) = read(call, key)? else {
        return Ok(0);
    };
    if let Some(count) = value.cached() {
        return Ok(count);
    }
    let count = value.count()?;
    keep(call, key, &value)?;
    call.propagate();
    Ok(count)
}

fn pfmerge(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let mut registers = [0; REGISTERS];
    let (mut found, mut dense) = (None, false);
    call.keyspace.count_reads(true);
    for (i, source) in call.op.args().enumerate() {
        let Some(value) = read(call, source)? else {
            continue;
        };
        dense |= !value.is_sparse();
        value.merge_into(&mut registers)?;
        if i == 0 {
            found = Some(value);
        }
    }
    call.keyspace.count_reads(false);
    let sparse_max = call.keyspace.limits().sparse_bytes;
    let mut value = found.unwrap_or_default();
    if dense {
        value.make_dense()?;
    }
    for (register, &count) in registers.iter().enumerate() {
        if count > 0 {
            value.raise(register, count, sparse_max)?;
        }
    }
    value.invalidate();
    keep(call, key, &value)?;
    // Redis calls it so.
    call.notify(Class::String, "pfadd", key);
    call.propagate();
    call.out.reply.ok();
    Ok(())
}

fn pfdebug(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (word, key) = (&call.op[0], &call.op[1]);
    let Some(mut value) = read(call, key)? else {
        return Err(CommandError::new("ERR The specified key does not exist"));
    };
    let was_sparse = value.is_sparse();
    match word.to_ascii_lowercase().as_slice() {
        b"getreg" => {
            make_dense(call, key, &mut value)?;
            let mut registers = [0; REGISTERS];
            value.merge_into(&mut registers)?;
            call.out.reply.array(REGISTERS);
            for count in registers {
                call.out.reply.int(count.into());
            }
        }
        b"decode" if !was_sparse => {
            return Err(CommandError::new("ERR HLL encoding is not sparse"));
        }
        b"decode" => {
            let mut text = String::new();
            for run in sparse::runs(value.body()) {
                let space = if text.is_empty() { "" } else { " " };
                let _ = match (run.value, run.bytes) {
                    (0, 1) => write!(text, "{space}z:{}", run.len),
                    (0, _) => write!(text, "{space}Z:{}", run.len),
                    (value, _) => write!(text, "{space}v:{value},{}", run.len),
                };
            }
            call.out.reply.bulk(text.as_bytes());
        }
        b"encoding" => {
            let name = if was_sparse { "sparse" } else { "dense" };
            call.out.reply.simple(name);
        }
        b"todense" => {
            make_dense(call, key, &mut value)?;
            call.out.reply.int(i64::from(was_sparse));
        }
        _ => {
            let word = super::error::shown(word, usize::MAX);
            return Err(CommandError::new(format!(
                "ERR Unknown PFDEBUG subcommand '{word}'"
            )));
        }
    }
    Ok(())
}

fn make_dense(
    call: &mut Call<'_>,
    key: &[u8],
    value: &mut HyperLogLog,
) -> Result<(), CommandError> {
    if value.is_sparse() {
        value.make_dense()?;
        keep(call, key, value)?;
        call.propagate();
    }
    Ok(())
}

/// Elements of the self-test, and by how much its estimate may be off: four standard errors.
const TEST_ELEMENTS: u32 = 100_000;
const TEST_ERROR: f64 = 4.0 * 1.04 / 128.0;

fn pfselftest(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (mut one, mut dense) = (HyperLogLog::default(), HyperLogLog::default());
    dense.make_dense()?;
    for n in 1..=TEST_ELEMENTS {
        let element = n.to_le_bytes();
        let most = Limits::default().sparse_bytes;
        let (a, b) = (one.add(&element, most)?, dense.add(&element, most)?);
        if a != b {
            return Err(CommandError::new(format!(
                "ERR TESTFAILED sparse and dense registers differ after {n} elements"
            )));
        }
        if n.is_power_of_two() || n == TEST_ELEMENTS {
            let count = one.count()?;
            let error = (count as f64 / f64::from(n) - 1.0).abs();
            if error > TEST_ERROR {
                return Err(CommandError::new(format!(
                    "ERR TESTFAILED {n} elements are estimated to be {count}"
                )));
            }
        }
    }
    call.out.reply.ok();
    Ok(())
}
