//! Unions, intersections and differences: read by arguments, computed by `combine`, answered or stored.

use super::combine::{self, Aggregate, Input, Members, Scored};
use super::store::store;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::value::{SortedSet, Value};

/// Where the keys of those that answer stand.
const ANSWERED: Keys = Keys::Counted {
    count: 0,
    destination: false,
};
/// Where the keys of those that store stand.
const STORED: Keys = Keys::Counted {
    count: 1,
    destination: true,
};
const READS: Flags = Flags::of(&[Flag::Readonly, Flag::Movablekeys]);
const WRITES: Flags = Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Movablekeys]);

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub static ZUNION: Command = Command {
    name: "zunion",
    arity: -3,
    flags: READS,
    keys: ANSWERED,
    about: "the members of any of several sorted sets",
    run: |call| answer(call, Operation::Union),
};

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub static ZINTER: Command = Command {
    name: "zinter",
    arity: -3,
    flags: READS,
    keys: ANSWERED,
    about: "the members that all of several sorted sets have",
    run: |call| answer(call, Operation::Intersection),
};

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub static ZDIFF: Command = Command {
    name: "zdiff",
    arity: -3,
    flags: READS,
    keys: ANSWERED,
    about: "the members of the first sorted set that no other one has",
    run: |call| answer(call, Operation::Difference),
};

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub static ZINTERCARD: Command = Command {
    name: "zintercard",
    arity: -3,
    flags: READS,
    keys: ANSWERED,
    about: "how many members all of several sorted sets have",
    run: zintercard,
};

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub static ZUNIONSTORE: Command = Command {
    name: "zunionstore",
    arity: -4,
    flags: WRITES,
    keys: STORED,
    about: "store the members of any of several sorted sets",
    run: |call| keep(call, Operation::Union, "zunionstore"),
};

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub static ZINTERSTORE: Command = Command {
    name: "zinterstore",
    arity: -4,
    flags: WRITES,
    keys: STORED,
    about: "store the members that all of several sorted sets have",
    run: |call| keep(call, Operation::Intersection, "zinterstore"),
};

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub static ZDIFFSTORE: Command = Command {
    name: "zdiffstore",
    arity: -4,
    flags: WRITES,
    keys: STORED,
    about: "store the members of the first sorted set that no other one has",
    run: |call| keep(call, Operation::Difference, "zdiffstore"),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// Which options a command takes.
#[derive(Clone, Copy)]
struct Accepts {
    /// `WEIGHTS` and `AGGREGATE`.
    arithmetic: bool,
    /// `WITHSCORES`.
    with_scores: bool,
    /// `LIMIT`.
    limit: bool,
}

/// Such a command as its arguments give it.
struct Query {
    /// Where the keys begin.
    first: usize,
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    /// 0: none.
    limit: usize,
}

impl Query {
    /// Reads the arguments from the number of keys, at `at`, on. The keys are looked up on the way, since
    /// one of a wrong kind is told before what is wrong with the options.
    fn parse(call: &mut Call<'_>, at: usize, accepts: Accepts) -> Result<Query, CommandError> {
        let op = call.op;
        let told = number::int(&op[at])?;
        if told < 1 {
            return Err(CommandError::new(format!(
                "ERR at least 1 input key is needed for '{}' command",
                op.command().name
            )));
        }
        let first = at + 1;
        let keys = usize::try_from(told).unwrap_or(usize::MAX);
        if keys > op.len() - first {
            return Err(CommandError::SYNTAX);
        }
        look_up(call, first..first + keys)?;
        let mut query = Query {
            first,
            weights: vec![1.0; keys],
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        let mut i = first + keys;
        while let Some(word) = op.get(i) {
            let follow = op.len() - i - 1;
            match word.to_ascii_lowercase().as_slice() {
                b"weights" if accepts.arithmetic && follow >= keys => {
                    for (weight, text) in query.weights.iter_mut().zip(op.args().skip(i + 1)) {
                        *weight = number::parse_float(text)
                            .ok_or(CommandError::new("ERR weight value is not a float"))?;
                    }
                    i += keys;
                }
                b"aggregate" if accepts.arithmetic && follow >= 1 => {
                    query.aggregate = match op[i + 1].to_ascii_lowercase().as_slice() {
                        b"sum" => Aggregate::Sum,
                        b"min" => Aggregate::Min,
                        b"max" => Aggregate::Max,
                        _ => return Err(CommandError::SYNTAX),
                    };
                    i += 1;
                }
                b"withscores" if accepts.with_scores => query.with_scores = true,
                b"limit" if accepts.limit && follow >= 1 => {
                    query.limit = number::parse_int(&op[i + 1])
                        .and_then(|limit| usize::try_from(limit).ok())
                        .ok_or(CommandError::new("ERR LIMIT can't be negative"))?;
                    i += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(query)
    }

    /// What the keys hold, which were looked up when the arguments were read.
    fn inputs<'a>(&self, keyspace: &'a Keyspace, op: &Op) -> Vec<Input<'a>> {
        let weighted = self.weights.iter().zip(op.args().skip(self.first));
        let input = |(&weight, key)| Input {
            members: match keyspace.view(key) {
                Some(Value::SortedSet(set)) => Members::Sorted(set),
                Some(Value::Set(set)) => Members::Plain(set),
                _ => Members::None,
            },
            weight,
        };
        weighted.map(input).collect()
    }

    fn run<'a>(&self, keyspace: &'a Keyspace, op: &Op, operation: Operation) -> Vec<Scored<'a>> {
        let inputs = self.inputs(keyspace, op);
        match operation {
            Operation::Union => combine::union(inputs, self.aggregate),
            Operation::Intersection => combine::intersection(inputs, self.aggregate),
            Operation::Difference => combine::difference(&inputs),
        }
    }
}

/// Looks the keys up as reads, also for a command that writes.
fn look_up(call: &mut Call<'_>, keys: std::ops::Range<usize>) -> Result<(), CommandError> {
    call.keyspace.count_reads(true);
    for key in call.op.args().skip(keys.start).take(keys.len()) {
        match call.keyspace.get(key) {
            None | Some(Value::SortedSet(_) | Value::Set(_)) => {}
            Some(_) => return Err(CommandError::WRONG_TYPE),
        }
    }
    call.keyspace.count_reads(!call.op.command().flags.writes());
    Ok(())
}

fn answer(call: &mut Call<'_>, operation: Operation) -> Result<(), CommandError> {
    let accepts = Accepts {
        arithmetic: operation != Operation::Difference,
        with_scores: true,
        limit: false,
    };
    let query = Query::parse(call, 0, accepts)?;
    let members = query.run(call.keyspace, call.op, operation);
    let reply = &mut call.out.reply;
    if query.with_scores {
        reply.pairs(members.len());
    } else {
        reply.array(members.len());
    }
    for (member, score) in members {
        if query.with_scores {
            reply.pair();
        }
        reply.bulk(&member);
        if query.with_scores {
            reply.double(score);
        }
    }
    Ok(())
}

fn zintercard(call: &mut Call<'_>) -> Result<(), CommandError> {
    let accepts = Accepts {
        arithmetic: false,
        with_scores: false,
        limit: true,
    };
    let query = Query::parse(call, 0, accepts)?;
    let limit = if query.limit == 0 {
        usize::MAX
    } else {
        query.limit
    };
    let count = combine::common(query.inputs(call.keyspace, call.op), limit);
    call.out.reply.int(count as i64);
    Ok(())
}

fn keep(
    call: &mut Call<'_>,
    operation: Operation,
    event: &'static str,
) -> Result<(), CommandError> {
    let accepts = Accepts {
        arithmetic: operation != Operation::Difference,
        with_scores: false,
        limit: false,
    };
    let query = Query::parse(call, 1, accepts)?;
    let members = query.run(call.keyspace, call.op, operation);
    let members = members.iter().map(|(member, score)| (&**member, *score));
    let set = SortedSet::from_ordered(members, call.keyspace.limits().sorted_set);
    store(call, &call.op[0], set, event)
}
