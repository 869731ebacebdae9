//! Any other op over several shards: the values are brought together, the same handler runs on them, and
//! what changed goes back.
//!
//! The scratch is a shard of the caller's own, empty between jobs. So an op over shards does what it does
//! on one, whatever it is; it costs a copy of every value that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::merge::reply;
use super::plan::{Desk, Step};
use super::pop::shards_of;
use super::route::is_sort;
use crate::command::number::parse_int;
use crate::command::server::FLUSHALL;
use crate::command::{CommandError, sort, transfer};
use crate::event::{Classes, Event};
use crate::keyspace::DbKey;
use crate::op::Op;
use crate::shard::{Out, Shard, ShardConfig};
use crate::store::caller::shard_of;
use crate::store::host::error_body;
use crate::store::link::{Ask, Body};
use crate::time::Millis;
use crate::value::Limits;

/// A scratch that held more is not kept.
const SCRATCH_BYTES_KEPT: u64 = 16 << 20;

/// Where values of several shards are brought together.
pub(in crate::store) struct Scratch {
    /// Made when it is first needed.
    shard: Option<Box<Shard>>,
    databases: usize,
    random: Xoshiro256PlusPlus,
    out: Out,
}

/// In what circumstances an op runs.
struct About {
    now: Millis,
    shards: usize,
    notify: Classes,
    limits: Limits,
}

impl Scratch {
    pub(super) fn new(seed: u64, databases: usize) -> Scratch {
        Scratch {
            shard: None,
            databases,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            out: Out::default(),
        }
    }

    /// A number below `count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.random.random_range(0..count)
    }

    /// An empty shard.
    fn shard(&mut self) -> std::io::Result<&mut Shard> {
        if self.shard.is_none() {
            let seed = self.random.next_u64();
            let shard = Shard::open(&ShardConfig {
                seed,
                databases: self.databases,
                ..ShardConfig::default()
            })?;
            self.shard = Some(Box::new(shard));
        }
        Ok(self.shard.as_mut().expect("it was just made"))
    }

    /// What comes of `op` where none of its keys is there.
    pub(super) fn on_nothing(
        &mut self,
        now: Millis,
        op: &Op,
        may_park: bool,
    ) -> Result<Nothing, Box<Body>> {
        let mut out = Out::default();
        let shard = self.shard().map_err(|error| Box::new(no_memory(&error)))?;
        if may_park {
            shard.apply(now, op, &mut out);
        } else {
            shard.apply_at_once(now, op, &mut out);
        }
        Ok(match out.parked {
            Some(parked) => Nothing::Parked(parked.until),
            None => Nothing::Reply(reply(&out.reply)),
        })
    }

    /// Runs `op` where `values` are all that is there. What keys became is told by ops that make them so,
    /// each with its shard.
    fn run(
        &mut self,
        op: &Op,
        values: &[Op],
        about: &About,
    ) -> std::io::Result<Vec<(usize, Vec<Op>)>> {
        let mut out = std::mem::take(&mut self.out);
        let shard = self.shard()?;
        shard.keyspace().set_limits(about.limits);
        let mut changed: Vec<(usize, Vec<Op>)> = Vec::new();
        for value in values {
            // What a shard dumped is not refused by another, unless memory ends: then nothing is done.
            if let Err(error) = shard.replay(value, &mut out) {
                self.shard = None;
                return Err(std::io::Error::other(error.to_string()));
            }
        }
        shard.keyspace().record(true);
        shard.set_notify(about.notify);
        out.clear();
        // What waits for a key is a `Pop` or a `Transfer`.
        shard.apply_at_once(about.now, op, &mut out);
        shard.set_notify(Classes::NONE);
        for key in shard.keyspace().recorded() {
            let at = shard_of(key.key(), about.shards);
            let mut ops = vec![
                Op::new(&crate::command::key::DEL)
                    .within(key.database())
                    .arg(key.key()),
            ];
            let keyspace = shard.keyspace();
            keyspace.begin(about.now, key.database(), false);
            keyspace.dump_key(key.key(), &mut |op| ops.push(op.clone()));
            match changed.iter_mut().find(|(shard, _)| *shard == at) {
                Some((_, all)) => all.append(&mut ops),
                None => changed.push((at, ops)),
            }
        }
        shard.keyspace().record(false);
        // The arena gives nothing back: a scratch that held much is made anew.
        if shard.keyspace().used_bytes() > SCRATCH_BYTES_KEPT {
            self.shard = None;
            self.out = out;
            return Ok(changed);
        }
        let mut emptied = Out::default();
        let empty = shard.replay(&Op::new(&FLUSHALL), &mut emptied);
        empty.expect("FLUSHALL without arguments is never refused");
        self.out = out;
        Ok(changed)
    }
}

/// What comes of an op without any of its keys.
pub(super) enum Nothing {
    /// It waits until then.
    Parked(Option<Millis>),
    Reply(Body),
}

fn no_memory(error: &std::io::Error) -> Body {
    error_body(&CommandError::new(format!("ERR no memory: {error}")))
}

