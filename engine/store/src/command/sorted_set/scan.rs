//! Going over a sorted set in parts: `ZSCAN`.

use crate::command::cursor::{self, Types};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::reply::format_double;
use crate::value::SortedSet;

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub static ZSCAN: Command = Command {
    name: "zscan",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "a part of the members of a sorted set, and where to go on",
    run: zscan,
};

fn zscan(call: &mut Call<'_>) -> Result<(), CommandError> {
    let begin = cursor::parse(call.op, 1)?;
    let reply = &mut call.out.reply;
    let Some(set) = call.keyspace.collection::<SortedSet>(&call.op[0])? else {
        // Redis does not look at the options then.
        cursor::head(reply, 0, 0);
        return Ok(());
    };
    let options = cursor::Options::parse(call.op, 2, Types::None)?;
    let mut found = Vec::new();
    let next = set.scan(begin, options.count, |member, score| {
        if options.admits(member) {
            found.push((member, score));
        }
    });
    cursor::head(reply, next, found.len() * 2);
    for (member, score) in found {
        reply.bulk(member);
        reply.bulk(text(score, set.is_compact()).as_bytes());
    }
    Ok(())
}

/// A score as a scan shows it: a string in both protocols, and in a compact set, where Redis keeps whole
/// numbers as integers, all digits of one.
fn text(score: f64, compact: bool) -> String {
    const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;
    if compact && score == score.trunc() && score.abs() <= WHOLE_MAX {
        format!("{score:.0}")
    } else {
        format_double(score)
    }
}
