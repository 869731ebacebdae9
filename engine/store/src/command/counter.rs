//! Counters: strings that hold a number.

use super::extended::Extended;
use super::{Call, Command, CommandError, Flag, Flags, Keys, number, set};
use crate::event::Class;
use crate::keyspace::{Expire, Keyspace};
use crate::op::Op;

/// `INCR key`
pub static INCR: Command = Command {
    name: "incr",
    arity: 2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add one to a counter",
    run: |call| add(call, 1),
};

/// `DECR key`
pub static DECR: Command = Command {
    name: "decr",
    arity: 2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "take one from a counter",
    run: |call| add(call, -1),
};

/// `INCRBY key increment`
pub static INCRBY: Command = Command {
    name: "incrby",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add to a counter",
    run: incrby,
};

/// `DECRBY key decrement`
pub static DECRBY: Command = Command {
    name: "decrby",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "take from a counter",
    run: decrby,
};

/// `INCRBYFLOAT key increment`
pub static INCRBYFLOAT: Command = Command {
    name: "incrbyfloat",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add a float to a counter",
    run: incrbyfloat,
};

/// What a sum of floats must not be.
pub(super) const NOT_FINITE: CommandError =
    CommandError::fixed("ERR increment would produce NaN or Infinity");

fn incrby(call: &mut Call<'_>) -> Result<(), CommandError> {
    add(call, increment(&call.op[1])?)
}

fn decrby(call: &mut Call<'_>) -> Result<(), CommandError> {
    add(call, decrement(&call.op[1])?)
}

/// What `INCRBY` adds.
///
/// # Errors
/// It is no integer.
pub(super) fn increment(text: &[u8]) -> Result<i64, CommandError> {
    number::int(text)
}

/// What `DECRBY` adds.
///
/// # Errors
/// What it takes is no integer, or has no negative.
pub(super) fn decrement(text: &[u8]) -> Result<i64, CommandError> {
    let negated = number::int(text)?.checked_neg();
    negated.ok_or(CommandError::fixed("ERR decrement would overflow"))
}

fn add(call: &mut Call<'_>, by: i64) -> Result<(), CommandError> {
    let key = &call.op[0];
    let sum = add_to(call.keyspace, key, by)?;
    call.notify(Class::String, "incrby", key);
    call.propagate();
    call.out.reply.int(sum);
    Ok(())
}

/// Adds `by` to the counter at `key`; the sum.
///
/// # Errors
/// What is there is no integer, or the sum none of 64 bits.
#[inline]
pub(super) fn add_to(keyspace: &mut Keyspace, key: &[u8], by: i64) -> Result<i64, CommandError> {
    let (mut new, mut text) = (0, itoa::Buffer::new());
    let (sum, digits) = (&mut new, &mut text);
    keyspace.change_string(key, move |old| {
        let old = old.map_or(Ok(0), number::int)?;
        *sum = old.checked_add(by).ok_or(CommandError::fixed(
            "ERR increment or decrement would overflow",
        ))?;
        Ok(digits.format(*sum))
    })?;
    Ok(new)
}

fn incrbyfloat(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let parse = |text| Extended::parse(text).ok_or(CommandError::NOT_A_FLOAT);
    let old = match call.keyspace.string(key)? {
        Some(text) => parse(text)?,
        None => Extended::ZERO,
    };
    let new = old.sum(parse(&call.op[1])?).ok_or(NOT_FINITE)?;
    let text = new.text();
    call.keyspace
        .set_string(key, text.as_bytes(), Expire::Keep)?;
    call.notify(Class::String, "incrbyfloat", key);
    // The sum is told, not the sum's parts: a replica must not round on its own.
    let effect = Op::new(&set::SET).arg(key).arg(&text).arg("KEEPTTL");
    call.effect(&effect);
    call.out.reply.bulk(text.as_bytes());
    Ok(())
}