/// An op that runs on the scratch, and how far it is.
pub(in crate::store) struct Scratched {
    op: Op,
    stage: Stage,
    /// What happened on the scratch: told when it has happened where the keys are.
    events: Vec<Event>,
}

enum Stage {
    /// What the op names.
    Fetch,
    /// What these values lead to (`SORT … BY`).
    Refer,
    /// With all of these values.
    Run(Vec<Op>),
    /// The reply, once the owners have said that they can have what changes.
    Accept(Body, Vec<Changed>),
    /// The reply, once the owners of what came to be have it; what is left is to go.
    Replace(Body, Vec<Changed>),
}

/// What a shard's keys became, by ops that make them so.
type Changed = (usize, Arc<Vec<Op>>);

impl Scratched {
    pub(super) fn new(op: &Op) -> Scratched {
        Scratched {
            op: op.clone(),
            stage: Stage::Fetch,
            events: Vec::new(),
        }
    }

    pub(super) fn holds(&self, shards: usize) -> Vec<usize> {
        if self.refers() {
            return (0..shards).collect();
        }
        shards_of(&self.op, shards)
    }

    /// Whether it looks at keys that its values lead to.
    fn refers(&self) -> bool {
        is_sort(&self.op) && sort::reaches_out(&self.op)
    }

    /// What it is the plan of.
    pub(super) fn op(&self) -> &Op {
        &self.op
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        match std::mem::replace(&mut self.stage, Stage::Fetch) {
            Stage::Fetch => {
                self.stage = if self.refers() {
                    Stage::Refer
                } else {
                    Stage::Run(Vec::new())
                };
                Step::Ask(fetch(self.named(), desk.shards))
            }
            Stage::Refer => {
                let values = match values_of(answers) {
                    Ok(values) => values,
                    Err(refusal) => return Step::Done(*refusal),
                };
                let mut referred = IndexSet::new();
                for element in values.iter().flat_map(|value| elements(value, &self.op[0])) {
                    sort::referred(&self.op, element, |key| {
                        referred.insert(DbKey::new(self.op.database(), key));
                    });
                }
                let named = self.named();
                referred.retain(|key| !named.contains(key));
                if referred.is_empty() {
                    return self.run(&values, desk);
                }
                self.stage = Stage::Run(values);
                Step::Ask(fetch(referred, desk.shards))
            }
            Stage::Run(mut values) => match values_of(answers) {
                Ok(more) => {
                    values.extend(more);
                    self.run(&values, desk)
                }
                Err(refusal) => Step::Done(*refusal),
            },
            Stage::Accept(reply, changed) => match refusal(answers) {
                Some(refusal) => Step::Done(refusal),
                None => self.replace(reply, changed),
            },
            Stage::Replace(reply, left) => match refusal(answers) {
                Some(refusal) => Step::Done(refusal),
                None if left.is_empty() => {
                    desk.events.append(&mut self.events);
                    Step::Done(reply)
                }
                None => self.replace(reply, left),
            },
        }
    }

    /// The keys that its arguments name. The destination of `COPY … DB` is one of another database.
    fn named(&self) -> IndexSet<DbKey> {
        let database = self.op.database();
        let mut named: IndexSet<DbKey> = (self.op.keys())
            .map(|key| DbKey::new(database, key))
            .collect();
        if std::ptr::eq(self.op.command(), &raw const transfer::COPY) {
            let numbers = (3..self.op.len()).filter_map(|at| parse_int(&self.op[at]));
            let others = numbers.filter_map(|number| u8::try_from(number).ok());
            named.extend(others.map(|other| DbKey::new(other, &self.op[1])));
        }
        named
    }

    fn run(&mut self, values: &[Op], desk: &mut Desk<'_>) -> Step {
        let about = About {
            now: desk.now,
            shards: desk.shards,
            notify: desk.notify,
            limits: desk.limits,
        };
        let ran = desk.scratch.run(&self.op, values, &about);
        let changed = match ran {
            Ok(changed) => changed,
            Err(error) => return Step::Done(no_memory(&error)),
        };
        let out = &mut desk.scratch.out;
        let reply = reply(&out.reply);
        if changed.is_empty() {
            desk.events.append(&mut out.events);
            return Step::Done(reply);
        }
        std::mem::swap(&mut self.events, &mut out.events);
        let changed: Vec<Changed> = changed
            .into_iter()
            .map(|(shard, ops)| (shard, Arc::new(ops)))
            .collect();
        let accept = |(shard, ops): &Changed| (*shard, Ask::Accept(Arc::clone(ops)));
        let asks = changed.iter().map(accept).collect();
        self.stage = Stage::Accept(reply, changed);
        Step::Ask(asks)
    }

