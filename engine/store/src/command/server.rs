//! The keyspace as a whole, and signs of life.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys};

/// `DBSIZE`
pub static DBSIZE: Command = Command {
    name: "dbsize",
    arity: 1,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::NONE,
    about: "how many keys there are",
    run: dbsize,
};

/// `FLUSHALL [ASYNC | SYNC]`
pub static FLUSHALL: Command = Command {
    name: "flushall",
    arity: -1,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::NONE,
    about: "delete every key",
    run: flush,
};

/// `FLUSHDB [ASYNC | SYNC]`: there is one database, so the same as [`FLUSHALL`].
pub static FLUSHDB: Command = Command {
    name: "flushdb",
    arity: -1,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::NONE,
    about: "delete every key of the one database",
    run: flush,
};

/// `PING [message]`
pub static PING: Command = Command {
    name: "ping",
    arity: -1,
    flags: Flags::of(&[Flag::Fast]),
    keys: Keys::NONE,
    about: "answer PONG, or the message",
    run: ping,
};

/// `ECHO message`
pub static ECHO: Command = Command {
    name: "echo",
    arity: 2,
    flags: Flags::of(&[Flag::Loading, Flag::Stale, Flag::Fast]),
    keys: Keys::NONE,
    about: "answer the message",
    run: echo,
};

fn dbsize(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.out.reply.int(call.keyspace.len() as i64);
    Ok(())
}

fn flush(call: &mut Call<'_>) -> Result<(), CommandError> {
    let known = call
        .op
        .args()
        .all(|word| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync"));
    if !known || call.op.len() > 1 {
        return Err(CommandError::SYNTAX);
    }
    if !call.keyspace.is_empty() {
        call.keyspace.clear();
        call.propagate();
    }
    call.out.reply.ok();
    Ok(())
}

fn ping(call: &mut Call<'_>) -> Result<(), CommandError> {
    match call.op.len() {
        0 => call.out.reply.simple("PONG"),
        1 => call.out.reply.bulk(&call.op[0]),
        _ => return Err(CommandError::arity(call.op.command())),
    }
    Ok(())
}

fn echo(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.out.reply.bulk(&call.op[0]);
    Ok(())
}
