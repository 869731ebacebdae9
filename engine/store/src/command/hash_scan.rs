//! Going over a hash in parts: `HSCAN`.

use super::{Call, Command, CommandError, Flag, Flags, Keys, scan};
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
    let cursor = scan::cursor(call.op, 1)?;
    let reply = &mut call.out.reply;
    let Some(hash) = call.keyspace.collection::<Hash>(&call.op[0])? else {
        // Redis does not look at the options then.
        scan::head(reply, 0, 0);
        return Ok(());
    };
    let options = scan::Options::parse(call.op, 2)?;
    let mut found = Vec::new();
    let next = hash.scan(cursor, options.count, |field, value| {
        if options.admits(field) {
            found.push((field, value));
        }
    });
    scan::head(reply, next, found.len() * 2);
    for (field, value) in found {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(())
}