    /// Lets what comes to be come to be, before anything goes: a value is never nowhere.
    fn replace(&mut self, reply: Body, changed: Vec<Changed>) -> Step {
        let goes = |(_, ops): &Changed| ops.iter().all(|op| op.command().name == "del");
        let (left, now): (Vec<Changed>, Vec<Changed>) = changed.into_iter().partition(goes);
        let (now, left) = if now.is_empty() {
            (left, now)
        } else {
            (now, left)
        };
        self.stage = Stage::Replace(reply, left);
        let replace = |(shard, ops)| (shard, Ask::Replace(ops));
        Step::Ask(now.into_iter().map(replace).collect())
    }
}

fn refusal(answers: Vec<Body>) -> Option<Body> {
    answers.into_iter().find(|body| body.refusal().is_some())
}

/// Asks the owners among `shards` what `keys` hold.
fn fetch(keys: IndexSet<DbKey>, shards: usize) -> Vec<(usize, Ask)> {
    let mut by_shard: BTreeMap<usize, Vec<DbKey>> = BTreeMap::new();
    for key in keys {
        let shard = shard_of(key.key(), shards);
        by_shard.entry(shard).or_default().push(key);
    }
    let asks = by_shard.into_iter();
    asks.map(|(shard, keys)| (shard, Ask::Fetch(keys)))
        .collect()
}

/// All that owners gave, or the refusal of one.
fn values_of(answers: Vec<Body>) -> Result<Vec<Op>, Box<Body>> {
    let mut values = Vec::new();
    for answer in answers {
        match answer {
            Body::Values(ops) => values.extend(ops),
            refusal => return Err(Box::new(refusal)),
        }
    }
    Ok(values)
}

/// The elements of `key` that `value`, an op that rebuilds a list, a set or a sorted set, tells of.
fn elements<'a>(value: &'a Op, key: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let (first, step) = match value.command().name {
        "rpush" | "sadd" => (1, 1),
        "zadd" => (2, 2),
        _ => (usize::MAX, 1),
    };
    let of_key = value.get(0) == Some(key);
    let positions = (first..value.len()).step_by(step).filter(move |_| of_key);
    positions.map(|at| &value[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(words: &str) -> Op {
        Op::parse(words.split(' ').map(str::as_bytes)).unwrap()
    }

    fn said(words: &str) -> Body {
        Body::Reply(words.as_bytes().into())
    }

    struct Caller {
        scratch: Scratch,
        /// What was told.
        events: Vec<Event>,
    }

    /// What the plan of a `RENAME` between two of five shards does next.
    fn next(plan: &mut Scratched, caller: &mut Caller, answers: Vec<Body>) -> Step {
        let mut desk = Desk {
            now: Millis(0),
            shards: 5,
            held: true,
            notify: Classes::parse("KEA").unwrap(),
            may_park: true,
            limits: Limits::default(),
            joints: 0,
            reads: &[],
            scratch: &mut caller.scratch,
            events: &mut caller.events,
        };
        plan.next(answers, &mut desk)
    }

    fn replaced(step: &Step) -> Vec<&str> {
        let Step::Ask(asks) = step else {
            return Vec::new();
        };
        let ops = asks.iter().filter_map(|(_, ask)| match ask {
            Ask::Replace(ops) => Some(ops.last()?.command().name),
            _ => None,
        });
        ops.collect()
    }

    #[test]
    fn a_value_is_never_nowhere() {
        let mut caller = Caller {
            scratch: Scratch::new(7, 16),
            events: Vec::new(),
        };
        let fetched = || vec![Body::Values(vec![op("set a 1")]), Body::Values(Vec::new())];
        let ok = || said("+OK\r\n");
        let no = || said("-ERR no\r\n");
        assert_ne!(shard_of(b"a", 5), shard_of(b"b", 5));
        // It comes to be, and then it goes.
        let mut plan = Scratched::new(&op("rename a b"));
        next(&mut plan, &mut caller, Vec::new());
        let asked = next(&mut plan, &mut caller, fetched());
        assert!(replaced(&asked).is_empty(), "first all are asked");
        let asked = next(&mut plan, &mut caller, vec![ok(), ok()]);
        assert_eq!(replaced(&asked), ["set"]);
        let asked = next(&mut plan, &mut caller, vec![ok()]);
        assert_eq!(replaced(&asked), ["del"]);
        assert!(caller.events.is_empty(), "it may still be refused");
        assert!(matches!(
            next(&mut plan, &mut caller, vec![ok()]),
            Step::Done(_)
        ));
        assert!(!caller.events.is_empty());
        caller.events.clear();
        // Whoever refuses, nothing goes, and nothing is told.
        for refusals in 1..3 {
            let mut plan = Scratched::new(&op("rename a b"));
            next(&mut plan, &mut caller, Vec::new());
            next(&mut plan, &mut caller, fetched());
            let mut step = next(
                &mut plan,
                &mut caller,
                vec![ok(), if refusals == 1 { no() } else { ok() }],
            );
            if refusals == 2 {
                step = next(&mut plan, &mut caller, vec![no()]);
            }
            let Step::Done(body) = step else {
                panic!("it goes on");
            };
            assert!(body.refusal().is_some());
            assert!(caller.events.is_empty());
        }
    }
}
