//! Strings: read, replace, append, cut.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys, number, set};
use crate::event::Class;
use crate::keyspace::{BULK_BYTES_MAX, Expire};
use crate::op::Op;
use crate::value::{Kind, Value};

/// `GET key`
pub static GET: Command = Command {
    name: "get",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the value of a string",
    run: get,
};

/// `GETSET key value`
pub static GETSET: Command = Command {
    name: "getset",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set a string and give its old value",
    run: getset,
};

/// `GETDEL key`
pub static GETDEL: Command = Command {
    name: "getdel",
    arity: 2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "the value of a string, and delete it",
    run: getdel,
};

/// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`
pub static GETEX: Command = Command {
    name: "getex",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "the value of a string, and set when it expires",
    run: getex,
};

/// `MGET key [key ...]`
pub static MGET: Command = Command {
    name: "mget",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ALL,
    about: "the values of several strings",
    run: mget,
};

/// `STRLEN key`
pub static STRLEN: Command = Command {
    name: "strlen",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the length of a string",
    run: strlen,
};

/// `APPEND key value`
pub static APPEND: Command = Command {
    name: "append",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "append to a string",
    run: append,
};

/// `GETRANGE key start end`
pub static GETRANGE: Command = Command {
    name: "getrange",
    arity: 4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "a part of a string",
    run: getrange,
};

/// `SUBSTR key start end`: the old name of [`GETRANGE`].
pub static SUBSTR: Command = Command {
    name: "substr",
    ..copy(&GETRANGE)
};

/// `SETRANGE key offset value`
pub static SETRANGE: Command = Command {
    name: "setrange",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "overwrite a part of a string",
    run: setrange,
};

const fn copy(command: &Command) -> Command {
    Command { ..*command }
}

/// Answers with the string at the first key. It counts as a read, also in commands that then write.
pub(super) fn get(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.keyspace.count_reads(true);
    match call.keyspace.string(&call.op[0])? {
        Some(value) => call.out.reply.bulk(value),
        None => call.out.reply.nil(),
    }
    call.keyspace.count_reads(!call.op.command().flags.writes());
    Ok(())
}

fn getset(call: &mut Call<'_>) -> Result<(), CommandError> {
    get(call)?;
    call.keyspace
        .set_string(&call.op[0], &call.op[1], Expire::Never)?;
    call.notify(Class::String, "set", &call.op[0]);
    call.effect(&Op::new(&set::SET).arg(&call.op[0]).arg(&call.op[1]));
    Ok(())
}

fn getdel(call: &mut Call<'_>) -> Result<(), CommandError> {
    get(call)?;
    call.remove(&call.op[0]);
    Ok(())
}

fn getex(call: &mut Call<'_>) -> Result<(), CommandError> {
    let options = set::Options::parse(call.op, 1, set::Accepts::Getex)?;
    let key = &call.op[0];
    get(call)?;
    let Some(old) = call.keyspace.expires_at(key) else {
        return Ok(());
    };
    match options.expire {
        Some(when) => {
            let at = when.resolve(call.now, "getex")?;
            call.expire_at(key, at);
        }
        None if options.persist && old.is_some() => call.persist(key),
        None => {}
    }
    Ok(())
}

fn mget(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.out.reply.array(call.op.len());
    for key in call.op.args() {
        match call.keyspace.get(key) {
            Some(Value::String(value)) => call.out.reply.bulk(value),
            _ => call.out.reply.nil(),
        }
    }
    Ok(())
}

fn strlen(call: &mut Call<'_>) -> Result<(), CommandError> {
    let len = call.keyspace.string(&call.op[0])?.map_or(0, <[u8]>::len);
    call.out.reply.int(len as i64);
    Ok(())
}

fn append(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (key, tail) = (&call.op[0], &call.op[1]);
    let old = call.keyspace.string(key)?;
    let existed = old.is_some();
    let mut value = old.unwrap_or_default().to_vec();
    check_length(value.len() + tail.len())?;
    value.extend_from_slice(tail);
    call.out.reply.int(value.len() as i64);
    // Redis logs an append of nothing too; it changes something only where it makes the key.
    if !tail.is_empty() || !existed {
        let expire = Expire::Keep;
        if existed {
            call.keyspace.set_raw(key, &value, expire)?;
        } else {
            call.keyspace.set_string(key, &value, expire)?;
        }
        call.propagate();
    }
    call.notify(Class::String, "append", key);
    Ok(())
}

fn getrange(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (start, end) = (number::int(&call.op[1])?, number::int(&call.op[2])?);
    let value = call.keyspace.string(&call.op[0])?.unwrap_or_default();
    let len = value.len() as i64;
    let part = if start < 0 && end < 0 && start > end {
        &[]
    } else {
        let place = |i: i64| if i < 0 { (i + len).max(0) } else { i };
        let (start, end) = (place(start), place(end).min(len - 1));
        if start > end {
            &[]
        } else {
            &value[start as usize..=end as usize]
        }
    };
    call.out.reply.bulk(part);
    Ok(())
}

fn setrange(call: &mut Call<'_>) -> Result<(), CommandError> {
    let offset = number::int(&call.op[1])?;
    let offset =
        usize::try_from(offset).map_err(|_| CommandError::new("ERR offset is out of range"))?;
    let (key, patch) = (&call.op[0], &call.op[2]);
    // The kind is looked at first: an empty patch reads no value, but complains of a wrong kind.
    if call
        .keyspace
        .kind(key)
        .is_some_and(|kind| kind != Kind::String)
    {
        return Err(CommandError::WRONG_TYPE);
    }
    let old = call.keyspace.string(key)?.unwrap_or_default();
    if patch.is_empty() {
        let len = old.len() as i64;
        call.out.reply.int(len);
        return Ok(());
    }
    let end = offset.saturating_add(patch.len());
    check_length(end)?;
    let mut value = old.to_vec();
    if value.len() < end {
        value.resize(end, 0);
    }
    value[offset..end].copy_from_slice(patch);
    call.keyspace.set_raw(key, &value, Expire::Keep)?;
    call.notify(Class::String, "setrange", key);
    call.propagate();
    call.out.reply.int(value.len() as i64);
    Ok(())
}

fn check_length(bytes: usize) -> Result<(), CommandError> {
    if bytes > BULK_BYTES_MAX {
        return Err(CommandError::new(
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ));
    }
    Ok(())
}
