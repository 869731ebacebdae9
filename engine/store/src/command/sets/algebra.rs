//! Several sets made one: intersections, unions, differences.

use super::bulk;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::keyspace::Keyspace;
use crate::value::limits::IntsMax;
use crate::value::set::Member;
use crate::value::{Set, Value};

/// `SINTER key [key ...]`
pub static SINTER: Command = Command {
    name: "sinter",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ALL,
    about: "the members that all sets have",
    run: |call| show(call, Algebra::Inter),
};

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub static SINTERCARD: Command = Command {
    name: "sintercard",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly, Flag::Movablekeys]),
    keys: Keys::Counted {
        count: 0,
        destination: false,
    },
    about: "how many members all sets have",
    run: sintercard,
};

/// `SINTERSTORE destination key [key ...]`
pub static SINTERSTORE: Command = Command {
    name: "sinterstore",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ALL,
    about: "keep the members that all sets have",
    run: |call| store(call, Algebra::Inter),
};

/// `SUNION key [key ...]`
pub static SUNION: Command = Command {
    name: "sunion",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ALL,
    about: "the members that any of the sets has",
    run: |call| show(call, Algebra::Union),
};

/// `SUNIONSTORE destination key [key ...]`
pub static SUNIONSTORE: Command = Command {
    name: "sunionstore",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ALL,
    about: "keep the members that any of the sets has",
    run: |call| store(call, Algebra::Union),
};

/// `SDIFF key [key ...]`
pub static SDIFF: Command = Command {
    name: "sdiff",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ALL,
    about: "the members of the first set that none of the others has",
    run: |call| show(call, Algebra::Diff),
};

/// `SDIFFSTORE destination key [key ...]`
pub static SDIFFSTORE: Command = Command {
    name: "sdiffstore",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ALL,
    about: "keep the members of the first set that none of the others has",
    run: |call| store(call, Algebra::Diff),
};

/// What is made of several sets.
#[derive(Clone, Copy)]
enum Algebra {
    Inter,
    Union,
    Diff,
}

impl Algebra {
    /// What listeners are told of a result that is kept.
    fn stored(self) -> &'static str {
        match self {
            Algebra::Inter => "sinterstore",
            Algebra::Union => "sunionstore",
            Algebra::Diff => "sdiffstore",
        }
    }

    fn of(self, sets: &[Option<&Set>], most: IntsMax) -> Set {
        match self {
            Algebra::Inter => Set::collect(intersection(sets), most),
            Algebra::Union => {
                let members = sets.iter().flatten().flat_map(|set| set.iter());
                Set::collect(members, most)
            }
            Algebra::Diff => Set::collect(difference(sets), most),
        }
    }
}

/// The members that all sets have, from the smallest set on.
fn intersection<'a>(sets: &[Option<&'a Set>]) -> impl Iterator<Item = Member<'a>> {
    let all = sets.iter().all(Option::is_some);
    let mut sets: Vec<&Set> = sets.iter().copied().flatten().filter(|_| all).collect();
    sets.sort_by_key(|set| set.len());
    let smallest = sets.first().copied();
    let members = smallest.into_iter().flat_map(Set::iter);
    members.filter(move |member| sets.iter().skip(1).all(|set| set.has(*member)))
}

/// The members of the first set that none of the others has.
fn difference<'a>(sets: &[Option<&'a Set>]) -> impl Iterator<Item = Member<'a>> {
    let first = sets.first().copied().flatten();
    let mut others: Vec<&Set> = sets.iter().skip(1).copied().flatten().collect();
    // A large set is the likeliest to have a member.
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let members = first.into_iter().flat_map(Set::iter);
    members.filter(move |member| !others.iter().any(|set| set.has(*member)))
}

/// The sets at these keys, each looked up as a read; `None` where there is no key.
fn sets<'k, 'a>(
    keyspace: &'a mut Keyspace,
    keys: impl Iterator<Item = &'k [u8]> + Clone,
) -> Result<Vec<Option<&'a Set>>, CommandError> {
    keyspace.count_reads(true);
    for key in keys.clone() {
        keyspace.collection::<Set>(key)?;
    }
    keyspace.count_reads(false);
    let found = keys.map(|key| match keyspace.view(key) {
        Some(Value::Set(set)) => Some(set),
        _ => None,
    });
    Ok(found.collect())
}

fn show(call: &mut Call<'_>, algebra: Algebra) -> Result<(), CommandError> {
    let op = call.op;
    let reply = &mut call.out.reply;
    let most = call.keyspace.limits().ints;
    let sets = sets(call.keyspace, (0..op.len()).map(|i| &op[i]))?;
    let found = algebra.of(&sets, most);
    reply.set(found.len());
    found.iter().for_each(|member| bulk(reply, member));
    Ok(())
}

fn store(call: &mut Call<'_>, algebra: Algebra) -> Result<(), CommandError> {
    let op = call.op;
    let destination = &op[0];
    let most = call.keyspace.limits().ints;
    let sets = sets(call.keyspace, (1..op.len()).map(|i| &op[i]))?;
    let found = algebra.of(&sets, most);
    let len = found.len();
    if len > 0 {
        call.keyspace.set_collection(destination, found)?;
        call.notify(Class::Set, algebra.stored(), destination);
        call.propagate();
    } else if call.keyspace.remove(destination) {
        call.notify(Class::Generic, "del", destination);
        call.propagate();
    }
    call.out.reply.int(len as i64);
    Ok(())
}

fn sintercard(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let keys = number::parse_int(&op[0]).and_then(|n| usize::try_from(n).ok());
    let keys = keys
        .filter(|&keys| keys > 0)
        .ok_or(CommandError::fixed("ERR numkeys should be greater than 0"))?;
    if keys > op.len() - 1 {
        return Err(CommandError::fixed(
            "ERR Number of keys can't be greater than number of args",
        ));
    }
    let mut limit = 0;
    let mut rest = op.args().skip(1 + keys);
    while let Some(word) = rest.next() {
        match rest.next() {
            Some(text) if word.eq_ignore_ascii_case(b"limit") => {
                let told = number::parse_int(text).and_then(|n| usize::try_from(n).ok());
                limit = told.ok_or(CommandError::fixed("ERR LIMIT can't be negative"))?;
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    let sets = sets(call.keyspace, (1..=keys).map(|i| &op[i]))?;
    let most = if limit == 0 { usize::MAX } else { limit };
    let count = intersection(&sets).take(most).count();
    call.out.reply.int(count as i64);
    Ok(())
}
