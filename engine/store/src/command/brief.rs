//! Brief calls: commands that write at one key, with few arguments and a short answer, run without an op.
//!
//! What such a command does stands once, in the file of its family; its handler and the line here both call
//! that. A call that fails has changed nothing and has no answer: it is made into an op, which says what is
//! wrong. Its effect is the call as it came; nothing is told to listeners: a call is brief only where there are none.

use super::list::End;
use super::{Command, Refused, counter, hash, list, set, sets, sorted_set};
use crate::effect::Effects;
use crate::keyspace::{Expire, Keyspace};
use crate::reply::{ReplyBuf, int_into};

/// The most arguments that a brief call has.
pub const BRIEF_ARGS_MAX: usize = 3;

/// The arguments of a call, the key first; those that it does not have are empty.
type Args<'a> = [&'a [u8]; BRIEF_ARGS_MAX];

/// A command that may run without an op.
pub struct Brief {
    /// The command.
    pub command: &'static Command,
    /// With how many arguments it may.
    pub args: usize,
    /// Where it changes a collection, which of them names what it seeks there; the key, where that is an end.
    entry: Option<usize>,
    /// Runs it and appends its answer; whether it changed anything, as its effects would say.
    run: fn(&mut Keyspace, &Args<'_>, &mut Vec<u8>) -> Result<bool, Refused>,
}

/// Every command that may run without an op.
pub static BRIEFS: &[Brief] = &[
    Brief {
        command: &set::SET,
        args: 2,
        entry: None,
        run: |keyspace, [key, value, _], reply| {
            keyspace.set_string(key, value, Expire::Never)?;
            reply.extend_from_slice(ReplyBuf::OK);
            Ok(true)
        },
    },
    Brief {
        command: &counter::INCR,
        args: 1,
        entry: None,
        run: |keyspace, [key, ..], reply| count(reply, counter::add_to(keyspace, key, 1)?),
    },
    Brief {
        command: &counter::DECR,
        args: 1,
        entry: None,
        run: |keyspace, [key, ..], reply| count(reply, counter::add_to(keyspace, key, -1)?),
    },
    Brief {
        command: &counter::INCRBY,
        args: 2,
        entry: None,
        run: |keyspace, [key, by, _], reply| {
            let by = counter::increment(by)?;
            count(reply, counter::add_to(keyspace, key, by)?)
        },
    },
    Brief {
        command: &counter::DECRBY,
        args: 2,
        entry: None,
        run: |keyspace, [key, by, _], reply| {
            let by = counter::decrement(by)?;
            count(reply, counter::add_to(keyspace, key, by)?)
        },
    },
    Brief {
        command: &list::push::LPUSH,
        args: 2,
        entry: Some(0),
        run: |keyspace, [key, value, _], reply| push(keyspace, key, End::Head, value, reply),
    },
    Brief {
        command: &list::push::RPUSH,
        args: 2,
        entry: Some(0),
        run: |keyspace, [key, value, _], reply| push(keyspace, key, End::Tail, value, reply),
    },
    Brief {
        command: &sets::change::SADD,
        args: 2,
        entry: Some(1),
        run: |keyspace, [key, member, _], reply| {
            let added = sets::change::add(keyspace, key, std::iter::once(*member))?;
            int_into(reply, added as i64);
            Ok(added > 0)
        },
    },
    Brief {
        command: &hash::HSET,
        args: 3,
        entry: Some(1),
        run: |keyspace, [key, field, value], reply| {
            let pair = std::iter::once((*field, *value));
            count(reply, hash::set_pairs(keyspace, key, pair)? as i64)
        },
    },
    Brief {
        command: &sorted_set::add::ZADD,
        args: 3,
        entry: Some(2),
        run: |keyspace, [key, score, member], reply| {
            let (added, changed) = sorted_set::add::put(keyspace, key, score, member)?;
            int_into(reply, i64::from(added));
            Ok(changed)
        },
    },
];

/// Answers with `number` for what changed something whatever it is.
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "it is what a call comes to")]
fn count(reply: &mut Vec<u8>, number: i64) -> Result<bool, Refused> {
    int_into(reply, number);
    Ok(true)
}

