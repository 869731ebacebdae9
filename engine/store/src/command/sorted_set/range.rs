//! Ranges: `ZRANGE` with its options, and the older commands that are parts of it.

use std::ops::Range;

use super::bound::Bounds;
use super::store::store;
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

/// `ZRANGESTORE destination source start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub static ZRANGESTORE: Command = Command {
    name: "zrangestore",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::TWO,
    about: "store the members in a range of ranks, scores or members",
    run: zrangestore,
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
    /// Reads the arguments from the source's key, at `key`, on; what a command fixes itself is no option
    /// there.
    fn parse(
        op: &'a Op,
        key: usize,
        by: Option<By>,
        reverse: Option<bool>,
    ) -> Result<Query<'a>, CommandError> {
        let (mut asked_by, mut asked_reverse) = (by, reverse);
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        // What is stored keeps its scores anyhow.
        let answers = key == 0;
        let mut i = key + 3;
        while let Some(word) = op.get(i) {
            match word.to_ascii_lowercase().as_slice() {
                b"withscores" if answers => with_scores = true,
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
            (&op[key + 2], &op[key + 1])
        } else {
            (&op[key + 1], &op[key + 2])
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

    /// The ranks that are asked for.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let ranks = self.bounds.ranks(set, self.reverse);
        // A negative offset skips everything, a negative limit is none.
        let skip = usize::try_from(self.offset)
            .unwrap_or(usize::MAX)
            .min(ranks.len());
        let take = usize::try_from(self.limit)
            .unwrap_or(usize::MAX)
            .min(ranks.len() - skip);
        if self.reverse {
            ranks.end - skip - take..ranks.end - skip
        } else {
            ranks.start + skip..ranks.start + skip + take
        }
    }
}

fn range(call: &mut Call<'_>, by: Option<By>, reverse: Option<bool>) -> Result<(), CommandError> {
    let query = Query::parse(call.op, 0, by, reverse)?;
    let reply = &mut call.out.reply;
    let Some(set) = call.keyspace.collection::<SortedSet>(&call.op[0])? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = query.ranks(set);
    if query.with_scores {
        reply.pairs(ranks.len());
        for (member, score) in set.range(ranks, query.reverse) {
            reply.pair();
            reply.bulk(member);
            reply.double(score);
        }
    } else {
        reply.array(ranks.len());
        for (member, _) in set.range(ranks, query.reverse) {
            reply.bulk(member);
        }
    }
    Ok(())
}

fn zrangestore(call: &mut Call<'_>) -> Result<(), CommandError> {
    let query = Query::parse(call.op, 1, None, None)?;
    let bounds = call.keyspace.limits().sorted_set;
    call.keyspace.count_reads(true);
    let set = call.keyspace.collection::<SortedSet>(&call.op[1])?;
    let part = set.map_or_else(SortedSet::default, |set| {
        let members: Vec<_> = set.range(query.ranks(set), false).collect();
        SortedSet::from_ordered(members.into_iter(), bounds)
    });
    call.keyspace.count_reads(false);
    store(call, &call.op[0], part, "zrangestore")
}
