//! Keys, whatever they hold.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::op::Op;
use crate::value::Kind;

/// `DEL key [key ...]`
pub static DEL: Command = Command {
    name: "del",
    arity: -2,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ALL,
    about: "delete keys",
    run: del,
};

/// `UNLINK key [key ...]`: here, where nothing else waits for the shard's memory, the same as [`DEL`].
pub static UNLINK: Command = Command {
    name: "unlink",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ALL,
    about: "delete keys",
    run: del,
};

/// `EXISTS key [key ...]`
pub static EXISTS: Command = Command {
    name: "exists",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ALL,
    about: "how many of the keys are there",
    run: exists,
};

/// `TYPE key`
pub static TYPE: Command = Command {
    name: "type",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the kind of value that a key holds",
    run: kind,
};

/// `TOUCH key [key ...]`
pub static TOUCH: Command = Command {
    name: "touch",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ALL,
    about: "access keys without reading them",
    run: touch,
};

fn del(call: &mut Call<'_>) -> Result<(), CommandError> {
    let mut told = Op::new(&DEL);
    for key in call.op.args() {
        if call.keyspace.remove(key) {
            call.notify(Class::Generic, "del", key);
            told.push(key);
        }
    }
    call.out.reply.int(told.len() as i64);
    if !told.is_empty() {
        call.effect(&told);
    }
    Ok(())
}

fn exists(call: &mut Call<'_>) -> Result<(), CommandError> {
    let there = call
        .op
        .args()
        .filter(|key| call.keyspace.kind(key).is_some());
    let count = there.count();
    call.out.reply.int(count as i64);
    Ok(())
}

fn kind(call: &mut Call<'_>) -> Result<(), CommandError> {
    let kind = call.keyspace.kind(&call.op[0]);
    let name = kind.map_or("none", Kind::name);
    call.out.reply.simple(name);
    Ok(())
}

fn touch(call: &mut Call<'_>) -> Result<(), CommandError> {
    let there = call
        .op
        .args()
        .filter(|key| call.keyspace.get(key).is_some());
    let count = there.count();
    call.out.reply.int(count as i64);
    Ok(())
}
