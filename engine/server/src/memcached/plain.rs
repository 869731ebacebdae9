//! Commands that no data follows.

use seawall_store::Op;
use seawall_store::command::Command;
use seawall_store::command::memcached as store;

use super::key::{MetaKey, key};
use super::line::{
    BAD_EXPTIME, BAD_FORMAT, ERROR, META_WORDS_MAX, Words, is_quiet, number, unsigned,
};
use super::parser::{Request, When};
use super::tuning;

/// More than a key after `delete`.
const DELETE_USAGE: &[u8] =
    b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";

/// Times above this many seconds (30 days) are moments, not durations.
const RELATIVE_SECONDS_MAX: u64 = 60 * 60 * 24 * 30;

/// Names of commands that ask for keys, as many as there are.
const RETRIEVING: [(&[u8], &Command, bool); 5] = [
    (b"get", &store::GET, false),
    (b"gets", &store::GETS, false),
    (b"gat", &store::GAT, true),
    (b"gats", &store::GATS, true),
    // Of clients of old.
    (b"bget", &store::GET, false),
];

/// What `name` asks of every key, if that is what it does; and whether a time stands before the keys.
pub(super) fn retrieving(name: &[u8]) -> Option<(&'static Command, bool)> {
    let found = RETRIEVING.iter().find(|(own, ..)| *own == name);
    found.map(|&(_, command, has_time)| (command, has_time))
}

/// Whether an op of `command` is one of those that a line with many keys is made into.
pub fn retrieves(command: &Command) -> bool {
    let mut all = RETRIEVING.iter();
    all.any(|(_, own, _)| std::ptr::eq(*own, command))
}

/// Whether a line that begins so may name many keys.
pub(super) fn may_be_long(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let is_named = |name: &[u8]| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(b" "))
    };
    RETRIEVING.iter().any(|(name, ..)| is_named(name))
}

/// What a line asks.
pub(super) fn request(name: &[u8], words: &Words<'_>) -> Request {
    let made: Result<Request, &'static [u8]> = match name {
        b"delete" => delete(words),
        b"incr" => of_key(&store::INCR, words),
        b"decr" => of_key(&store::DECR, words),
        b"touch" => of_key(&store::TOUCH, words),
        b"mg" => meta(&store::META_GET, words),
        b"md" => meta(&store::META_DELETE, words),
        b"ma" => meta(&store::META_ARITHMETIC, words),
        b"me" => debug(words),
        b"mn" => Ok(Request::Reply(b"MN\r\n")),
        b"flush_all" => flush(words),
        b"verbosity" => verbosity(words),
        b"version" => Ok(Request::Version),
        b"stats" => Ok(Request::Stats(words[1..].join(&b' '))),
        b"quit" => Ok(Request::Quit),
        b"cache_memlimit" => tuning::memory_limit(words),
        b"lru_crawler" => Err(tuning::lru_crawler(words)),
        b"slabs" => Err(tuning::slabs(words)),
        b"watch" => Err(b"CLIENT_ERROR watch commands not allowed\r\n"),
        b"shutdown" => Err(b"ERROR: shutdown not enabled\r\n"),
        // A browser that was lured into speaking to us.
        _ if words.last().is_some_and(|word| word.starts_with(b"HTTP/")) => Ok(Request::Quit),
        _ => Err(ERROR),
    };
    let may_be_quiet = [
        b"delete".as_slice(),
        b"incr",
        b"decr",
        b"touch",
        b"flush_all",
        b"verbosity",
        b"watch",
        b"slabs",
    ];
    made.unwrap_or_else(|line| {
        // Of a wrong number of words nobody can tell what they mean.
        let quiet = line != ERROR && is_quiet(words) && may_be_quiet.contains(&name);
        said(line, quiet)
    })
}

/// `delete key [0] [noreply]`
fn delete(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(2..=4).contains(&words.len()) {
        return Err(ERROR);
    }
    let quiet = words.len() > 2 && is_quiet(words);
    match &words[2..words.len() - usize::from(quiet)] {
        // Old clients send a time of 0.
        [] | [b"0"] => {}
        _ => return Err(DELETE_USAGE),
    }
    let op = Op::new(&store::DELETE).arg(key(words[1])?);
    Ok(Request::Op { op, quiet })
}

/// `<command> key number [noreply]`
fn of_key(command: &'static Command, words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(3..=4).contains(&words.len()) {
        return Err(ERROR);
    }
    let op = Op::new(command).arg(key(words[1])?).arg(words[2]);
    let quiet = is_quiet(words);
    Ok(Request::Op { op, quiet })
}

/// `<command> key letters…`
fn meta(command: &'static Command, words: &Words<'_>) -> Result<Request, &'static [u8]> {
    let word = key(words.get(1).ok_or(ERROR)?)?;
    let is_get = std::ptr::eq(command, &raw const store::META_GET);
    if words.len() > META_WORDS_MAX {
        return Err(if is_get {
            b"CLIENT_ERROR options flags are too long\r\n"
        } else {
            b"CLIENT_ERROR options flags too long\r\n"
        });
    }
    let letters = &words[2..];
    let has = |first| letters.iter().any(|letter| letter.first() == Some(&first));
    let command = match command {
        _ if !is_get => command,
        _ if has(b'N') => &store::META_GET_CREATE,
        _ if has(b'T') => &store::META_GET_TOUCH,
        _ => command,
    };
    let key = MetaKey::read(word, letters);
    let op = key.letters(Op::new(command).arg(&key.bytes), letters);
    Ok(Request::Op { op, quiet: false })
}

/// `me key [b]`
fn debug(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    let word = key(words.get(1).ok_or(BAD_FORMAT)?)?;
    let letters = match words.get(2) {
        Some(&word) if word == b"b" => &words[2..3],
        _ => &[],
    };
    let key = MetaKey::read(word, letters);
    if key.bytes.is_empty() {
        return Err(BAD_FORMAT);
    }
    let op = key.letters(Op::new(&store::META_DEBUG).arg(&key.bytes), letters);
    Ok(Request::Op { op, quiet: false })
}

/// `verbosity level [noreply]`, which changes nothing here.
fn verbosity(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(2..=3).contains(&words.len()) {
        return Err(ERROR);
    }
    unsigned(words[1]).ok_or(BAD_FORMAT)?;
    Ok(said(b"OK\r\n", is_quiet(words)))
}

/// `flush_all [delay] [noreply]`
fn flush(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if words.len() > 3 {
        return Err(ERROR);
    }
    let quiet = is_quiet(words);
    let time = match &words[1..words.len() - usize::from(quiet)] {
        [] => 0,
        [time, ..] => number(time).ok_or(BAD_EXPTIME)?,
    };
    let when = match u64::try_from(time) {
        Err(_) | Ok(0) => When::Now,
        Ok(seconds @ 1..=RELATIVE_SECONDS_MAX) => When::After(seconds),
        Ok(seconds) => When::At(seconds),
    };
    Ok(Request::Flush { when, quiet })
}

/// This line, if it is wanted.
pub(super) fn said(line: &'static [u8], quiet: bool) -> Request {
    if quiet {
        Request::Nothing
    } else {
        Request::Reply(line)
    }
}
