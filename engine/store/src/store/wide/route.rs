//! Where an op goes: to one shard, or to several, and then by which plan.

use super::cursor::{Cursor, Walk};
use super::merge::Merge;
use super::parts::{Part, PartAsk, Parts, merge};
use super::plan::Plan;
use super::pop::Pop;
use super::scratch::Scratched;
use super::transfer::{Transfer, is_transfer};
use crate::command::{CommandError, Keys, sort};
use crate::op::Op;
use crate::store::caller::shard_of;
use crate::store::link::Ask;
use crate::store::watch::Watch;

/// Where an op goes.
pub(in crate::store) enum Route {
    /// To one shard.
    One(usize),
    /// To several.
    Wide(Plan),
    /// Nowhere.
    Refused(CommandError),
}

/// Where `op` goes among `shards` shards.
#[inline]
pub(in crate::store) fn route(op: &Op, shards: usize) -> Route {
    match only_shard(op, shards) {
        Some(shard) => Route::One(shard),
        None => wide_route(op, shards),
    }
}

/// The shard of `op` among `shards`, where it goes to no other.
#[inline]
pub(in crate::store) fn only_shard(op: &Op, shards: usize) -> Option<usize> {
    if shards == 1 {
        return Some(0);
    }
    let command = op.command();
    if command.keys == Keys::ONE && !std::ptr::eq(command, &raw const sort::SORT_RO) {
        return Some(op.get(0).map_or(0, |key| shard_of(key, shards)));
    }
    if is_sort(op) && sort::reaches_out(op) {
        return None;
    }
    let mut keys = op.keys();
    let Some(first) = keys.next() else {
        return is_of_one(op).then_some(0);
    };
    let shard = shard_of(first, shards);
    keys.all(|key| shard_of(key, shards) == shard)
        .then_some(shard)
}

/// Where `op`, which goes to no single shard, goes.
fn wide_route(op: &Op, shards: usize) -> Route {
    if is_sort(op) && sort::reaches_out(op) {
        return Route::Wide(Plan::Scratch(Box::new(Scratched::new(op))));
    }
    if op.key().is_none() {
        return everywhere(op, shards);
    }
    over_several(op, shards)
}

/// Whether `op` may look at keys that its arguments do not name.
pub(super) fn is_sort(op: &Op) -> bool {
    let command = op.command();
    std::ptr::eq(command, &raw const sort::SORT) || std::ptr::eq(command, &raw const sort::SORT_RO)
}

/// Whether `op`, which has no key, goes to one shard, whichever.
fn is_of_one(op: &Op) -> bool {
    merge(op).is_none() && walk_of(op).is_none()
}

fn walk_of(op: &Op) -> Option<Walk> {
    match op.command().name {
        "scan" => Some(Walk::Scan),
        "randomkey" => Some(Walk::Any),
        _ => None,
    }
}

fn everywhere(op: &Op, shards: usize) -> Route {
    if let Some(merge) = merge(op) {
        return Route::Wide(Plan::Parts(Parts::everywhere(op, merge, shards)));
    }
    match walk_of(op) {
        Some(walk) => Route::Wide(Plan::Cursor(Box::new(Cursor::new(op, walk)))),
        None => Route::One(0),
    }
}

fn over_several(op: &Op, shards: usize) -> Route {
    if let Some(merge) = merge(op) {
        return match Parts::split(op, merge, shards) {
            Ok(parts) => Route::Wide(Plan::Parts(parts)),
            Err(error) => Route::Refused(error),
        };
    }
    Route::Wide(match op.command().name {
        "lmpop" | "zmpop" | "blpop" | "brpop" | "blmpop" | "bzpopmin" | "bzpopmax" | "bzmpop" => {
            Plan::Pop(Box::new(Pop::new(op)))
        }
        _ if is_transfer(op) => Plan::Transfer(Box::new(Transfer::new(op))),
        _ => Plan::Scratch(Box::new(Scratched::new(op))),
    })
}

/// The plan that registers `watch` for the keys of `keys` that it does not watch yet.
pub(in crate::store) fn watch(watch: &Watch, keys: &Op, shards: usize) -> Plan {
    let mut by_shard: Vec<(usize, Op)> = Vec::new();
    for key in keys.keys() {
        if !watch.add(keys.database(), key) {
            continue;
        }
        let at = shard_of(key, shards);
        if let Some((_, op)) = by_shard.iter_mut().find(|(shard, _)| *shard == at) {
            op.push(key);
        } else {
            let op = Op::new(keys.command()).within(keys.database()).arg(key);
            by_shard.push((at, op));
        }
    }
    let parts = by_shard.into_iter().map(|(shard, op)| Part {
        shard,
        ask: PartAsk::Now(Some(Ask::Watch(watch.clone(), op))),
        places: Vec::new(),
    });
    Plan::Parts(Parts::new(Merge::AllOk, parts.collect()))
}
