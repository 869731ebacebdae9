//! Taking members off either end: `ZPOPMIN`, `ZPOPMAX`, `ZMPOP`.

use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::op::Op;
use crate::value::{Kind, SortedSet};

/// `ZPOPMIN key [count]`
pub static ZPOPMIN: Command = Command {
    name: "zpopmin",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove and give the members with the lowest scores",
    run: |call| zpop(call, End::Min),
};

/// `ZPOPMAX key [count]`
pub static ZPOPMAX: Command = Command {
    name: "zpopmax",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove and give the members with the highest scores",
    run: |call| zpop(call, End::Max),
};

/// `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
pub static ZMPOP: Command = Command {
    name: "zmpop",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Movablekeys]),
    keys: Keys::Counted {
        count: 0,
        destination: false,
    },
    about: "remove and give members of the first sorted set that has any",
    run: zmpop,
};

/// Which members go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Those with the lowest scores.
    Min,
    /// Those with the highest scores.
    Max,
}

/// How what was taken is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Member and score, side by side.
    Flat,
    /// Pairs, which RESP3 nests.
    Pairs,
    /// The key, member and score.
    Keyed,
    /// The key and an array of pairs, nested in both protocols.
    KeyedPairs,
}

fn zpop(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let op = call.op;
    let (count, shape) = match op.len() {
        1 => (1, Shape::Flat),
        2 => {
            let count = number::parse_int(&op[1])
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(CommandError::new(
                    "ERR value is out of range, must be positive",
                ))?;
            (count, Shape::Pairs)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let key = &op[0];
    if call.keyspace.collection::<SortedSet>(key)?.is_none() || count == 0 {
        call.out.reply.array(0);
        return Ok(());
    }
    take(call, key, end, count, shape)
}

/// The arguments of `ZMPOP` and `BZMPOP` from the number of keys on.
pub(super) struct Mpop {
    /// Which members go.
    pub end: End,
    /// How many at most.
    pub count: usize,
}

impl Mpop {
    /// Reads `numkeys key [key ...] MIN | MAX [COUNT count]`, which begins at argument `at`.
    pub(super) fn parse(op: &Op, at: usize) -> Result<Mpop, CommandError> {
        let positive = |text, words| {
            number::parse_int(text)
                .and_then(|n| usize::try_from(n).ok())
                .filter(|&n| n > 0)
                .ok_or(CommandError::fixed(words))
        };
        let keys = positive(&op[at], "ERR numkeys should be greater than 0")?;
        let place = keys.saturating_add(at + 1);
        let end = match op.get(place).map(<[u8]>::to_ascii_lowercase).as_deref() {
            Some(b"min") => End::Min,
            Some(b"max") => End::Max,
            _ => return Err(CommandError::SYNTAX),
        };
        let count = match op.len() - place - 1 {
            0 => 1,
            more => {
                let counted = more >= 2 && op[place + 1].eq_ignore_ascii_case(b"count");
                if !counted {
                    return Err(CommandError::SYNTAX);
                }
                let count = positive(&op[place + 2], "ERR count should be greater than 0")?;
                if more > 2 {
                    return Err(CommandError::SYNTAX);
                }
                count
            }
        };
        Ok(Mpop { end, count })
    }
}

fn zmpop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let asked = Mpop::parse(call.op, 0)?;
    let Some(key) = first_set(call)? else {
        call.out.reply.nil_array();
        return Ok(());
    };
    take(call, key, asked.end, asked.count, Shape::KeyedPairs)
}

/// The first of the op's keys that is there; of an op that waited, the one that may be ready.
///
/// # Errors
/// It holds no sorted set.
pub(super) fn first_set<'a>(call: &mut Call<'a>) -> Result<Option<&'a [u8]>, CommandError> {
    for key in call.candidates(Kind::SortedSet) {
        match call.keyspace.kind(key) {
            None => {}
            Some(Kind::SortedSet) => return Ok(Some(key)),
            Some(_) => return Err(CommandError::WRONG_TYPE),
        }
    }
    Ok(None)
}

/// Takes at most `count` members, which is not 0, off the set at `key`, which is there, and answers with
/// them. They are told as a `ZPOPMIN` or `ZPOPMAX`.
pub(super) fn take(
    call: &mut Call<'_>,
    key: &[u8],
    end: End,
    count: usize,
    shape: Shape,
) -> Result<(), CommandError> {
    let highest = end == End::Max;
    let set = call.keyspace.collection::<SortedSet>(key)?;
    let set = set.ok_or(CommandError::WRONG_TYPE)?;
    let (len, count) = (set.len(), count.min(set.len()));
    let ranks = if highest { len - count..len } else { 0..count };
    let reply = &mut call.out.reply;
    match shape {
        Shape::Flat => reply.array(count * 2),
        Shape::Pairs => reply.pairs(count),
        Shape::Keyed => {
            reply.array(count * 2 + 1);
            reply.bulk(key);
        }
        Shape::KeyedPairs => {
            reply.array(2);
            reply.bulk(key);
            reply.array(count);
        }
    }
    for (member, score) in set.range(ranks.clone(), highest) {
        match shape {
            Shape::Flat | Shape::Keyed => {}
            Shape::Pairs => reply.pair(),
            Shape::KeyedPairs => reply.array(2),
        }
        reply.bulk(member);
        reply.double(score);
    }
    call.keyspace
        .update(key, |set: &mut SortedSet| Ok(set.remove_ranks(ranks)))?;
    let (command, event) = if highest {
        (&ZPOPMAX, "zpopmax")
    } else {
        (&ZPOPMIN, "zpopmin")
    };
    call.notify(Class::SortedSet, event, key);
    if count == len {
        call.notify(Class::Generic, "del", key);
    }
    call.effect(&Op::new(command).arg(key).text(count));
    Ok(())
}
