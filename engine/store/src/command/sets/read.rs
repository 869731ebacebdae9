//! Sets read: their size, their members.

use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::value::Set;

/// `SISMEMBER key member`
pub static SISMEMBER: Command = Command {
    name: "sismember",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "whether a member is there",
    run: sismember,
};

/// `SMISMEMBER key member [member ...]`
pub static SMISMEMBER: Command = Command {
    name: "smismember",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "whether several members are there",
    run: smismember,
};

/// `SCARD key`
pub static SCARD: Command = Command {
    name: "scard",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members a set has",
    run: scard,
};

/// `SMEMBERS key`
pub static SMEMBERS: Command = Command {
    name: "smembers",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "all members of a set",
    run: smembers,
};

fn sismember(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<Set>(&call.op[0])?;
    let there = set.is_some_and(|set| set.contains(&call.op[1]));
    call.out.reply.int(i64::from(there));
    Ok(())
}

fn smismember(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<Set>(&call.op[0])?;
    call.out.reply.array(call.op.len() - 1);
    for member in call.op.args().skip(1) {
        let there = set.is_some_and(|set| set.contains(member));
        call.out.reply.int(i64::from(there));
    }
    Ok(())
}

fn scard(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<Set>(&call.op[0])?;
    call.out.reply.int(set.map_or(0, Set::len) as i64);
    Ok(())
}

fn smembers(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<Set>(&call.op[0])?;
    let reply = &mut call.out.reply;
    reply.set(set.map_or(0, Set::len));
    if let Some(set) = set {
        set.iter().for_each(|member| super::bulk(reply, member));
    }
    Ok(())
}
