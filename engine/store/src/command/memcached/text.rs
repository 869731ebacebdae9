//! The text commands: `get` and its kin answer one key here, and the server's parser ends the list.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::super::{Call, Command, CommandError, Flag, Flags, Keys};
use super::lines::{BAD_EXPTIME, BAD_FORMAT, NOT_FOUND, NOT_NUMERIC};
use super::number::{Expiry, seconds, unsigned};
use super::write::{expire, store};
use crate::keyspace::{Keyspace, Tag, Tagged};

const READ: Flags = Flags::of(&[Flag::Readonly, Flag::Fast]);
const WRITE: Flags = Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]);
const WRITE_FREE: Flags = Flags::of(&[Flag::Write, Flag::Fast]);

macro_rules! commands {
    ($($(#[$doc:meta])* $static:ident $name:literal $arity:literal $flags:ident $about:literal $run:expr;)*) => {
        $(
            $(#[$doc])*
            pub static $static: Command = Command {
                name: $name,
                arity: $arity,
                flags: $flags,
                keys: Keys::ONE,
                about: $about,
                run: $run,
            };
        )*
    };
}

commands! {
    /// `key`
    GET "memcached.get" 2 READ "a string with its flags" |call| get(call, false);
    /// `key`
    GETS "memcached.gets" 2 READ "a string with its flags and number" |call| get(call, true);
    /// `key exptime`
    GAT "memcached.gat" 3 WRITE_FREE "get a string and set when it expires"
        |call| get_and_touch(call, false);
    /// `key exptime`
    GATS "memcached.gats" 3 WRITE_FREE "get a string with its number and set when it expires"
        |call| get_and_touch(call, true);
    /// `key value flags exptime`
    SET "memcached.set" 5 WRITE "set a string" |call| storage(call, Mode::Set);
    /// `key value flags exptime`
    ADD "memcached.add" 5 WRITE "set a string where there is no key"
        |call| storage(call, Mode::Add);
    /// `key value flags exptime`
    REPLACE "memcached.replace" 5 WRITE "set a string where there is a key"
        |call| storage(call, Mode::Replace);
    /// `key value flags exptime`
    APPEND "memcached.append" 5 WRITE "add to a string's end" |call| storage(call, Mode::Append);
    /// `key value flags exptime`
    PREPEND "memcached.prepend" 5 WRITE "add to a string's beginning"
        |call| storage(call, Mode::Prepend);
    /// `key value flags exptime number`
    CAS "memcached.cas" 6 WRITE "set a string that has this number" compare_and_swap;
    /// `key`
    DELETE "memcached.delete" 2 WRITE_FREE "remove a key" delete;
    /// `key delta`
    INCR "memcached.incr" 3 WRITE "add to a number" |call| arithmetic(call, u64::wrapping_add);
    /// `key delta`
    DECR "memcached.decr" 3 WRITE "take from a number, down to 0"
        |call| arithmetic(call, u64::saturating_sub);
    /// `key exptime`
    TOUCH "memcached.touch" 3 WRITE_FREE "set when a key expires" touch;
}

/// What a storage command does with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
}

fn get(call: &mut Call<'_>, with_number: bool) -> Result<(), CommandError> {
    let key = &call.op[0];
    let Some(found) = look(call.keyspace, key, with_number)? else {
        return Ok(());
    };
    let (value, mut tag) = (found.value, found.tag);
    let reply = &mut call.out.reply;
    reply.encoded(b"VALUE ");
    reply.encoded(key);
    reply.encoded(format!(" {} {}", tag.flags, value.len()).as_bytes());
    if with_number {
        reply.encoded(format!(" {}", tag.cas).as_bytes());
    }
    reply.encoded(b"\r\n");
    reply.encoded(value);
    reply.encoded(b"\r\n");
    tag.fetched = true;
    tag.accessed_s = seconds(call.now);
    found.mark(tag);
    Ok(())
}

fn get_and_touch(call: &mut Call<'_>, with_number: bool) -> Result<(), CommandError> {
    let key = &call.op[0];
    let Some(expiry) = Expiry::parse(&call.op[1], call.now) else {
        call.out.reply.encoded(BAD_EXPTIME);
        return Ok(());
    };
    if look(call.keyspace, key, false)?.is_some() {
        get(call, with_number)?;
        expire(call, key, expiry);
    }
    Ok(())
}

/// The string at `key`, as an access; none where the key holds something else. Where it has no tag yet
/// it is given one only if its number is `needed`.
pub(super) fn look<'k>(
    keyspace: &'k mut Keyspace,
    key: &[u8],
    needed: bool,
) -> Result<Option<Tagged<'k>>, CommandError> {
    match keyspace.tagged(key, needed) {
        Err(error) if error == CommandError::WRONG_TYPE => Ok(None),
        other => other,
    }
}

