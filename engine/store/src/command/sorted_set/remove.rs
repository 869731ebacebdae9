//! Removing members: by name and by range.

use super::bound::Bounds;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::value::SortedSet;

/// `ZREM key member [member ...]`
pub static ZREM: Command = Command {
    name: "zrem",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove members of a sorted set",
    run: zrem,
};

/// `ZREMRANGEBYRANK key start stop`
pub static ZREMRANGEBYRANK: Command = Command {
    name: "zremrangebyrank",
    arity: 4,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ONE,
    about: "remove the members in a range of ranks",
    run: |call| remove_range(call, Bounds::rank(&call.op[1], &call.op[2])?),
};

/// `ZREMRANGEBYSCORE key min max`
pub static ZREMRANGEBYSCORE: Command = Command {
    name: "zremrangebyscore",
    arity: 4,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ONE,
    about: "remove the members in a range of scores",
    run: |call| remove_range(call, Bounds::score(&call.op[1], &call.op[2])?),
};

/// `ZREMRANGEBYLEX key min max`
pub static ZREMRANGEBYLEX: Command = Command {
    name: "zremrangebylex",
    arity: 4,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ONE,
    about: "remove the members in a range of members",
    run: |call| remove_range(call, Bounds::lex(&call.op[1], &call.op[2])?),
};

fn zrem(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let removed = change(call, "zrem", |set| {
        op.args()
            .skip(1)
            .filter(|member| set.remove(member).is_some())
            .count()
    })?;
    call.out.reply.int(removed as i64);
    Ok(())
}

fn remove_range(call: &mut Call<'_>, bounds: Bounds<'_>) -> Result<(), CommandError> {
    let removed = change(call, call.op.command().name, |set| {
        let ranks = bounds.ranks(set, false);
        set.remove_ranks(ranks)
    })?;
    call.out.reply.int(removed as i64);
    Ok(())
}

/// Lets `remove` take members out of the set at the first key, if there is one; how many it took. If it took
/// any, `event` happened to the key.
fn change(
    call: &mut Call<'_>,
    event: &'static str,
    remove: impl FnOnce(&mut SortedSet) -> usize,
) -> Result<usize, CommandError> {
    let key = &call.op[0];
    if call.keyspace.kind(key).is_none() {
        return Ok(0);
    }
    let (removed, emptied) = call
        .keyspace
        .update(key, |set: &mut SortedSet| Ok((remove(set), set.is_empty())))?;
    if removed > 0 {
        call.notify(Class::SortedSet, event, key);
        if emptied {
            call.notify(Class::Generic, "del", key);
        }
        call.propagate();
    }
    Ok(removed)
}
