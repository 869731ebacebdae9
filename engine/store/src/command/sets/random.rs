//! Members at random: read (`SRANDMEMBER`) and taken out (`SPOP`).

use rand::RngExt;
use rand::seq::index;

use crate::command::draw::Draw;
use crate::command::sets::{bulk, change};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, key, number};
use crate::event::Class;
use crate::op::Op;
use crate::value::set::Member;
use crate::value::{Set, Value};

/// The most members that one effect removes.
const TOLD_MAX: usize = 512;

/// `SRANDMEMBER key [count]`
pub static SRANDMEMBER: Command = Command {
    name: "srandmember",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "members of a set at random: different ones, or, for a negative count, any",
    run: srandmember,
};

/// `SPOP key [count]`
pub static SPOP: Command = Command {
    name: "spop",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove and give members of a set at random",
    run: |call| match call.op.len() {
        1 => pop(call),
        2 => pop_several(call),
        _ => Err(CommandError::SYNTAX),
    },
};

fn srandmember(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    if op.len() > 2 {
        return Err(CommandError::SYNTAX);
    }
    let draw = Draw::parse(op, "")?;
    let set = call.keyspace.collection::<Set>(&op[0])?;
    let len = set.map_or(0, Set::len);
    let places = draw.begin(call, len)?;
    let reply = &mut call.out.reply;
    if let Some(Value::Set(set)) = call.keyspace.view(&op[0]) {
        for member in places.into_iter().filter_map(|place| set.get(place)) {
            bulk(reply, member);
        }
    }
    Ok(())
}

/// Takes one member.
fn pop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let len = call.keyspace.collection::<Set>(&op[0])?.map_or(0, Set::len);
    if len == 0 {
        call.out.reply.nil();
        return Ok(());
    }
    let place = call.keyspace.random().random_range(0..len);
    let member = call.keyspace.update(&op[0], |set: &mut Set| {
        let member = set.get(place).expect("it is below the length").to_vec();
        set.remove(&member);
        Ok(member)
    })?;
    call.out.reply.bulk(&member);
    call.notify(Class::Set, "spop", &op[0]);
    if len == 1 {
        call.notify(Class::Generic, "del", &op[0]);
    }
    call.effect(&Op::new(&change::SREM).arg(&op[0]).arg(member));
    Ok(())
}

/// Takes several members, or all.
fn pop_several(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let count = number::positive(&op[1])?;
    let set = call.keyspace.collection::<Set>(&op[0])?;
    let len = set.map_or(0, Set::len);
    let reply = &mut call.out.reply;
    reply.set(count.min(len));
    if count == 0 || len == 0 {
        return Ok(());
    }
    if count >= len {
        if let Some(set) = set {
            set.iter().for_each(|member| bulk(reply, member));
        }
        call.keyspace.remove(&op[0]);
        call.notify(Class::Set, "spop", &op[0]);
        call.notify(Class::Generic, "del", &op[0]);
        call.effect(&Op::new(&key::DEL).arg(&op[0]));
        return Ok(());
    }
    let places = index::sample(call.keyspace.random(), len, count);
    let taken = call.keyspace.update(&op[0], |set: &mut Set| {
        let members = places.iter().filter_map(|place| set.get(place));
        let members: Vec<Vec<u8>> = members.map(Member::to_vec).collect();
        for member in &members {
            set.remove(member);
        }
        Ok(members)
    })?;
    for member in &taken {
        call.out.reply.bulk(member);
    }
    call.notify(Class::Set, "spop", &op[0]);
    for part in taken.chunks(TOLD_MAX) {
        let told = Op::new(&change::SREM).arg(&op[0]);
        call.effect(&part.iter().fold(told, Op::arg));
    }
    Ok(())
}
