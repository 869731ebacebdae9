//! Values in Redis's RDB form, from key to client and back: `DUMP`, `RESTORE`.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::keyspace::Usage;
use crate::op::Op;
use crate::rdb::{self, RdbError};
use crate::time::Millis;

/// `DUMP key`
pub static DUMP: Command = Command {
    name: "dump",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "a key's value in the form of Redis's RDB files",
    run: dump,
};

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
pub static RESTORE: Command = Command {
    name: "restore",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "make a key of what DUMP gave",
    run: restore,
};

fn dump(call: &mut Call<'_>) -> Result<(), CommandError> {
    let value = call.keyspace.peek(&call.op[0]);
    match value.map(rdb::write) {
        Some(payload) => call.out.reply.bulk(&payload),
        None => call.out.reply.nil(),
    }
    Ok(())
}

/// What may follow the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    usage: Option<Usage>,
}

impl Options {
    fn parse(op: &Op) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let (mut idle, mut frequency) = (false, false);
        let mut i = 3;
        while let Some(word) = op.get(i) {
            let value = op.get(i + 1);
            match (word.to_ascii_lowercase().as_slice(), value) {
                (b"replace", _) => options.replace = true,
                (b"absttl", _) => options.absolute = true,
                (b"idletime", Some(seconds)) if !frequency => {
                    let seconds = u64::try_from(number::int(seconds)?).map_err(|_| {
                        CommandError::new("ERR Invalid IDLETIME value, must be >= 0")
                    })?;
                    options.usage = Some(Usage::Idle { seconds });
                    idle = true;
                    i += 1;
                }
                (b"freq", Some(count)) if !idle => {
                    let count = u8::try_from(number::int(count)?).map_err(|_| {
                        CommandError::new("ERR Invalid FREQ value, must be >= 0 and <= 255")
                    })?;
                    options.usage = Some(Usage::Frequency(count.into()));
                    frequency = true;
                    i += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(options)
    }
}

fn restore(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (op, key) = (call.op, &call.op[0]);
    let options = Options::parse(op)?;
    if !options.replace && call.keyspace.has(key) {
        return Err(CommandError::new("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(number::int(&op[1])?)
        .map_err(|_| CommandError::new("ERR Invalid TTL value, must be >= 0"))?;
    let value = rdb::read(&op[2], call.keyspace.limits())?;
    let expires = match ttl {
        0 => None,
        at if options.absolute => Some(Millis(at)),
        ms => Some(Millis(call.now.0.saturating_add(ms))),
    };
    let replaced = options.replace && call.keyspace.remove(key);
    if expires.is_some_and(|at| call.now > at) {
        if replaced {
            call.effect(&Op::new(&super::key::DEL).arg(key));
            call.notify(Class::Generic, "del", key);
        }
        call.out.reply.ok();
        return Ok(());
    }
    call.keyspace.put_owned(key, value, expires)?;
    if let Some(usage) = options.usage {
        call.keyspace.set_usage(key, usage);
    }
    call.notify(Class::Generic, "restore", key);
    let at = expires.map_or(0, |at| at.0);
    let told = Op::new(&RESTORE).arg(key).text(at).arg(&op[2]);
    call.effect(&told.arg("REPLACE").arg("ABSTTL"));
    call.out.reply.ok();
    Ok(())
}

impl From<RdbError> for CommandError {
    fn from(error: RdbError) -> CommandError {
        CommandError::new(error.to_string())
    }
}
