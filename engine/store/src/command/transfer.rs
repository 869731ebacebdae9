//! Values that go from one key to another: `RENAME`, `COPY`, `MOVE`.

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;

/// `RENAME key newkey`
pub static RENAME: Command = Command {
    name: "rename",
    arity: 3,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::TWO,
    about: "give a key another name",
    run: |call| rename(call, true),
};

/// `RENAMENX key newkey`
pub static RENAMENX: Command = Command {
    name: "renamenx",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::TWO,
    about: "give a key another name, unless a key has it",
    run: |call| rename(call, false),
};

/// `COPY source destination [DB destination-db] [REPLACE]`
pub static COPY: Command = Command {
    name: "copy",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::TWO,
    about: "copy a key",
    run: copy,
};

/// `MOVE key db`
pub static MOVE: Command = Command {
    name: "move",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "move a key to another database",
    run: move_key,
};

const SAME: CommandError = CommandError::fixed("ERR source and destination objects are the same");

fn rename(call: &mut Call<'_>, replace: bool) -> Result<(), CommandError> {
    let (from, to) = (&call.op[0], &call.op[1]);
    if !call.keyspace.has(from) {
        return Err(CommandError::new("ERR no such key"));
    }
    let renamed = if from == to {
        replace
    } else if call.keyspace.has(to) && !replace {
        false
    } else {
        call.keyspace.remove(to);
        let (value, expires) = call.keyspace.take(from).expect("it was found");
        call.keyspace.put_owned(to, value, expires)?;
        call.notify(Class::Generic, "rename_from", from);
        call.notify(Class::Generic, "rename_to", to);
        call.propagate();
        true
    };
    if replace {
        call.out.reply.ok();
    } else {
        call.out.reply.int(i64::from(renamed));
    }
    Ok(())
}

fn copy(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (from, to) = (&op[0], &op[1]);
    let (mut database, mut replace) = (op.database(), false);
    let mut i = 2;
    while let Some(word) = op.get(i) {
        if word.eq_ignore_ascii_case(b"replace") {
            replace = true;
        } else if word.eq_ignore_ascii_case(b"db")
            && let Some(index) = op.get(i + 1)
        {
            database = call.database(number::small_int(index)?)?;
            i += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
        i += 1;
    }
    if database == op.database() && from == to {
        return Err(SAME);
    }
    // The source is read as by a command that only reads.
    call.keyspace.count_reads(true);
    let found = call.keyspace.copy_of(from);
    call.keyspace.count_reads(false);
    let mut copied = false;
    if let Some((value, expires)) = found {
        call.keyspace.select(database);
        if replace || !call.keyspace.has(to) {
            call.keyspace.remove(to);
            call.keyspace.put_owned(to, value, expires)?;
            call.notify(Class::Generic, "copy_to", to);
            copied = true;
        }
        call.keyspace.select(op.database());
    }
    if copied {
        call.propagate();
    }
    call.out.reply.int(i64::from(copied));
    Ok(())
}

fn move_key(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let (here, there) = (call.op.database(), number::small_int(&call.op[1])?);
    let there = call.database(there)?;
    if here == there {
        return Err(SAME);
    }
    let mut moved = false;
    if call.keyspace.has(key) {
        call.keyspace.select(there);
        let is_free = !call.keyspace.has(key);
        call.keyspace.select(here);
        if is_free {
            let (value, expires) = call.keyspace.take(key).expect("it was found");
            call.keyspace.select(there);
            let put = call.keyspace.put_owned(key, value, expires);
            call.keyspace.select(here);
            put?;
            call.notify(Class::Generic, "move_from", key);
            call.keyspace.select(there);
            call.notify(Class::Generic, "move_to", key);
            call.keyspace.select(here);
            call.propagate();
            moved = true;
        }
    }
    call.out.reply.int(i64::from(moved));
    Ok(())
}
