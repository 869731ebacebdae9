//! Commands that a block of data follows: what their line says of it.

use seawall_store::Op;
use seawall_store::command::Command;
use seawall_store::command::memcached as store;
use smallvec::SmallVec;

use super::key::{MetaKey, key};
use super::line::{BAD_FORMAT, ERROR, META_WORDS_MAX, Words, is_quiet, length, number, unsigned};
use super::parser::Request;

/// What memcached keeps of an item beside key and value, which counts towards the item's size: its head
/// and number, the ends of key and value.
const ITEM_HEAD_BYTES: usize = 59;

/// A command that data follows.
#[derive(Clone, Copy)]
pub(super) enum Storing {
    Text(&'static Command),
    Meta,
}

/// The line of a command that data follows.
pub(super) struct Head<'a> {
    command: &'static Command,
    key: MetaKey,
    /// How long the data is.
    pub(super) len: usize,
    rest: Rest<'a>,
    /// Whether the answer is not wanted.
    pub(super) quiet: bool,
    /// Whether an older value must not stay where this one is too large.
    replaces: bool,
}

/// What else the line says.
enum Rest<'a> {
    /// Flags, exptime, and the number that `cas` compares.
    Text {
        flags: u32,
        words: SmallVec<[&'a [u8]; 2]>,
    },
    /// Letters.
    Meta(Words<'a>),
}

/// The answer to a line that is refused; none where none is wanted.
type Refusal = Option<&'static [u8]>;

impl Storing {
    /// The command of this name, if data follows it.
    pub(super) fn of(name: &[u8]) -> Option<Storing> {
        Some(match name {
            b"set" => Storing::Text(&store::SET),
            b"add" => Storing::Text(&store::ADD),
            b"replace" => Storing::Text(&store::REPLACE),
            b"append" => Storing::Text(&store::APPEND),
            b"prepend" => Storing::Text(&store::PREPEND),
            b"cas" => Storing::Text(&store::CAS),
            b"ms" => Storing::Meta,
            _ => return None,
        })
    }

    /// Reads the line.
    pub(super) fn head<'a>(self, words: &Words<'a>) -> Result<Head<'a>, Refusal> {
        match self {
            Storing::Text(command) => text_head(command, words),
            Storing::Meta => meta_head(words),
        }
    }
}

/// `<command> key flags exptime bytes [number] [noreply]`
fn text_head<'a>(command: &'static Command, words: &Words<'a>) -> Result<Head<'a>, Refusal> {
    // Of the op: key, value, flags, exptime, and `cas` has a number.
    let fixed = usize::from(command.arity.unsigned_abs());
    if !(fixed..=fixed + 1).contains(&words.len()) {
        return Err(Some(ERROR));
    }
    let quiet = is_quiet(words);
    let unless_quiet = |line| Some(line).filter(|_| !quiet);
    let key = key(words[1]).map_err(unless_quiet)?;
    let (Some(flags), Some(_), Some(len)) =
        (unsigned(words[2]), number(words[3]), length(words[4]))
    else {
        return Err(unless_quiet(BAD_FORMAT));
    };
    let mut rest = SmallVec::from_slice(&words[3..4]);
    if fixed > 5 {
        unsigned(words[5]).ok_or_else(|| unless_quiet(BAD_FORMAT))?;
        rest.push(words[5]);
    }
    Ok(Head {
        command,
        key: MetaKey::read(key, &[]),
        len,
        rest: Rest::Text {
            // Memcached keeps the lower 32 bits of what a client sends.
            flags: flags as u32,
            words: rest,
        },
        quiet,
        replaces: std::ptr::eq(command, &raw const store::SET),
    })
}

/// `ms key bytes letters…`
fn meta_head<'a>(words: &Words<'a>) -> Result<Head<'a>, Refusal> {
    let Some(&word) = words.get(1) else {
        return Err(Some(ERROR));
    };
    let key = key(word).map_err(Some)?;
    if words.len() > META_WORDS_MAX {
        return Err(Some(b"CLIENT_ERROR options flags too long\r\n"));
    }
    let len = words.get(2).and_then(|word| length(word));
    let len = len.ok_or(Some(BAD_FORMAT))?;
    let letters = &words[3..];
    Ok(Head {
        command: &store::META_SET,
        key: MetaKey::read(key, letters),
        len,
        rest: Rest::Meta(letters.iter().copied().collect()),
        quiet: false,
        replaces: true,
    })
}

/// Whether an item with such a key and so many bytes may be stored, as memcached counts them.
pub(super) fn fits(key: &[u8], len: usize, flags: u32, item_bytes_max: usize) -> bool {
    let flags_bytes = if flags == 0 { 0 } else { size_of::<u32>() };
    let bytes = (ITEM_HEAD_BYTES + key.len() + flags_bytes).checked_add(len);
    bytes.is_some_and(|bytes| bytes <= item_bytes_max)
}

impl Head<'_> {
    /// Whether the item may have so many bytes, as memcached counts them.
    pub(super) fn fits(&self, item_bytes_max: usize) -> bool {
        let flags = match &self.rest {
            Rest::Text { flags, .. } => *flags,
            Rest::Meta(_) => 0,
        };
        fits(&self.key.bytes, self.len, flags, item_bytes_max)
    }

    /// The answer where it does not fit.
    pub(super) fn too_large(&self) -> Request {
        let stale = (self.replaces).then(|| Op::new(&store::DELETE).arg(&self.key.bytes));
        Request::TooLarge {
            command: self.command,
            stale,
            quiet: self.quiet,
        }
    }

    /// The op that stores `value`.
    pub(super) fn op(&self, value: &[u8]) -> Op {
        let op = Op::new(self.command).arg(&self.key.bytes).arg(value);
        match &self.rest {
            Rest::Text { flags, words } => words.iter().fold(op.text(flags), Op::arg),
            Rest::Meta(letters) => self.key.letters(op, letters),
        }
    }
}
