//! One bit: `SETBIT`, `GETBIT`.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use super::{bit, offset, set_bit};
use crate::event::Class;
use crate::keyspace::Expire;

/// `SETBIT key offset value`
pub static SETBIT: Command = Command {
    name: "setbit",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set a bit of a string, and give the old one",
    run: setbit,
};

/// `GETBIT key offset`
pub static GETBIT: Command = Command {
    name: "getbit",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "a bit of a string",
    run: getbit,
};

fn setbit(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let at = offset(&call.op[1])?;
    let on = match number::parse_int(&call.op[2]) {
        Some(0) => false,
        Some(1) => true,
        _ => {
            return Err(CommandError::new(
                "ERR bit is not an integer or out of range",
            ));
        }
    };
    let old = call.keyspace.string(key)?;
    let grows = old.is_none_or(|bytes| bytes.len() as u64 <= at >> 3);
    let was_on = old.is_some_and(|bytes| bit(bytes, at));
    if grows || was_on != on {
        let mut bytes = old.unwrap_or_default().to_vec();
        bytes.resize(bytes.len().max((at >> 3) as usize + 1), 0);
        set_bit(&mut bytes, at, on);
        call.keyspace.set_raw(key, &bytes, Expire::Keep)?;
        call.notify(Class::String, "setbit", key);
        call.propagate();
    }
    call.out.reply.int(i64::from(was_on));
    Ok(())
}

fn getbit(call: &mut Call<'_>) -> Result<(), CommandError> {
    let at = offset(&call.op[1])?;
    let bytes = call.keyspace.string(&call.op[0])?.unwrap_or_default();
    let on = bit(bytes, at);
    call.out.reply.int(i64::from(on));
    Ok(())
}
