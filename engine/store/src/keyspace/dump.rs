//! The whole state as ops: what rebuilds it on an empty shard.

use super::{Entry, Keyspace};
use crate::command::{Command, expiry, hash, list, memcached, set, sets, sorted_set};
use crate::op::Op;
use crate::reply::format_double;
use crate::snapshot::{Body, Record};
use crate::time::Millis;
use crate::value::Value;
use crate::value::set::Member;

/// The most arguments of one op: a large collection comes in several.
const ARGS_MAX: usize = 512;

/// The most bytes of one op, unless a single element has more.
const BYTES_MAX: usize = 16 << 20;

impl Keyspace {
    /// Shows ops that rebuild every key that has not expired at `now`.
    pub fn dump(&self, now: Millis, each: &mut dyn FnMut(&Op)) {
        self.for_each(|entry| {
            let &Entry {
                database,
                key,
                value,
                expires,
                tag,
            } = entry;
            if expires.is_some_and(|at| now > at) {
                return;
            }
            let tag = tag.map(|tag| (tag.flags, tag.stale));
            let each: &mut dyn FnMut(Op) = &mut |op: Op| each(&op.within(database));
            value_ops(key, value, expires, tag, each);
        });
    }

    /// Shows ops that rebuild `key`; none where there is no such key.
    pub(crate) fn dump_key(&mut self, key: &[u8], each: &mut dyn FnMut(&Op)) {
        if let Some(id) = self.access(key) {
            let (database, item) = (self.database(), self.arena.own(id));
            let tag = item.tag().map(|tag| (tag.flags, tag.stale));
            let expires = item.expires();
            let each: &mut dyn FnMut(Op) = &mut |op: Op| each(&op.within(database));
            value_ops(key, self.value(id), expires, tag, each);
        }
    }
}

/// Shows ops that make `key` what it is.
fn value_ops(
    key: &[u8],
    value: Value<'_>,
    expires: Option<Millis>,
    tag: Option<(u32, bool)>,
    each: &mut dyn FnMut(Op),
) {
    match value {
        Value::String(bytes) => string(key, bytes, expires, tag, each),
        Value::Hash(fields) => pairs(&hash::HSET, key, fields.iter(), expires, each),
        Value::Set(set) => {
            let members = set.iter().map(Member::to_vec);
            single(&sets::change::SADD, key, members, expires, each);
        }
        Value::List(list) => single(&list::push::RPUSH, key, list.iter(), expires, each),
        Value::SortedSet(members) => {
            let scored = members.iter().map(|(member, x)| (format_double(x), member));
            pairs(&sorted_set::add::ZADD, key, scored, expires, each);
        }
    }
}

/// Shows ops that rebuild one key of a snapshot.
pub fn record_ops(record: &Record<'_>, each: &mut dyn FnMut(&Op)) {
    // A collection that comes in parts expires with its last.
    let (key, expires) = (record.key, record.expiry.filter(|_| record.is_last));
    let each: &mut dyn FnMut(Op) = &mut |op: Op| each(&op.within(record.database));
    match &record.body {
        Body::String(bytes) => string(key, bytes, expires, record.tag, each),
        Body::Hash(fields) => pairs(&hash::HSET, key, fields.clone(), expires, each),
        Body::Set(members) => single(&sets::change::SADD, key, members.clone(), expires, each),
        Body::List(elements) => {
            single(&list::push::RPUSH, key, elements.clone(), expires, each);
        }
        Body::SortedSet(members) => {
            let scored = members
                .clone()
                .map(|(member, x)| (format_double(x), member));
            pairs(&sorted_set::add::ZADD, key, scored, expires, each);
        }
    }
}

fn string(
    key: &[u8],
    value: &[u8],
    expires: Option<Millis>,
    tag: Option<(u32, bool)>,
    each: &mut dyn FnMut(Op),
) {
    if let Some((flags, stale)) = tag {
        return each(memcached::put(key, value, expires, flags, stale));
    }
    let op = Op::new(&set::SET).arg(key).arg(value);
    match expires {
        Some(at) => each(op.arg("PXAT").text(at.0)),
        None => each(op),
    }
}

fn pairs<A: AsRef<[u8]>, B: AsRef<[u8]>>(
    command: &'static Command,
    key: &[u8],
    pairs: impl Iterator<Item = (A, B)>,
    expires: Option<Millis>,
    each: &mut dyn FnMut(Op),
) {
    let mut op = Op::new(command).arg(key);
    for (first, second) in pairs {
        op = op.arg(first).arg(second);
        if is_full(&op) {
            each(std::mem::replace(&mut op, Op::new(command).arg(key)));
        }
    }
    last(op, expires, each);
}

fn single<A: AsRef<[u8]>>(
    command: &'static Command,
    key: &[u8],
    elements: impl Iterator<Item = A>,
    expires: Option<Millis>,
    each: &mut dyn FnMut(Op),
) {
    let mut op = Op::new(command).arg(key);
    for element in elements {
        op.push(element.as_ref());
        if is_full(&op) {
            each(std::mem::replace(&mut op, Op::new(command).arg(key)));
        }
    }
    last(op, expires, each);
}

/// Whether more of a collection is to come in another op.
fn is_full(op: &Op) -> bool {
    op.len() > ARGS_MAX || op.bytes() > BYTES_MAX
}

/// What is left of a collection, and when it expires.
fn last(op: Op, expires: Option<Millis>, each: &mut dyn FnMut(Op)) {
    let expiry = expires.map(|at| Op::new(&expiry::PEXPIREAT).arg(&op[0]).text(at.0));
    if op.len() > 1 {
        each(op);
    }
    if let Some(expiry) = expiry {
        each(expiry);
    }
}
