//! The keyspace as a whole, and signs of life.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};

/// `DBSIZE`
pub static DBSIZE: Command = Command {
    name: "dbsize",
    arity: 1,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::Every,
    about: "how many keys the database has",
    run: dbsize,
};

/// `FLUSHALL [ASYNC | SYNC]`
pub static FLUSHALL: Command = Command {
    name: "flushall",
    arity: -1,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::NONE,
    about: "delete every key of every database",
    run: flushall,
};

/// `FLUSHDB [ASYNC | SYNC]`
pub static FLUSHDB: Command = Command {
    name: "flushdb",
    arity: -1,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::Every,
    about: "delete every key of the database",
    run: flushdb,
};

/// `SWAPDB index1 index2`
pub static SWAPDB: Command = Command {
    name: "swapdb",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::NONE,
    about: "exchange two databases",
    run: swapdb,
};

/// Not for clients: `OK` when every shard has done what the sender asked before.
pub static ARRIVED: Command = Command {
    name: "arrived",
    arity: 1,
    flags: Flags::of(&[Flag::Fast]),
    keys: Keys::NONE,
    about: "answer OK once every shard has done what was asked before",
    run: |call| {
        call.out.reply.ok();
        Ok(())
    },
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
    call.out.reply.int(call.keyspace.database_len() as i64);
    Ok(())
}

fn flushall(call: &mut Call<'_>) -> Result<(), CommandError> {
    check_mode(call)?;
    if !call.keyspace.is_empty() {
        call.keyspace.clear();
        call.propagate();
    }
    call.out.reply.ok();
    Ok(())
}

fn flushdb(call: &mut Call<'_>) -> Result<(), CommandError> {
    check_mode(call)?;
    if call.keyspace.database_len() > 0 {
        call.keyspace.clear_database();
        call.propagate();
    }
    call.out.reply.ok();
    Ok(())
}

/// What is deleted is gone at once in either mode.
fn check_mode(call: &Call<'_>) -> Result<(), CommandError> {
    let known = (call.op.args())
        .all(|word| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync"));
    (known && call.op.len() <= 1)
        .then_some(())
        .ok_or(CommandError::SYNTAX)
}

fn swapdb(call: &mut Call<'_>) -> Result<(), CommandError> {
    let index = |at: usize, which| {
        let index = number::parse_int(&call.op[at]).and_then(|n| i32::try_from(n).ok());
        index.ok_or_else(|| CommandError::new(format!("ERR invalid {which} DB index")))
    };
    let (first, second) = (index(0, "first")?, index(1, "second")?);
    let first = call.database(first)?;
    let second = call.database(second)?;
    if first != second {
        call.keyspace.swap(first, second);
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
