//! Going over a hash in parts: `HSCAN`.

use super::cursor::{self, Types};
use super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::value::Hash;

/// `HSCAN key cursor [MATCH pattern] [COUNT count]`
pub static HSCAN: Command = Command {
    name: "hscan",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "a part of the fields of a hash, and where to go on",
    run: hscan,
};

fn hscan(call: &mut Call<'_>) -> Result<(), CommandError> {
    let begin = cursor::parse(call.op, 1)?;
    let reply = &mut call.out.reply;
    let Some(hash) = call.keyspace.collection::<Hash>(&call.op[0])? else {
        // Redis does not look at the options then.
        cursor::head(reply, 0, 0);
        return Ok(());
    };
    let options = cursor::Options::parse(call.op, 2, Types::None)?;
    let mut found = Vec::new();
    let next = hash.scan(begin, options.count, |field, value| {
        if options.admits(field) {
            found.push((field, value));
        }
    });
    cursor::head(reply, next, found.len() * 2);
    for (field, value) in found {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(())
}