fn storage(call: &mut Call<'_>, mode: Mode) -> Result<(), CommandError> {
    let op = call.op;
    let (Some(flags), Some(expiry)) = (client_flags(&op[2]), Expiry::parse(&op[3], call.now))
    else {
        call.out.reply.encoded(BAD_FORMAT);
        return Ok(());
    };
    let tag = Tag {
        flags,
        accessed_s: seconds(call.now),
        ..Tag::default()
    };
    let stored = write(call, mode, tag, expiry, None)?;
    call.out.reply.encoded(match stored {
        Some(_) => b"STORED\r\n",
        None => b"NOT_STORED\r\n",
    });
    Ok(())
}

/// Stores the op's value as `mode` says; none where the key's being there, or not, forbids it. Gives the
/// item's number and its length. `chosen` is the number that the client wants it to have.
pub(super) fn write(
    call: &mut Call<'_>,
    mode: Mode,
    tag: Tag,
    expiry: Expiry,
    chosen: Option<u64>,
) -> Result<Option<(u64, usize)>, CommandError> {
    let (key, value) = (&call.op[0], &call.op[1]);
    let is_there = call.keyspace.kind(key).is_some();
    if is_there == (mode == Mode::Add) && mode != Mode::Set {
        return Ok(None);
    }
    if matches!(mode, Mode::Append | Mode::Prepend) {
        let Some(old) = look(call.keyspace, key, true)? else {
            return Ok(None);
        };
        let (first, second) = match mode {
            Mode::Append => (old.value, value),
            _ => (value, old.value),
        };
        let joined = [first, second].concat();
        let (expires, tag) = (old.expires, old.tag.anew(call.now));
        let cas = store(call, key, &joined, expires, tag, chosen)?;
        return Ok(Some((cas, joined.len())));
    }
    if expiry == Expiry::Past {
        // It would never be seen.
        call.remove(key);
        return Ok(Some((0, value.len())));
    }
    let cas = store(call, key, value, expiry.at(), tag, chosen)?;
    Ok(Some((cas, value.len())))
}

fn compare_and_swap(call: &mut Call<'_>) -> Result<(), CommandError> {
    let Some(wanted) = unsigned(&call.op[4]) else {
        call.out.reply.encoded(BAD_FORMAT);
        return Ok(());
    };
    let key = &call.op[0];
    if call.keyspace.kind(key).is_none() {
        call.out.reply.encoded(NOT_FOUND);
        return Ok(());
    }
    let number = look(call.keyspace, key, true)?.map(|found| found.tag.cas);
    if number == Some(wanted) {
        return storage(call, Mode::Set);
    }
    call.out.reply.encoded(b"EXISTS\r\n");
    Ok(())
}

fn delete(call: &mut Call<'_>) -> Result<(), CommandError> {
    let removed = call.remove(&call.op[0]);
    call.out
        .reply
        .encoded(if removed { b"DELETED\r\n" } else { NOT_FOUND });
    Ok(())
}

fn touch(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let Some(expiry) = Expiry::parse(&call.op[1], call.now) else {
        call.out.reply.encoded(BAD_EXPTIME);
        return Ok(());
    };
    if call.keyspace.kind(key).is_none() {
        call.out.reply.encoded(NOT_FOUND);
        return Ok(());
    }
    expire(call, key, expiry);
    call.out.reply.encoded(b"TOUCHED\r\n");
    Ok(())
}

fn arithmetic(call: &mut Call<'_>, change: fn(u64, u64) -> u64) -> Result<(), CommandError> {
    let key = &call.op[0];
    let Some(delta) = unsigned(&call.op[1]) else {
        call.out
            .reply
            .encoded(b"CLIENT_ERROR invalid numeric delta argument\r\n");
        return Ok(());
    };
    let Some(old) = look(call.keyspace, key, true)? else {
        let is_there = call.keyspace.kind(key).is_some();
        let line = if is_there { NOT_NUMERIC } else { NOT_FOUND };
        call.out.reply.encoded(line);
        return Ok(());
    };
    let Some(number) = unsigned(old.value.trim_ascii_end()) else {
        call.out.reply.encoded(NOT_NUMERIC);
        return Ok(());
    };
    let text = change(number, delta).to_string();
    let (expires, tag) = (old.expires, old.tag.grown(old.value, &text, call.now));
    store(call, key, text.as_bytes(), expires, tag, None)?;
    call.out.reply.encoded(text.as_bytes());
    call.out.reply.encoded(b"\r\n");
    Ok(())
}

/// The flags that a client gives an item.
pub(super) fn client_flags(text: &[u8]) -> Option<u32> {
    unsigned(text).and_then(|flags| u32::try_from(flags).ok())
}
