//! Adding members and changing scores: `ZADD`, `ZINCRBY`.

use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::value::SortedSet;
use crate::value::limits::Bounds;

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub static ZADD: Command = Command {
    name: "zadd",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add members to a sorted set or change their scores",
    run: |call| zadd(call, call.op, Options::default()),
};

/// `ZINCRBY key increment member`
pub static ZINCRBY: Command = Command {
    name: "zincrby",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "add to a member's score",
    run: |call| {
        let incr = true;
        let given = Options {
            incr,
            ..Options::default()
        };
        zadd(call, call.op, given)
    },
};

/// The options of `ZADD`.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each word")]
pub struct Options {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl Options {
    /// Reads the options that stand after the key, beside those that are `given`; where the scores
    /// begin.
    fn parse(op: &Op, given: Options) -> (Options, usize) {
        let mut options = given;
        let mut i = 1;
        while let Some(word) = op.get(i) {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => options.nx = true,
                b"xx" => options.xx = true,
                b"gt" => options.gt = true,
                b"lt" => options.lt = true,
                b"ch" => options.ch = true,
                b"incr" => options.incr = true,
                _ => break,
            }
            i += 1;
        }
        (options, i)
    }

    fn check(self, words: usize) -> Result<(), CommandError> {
        let words = if words == 0 || words % 2 == 1 {
            return Err(CommandError::SYNTAX);
        } else if self.nx && self.xx {
            "ERR XX and NX options at the same time are not compatible"
        } else if (self.gt || self.lt) && self.nx || self.gt && self.lt {
            "ERR GT, LT, and/or NX options at the same time are not compatible"
        } else if self.incr && words > 2 {
            "ERR INCR option supports a single increment-element pair"
        } else {
            return Ok(());
        };
        Err(CommandError::new(words))
    }
}

/// What became of a member.
enum Change {
    Added(f64),
    Updated(f64),
    /// It had this score already.
    Same(f64),
    /// The options forbade it.
    Refused,
}

fn apply(
    set: &mut SortedSet,
    member: &[u8],
    given: f64,
    options: Options,
    bounds: Bounds,
) -> Result<Change, CommandError> {
    let Some(old) = set.score(member) else {
        if options.xx {
            return Ok(Change::Refused);
        }
        set.insert(member, given, bounds);
        return Ok(Change::Added(given));
    };
    if options.nx {
        return Ok(Change::Refused);
    }
    let new = if options.incr { old + given } else { given };
    if new.is_nan() {
        return Err(CommandError::new(
            "ERR resulting score is not a number (NaN)",
        ));
    }
    if options.lt && new >= old || options.gt && new <= old {
        return Ok(Change::Refused);
    }
    if new == old {
        return Ok(Change::Same(new));
    }
    set.insert(member, new, bounds);
    Ok(Change::Updated(new))
}

/// `ZADD` with the arguments of `op`, which is told to log and replicas if it changes something:
/// `GEOADD` comes here with the `ZADD` that it means.
/// `ZINCRBY` is a `ZADD` with `INCR` given.
pub fn zadd(call: &mut Call<'_>, op: &Op, given: Options) -> Result<(), CommandError> {
    let (options, first) = Options::parse(op, given);
    options.check(op.len() - first)?;
    let mut scores = Vec::with_capacity((op.len() - first) / 2);
    for i in (first..op.len()).step_by(2) {
        scores.push((number::float(&op[i])?, &op[i + 1]));
    }
    if options.incr {
        let (by, member) = scores[0];
        return incr(call, op, by, member, options);
    }
    if options.xx && call.keyspace.kind(&op[0]).is_none() {
        call.out.reply.int(0);
        return Ok(());
    }
    let bounds = call.keyspace.limits().sorted_set;
    let (added, updated) = call.keyspace.update(&op[0], |set: &mut SortedSet| {
        let (mut added, mut updated) = (0, 0);
        for (score, member) in scores {
            match apply(set, member, score, options, bounds)? {
                Change::Added(_) => added += 1,
                Change::Updated(_) => updated += 1,
                Change::Same(_) | Change::Refused => {}
            }
        }
        Ok((added, updated))
    })?;
    if added + updated > 0 {
        call.notify(Class::SortedSet, "zadd", &op[0]);
        call.effect(op);
    }
    let answer = if options.ch { added + updated } else { added };
    call.out.reply.int(answer);
    Ok(())
}

fn incr(
    call: &mut Call<'_>,
    op: &Op,
    by: f64,
    member: &[u8],
    options: Options,
) -> Result<(), CommandError> {
    if options.xx && call.keyspace.kind(&op[0]).is_none() {
        call.out.reply.nil();
        return Ok(());
    }
    let change = change_one(call.keyspace, &op[0], member, by, options)?;
    if matches!(change, Change::Added(_) | Change::Updated(_)) {
        call.notify(Class::SortedSet, "zincr", &op[0]);
        call.effect(op);
    }
    match change {
        Change::Added(score) | Change::Updated(score) | Change::Same(score) => {
            call.out.reply.double(score);
        }
        Change::Refused => call.out.reply.nil(),
    }
    Ok(())
}

/// Gives `member` of the sorted set at `key` the score that `score` is the text of; whether it is new, and
/// whether anything changed.
///
/// # Errors
/// That is no score, there is something else at `key`, or no room.
#[inline]
pub(in crate::command) fn put(
    keyspace: &mut Keyspace,
    key: &[u8],
    score: &[u8],
    member: &[u8],
) -> Result<(bool, bool), CommandError> {
    let score = number::float(score)?;
    let change = change_one(keyspace, key, member, score, Options::default())?;
    let is_new = matches!(change, Change::Added(_));
    Ok((is_new, is_new || matches!(change, Change::Updated(_))))
}

fn change_one(
    keyspace: &mut Keyspace,
    key: &[u8],
    member: &[u8],
    by: f64,
    options: Options,
) -> Result<Change, CommandError> {
    let bounds = keyspace.limits().sorted_set;
    keyspace.update(key, |set: &mut SortedSet| {
        apply(set, member, by, options, bounds)
    })
}
