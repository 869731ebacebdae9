//! The meta commands: `mg`, `ms`, `md`, `ma` and `me`. A letter stands for everything that is asked for,
//! said or to be returned; what is returned stands in the order in which it was asked.
//!
//! The parser hands over a key that came in base64 as the bytes that it means, and its text with the
//! letter `b`.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys};
use super::letters::{Letters, Shown, lookup_arguments};
use super::lines::{BAD_TOKEN, NOT_NUMERIC};
use super::number::{Expiry, seconds, seconds_left, unsigned};
use super::text::{Mode, client_flags, look, write};
use super::write::{expire, store};
use crate::keyspace::{Tag, Tagged};

/// `mg key letters…`: read, and on the way touch, create or renew.
pub static META_GET: Command = Command {
    name: "memcached.mg",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "get a string and what is kept of it",
    run: |call| answer(call, 1, "bcfhklOqstvENRT", get),
};

/// `ms key value letters…`
pub static META_SET: Command = Command {
    name: "memcached.ms",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set a string by one of five modes",
    run: |call| answer(call, 2, "bcCEFIkOqsTMN", set),
};

/// `md key letters…`
pub static META_DELETE: Command = Command {
    name: "memcached.md",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove a key, or mark it as stale",
    run: |call| answer(call, 1, "bCEIkOqTx", delete),
};

/// `ma key letters…`
pub static META_ARITHMETIC: Command = Command {
    name: "memcached.ma",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add to a number or take from it",
    run: |call| answer(call, 1, "bcCDEJkMNOqtTv", arithmetic),
};

/// `me key`
pub static META_DEBUG: Command = Command {
    name: "memcached.me",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "what is kept of a key",
    run: |call| answer(call, 1, "b", debug),
};

/// The line that a call is refused with.
type Refusal = &'static [u8];

/// What a handler came to: nothing where it wrote its answer.
type Done = Result<Result<(), Refusal>, CommandError>;

