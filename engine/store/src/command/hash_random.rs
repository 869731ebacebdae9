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
    let places = draw.begin(call, len)?;
    let Some(Value::Hash(hash)) = call.keyspace.view(key) else {
        return Ok(());
    };
    for (field, value) in places.into_iter().filter_map(|place| hash.entry(place)) {
        draw.tell(&mut call.out.reply, field, |reply| reply.bulk(value));
    }
    Ok(())
}
