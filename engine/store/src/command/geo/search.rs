//! Searching places: `GEOSEARCH`, the older `GEORADIUS` and `GEORADIUSBYMEMBER`, and the forms of them that
//! store what they find.

use super::cover::{self, Shape};
use super::point::Point;
use super::query::{Destination, Form, Query, Sort};
use super::read::{coordinates, distance};
use crate::command::sorted_set::store::store;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::reply::ReplyBuf;
use crate::value::limits::Bounds;
use crate::value::{SortedSet, sorted_set};

/// The options that name a key.
const STORE_WORDS: &[&str] = &["store", "storedist"];

/// `GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit |
/// BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
pub static GEOSEARCH: Command = Command {
    name: "geosearch",
    arity: -7,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the places in a circle or a box",
    run: |call| search(call, Form::Search),
};

/// `GEOSEARCHSTORE destination source …`, as [`GEOSEARCH`], `[STOREDIST]`
pub static GEOSEARCHSTORE: Command = Command {
    name: "geosearchstore",
    arity: -8,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::TWO,
    about: "store the places in a circle or a box",
    run: |call| search(call, Form::SearchStore),
};

/// `GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]
/// [ASC | DESC] [STORE key | STOREDIST key]`
pub static GEORADIUS: Command = Command {
    name: "georadius",
    arity: -6,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Movablekeys]),
    keys: Keys::After {
        from: 5,
        words: STORE_WORDS,
    },
    about: "the places in a circle around coordinates; or store them",
    run: |call| search(call, Form::Place { stores: true }),
};

/// `GEORADIUS_RO`: [`GEORADIUS`] without `STORE`.
pub static GEORADIUS_RO: Command = Command {
    name: "georadius_ro",
    arity: -6,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the places in a circle around coordinates",
    run: |call| search(call, Form::Place { stores: false }),
};

/// `GEORADIUSBYMEMBER key member radius unit …`, as [`GEORADIUS`]
pub static GEORADIUSBYMEMBER: Command = Command {
    name: "georadiusbymember",
    arity: -5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Movablekeys]),
    keys: Keys::After {
        from: 4,
        words: STORE_WORDS,
    },
    about: "the places in a circle around a member; or store them",
    run: |call| search(call, Form::Member { stores: true }),
};

/// `GEORADIUSBYMEMBER_RO`: [`GEORADIUSBYMEMBER`] without `STORE`.
pub static GEORADIUSBYMEMBER_RO: Command = Command {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the places in a circle around a member",
    run: |call| search(call, Form::Member { stores: false }),
};

/// A place that was found.
struct Found<'a> {
    member: &'a [u8],
    score: f64,
    point: Point,
    distance_m: f64,
}

/// The places of `set` in `shape` around `centre`, at most `limit`, cell by cell.
fn find(set: &SortedSet, centre: Point, shape: Shape, limit: usize) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for cell in cover::cells(shape, centre) {
        let (first, end) = cell.scores();
        let start = set.partition_by_score(|score| score < first as f64);
        for (member, score) in set.range(start..set.len(), false) {
            if score >= end as f64 {
                break;
            }
            let point = Point::from_score(score);
            if let Some(distance_m) = shape.reach(centre, point) {
                found.push(Found {
                    member,
                    score,
                    point,
                    distance_m,
                });
                if found.len() == limit {
                    return found;
                }
            }
        }
    }
    found
}

/// What a query finds, in its order.
fn results<'a>(query: &Query, set: Option<&'a SortedSet>) -> Vec<Found<'a>> {
    let (Some(set), Some((centre, shape))) = (set, query.place()) else {
        return Vec::new();
    };
    let count = match query.count {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let limit = if query.any { count } else { usize::MAX };
    let mut found = find(set, centre, shape, limit);
    match query.sort {
        // To give the nearest, they must be ordered.
        Sort::None if query.any || query.count == 0 => {}
        Sort::None | Sort::Ascending => {
            found.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        }
        Sort::Descending => found.sort_by(|a, b| b.distance_m.total_cmp(&a.distance_m)),
    }
    found.truncate(count);
    found
}

fn search(call: &mut Call<'_>, form: Form) -> Result<(), CommandError> {
    let op = call.op;
    // The source counts as read, also where the result is stored.
    let bounds = call.keyspace.limits().sorted_set;
    call.keyspace.count_reads(true);
    let set = call.keyspace.collection::<SortedSet>(&op[form.source()])?;
    let query = Query::parse(op, form, set)?;
    let found = results(&query, set);
    let Some(to) = query.destination else {
        let reply = &mut call.out.reply;
        reply.array(found.len());
        for place in &found {
            show(reply, &query, place);
        }
        return Ok(());
    };
    let made = made(&found, &query, to, bounds);
    call.keyspace.count_reads(false);
    let event = if form == Form::SearchStore {
        "geosearchstore"
    } else {
        "georadiusstore"
    };
    store(call, &op[to.key], made, event)
}

/// The set that is stored.
fn made(found: &[Found<'_>], query: &Query, to: Destination, bounds: Bounds) -> SortedSet {
    let score = |place: &Found<'_>| {
        if to.distances {
            place.distance_m / query.unit_m
        } else {
            place.score
        }
    };
    let mut members: Vec<_> = found.iter().map(|p| (p.member, score(p))).collect();
    members.sort_unstable_by(sorted_set::order);
    SortedSet::from_ordered(members.into_iter(), bounds)
}

fn show(reply: &mut ReplyBuf, query: &Query, place: &Found<'_>) {
    let extras = [query.with_distance, query.with_hash, query.with_coordinates];
    let extras = extras.iter().filter(|&&with| with).count();
    if extras > 0 {
        reply.array(1 + extras);
    }
    reply.bulk(place.member);
    if query.with_distance {
        distance(reply, place.distance_m / query.unit_m);
    }
    if query.with_hash {
        reply.int(place.score as i64);
    }
    if query.with_coordinates {
        coordinates(reply, place.point);
    }
}
