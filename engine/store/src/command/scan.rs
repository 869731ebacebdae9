//! The keys of a database: in parts, by pattern, at random.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::cursor::{self, Types};
use super::{Call, Command, CommandError, Flag, Flags, Keys, glob};

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
///
/// A cursor has at most [`CURSOR_BITS`](crate::keyspace::CURSOR_BITS) bits; those above are left to
/// callers that go over several shards.
pub static SCAN: Command = Command {
    name: "scan",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::Every,
    about: "a part of the keys, and where to go on",
    run: scan,
};

/// `KEYS pattern`
pub static KEYS: Command = Command {
    name: "keys",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::Every,
    about: "every key whose name fits a pattern",
    run: keys,
};

/// `RANDOMKEY`
pub static RANDOMKEY: Command = Command {
    name: "randomkey",
    arity: 1,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::Every,
    about: "a key at random",
    run: random_key,
};

fn scan(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let begin = cursor::parse(op, 0)?;
    let options = cursor::Options::parse(op, 1, Types::OfKeys)?;
    let mut found = Vec::new();
    let next = call
        .keyspace
        .scan(begin, options.count as u64, |keyspace, key| {
            let of_kind = options.kind.is_none_or(|wanted| {
                let kind = keyspace.inspect(key).map(|found| found.value.kind());
                kind.is_some_and(|kind| wanted.eq_ignore_ascii_case(kind.name().as_bytes()))
            });
            if options.admits(key) && of_kind {
                found.push(key.to_vec());
            }
        });
    let reply = &mut call.out.reply;
    cursor::head(reply, next, found.len());
    for key in &found {
        reply.bulk(key);
    }
    Ok(())
}

fn keys(call: &mut Call<'_>) -> Result<(), CommandError> {
    let pattern = &call.op[0];
    let all = pattern == b"*";
    let mut found = Vec::new();
    call.keyspace.keys(|key| {
        if all || glob::matches(pattern, key) {
            found.push(key.to_vec());
        }
    });
    let reply = &mut call.out.reply;
    reply.array(found.len());
    for key in &found {
        reply.bulk(key);
    }
    Ok(())
}

fn random_key(call: &mut Call<'_>) -> Result<(), CommandError> {
    match call.keyspace.random_key() {
        Some(key) => call.out.reply.bulk(&key),
        None => call.out.reply.nil(),
    }
    Ok(())
}
