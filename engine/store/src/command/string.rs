//! Strings: `GET`, `SET`.

use super::{Call, Command, CommandError, Flags, Keys};
use crate::keyspace::Expire;

/// `GET key`
pub static GET: Command = Command {
    name: "get",
    arity: 2,
    flags: Flags::Read,
    keys: Keys::ONE,
    about: "the value of a string",
    run: get,
};

/// `SET key value`
pub static SET: Command = Command {
    name: "set",
    arity: -3,
    flags: Flags::Write,
    keys: Keys::ONE,
    about: "set a string",
    run: set,
};

fn get(call: &mut Call<'_>) -> Result<(), CommandError> {
    match call.keyspace.string(&call.op[0])? {
        Some(value) => call.out.reply.bulk(value),
        None => call.out.reply.nil(),
    }
    Ok(())
}

fn set(call: &mut Call<'_>) -> Result<(), CommandError> {
    if call.op.len() != 2 {
        return Err(CommandError::SYNTAX);
    }
    call.keyspace
        .set_string(&call.op[0], &call.op[1], Expire::Never)?;
    call.propagate();
    call.out.reply.ok();
    Ok(())
}
