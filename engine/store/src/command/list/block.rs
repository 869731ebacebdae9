//! Commands that wait for an element: `BLPOP`, `BRPOP`, `BLMPOP`, `BLMOVE`, `BRPOPLPUSH`.
//!
//! Log and replicas hear what was done and not that it was waited for: a `BLPOP` is a `LPOP` to them.

use super::End;
use super::pop::{Several, take, take_first, tell};
use super::transfer::{LMOVE, RPOPLPUSH, transfer};
use crate::command::waiting::timeout_ms;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::op::Op;
use crate::value::Kind;

/// `BLPOP key [key ...] timeout`
pub static BLPOP: Command = Command {
    name: "blpop",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Noscript, Flag::Blocking]),
    keys: Keys::ALL_BUT_LAST,
    about: "remove and give the first element of a list, or wait for one",
    run: |call| pop(call, End::Head),
};

/// `BRPOP key [key ...] timeout`
pub static BRPOP: Command = Command {
    name: "brpop",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Noscript, Flag::Blocking]),
    keys: Keys::ALL_BUT_LAST,
    about: "remove and give the last element of a list, or wait for one",
    run: |call| pop(call, End::Tail),
};

/// `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub static BLMPOP: Command = Command {
    name: "blmpop",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Blocking, Flag::Movablekeys]),
    keys: Keys::Counted {
        count: 1,
        destination: false,
    },
    about: "remove and give elements of the first list that is there, or wait for one",
    run: blmpop,
};

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`
pub static BLMOVE: Command = Command {
    name: "blmove",
    arity: 6,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Noscript, Flag::Blocking]),
    keys: Keys::TWO,
    about: "move an element from an end of a list to an end of another, or wait for one",
    run: |call| {
        let op = call.op;
        let (from, to) = (End::parse(&op[2])?, End::parse(&op[3])?);
        let timeout = timeout_ms(&op[4])?;
        let told = op.args().take(4).fold(Op::new(&LMOVE), Op::arg);
        blmove(call, from, to, timeout, &told)
    },
};

/// `BRPOPLPUSH source destination timeout`: the old name of a [`BLMOVE`].
pub static BRPOPLPUSH: Command = Command {
    name: "brpoplpush",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Noscript, Flag::Blocking]),
    keys: Keys::TWO,
    about: "move the last element of a list before the first of another, or wait for one",
    run: |call| {
        let op = call.op;
        let timeout = timeout_ms(&op[2])?;
        let told = op.args().take(2).fold(Op::new(&RPOPLPUSH), Op::arg);
        blmove(call, End::Tail, End::Head, timeout, &told)
    },
};

fn pop(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let op = call.op;
    let timeout = timeout_ms(&op[op.len() - 1])?;
    for key in call.candidates(Kind::List) {
        let taken = take(call, key, end, 1, |reply, _| {
            reply.array(2);
            reply.bulk(key);
        })?;
        if taken > 0 {
            tell(call, key, end, None);
            return Ok(());
        }
    }
    if !call.park(timeout) {
        call.out.reply.nil_array();
    }
    Ok(())
}

fn blmpop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let several = Several::parse(call.op, 1)?;
    let timeout = timeout_ms(&call.op[0])?;
    let mut keys = call.candidates(Kind::List).into_iter();
    let taken = take_first(call, &mut keys, several.end, several.count)?;
    if !taken && !call.park(timeout) {
        call.out.reply.nil_array();
    }
    Ok(())
}

fn blmove(
    call: &mut Call<'_>,
    from: End,
    to: End,
    timeout: Option<u64>,
    told: &Op,
) -> Result<(), CommandError> {
    let waits = call.ready.is_some() && call.candidates(Kind::List).is_empty();
    if !waits && transfer(call, from, to)? {
        call.effect(told);
    } else if !call.park_for(1, timeout) {
        call.out.reply.nil();
    }
    Ok(())
}
