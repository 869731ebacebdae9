//! Members added, removed and moved.

use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::value::{Set, Value};

/// `SADD key member [member ...]`
pub static SADD: Command = Command {
    name: "sadd",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add members to a set",
    run: sadd,
};

/// `SREM key member [member ...]`
pub static SREM: Command = Command {
    name: "srem",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove members of a set",
    run: srem,
};

/// `SMOVE source destination member`
pub static SMOVE: Command = Command {
    name: "smove",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::TWO,
    about: "move a member from a set to another",
    run: smove,
};

fn sadd(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let added = add(call.keyspace, &op[0], op.args().skip(1))?;
    call.out.reply.int(added as i64);
    if added > 0 {
        call.notify(Class::Set, "sadd", &op[0]);
        call.propagate();
    }
    Ok(())
}

/// Adds `members` to the set at `key`; how many are new.
///
/// # Errors
/// There is something else at `key`, or no room.
#[inline]
pub(in crate::command) fn add<'m>(
    keyspace: &mut Keyspace,
    key: &[u8],
    members: impl Iterator<Item = &'m [u8]>,
) -> Result<usize, CommandError> {
    let most = keyspace.limits().ints;
    keyspace.update(key, |set: &mut Set| {
        Ok(members.filter(|member| set.insert(member, most)).count())
    })
}

fn srem(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let removed = call.keyspace.update_existing(&op[0], |set: &mut Set| {
        let removed = op.args().skip(1).filter(|member| set.remove(member));
        Ok((removed.count(), set.is_empty()))
    })?;
    let (removed, emptied) = removed.unwrap_or_default();
    call.out.reply.int(removed as i64);
    if removed > 0 {
        call.notify(Class::Set, "srem", &op[0]);
        if emptied {
            call.notify(Class::Generic, "del", &op[0]);
        }
        call.propagate();
    }
    Ok(())
}

fn smove(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (source, destination, member) = (&op[0], &op[1], &op[2]);
    let Some(set) = call.keyspace.collection::<Set>(source)? else {
        call.out.reply.int(0);
        return Ok(());
    };
    let there = set.contains(member);
    let had = match call.keyspace.peek(destination) {
        None => false,
        Some(Value::Set(set)) => set.contains(member),
        Some(_) => return Err(CommandError::WRONG_TYPE),
    };
    call.out.reply.int(i64::from(there));
    if !there || source == destination {
        return Ok(());
    }
    let emptied = call.keyspace.update(source, |set: &mut Set| {
        set.remove(member);
        Ok(set.is_empty())
    })?;
    call.notify(Class::Set, "srem", source);
    if emptied {
        call.notify(Class::Generic, "del", source);
    }
    // A destination that has it already is not changed: who watches it is not told.
    if !had {
        let most = call.keyspace.limits().ints;
        let put = |set: &mut Set| Ok(set.insert(member, most));
        if let Err(error) = call.keyspace.update(destination, put) {
            // The store can hold no more items: what was freed a moment ago takes the member back.
            call.keyspace.update(source, put)?;
            return Err(error);
        }
        call.notify(Class::Set, "sadd", destination);
    }
    call.propagate();
    Ok(())
}
