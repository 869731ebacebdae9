//! Fields of a hash at random: `HRANDFIELD`.

use super::draw::Draw;
use super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::value::{Hash, Value};

/// `HRANDFIELD key [count [WITHVALUES]]`
pub static HRANDFIELD: Command = Command {
    name: "hrandfield",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "fields of a hash at random: different ones, or, for a negative count, any",
    run: hrandfield,
};

fn hrandfield(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let draw = Draw::parse(call.op, "withvalues")?;
    let len = call.keyspace.collection::<Hash>(key)?.map_or(0, Hash::len);
    let reply = &mut call.out.reply;
    if len == 0 {
        match draw.count {
            None => reply.nil(),
            Some(_) => reply.array(0),
        }
        return Ok(());
    }
    let places = draw.places(call.keyspace.random(), len)?;
    if draw.with_values {
        reply.pairs(places.len());
    } else if draw.count.is_some() {
        reply.array(places.len());
    }
    let Some(Value::Hash(hash)) = call.keyspace.view(key) else {
        unreachable!("the hash was just measured");
    };
    for place in places {
        let (field, value) = hash.entry(place).expect("the places are below the length");
        if draw.with_values {
            reply.pair();
        }
        reply.bulk(field);
        if draw.with_values {
            reply.bulk(value);
        }
    }
    Ok(())
}
