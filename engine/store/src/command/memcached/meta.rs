//! The meta commands: `mg`, `ms`, `md`, `ma` and `me`. A letter stands for everything that is asked for,
//! said or to be returned; what is returned stands in the order in which it was asked.
//!
//! The parser hands over a key that came in base64 as the bytes that it means, and its text with the
//! letter `b`.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys};
use super::letters::{Letters, Shown};
use super::lines::{BAD_LETTER, NOT_NUMERIC, TOO_OPAQUE};
use super::number::{Expiry, seconds, seconds_left, unsigned};
use super::text::{Mode, look, write};
use super::write::{expire, store};
use crate::keyspace::Tag;

/// `mg key letters…`: read. The letters `N` and `T` are for the two commands below.
pub static META_GET: Command = Command {
    name: "memcached.mg",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "get a string and what is kept of it",
    run: |call| answer(call, 1, None, get),
};

/// `mg key T… letters…`: read, and set when it expires.
pub static META_GET_TOUCH: Command = Command {
    name: "memcached.mg|touch",
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    about: "get a string and what is kept of it, and set when it expires",
    ..META_GET
};

/// `mg key N… letters…`: read, or create.
pub static META_GET_CREATE: Command = Command {
    name: "memcached.mg|create",
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    about: "get a string and what is kept of it, or create it",
    ..META_GET
};

/// `ms key value letters…`
pub static META_SET: Command = Command {
    name: "memcached.ms",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set a string by one of five modes",
    run: |call| answer(call, 2, None, set),
};

/// `md key letters…`
pub static META_DELETE: Command = Command {
    name: "memcached.md",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove a key, or mark it as stale",
    run: |call| answer(call, 1, Some(BAD_LETTER), delete),
};

/// `ma key letters…`
pub static META_ARITHMETIC: Command = Command {
    name: "memcached.ma",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add to a number or take from it",
    run: |call| answer(call, 1, Some(BAD_LETTER), arithmetic),
};

/// `me key`
pub static META_DEBUG: Command = Command {
    name: "memcached.me",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "what is kept of a key",
    run: |call| answer(call, 1, None, debug),
};

/// The line that a call is refused with.
type Refusal = &'static [u8];

/// What a handler came to: nothing where it wrote its answer.
type Done = Result<Result<(), Refusal>, CommandError>;

/// Reads the letters from argument `from` on and runs `handler`; a refusal is the answer. Where a letter
/// is wrong, the answer is `wrong_letter`, or says how.
fn answer(
    call: &mut Call<'_>,
    from: usize,
    wrong_letter: Option<Refusal>,
    handler: fn(&mut Call<'_>, &Letters<'_>) -> Done,
) -> Result<(), CommandError> {
    let done = match Letters::parse(call.op, from) {
        Ok(letters) if letters.is_too_opaque() => Err(TOO_OPAQUE),
        Ok(letters) => handler(call, &letters)?,
        Err(refusal) => Err(wrong_letter.unwrap_or(refusal)),
    };
    if let Err(refusal) = done {
        call.out.reply.encoded(refusal);
    }
    Ok(())
}

fn get(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let touch = letters.expiry(b'T', now);
    // What is kept of reads is kept in a tag, which a string of Redis's clients has not got.
    let needs_tag = b"chlR".iter().any(|&letter| letters.has(letter));
    let Some(found) = look(call.keyspace, key, needs_tag)? else {
        return create(call, letters);
    };
    let tag = found.tag;
    let soon = match (letters.expiry(b'R', now), found.expires) {
        (Some(Expiry::At(soon)), Some(at)) => at < soon,
        _ => false,
    };
    // Whoever is told `W` is to fetch the value anew; `Z` says that somebody was told already.
    let win = !tag.won && (tag.stale || soon);
    // Letters count in their order: a time that is asked for before it is set is the old one.
    let expires = match touch {
        Some(Expiry::At(at)) if !letters.stands_before(b't', b'T') => Some(at),
        Some(Expiry::Never) if !letters.stands_before(b't', b'T') => None,
        _ => found.expires,
    };
    let shown = Shown {
        value: Some(found.value),
        tag,
        seconds_left: seconds_left(expires, now),
        idle_s: seconds(now).saturating_sub(tag.accessed_s),
        whole: true,
    };
    let marks = [(tag.won, " Z"), (tag.stale, " X"), (win, " W")];
    letters.found(&mut call.out.reply, key, &shown, &marks);
    let read = if letters.has(b'u') {
        tag
    } else {
        Tag {
            fetched: true,
            accessed_s: seconds(now),
            ..tag
        }
    };
    found.mark(Tag {
        won: tag.won || win,
        ..read
    });
    if let Some(expiry) = touch {
        expire(call, key, expiry);
    }
    Ok(Ok(()))
}

