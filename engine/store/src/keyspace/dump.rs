//! The whole state as ops: what rebuilds it on an empty shard.

use super::Keyspace;
use crate::command::{expiry, hash, set, sorted_set};
use crate::op::Op;
use crate::reply::format_double;
use crate::time::Millis;
use crate::value::Value;

/// The most arguments of one op: a large collection comes in several.
const ARGS_MAX: usize = 512;

impl Keyspace {
    /// Shows ops that rebuild every key that has not expired at `now`.
    pub fn dump(&self, now: Millis, each: &mut dyn FnMut(&Op)) {
        self.for_each(|key, value, expires| {
            if expires.is_some_and(|at| now > at) {
                return;
            }
            match value {
                Value::String(bytes) => {
                    let op = Op::new(&set::SET).arg(key).arg(bytes);
                    match expires {
                        Some(at) => each(&op.arg("PXAT").text(at.0)),
                        None => each(&op),
                    }
                    return;
                }
                Value::Hash(fields) => {
                    let mut op = Op::new(&hash::HSET).arg(key);
                    for (field, value) in fields.iter() {
                        op = op.arg(field).arg(value);
                        if op.len() > ARGS_MAX {
                            each(&op);
                            op = Op::new(&hash::HSET).arg(key);
                        }
                    }
                    if op.len() > 1 {
                        each(&op);
                    }
                }
                Value::SortedSet(members) => {
                    let mut op = Op::new(&sorted_set::add::ZADD).arg(key);
                    for (member, score) in members.iter() {
                        op = op.arg(format_double(score)).arg(member);
                        if op.len() > ARGS_MAX {
                            each(&op);
                            op = Op::new(&sorted_set::add::ZADD).arg(key);
                        }
                    }
                    if op.len() > 1 {
                        each(&op);
                    }
                }
            }
            if let Some(at) = expires {
                each(&Op::new(&expiry::PEXPIREAT).arg(key).text(at.0));
            }
        });
    }
}
