//! Reading places: `GEODIST`, `GEOHASH`, `GEOPOS`.

use super::point::Point;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::reply::ReplyBuf;
use crate::value::SortedSet;

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
pub static GEODIST: Command = Command {
    name: "geodist",
    arity: -4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the distance between two places",
    run: geodist,
};

/// `GEOHASH key [member ...]`
pub static GEOHASH: Command = Command {
    name: "geohash",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the geohashes of places, as text",
    run: geohash,
};

/// `GEOPOS key [member ...]`
pub static GEOPOS: Command = Command {
    name: "geopos",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the coordinates of places",
    run: geopos,
};

/// The metres in a unit of distance.
///
/// # Errors
/// The unit is not one of the four.
pub fn unit_m(text: &[u8]) -> Result<f64, CommandError> {
    match text.to_ascii_lowercase().as_slice() {
        b"m" => Ok(1.0),
        b"km" => Ok(1000.0),
        b"ft" => Ok(0.3048),
        b"mi" => Ok(1609.34),
        _ => Err(CommandError::new(
            "ERR unsupported unit provided. please use M, KM, FT, MI",
        )),
    }
}

/// A length in its unit.
///
/// # Errors
/// `words`, where it is not a number.
pub fn length(text: &[u8], words: &'static str) -> Result<f64, CommandError> {
    number::parse_float(text).ok_or(CommandError::new(words))
}

/// Writes a distance, in whatever unit it was asked for, with four digits: the nearest ten-thousandth, the
/// even one of two, of the product as it is rounded to a float.
pub fn distance(reply: &mut ReplyBuf, distance: f64) {
    let parts = (distance * 10_000.0).round_ties_even() as u64;
    reply.bulk(format!("{}.{:04}", parts / 10_000, parts % 10_000).as_bytes());
}

/// Writes coordinates.
pub fn coordinates(reply: &mut ReplyBuf, point: Point) {
    reply.array(2);
    reply.coordinate(point.longitude);
    reply.coordinate(point.latitude);
}

fn place(set: &SortedSet, member: &[u8]) -> Option<Point> {
    set.score(member).map(Point::from_score)
}

fn geodist(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let unit = match op.len() {
        3 => 1.0,
        4 => unit_m(&op[3])?,
        _ => return Err(CommandError::SYNTAX),
    };
    let set = call.keyspace.collection::<SortedSet>(&op[0])?;
    let ends = set.and_then(|set| Some((place(set, &op[1])?, place(set, &op[2])?)));
    match ends {
        Some((a, b)) => distance(&mut call.out.reply, a.distance_m(b) / unit),
        None => call.out.reply.nil(),
    }
    Ok(())
}

fn geohash(call: &mut Call<'_>) -> Result<(), CommandError> {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    let reply = &mut call.out.reply;
    reply.array(call.op.len() - 1);
    for member in call.op.args().skip(1) {
        let Some(point) = set.and_then(|set| place(set, member)) else {
            reply.nil();
            continue;
        };
        // The geohashes that the world writes halve latitudes up to the poles.
        let bits = point.cell_on(90.0, 26).bits;
        let mut text = [b'0'; 11];
        for (i, letter) in text.iter_mut().take(10).enumerate() {
            *letter = ALPHABET[(bits >> (47 - 5 * i)) as usize & 31];
        }
        // Eleven letters would take 55 bits; the last is always 0, as in Redis.
        reply.bulk(&text);
    }
    Ok(())
}

fn geopos(call: &mut Call<'_>) -> Result<(), CommandError> {
    let set = call.keyspace.collection::<SortedSet>(&call.op[0])?;
    let reply = &mut call.out.reply;
    reply.array(call.op.len() - 1);
    for member in call.op.args().skip(1) {
        match set.and_then(|set| place(set, member)) {
            Some(point) => coordinates(reply, point),
            None => reply.nil_array(),
        }
    }
    Ok(())
}
