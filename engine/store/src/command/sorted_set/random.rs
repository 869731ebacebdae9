//! Members of a sorted set at random: `ZRANDMEMBER`.

use crate::command::draw::Draw;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::value::{SortedSet, Value};

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub static ZRANDMEMBER: Command = Command {
    name: "zrandmember",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "members of a sorted set at random: different ones, or, for a negative count, any",
    run: zrandmember,
};

fn zrandmember(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let draw = Draw::parse(call.op, "withscores")?;
    let set = call.keyspace.collection::<SortedSet>(key)?;
    let len = set.map_or(0, SortedSet::len);
    let reply = &mut call.out.reply;
    if len == 0 {
        match draw.count {
            None => reply.nil(),
            Some(_) => reply.array(0),
        }
        return Ok(());
    }
    let ranks = draw.places(call.keyspace.random(), len)?;
    if draw.with_values {
        reply.pairs(ranks.len());
    } else if draw.count.is_some() {
        reply.array(ranks.len());
    }
    let Some(Value::SortedSet(set)) = call.keyspace.view(key) else {
        unreachable!("the set was just measured");
    };
    for rank in ranks {
        let (member, score) = set
            .range(rank..rank + 1, false)
            .next()
            .expect("the ranks are below the length");
        if draw.with_values {
            reply.pair();
        }
        reply.bulk(member);
        if draw.with_values {
            reply.double(score);
        }
    }
    Ok(())
}