/// Reads the letters from argument `from` on and runs `handler`; a refusal is the answer.
fn answer(
    call: &mut Call<'_>,
    from: usize,
    known: &str,
    handler: fn(&mut Call<'_>, &Letters<'_>) -> Done,
) -> Result<(), CommandError> {
    let done = match Letters::parse(call.op, from, known) {
        Ok(letters) => handler(call, &letters)?,
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = done {
        call.out.reply.encoded(refusal);
    }
    Ok(())
}

fn get(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let [vivify, recache, touch] = match lookup_arguments(letters, now) {
        Ok(times) => times,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Whoever is told `W` is to fetch the value anew; `Z` says that somebody was told already.
    let (mut win, mut other, mut created) = (false, false, false);
    if look(call.keyspace, key, true)?.is_none() {
        let Some(expiry) = vivify.filter(|_| call.keyspace.kind(key).is_none()) else {
            if !letters.has(b'q') {
                letters.status(call, b"EN");
            }
            return Ok(Ok(()));
        };
        let tag = Tag {
            won: true,
            accessed_s: seconds(now),
            ..Tag::default()
        };
        store(call, key, b"", expiry.at(), tag, letters.number(b'E'))?;
        (win, created) = (true, true);
    } else if let Some(Tagged { tag, expires, .. }) = look(call.keyspace, key, true)? {
        let soon = match (recache, expires) {
            (Some(Expiry::At(soon)), Some(at)) => at < soon,
            _ => false,
        };
        other = tag.won;
        win = !tag.won && (tag.stale || soon);
    }
    let before = call.keyspace.expires_at(key).flatten();
    let before = before.filter(|_| !created || !letters.stands_before(b't', b'N'));
    if let Some(expiry) = touch
        && expiry != Expiry::Past
    {
        expire(call, key, expiry);
    }
    let Some(found) = look(call.keyspace, key, true)? else {
        return Ok(Ok(()));
    };
    let Tagged {
        value,
        expires,
        tag,
    } = found;
    // Letters count in their order: a time that is asked for before it is set is the old one.
    let early = letters.stands_before(b't', if created { b'N' } else { b'T' });
    let expires = if early { before } else { expires };
    let shown = Shown {
        value: Some(value),
        tag,
        seconds_left: seconds_left(expires, now),
        idle_s: seconds(now).saturating_sub(tag.accessed_s),
    };
    let marks = [(other, " Z"), (tag.stale, " X"), (win, " W")];
    letters.found(&mut call.out.reply, key, &shown, &marks);
    let read = Tag {
        fetched: true,
        accessed_s: seconds(now),
        won: tag.won || win,
        ..tag
    };
    call.keyspace.set_tag(key, read);
    if touch == Some(Expiry::Past) {
        call.remove(key);
    }
    Ok(Ok(()))
}

fn set(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let mode = match letters.mode(b"S") {
        b"S" | b"s" => Mode::Set,
        b"E" | b"e" => Mode::Add,
        b"A" | b"a" => Mode::Append,
        b"P" | b"p" => Mode::Prepend,
        b"R" | b"r" => Mode::Replace,
        [_] => return Ok(Err(b"CLIENT_ERROR invalid mode for ms M token\r\n")),
        _ => return Ok(Err(b"CLIENT_ERROR incorrect length for M token\r\n")),
    };
    let flags = match letters.get(b'F') {
        None => Some(0),
        Some(text) => client_flags(text),
    };
    let (Some(flags), Ok(expiry), Ok(vivify)) =
        (flags, letters.expiry(b'T', now), letters.expiry(b'N', now))
    else {
        return Ok(Err(BAD_TOKEN));
    };
    let mut tag = Tag {
        flags,
        accessed_s: seconds(now),
        ..Tag::default()
    };
    let mut expiry = expiry.unwrap_or(Expiry::Never);
    let chosen = letters.number(b'E');
    if let Some(wanted) = letters.number(b'C') {
        let Some(old) = look(call.keyspace, key, true)? else {
            let line = if call.keyspace.kind(key).is_some() {
                b"EX"
            } else {
                b"NF"
            };
            letters.stored(call, line, None);
            return Ok(Ok(()));
        };
        if letters.has(b'I') && wanted < old.tag.cas {
            // An older value than what is there: kept, but as stale, for as long as what was there.
            tag.stale = true;
            tag.won = old.tag.won;
            expiry = old.expires.map_or(Expiry::Never, Expiry::At);
        } else if wanted != old.tag.cas {
            letters.stored(call, b"EX", None);
            return Ok(Ok(()));
        }
    }
    let appends = matches!(mode, Mode::Append | Mode::Prepend);
    let done = match vivify {
        Some(vivify) if appends && call.keyspace.kind(key).is_none() => {
            write(call, Mode::Set, tag, vivify, chosen)?
        }
        _ => write(call, mode, tag, expiry, chosen)?,
    };
    match done {
        Some(_) if letters.has(b'q') => {}
        Some(written) => letters.stored(call, b"HD", Some(written)),
        None => letters.stored(call, b"NS", None),
    }
    Ok(Ok(()))
}

fn delete(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let Ok(touch) = letters.expiry(b'T', now) else {
        return Ok(Err(BAD_TOKEN));
    };
    if call.keyspace.kind(key).is_none() {
        letters.status(call, b"NF");
        return Ok(Ok(()));
    }
    let old = look(call.keyspace, key, true)?.map(|old| (old.value.to_vec(), old.expires, old.tag));
    if let Some(wanted) = letters.number(b'C')
        && old.as_ref().is_none_or(|(.., tag)| tag.cas != wanted)
    {
        letters.status(call, b"EX");
        return Ok(Ok(()));
    }
    match old {
        Some((mut value, expires, mut tag)) if letters.has(b'I') || letters.has(b'x') => {
            if letters.has(b'I') {
                tag.stale = true;
                tag.won = false;
            }
            if letters.has(b'x') {
                value.clear();
                tag.flags = 0;
            }
            let expires = touch.map_or(expires, Expiry::at);
            store(call, key, &value, expires, tag, letters.number(b'E'))?;
            if touch == Some(Expiry::Past) {
                call.remove(key);
            }
        }
        _ => {
            call.remove(key);
        }
    }
    if !letters.has(b'q') {
        letters.status(call, b"HD");
    }
    Ok(Ok(()))
}

fn arithmetic(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let change: fn(u64, u64) -> u64 = match letters.mode(b"I") {
        b"I" | b"i" | b"+" => u64::wrapping_add,
        b"D" | b"d" | b"-" => u64::saturating_sub,
        _ => return Ok(Err(b"CLIENT_ERROR invalid mode for ma M token\r\n")),
    };
    let number = |letter, default| match letters.get(letter) {
        None => Some(default),
        Some(text) => unsigned(text),
    };
    let (Some(delta), Some(initial), Ok(vivify), Ok(touch)) = (
        number(b'D', 1),
        number(b'J', 0),
        letters.expiry(b'N', now),
        letters.expiry(b'T', now),
    ) else {
        return Ok(Err(BAD_TOKEN));
    };
    let mut tag = Tag {
        accessed_s: seconds(now),
        ..Tag::default()
    };
    let old = look(call.keyspace, key, true)?;
    let old = old.map(|old| {
        let new = unsigned(old.value.trim_ascii_end()).map(|number| change(number, delta));
        let kept = new.map(|new| old.tag.grown(old.value, &new.to_string(), now));
        (new.zip(kept), old.expires, old.tag.cas)
    });
    let is_new = old.is_none();
    let (new, mut expires) = match old {
        Some((changed, expires, cas)) => {
            if letters.number(b'C').is_some_and(|wanted| wanted != cas) {
                letters.status(call, b"EX");
                return Ok(Ok(()));
            }
            let Some((new, kept)) = changed else {
                return Ok(Err(NOT_NUMERIC));
            };
            tag = kept;
            (new, expires)
        }
        None if call.keyspace.kind(key).is_some() => return Ok(Err(NOT_NUMERIC)),
        None => {
            let Some(expiry) = vivify else {
                letters.status(call, b"NF");
                return Ok(Ok(()));
            };
            (initial, expiry.at())
        }
    };
    if let Some(expiry) = touch {
        expires = expiry.at();
    }
    let text = new.to_string();
    tag.cas = store(
        call,
        key,
        text.as_bytes(),
        expires,
        tag,
        letters.number(b'E'),
    )?;
    if is_new || !letters.has(b'q') {
        let shown = Shown {
            value: Some(text.as_bytes()),
            tag,
            seconds_left: seconds_left(expires, now),
            idle_s: 0,
        };
        letters.found(&mut call.out.reply, key, &shown, &[]);
    }
    if touch == Some(Expiry::Past) {
        call.remove(key);
    }
    Ok(Ok(()))
}

fn debug(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let Some(found) = look(call.keyspace, key, false)? else {
        return Ok(Err(b"EN\r\n"));
    };
    let tag = found.tag;
    let words = format!(
        " exp={} la={} cas={} fetch={} size={}\r\n",
        seconds_left(found.expires, now),
        seconds(now).saturating_sub(tag.accessed_s),
        tag.cas,
        if tag.fetched { "yes" } else { "no" },
        found.value.len(),
    );
    let reply = &mut call.out.reply;
    reply.encoded(b"ME ");
    reply.encoded(letters.get(b'b').unwrap_or(key));
    reply.encoded(words.as_bytes());
    Ok(Ok(()))
}
