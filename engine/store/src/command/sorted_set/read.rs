//! Scores, ranks and counts.

use super::bound::Bounds;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::reply::ReplyBuf;
use crate::value::SortedSet;

/// `ZSCORE key member`
pub static ZSCORE: Command = Command {
    name: "zscore",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the score of a member",
    run: zscore,
};

/// `ZMSCORE key member [member ...]`
pub static ZMSCORE: Command = Command {
    name: "zmscore",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the scores of several members",
    run: zmscore,
};

/// `ZCARD key`
pub static ZCARD: Command = Command {
    name: "zcard",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members a sorted set has",
    run: zcard,
};

/// `ZCOUNT key min max`
pub static ZCOUNT: Command = Command {
    name: "zcount",
    arity: 4,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members have scores in a range",
    run: |call| count(call, Bounds::score(&call.op[1], &call.op[2])?),
};

/// `ZLEXCOUNT key min max`
pub static ZLEXCOUNT: Command = Command {
    name: "zlexcount",
    arity: 4,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members lie in a range of members",
    run: |call| count(call, Bounds::lex(&call.op[1], &call.op[2])?),
};

/// `ZRANK key member`
pub static ZRANK: Command = Command {
    name: "zrank",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members have a lower place than a member",
    run: |call| rank(call, |rank, _| rank),
};

/// `ZREVRANK key member`
pub static ZREVRANK: Command = Command {
    name: "zrevrank",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many members have a higher place than a member",
    run: |call| rank(call, |rank, len| len - 1 - rank),
};

fn zscore(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    score_or_nil(&mut call.out.reply, set, &call.op[1]);
    Ok(())
}

fn zmscore(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    call.out.reply.array(call.op.len() - 1);
    for member in call.op.args().skip(1) {
        score_or_nil(&mut call.out.reply, set, member);
    }
    Ok(())
}

fn score_or_nil(reply: &mut ReplyBuf, set: Option<&SortedSet>, member: &[u8]) {
    match set.and_then(|set| set.score(member)) {
        Some(score) => reply.double(score),
        None => reply.nil(),
    }
}

fn zcard(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    call.out.reply.int(set.map_or(0, SortedSet::len) as i64);
    Ok(())
}

fn count(call: &mut Call<'_>, bounds: Bounds<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    let count = set.map_or(0, |set| bounds.ranks(set, false).len());
    call.out.reply.int(count as i64);
    Ok(())
}

fn rank(call: &mut Call<'_>, place: fn(usize, usize) -> usize) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    match set.and_then(|set| Some(place(set.rank(&call.op[1])?, set.len()))) {
        Some(rank) => call.out.reply.int(rank as i64),
        None => call.out.reply.nil(),
    }
    Ok(())
}
