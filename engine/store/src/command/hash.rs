//! Hashes: fields set, read, counted.

use super::counter::NOT_FINITE;
use super::extended::Extended;
use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::value::Hash;

/// `HSET key field value [field value ...]`
pub static HSET: Command = Command {
    name: "hset",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set fields of a hash",
    run: |call| {
        let added = set_fields(call)?;
        call.out.reply.int(added);
        Ok(())
    },
};

/// `HMSET key field value [field value ...]`: the old name of [`HSET`].
pub static HMSET: Command = Command {
    name: "hmset",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set fields of a hash",
    run: |call| {
        set_fields(call)?;
        call.out.reply.ok();
        Ok(())
    },
};

/// `HSETNX key field value`
pub static HSETNX: Command = Command {
    name: "hsetnx",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set a field of a hash where it is not there",
    run: hsetnx,
};

/// `HGET key field`
pub static HGET: Command = Command {
    name: "hget",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the value of a field",
    run: hget,
};

/// `HMGET key field [field ...]`
pub static HMGET: Command = Command {
    name: "hmget",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the values of several fields",
    run: hmget,
};

/// `HGETALL key`
pub static HGETALL: Command = Command {
    name: "hgetall",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "all fields of a hash and their values",
    run: |call| {
        all(call, ReplyBuf::map, |reply, field, value| {
            reply.bulk(field);
            reply.bulk(value);
        })
    },
};

/// `HKEYS key`
pub static HKEYS: Command = Command {
    name: "hkeys",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "all fields of a hash",
    run: |call| all(call, ReplyBuf::array, |reply, field, _| reply.bulk(field)),
};

/// `HVALS key`
pub static HVALS: Command = Command {
    name: "hvals",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the values of all fields of a hash",
    run: |call| all(call, ReplyBuf::array, |reply, _, value| reply.bulk(value)),
};

/// `HDEL key field [field ...]`
pub static HDEL: Command = Command {
    name: "hdel",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "delete fields of a hash",
    run: hdel,
};

/// `HEXISTS key field`
pub static HEXISTS: Command = Command {
    name: "hexists",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "whether a field is there",
    run: hexists,
};

/// `HLEN key`
pub static HLEN: Command = Command {
    name: "hlen",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many fields a hash has",
    run: hlen,
};

/// `HSTRLEN key field`
pub static HSTRLEN: Command = Command {
    name: "hstrlen",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the length of a field's value",
    run: hstrlen,
};

/// `HINCRBY key field increment`
pub static HINCRBY: Command = Command {
    name: "hincrby",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add to a field",
    run: hincrby,
};

/// `HINCRBYFLOAT key field increment`
pub static HINCRBYFLOAT: Command = Command {
    name: "hincrbyfloat",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add a float to a field",
    run: hincrbyfloat,
};

fn set_fields(call: &mut Call<'_>) -> Result<i64, CommandError> {
    let op = call.op;
    if op.len().is_multiple_of(2) {
        return Err(CommandError::arity(op.command()));
    }
    let pairs = (1..op.len()).step_by(2).map(|at| (&op[at], &op[at + 1]));
    let added = set_pairs(call.keyspace, &op[0], pairs)?;
    call.notify(Class::Hash, "hset", &op[0]);
    call.propagate();
    Ok(added as i64)
}

/// Sets fields of the hash at `key`; how many are new.
///
/// # Errors
/// There is something else at `key`, or no room.
#[inline]
pub(super) fn set_pairs<'p>(
    keyspace: &mut Keyspace,
    key: &[u8],
    pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>,
) -> Result<usize, CommandError> {
    let bounds = keyspace.limits().hash;
    keyspace.update(key, |hash: &mut Hash| {
        let new = pairs.filter(|(field, value)| hash.set(field, value, bounds));
        Ok(new.count())
    })
}

fn hsetnx(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let bounds = call.keyspace.limits().hash;
    let added = call.keyspace.update(&op[0], |hash: &mut Hash| {
        Ok(hash.get(&op[1]).is_none() && hash.set(&op[1], &op[2], bounds))
    })?;
    if added {
        call.notify(Class::Hash, "hset", &op[0]);
        call.propagate();
    }
    call.out.reply.int(i64::from(added));
    Ok(())
}

fn hget(call: &mut Call<'_>) -> Result<(), CommandError> {
    let hash = call.keyspace.collection::<Hash>(&call.op[0])?;
    bulk_or_nil(&mut call.out.reply, hash, &call.op[1]);
    Ok(())
}

