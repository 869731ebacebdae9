//! Storing strings with their tags, and how that is told.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys};
use super::number::{Expiry, seconds, unsigned};
use crate::keyspace::Tag;
use crate::op::Op;
use crate::time::Millis;

/// `memcached.put key value flags stale [expires-ms]`: what log, replicas and snapshots know of a string
/// that Memcached's clients set.
pub static PUT: Command = Command {
    name: "memcached.put",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set a string with Memcached's flags",
    run: replay,
};

/// The op that sets `key` so.
pub fn put(key: &[u8], value: &[u8], expires: Option<Millis>, flags: u32, stale: bool) -> Op {
    let op = Op::new(&PUT)
        .arg(key)
        .arg(value)
        .text(flags)
        .text(u8::from(stale));
    match expires {
        Some(Millis(at)) => op.text(at),
        None => op,
    }
}

/// The op that `parts`, its name first, tell as an effect, where they are one of [`PUT`].
pub(crate) fn effect(parts: &[&[u8]]) -> Option<Op> {
    let (name, args) = parts.split_first()?;
    let is_put = *name == PUT.name.as_bytes() && PUT.accepts(args.len());
    is_put.then(|| args.iter().fold(Op::new(&PUT), Op::arg))
}

fn replay(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let number = |i: usize| op.get(i).and_then(unsigned);
    let flags = number(2).and_then(|flags| u32::try_from(flags).ok());
    let (Some(flags), Some(stale)) = (flags, number(3)) else {
        return Err(CommandError::NOT_AN_INTEGER);
    };
    let expires = match op.len() {
        4 => None,
        _ => Some(Millis(number(4).ok_or(CommandError::NOT_AN_INTEGER)?)),
    };
    let tag = Tag {
        flags,
        stale: stale != 0,
        ..Tag::default()
    };
    call.keyspace
        .set_tagged(&op[0], &op[1], expires, tag, None)?;
    call.propagate();
    call.out.reply.ok();
    Ok(())
}

/// Sets `key`, and tells it; its new number.
pub(super) fn store(
    call: &mut Call<'_>,
    key: &[u8],
    value: &[u8],
    expires: Option<Millis>,
    tag: Tag,
    chosen: Option<u64>,
) -> Result<u64, CommandError> {
    let cas = call.keyspace.set_tagged(key, value, expires, tag, chosen)?;
    call.effect(&put(key, value, expires, tag.flags, tag.stale));
    Ok(cas)
}

impl Tag {
    /// What is kept of an item that is made anew from its old value: the client's flags.
    pub(super) fn anew(self, now: Millis) -> Tag {
        Tag {
            flags: self.flags,
            accessed_s: seconds(now),
            ..Tag::default()
        }
    }

    /// What is kept when the text `new` takes the place of the number `old`: all, unless it got longer. So
    /// memcached has it, which changes numbers in place where they fit.
    pub(super) fn grown(self, old: &[u8], new: &str, now: Millis) -> Tag {
        if new.len() > old.len() {
            return self.anew(now);
        }
        self
    }
}

/// Changes when `key`, which is there, expires, and tells it.
pub(super) fn expire(call: &mut Call<'_>, key: &[u8], expiry: Expiry) {
    match expiry {
        Expiry::Past => {
            call.remove(key);
        }
        Expiry::Never => call.persist(key),
        Expiry::At(at) => call.expire_at(key, at),
    }
}
