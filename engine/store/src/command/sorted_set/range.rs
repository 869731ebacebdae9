//! Ranges: `ZRANGE` with its options, and the older commands that are parts of it.

use super::bound::Bounds;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::op::Op;
use crate::value::SortedSet;

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub static ZRANGE: Command = Command {
    name: "zrange",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of ranks, scores or members",
    run: |call| range(call, None, None),
};

/// `ZREVRANGE key start stop [WITHSCORES]`
pub static ZREVRANGE: Command = Command {
    name: "zrevrange",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of ranks, from the highest",
    run: |call| range(call, Some(By::Rank), Some(true)),
};

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub static ZRANGEBYSCORE: Command = Command {
    name: "zrangebyscore",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of scores",
    run: |call| range(call, Some(By::Score), Some(false)),
};

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub static ZREVRANGEBYSCORE: Command = Command {
    name: "zrevrangebyscore",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of scores, from the highest",
    run: |call| range(call, Some(By::Score), Some(true)),
};

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub static ZRANGEBYLEX: Command = Command {
    name: "zrangebylex",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of members",
    run: |call| range(call, Some(By::Lex), Some(false)),
};

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub static ZREVRANGEBYLEX: Command = Command {
    name: "zrevrangebylex",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the members in a range of members, from the highest",
    run: |call| range(call, Some(By::Lex), Some(true)),
};

/// What a range is given by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// A range as the arguments ask for it.
struct Query<'a> {
    bounds: Bounds<'a>,
    reverse: bool,
    offset: i64,
    limit: i64,
    with_scores: bool,
}

impl<'a> Query<'a> {
    /// Reads the arguments; what a command fixes itself is no option there.
    fn parse(op: &'a Op, by: Option<By>, reverse: Option<bool>) -> Result<Query<'a>, CommandError> {
        let (mut asked_by, mut asked_reverse) = (by, reverse);
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        let mut i = 3;
        while let Some(word) = op.get(i) {
            match word.to_ascii_lowercase().as_slice() {
                b"withscores" => with_scores = true,
                b"limit" if i + 2 < op.len() => {
                    offset = number::int(&op[i + 1])?;
                    limit = number::int(&op[i + 2])?;
                    i += 2;
                }
                b"rev" if asked_reverse.is_none() => asked_reverse = Some(true),
                b"bylex" if asked_by.is_none() => asked_by = Some(By::Lex),
                b"byscore" if asked_by.is_none() => asked_by = Some(By::Score),
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        let by = asked_by.unwrap_or(By::Rank);
        let reverse = asked_reverse.unwrap_or(false);
        if limit != -1 && by == By::Rank {
            return Err(CommandError::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Lex {
            return Err(CommandError::new(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let (min, max) = if reverse && by != By::Rank {
            (&op[2], &op[1])
        } else {
            (&op[1], &op[2])
        };
        let bounds = match by {
            By::Rank => Bounds::rank(min, max)?,
            By::Score => Bounds::score(min, max)?,
            By::Lex => Bounds::lex(min, max)?,
        };
        Ok(Query {
            bounds,
            reverse,
            // Ranks may come with `LIMIT n -1`, which means nothing there.
            offset: if by == By::Rank { 0 } else { offset },
            limit,
            with_scores,
        })
    }
}

fn range(call: &mut Call<'_>, by: Option<By>, reverse: Option<bool>) -> Result<(), CommandError> {
    let query = Query::parse(call.op, by, reverse)?;
    let reply = &mut call.out.reply;
    let Some(set) = call.keyspace.collection::<SortedSet>(&call.op[0])? else {
        reply.array(0);
        return Ok(());
    };
    let mut ranks = query.bounds.ranks(set, query.reverse);
    // A negative offset skips everything, a negative limit is none.
    let skip = usize::try_from(query.offset)
        .unwrap_or(usize::MAX)
        .min(ranks.len());
    let take = usize::try_from(query.limit)
        .unwrap_or(usize::MAX)
        .min(ranks.len() - skip);
    ranks = if query.reverse {
        ranks.end - skip - take..ranks.end - skip
    } else {
        ranks.start + skip..ranks.start + skip + take
    };
    if query.with_scores {
        reply.pairs(take);
        for (member, score) in set.range(ranks, query.reverse) {
            reply.pair();
            reply.bulk(member);
            reply.double(score);
        }
    } else {
        reply.array(take);
        for (member, _) in set.range(ranks, query.reverse) {
            reply.bulk(member);
        }
    }
    Ok(())
}