fn hmget(call: &mut Call<'_>) -> Result<(), CommandError> {
    let hash = call.keyspace.collection::<Hash>(&call.op[0])?;
    call.out.reply.array(call.op.len() - 1);
    for field in call.op.args().skip(1) {
        bulk_or_nil(&mut call.out.reply, hash, field);
    }
    Ok(())
}

fn bulk_or_nil(reply: &mut ReplyBuf, hash: Option<&Hash>, field: &[u8]) {
    match hash.and_then(|hash| hash.get(field)) {
        Some(value) => reply.bulk(value),
        None => reply.nil(),
    }
}

fn all(
    call: &mut Call<'_>,
    head: fn(&mut ReplyBuf, usize),
    show: fn(&mut ReplyBuf, &[u8], &[u8]),
) -> Result<(), CommandError> {
    let reply = &mut call.out.reply;
    match call.keyspace.collection::<Hash>(&call.op[0])? {
        None => head(reply, 0),
        Some(hash) => {
            head(reply, hash.len());
            hash.iter()
                .for_each(|(field, value)| show(reply, field, value));
        }
    }
    Ok(())
}

fn hdel(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (mut removed, mut emptied) = (0, false);
    if call.keyspace.kind(&op[0]).is_some() {
        (removed, emptied) = call.keyspace.update(&op[0], |hash: &mut Hash| {
            let removed = op.args().skip(1).filter(|field| hash.remove(field)).count();
            Ok((removed, hash.is_empty()))
        })?;
    }
    if removed > 0 {
        call.notify(Class::Hash, "hdel", &op[0]);
        if emptied {
            call.notify(Class::Generic, "del", &op[0]);
        }
        call.propagate();
    }
    call.out.reply.int(removed as i64);
    Ok(())
}

fn hexists(call: &mut Call<'_>) -> Result<(), CommandError> {
    let hash = call.keyspace.collection::<Hash>(&call.op[0])?;
    let there = hash.is_some_and(|hash| hash.get(&call.op[1]).is_some());
    call.out.reply.int(i64::from(there));
    Ok(())
}

fn hlen(call: &mut Call<'_>) -> Result<(), CommandError> {
    let hash = call.keyspace.collection::<Hash>(&call.op[0])?;
    call.out.reply.int(hash.map_or(0, Hash::len) as i64);
    Ok(())
}

fn hstrlen(call: &mut Call<'_>) -> Result<(), CommandError> {
    let hash = call.keyspace.collection::<Hash>(&call.op[0])?;
    let value = hash.and_then(|hash| hash.get(&call.op[1]));
    call.out.reply.int(value.map_or(0, <[u8]>::len) as i64);
    Ok(())
}

fn hincrby(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let by = number::int(&op[2])?;
    let bounds = call.keyspace.limits().hash;
    let new = call.keyspace.update(&op[0], |hash: &mut Hash| {
        let old = match hash.get(&op[1]) {
            Some(text) => number::parse_int(text)
                .ok_or(CommandError::new("ERR hash value is not an integer"))?,
            None => 0,
        };
        let new = old.checked_add(by).ok_or(CommandError::new(
            "ERR increment or decrement would overflow",
        ))?;
        hash.set(&op[1], new.to_string().as_bytes(), bounds);
        Ok(new)
    })?;
    call.notify(Class::Hash, "hincrby", &op[0]);
    call.propagate();
    call.out.reply.int(new);
    Ok(())
}

fn hincrbyfloat(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let by = Extended::parse(&op[2]).ok_or(CommandError::NOT_A_FLOAT)?;
    if !by.is_finite() {
        return Err(CommandError::new("ERR value is NaN or Infinity"));
    }
    let bounds = call.keyspace.limits().hash;
    let text = call.keyspace.update(&op[0], |hash: &mut Hash| {
        let old = match hash.get(&op[1]) {
            Some(text) => {
                Extended::parse(text).ok_or(CommandError::new("ERR hash value is not a float"))?
            }
            None => Extended::ZERO,
        };
        let text = old.sum(by).ok_or(NOT_FINITE)?.text();
        hash.set(&op[1], text.as_bytes(), bounds);
        Ok(text)
    })?;
    call.notify(Class::Hash, "hincrbyfloat", &op[0]);
    // The sum is told, not its parts: a replica must not round on its own.
    call.effect(&Op::new(&HSET).arg(&op[0]).arg(&op[1]).arg(&text));
    call.out.reply.bulk(text.as_bytes());
    Ok(())
}
