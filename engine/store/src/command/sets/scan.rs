//! Going over a set in parts: `SSCAN`.

use super::bulk;
use crate::command::cursor::{self, Options, Types};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::value::Set;

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub static SSCAN: Command = Command {
    name: "sscan",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "a part of the members of a set, and where to go on",
    run: sscan,
};

fn sscan(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let begin = cursor::parse(op, 1)?;
    let reply = &mut call.out.reply;
    let Some(set) = call.keyspace.collection::<Set>(&op[0])? else {
        // Redis does not look at the options then.
        cursor::head(reply, 0, 0);
        return Ok(());
    };
    let options = Options::parse(op, 2, Types::None)?;
    let mut found = Vec::new();
    let next = set.scan(begin, options.count, |member| {
        if member.text(|text| options.admits(text)) {
            found.push(member);
        }
    });
    cursor::head(reply, next, found.len());
    for member in found {
        bulk(reply, member);
    }
    Ok(())
}
