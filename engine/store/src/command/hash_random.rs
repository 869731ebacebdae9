//! Fields of a hash at random: `HRANDFIELD`.

use rand::RngExt;
use rand::seq::index;

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::value::Hash;

/// The most fields that are drawn with repetition. Redis has no such limit but memory, which one
/// command of a few bytes could fill.
const DRAWS_MAX: u64 = 1 << 20;

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
    let op = call.op;
    let (count, values) = match op.len() {
        1 => (None, false),
        2 => (Some(number::int(&op[1])?), false),
        _ => {
            let count = number::int(&op[1])?;
            if op.len() > 3 || !op[2].eq_ignore_ascii_case(b"withvalues") {
                return Err(CommandError::SYNTAX);
            }
            (Some(count), true)
        }
    };
    let len = call
        .keyspace
        .collection::<Hash>(&op[0])?
        .map_or(0, Hash::len);
    let reply = &mut call.out.reply;
    if len == 0 {
        match count {
            None => reply.nil(),
            Some(_) => reply.array(0),
        }
        return Ok(());
    }
    let places = match count {
        None => vec![call.keyspace.random().random_range(0..len)],
        Some(count) if count >= 0 => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            if count >= len {
                (0..len).collect()
            } else {
                index::sample(call.keyspace.random(), len, count).into_vec()
            }
        }
        Some(count) if count.unsigned_abs() > DRAWS_MAX => {
            return Err(CommandError::new("ERR value is out of range"));
        }
        Some(count) => {
            let random = call.keyspace.random();
            let draws = (0..count.unsigned_abs()).map(|_| random.random_range(0..len));
            draws.collect()
        }
    };
    if count.is_some() {
        reply.array(places.len() * if values { 2 } else { 1 });
    }
    let hash = call.keyspace.collection::<Hash>(&op[0])?;
    for place in places {
        let (field, value) = hash
            .and_then(|hash| hash.entry(place))
            .expect("the places are below the length");
        reply.bulk(field);
        if values {
            reply.bulk(value);
        }
    }
    Ok(())
}
