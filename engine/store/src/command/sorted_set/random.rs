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
    let ranks = draw.begin(call, len)?;
    let Some(Value::SortedSet(set)) = call.keyspace.view(key) else {
        return Ok(());
    };
    for (member, score) in (ranks.into_iter()).flat_map(|rank| set.range(rank..rank + 1, false)) {
        draw.tell(&mut call.out.reply, member, |reply| reply.double(score));
    }
    Ok(())
}
