//! Going over a hash in parts: `HSCAN`.

use super::{Call, Command, CommandError, Flag, Flags, Keys, glob, number};
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
    let op = call.op;
    let cursor = parse_cursor(&op[1]).ok_or(CommandError::new("ERR invalid cursor"))?;
    let Some(hash) = call.keyspace.collection::<Hash>(&op[0])? else {
        // Redis does not look at the options then.
        call.out.reply.array(2);
        call.out.reply.bulk(b"0");
        call.out.reply.array(0);
        return Ok(());
    };
    let (mut pattern, mut count) = (None, 10);
    let mut i = 2;
    while let Some(word) = op.get(i) {
        let value = op.get(i + 1).ok_or(CommandError::SYNTAX)?;
        if word.eq_ignore_ascii_case(b"match") {
            pattern = Some(value);
        } else if word.eq_ignore_ascii_case(b"count") {
            count = usize::try_from(number::int(value)?)
                .ok()
                .filter(|&count| count > 0)
                .ok_or(CommandError::SYNTAX)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
        i += 2;
    }
    let mut found = Vec::new();
    let next = hash.scan(cursor, count, |field, value| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, field)) {
            found.push((field, value));
        }
    });
    let reply = &mut call.out.reply;
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    reply.array(found.len() * 2);
    for (field, value) in found {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(())
}

/// A cursor, as C's `strtoul` reads it: nothing is 0, and a minus wraps around.
pub(super) fn parse_cursor(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    let (negative, digits) = number::sign(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let cursor: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative {
        cursor.wrapping_neg()
    } else {
        cursor
    })
}