/// `mg` of what is not there: a miss, or an empty item that the client is to fill (`N`).
fn create(call: &mut Call<'_>, letters: &Letters<'_>) -> Done {
    let (key, now) = (&call.op[0], call.now);
    let vivify = letters.expiry(b'N', now);
    let Some(expiry) = vivify.filter(|_| call.keyspace.kind(key).is_none()) else {
        if !letters.has(b'q') {
            letters.status(call, b"EN");
        }
        return Ok(Ok(()));
    };
    let touch = letters.expiry(b'T', now);
    // Of two times the one that is said last holds.
    let lasting = match touch {
        Some(touch) if letters.stands_before(b'N', b'T') => touch,
        _ => expiry,
    };
    let tag = Tag {
        won: true,
        fetched: !letters.has(b'u'),
        accessed_s: seconds(now),
        ..Tag::default()
    };
    let cas = store(call, key, b"", lasting.at(), tag, letters.number(b'E'))?;
    // A time that is asked for before it is set is not there yet.
    let at = |letter| letters.stands_before(letter, b't');
    let expires = match touch {
        Some(touch) if at(b'T') && (!at(b'N') || letters.stands_before(b'N', b'T')) => touch.at(),
        _ if at(b'N') => expiry.at(),
        _ => None,
    };
    let shown = Shown {
        value: Some(b""),
        tag: Tag {
            cas,
            fetched: false,
            ..tag
        },
        seconds_left: seconds_left(expires, now),
        idle_s: 0,
        whole: true,
    };
    letters.found(&mut call.out.reply, key, &shown, &[(true, " W")]);
    if lasting == Expiry::Past {
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
        _ => return Ok(Err(b"CLIENT_ERROR invalid mode for ms M token\r\n")),
    };
    let mut tag = Tag {
        flags: letters.flags(),
        accessed_s: seconds(now),
        ..Tag::default()
    };
    let mut expiry = letters.expiry(b'T', now).unwrap_or(Expiry::Never);
    let vivify = letters.expiry(b'N', now);
    let chosen = letters.number(b'E');
    // A new item cannot have the number that is compared.
    if let Some(wanted) = letters.number(b'C').filter(|_| mode != Mode::Add) {
        let old = look(call.keyspace, key, true)?.map(|old| (old.tag, old.expires));
        match old {
            None if call.keyspace.kind(key).is_some() => {
                letters.stored(call, b"EX", None);
                return Ok(Ok(()));
            }
            // What adds to a value tells below that there is none.
            None if matches!(mode, Mode::Append | Mode::Prepend) => {}
            Some(_) if wanted == 0 && matches!(mode, Mode::Append | Mode::Prepend) => {}
            None => {
                letters.stored(call, b"NF", None);
                return Ok(Ok(()));
            }
            Some((old, expires)) if letters.has(b'I') && wanted < old.cas => {
                // An older value than what is there: kept, but as stale, for as long as what was there.
                tag.stale = true;
                tag.won = old.won;
                expiry = expires.map_or(Expiry::Never, Expiry::At);
            }
            Some((old, _)) if wanted != old.cas => {
                letters.stored(call, b"EX", None);
                return Ok(Ok(()));
            }
            Some(_) => {}
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
    let touch = letters.expiry(b'T', now);
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
    let delta = letters.number(b'D').unwrap_or(1);
    let initial = letters.number(b'J').unwrap_or(0);
    let (vivify, touch) = (letters.expiry(b'N', now), letters.expiry(b'T', now));
    let mut tag = Tag {
        accessed_s: seconds(now),
        ..Tag::default()
    };
    let old = look(call.keyspace, key, true)?;
    let old = old.map(|old| {
        let new = unsigned(old.value.trim_ascii_end()).map(|number| change(number, delta));
        let kept = new.map(|new| old.tag.grown(old.value, &new.to_string(), now));
        // What is empty is no number, whatever is compared.
        let cas = Some(old.tag.cas).filter(|_| !old.value.is_empty());
        (new.zip(kept), old.expires, cas)
    });
    let is_new = old.is_none();
    let (new, mut expires) = match old {
        Some((changed, expires, cas)) => {
            // Here 0 is compared with nothing.
            let wanted = letters.number(b'C').filter(|&wanted| wanted != 0);
            if cas.is_some() && wanted.is_some() && wanted != cas {
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
            whole: false,
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
    // Memcached counts from the time of expiry, which is to come, to now.
    let since_expiry = found.expires.map_or(-1, |at| -seconds_left(Some(at), now));
    let words = format!(
        " exp={since_expiry} la={} cas={} fetch={} cls=1 size={}\r\n",
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
