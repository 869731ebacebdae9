//! Elements that enter at an end: `LPUSH`, `RPUSH`, and the same for lists that are there.

use super::End;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::value::List;

/// `LPUSH key element [element ...]`
pub static LPUSH: Command = Command {
    name: "lpush",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "put elements before the first of a list",
    run: |call| push(call, End::Head),
};

/// `RPUSH key element [element ...]`
pub static RPUSH: Command = Command {
    name: "rpush",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "put elements behind the last of a list",
    run: |call| push(call, End::Tail),
};

/// `LPUSHX key element [element ...]`
pub static LPUSHX: Command = Command {
    name: "lpushx",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "put elements before the first of a list that is there",
    run: |call| push_existing(call, End::Head),
};

/// `RPUSHX key element [element ...]`
pub static RPUSHX: Command = Command {
    name: "rpushx",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "put elements behind the last of a list that is there",
    run: |call| push_existing(call, End::Tail),
};

fn push(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let op = call.op;
    let len = put(call.keyspace, &op[0], end, op.args().skip(1))?;
    pushed(call, end, len);
    Ok(())
}

/// Puts `values` one after the other to an end of the list at `key`; how long it is then.
///
/// # Errors
/// There is something else at `key`, or no room.
#[inline]
pub(in crate::command) fn put<'v>(
    keyspace: &mut Keyspace,
    key: &[u8],
    end: End,
    values: impl Iterator<Item = &'v [u8]>,
) -> Result<usize, CommandError> {
    keyspace.update(key, |list: &mut List| {
        values.for_each(|value| end.push(list, value));
        Ok(list.len())
    })
}

fn push_existing(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let op = call.op;
    let len = call.keyspace.update_existing(&op[0], |list: &mut List| {
        op.args().skip(1).for_each(|value| end.push(list, value));
        Ok(list.len())
    })?;
    match len {
        Some(len) => pushed(call, end, len),
        None => call.out.reply.int(0),
    }
    Ok(())
}

fn pushed(call: &mut Call<'_>, end: End, len: usize) {
    call.out.reply.int(len as i64);
    call.notify(Class::List, end.pushed(), &call.op[0]);
    call.propagate();
}