#[inline]
fn push(
    keyspace: &mut Keyspace,
    key: &[u8],
    end: End,
    value: &[u8],
    reply: &mut Vec<u8>,
) -> Result<bool, Refused> {
    let len = list::push::put(keyspace, key, end, std::iter::once(value))?;
    count(reply, len as i64)
}

impl Brief {
    /// How `command` runs with so many arguments without an op, where it can.
    pub fn of(command: &'static Command, args: usize) -> Option<&'static Brief> {
        let is_it = |brief: &&Brief| std::ptr::eq(brief.command, command) && brief.args == args;
        BRIEFS.iter().find(is_it)
    }
}

/// Commands that do not do what their ops do, each in one way: who compares both has to see it.
#[cfg(test)]
pub(crate) static BROKEN: &[Brief] = &[
    Brief {
        command: &counter::INCR,
        args: 1,
        entry: None,
        run: |keyspace, [key, ..], reply| count(reply, counter::add_to(keyspace, key, 2)?),
    },
    // Answers what it could not do.
    Brief {
        command: &counter::INCRBY,
        args: 2,
        entry: None,
        run: |keyspace, [key, by, _], reply| {
            let by = counter::increment(by).unwrap_or_default();
            count(reply, counter::add_to(keyspace, key, by)?)
        },
    },
    Brief {
        command: &list::push::LPUSH,
        args: 2,
        entry: Some(0),
        run: |keyspace, [key, value, _], reply| push(keyspace, key, End::Tail, value, reply),
    },
    // Tells of changes that there were none.
    Brief {
        command: &sets::change::SADD,
        args: 2,
        entry: Some(1),
        run: |keyspace, [key, member, _], reply| {
            let member = std::iter::once(*member);
            count(reply, sets::change::add(keyspace, key, member)? as i64)
        },
    },
    // Tells of no change where a field is set anew.
    Brief {
        command: &hash::HSET,
        args: 3,
        entry: Some(1),
        run: |keyspace, [key, field, value], reply| {
            let pair = std::iter::once((*field, *value));
            let new = hash::set_pairs(keyspace, key, pair)?;
            int_into(reply, new as i64);
            Ok(new > 0)
        },
    },
    // Keeps the time at which what it replaces was to expire.
    Brief {
        command: &set::SET,
        args: 2,
        entry: None,
        run: |keyspace, [key, value, _], reply| {
            keyspace.set_string(key, value, Expire::Keep)?;
            reply.extend_from_slice(ReplyBuf::OK);
            Ok(true)
        },
    },
];

/// A call of such a command, whose arguments lie where they came.
#[derive(Clone, Copy)]
pub struct BriefCall<'a> {
    brief: &'static Brief,
    args: Args<'a>,
}

impl<'a> BriefCall<'a> {
    /// A call with the first of `args`, as many as `brief` says.
    pub fn new(brief: &'static Brief, args: [&'a [u8]; BRIEF_ARGS_MAX]) -> BriefCall<'a> {
        BriefCall { brief, args }
    }

    /// The key.
    pub fn key(&self) -> &'a [u8] {
        self.args[0]
    }

    /// The arguments, the key first.
    pub fn args(&self) -> &[&'a [u8]] {
        &self.args[..self.brief.args]
    }

    /// The bytes of its arguments beside the key.
    #[inline]
    pub(crate) fn beside(&self) -> usize {
        self.args[1..].iter().map(|arg| arg.len()).sum()
    }

    /// What is sought in a collection, where it changes one.
    #[inline]
    pub(crate) fn entry(&self) -> Option<&'a [u8]> {
        self.brief.entry.map(|at| self.args[at])
    }

    /// Appends the effect of it, which has changed something in `database`.
    #[inline]
    pub(crate) fn effect(&self, database: u8, effects: &mut Effects) {
        effects.push_words(self.brief.command, self.args().iter().copied(), database);
    }

    /// Runs it in the database that is served and appends its answer to `reply`; whether it changed anything.
    ///
    /// # Errors
    /// It cannot be done, and nothing was changed or answered.
    #[inline]
    pub(crate) fn run(
        &self,
        keyspace: &mut Keyspace,
        reply: &mut Vec<u8>,
    ) -> Result<bool, Refused> {
        (self.brief.run)(keyspace, &self.args, reply)
    }
}
