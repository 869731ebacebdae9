//! Searching places: `GEOSEARCH`.

use super::cover::{self, Shape};
use super::point::Point;
use super::read::{coordinates, distance, length, unit_m};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::value::SortedSet;

/// `GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit |
/// BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
pub static GEOSEARCH: Command = Command {
    name: "geosearch",
    arity: -7,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the places in a circle or a box",
    run: geosearch,
};

/// How found places are ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    None,
    Ascending,
    Descending,
}

/// Where a search is centred.
#[derive(Clone, Copy)]
enum Centre {
    At(Point),
    /// A member of a set that is not there: the search finds nothing.
    OfNoSet,
}

/// A search as the arguments ask for it.
#[expect(clippy::struct_excessive_bools, reason = "one for each word")]
struct Query {
    centre: Option<Centre>,
    shape: Option<Shape>,
    /// Metres in the unit of the shape, which distances are given in too.
    unit_m: f64,
    sort: Sort,
    count: u64,
    any: bool,
    with_distance: bool,
    with_hash: bool,
    with_coordinates: bool,
}

impl Query {
    fn parse(op: &Op, set: Option<&SortedSet>) -> Result<Query, CommandError> {
        let mut query = Query {
            centre: None,
            shape: None,
            unit_m: 1.0,
            sort: Sort::None,
            count: 0,
            any: false,
            with_distance: false,
            with_hash: false,
            with_coordinates: false,
        };
        let (mut from_member, mut from_place) = (false, false);
        let mut i = 1;
        while let Some(word) = op.get(i) {
            let follow = op.len() - i - 1;
            let circle = matches!(query.shape, Some(Shape::Circle { .. }));
            let boxed = matches!(query.shape, Some(Shape::Box { .. }));
            match word.to_ascii_lowercase().as_slice() {
                b"withdist" => query.with_distance = true,
                b"withhash" => query.with_hash = true,
                b"withcoord" => query.with_coordinates = true,
                b"any" => query.any = true,
                b"asc" => query.sort = Sort::Ascending,
                b"desc" => query.sort = Sort::Descending,
                b"count" if follow >= 1 => {
                    query.count = u64::try_from(number::int(&op[i + 1])?)
                        .ok()
                        .filter(|&count| count > 0)
                        .ok_or(CommandError::new("ERR COUNT must be > 0"))?;
                    i += 1;
                }
                b"frommember" if follow >= 1 && !from_place => {
                    query.centre = Some(of_member(set, &op[i + 1])?);
                    from_member = true;
                    i += 1;
                }
                b"fromlonlat" if follow >= 2 && !from_member => {
                    query.centre = Some(Centre::At(Point::parse(&op[i + 1], &op[i + 2])?));
                    from_place = true;
                    i += 2;
                }
                b"byradius" if follow >= 2 && !boxed => {
                    let radius = length(&op[i + 1], "ERR need numeric radius")?;
                    if radius < 0.0 {
                        return Err(CommandError::new("ERR radius cannot be negative"));
                    }
                    query.unit_m = unit_m(&op[i + 2])?;
                    query.shape = Some(Shape::Circle {
                        radius_m: radius * query.unit_m,
                    });
                    i += 2;
                }
                b"bybox" if follow >= 3 && !circle => {
                    let width = length(&op[i + 1], "ERR need numeric width")?;
                    let height = length(&op[i + 2], "ERR need numeric height")?;
                    if width < 0.0 || height < 0.0 {
                        return Err(CommandError::new("ERR height or width cannot be negative"));
                    }
                    query.unit_m = unit_m(&op[i + 3])?;
                    query.shape = Some(Shape::Box {
                        width_m: width * query.unit_m,
                        height_m: height * query.unit_m,
                    });
                    i += 3;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(query)
    }

    /// The centre and the shape, which every search has.
    fn place(&self) -> Result<(Centre, Shape), CommandError> {
        let centre = self.centre.ok_or(CommandError::new(
            "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch",
        ))?;
        let shape = self.shape.ok_or(CommandError::new(
            "ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch",
        ))?;
        if self.any && self.count == 0 {
            return Err(CommandError::new(
                "ERR the ANY argument requires COUNT argument",
            ));
        }
        Ok((centre, shape))
    }
}

fn of_member(set: Option<&SortedSet>, member: &[u8]) -> Result<Centre, CommandError> {
    let Some(set) = set else {
        return Ok(Centre::OfNoSet);
    };
    let score = set.score(member).ok_or(CommandError::new(
        "ERR could not decode requested zset member",
    ))?;
    Ok(Centre::At(Point::from_score(score)))
}

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
        let start = set.partition_point(|_, score| score < first as f64);
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

fn geosearch(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let set = call.keyspace.collection::<SortedSet>(&op[0])?;
    let query = Query::parse(op, set)?;
    let (centre, shape) = query.place()?;
    let reply = &mut call.out.reply;
    let (Some(set), Centre::At(centre)) = (set, centre) else {
        reply.array(0);
        return Ok(());
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
    reply.array(found.len());
    for place in &found {
        show(reply, &query, place);
    }
    Ok(())
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
