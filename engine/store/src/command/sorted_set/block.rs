//! Commands that wait for a member: `BZPOPMIN`, `BZPOPMAX`, `BZMPOP`.
//!
//! Log and replicas hear what was done and not that it was waited for: a `ZPOPMIN` or a `ZPOPMAX`.

use super::pop::{End, Mpop, Shape, first_set, take};
use crate::command::waiting::timeout_ms;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};

/// `BZPOPMIN key [key ...] timeout`
pub static BZPOPMIN: Command = Command {
    name: "bzpopmin",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Noscript, Flag::Blocking, Flag::Fast]),
    keys: Keys::ALL_BUT_LAST,
    about: "remove and give the member with the lowest score, or wait for one",
    run: |call| pop(call, End::Min),
};

/// `BZPOPMAX key [key ...] timeout`
pub static BZPOPMAX: Command = Command {
    name: "bzpopmax",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Noscript, Flag::Blocking, Flag::Fast]),
    keys: Keys::ALL_BUT_LAST,
    about: "remove and give the member with the highest score, or wait for one",
    run: |call| pop(call, End::Max),
};

/// `BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]`
pub static BZMPOP: Command = Command {
    name: "bzmpop",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Blocking, Flag::Movablekeys]),
    keys: Keys::Counted {
        count: 1,
        destination: false,
    },
    about: "remove and give members of the first sorted set that has any, or wait for one",
    run: bzmpop,
};

fn pop(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let timeout = timeout_ms(&call.op[call.op.len() - 1])?;
    take_or_wait(call, end, 1, Shape::Keyed, timeout)
}

fn bzmpop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let asked = Mpop::parse(call.op, 1)?;
    let timeout = timeout_ms(&call.op[0])?;
    take_or_wait(call, asked.end, asked.count, Shape::KeyedPairs, timeout)
}

fn take_or_wait(
    call: &mut Call<'_>,
    end: End,
    count: usize,
    shape: Shape,
    timeout: Option<u64>,
) -> Result<(), CommandError> {
    match first_set(call)? {
        Some(key) => take(call, key, end, count, shape)?,
        None if call.park(timeout) => {}
        None => call.out.reply.nil_array(),
    }
    Ok(())
}
