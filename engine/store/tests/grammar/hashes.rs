//! Hashes.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "hashes",
    kinds: &[Kind::open("hash", 3)],
    rules: &[
        "hset $hash ($field $value)+",
        "hset $hash $manyfield $value $manyfield $int $manyfield $value",
        "hmset $hash ($field $value)+",
        "hsetnx $hash $field $value",
        "hget $hash $field",
        "hmget $hash ($field)+",
        "hgetall $hash",
        "hkeys $hash",
        "hvals $hash",
        "hdel $hash ($field)+",
        "hdel $hash ($manyfield)+",
        "hexists $hash $field",
        "hlen $hash",
        "hstrlen $hash $field",
        "hset $hash $field $int",
        "hincrby $hash $field $int",
        "hset $hash $field $float",
        "hincrbyfloat $hash $field $float",
        "hscan $hash 0 [match $pattern] count 100000",
        "hrandfield $hash",
        "hrandfield $hash 0",
        "hrandfield $hash 1000 [withvalues]",
        "hrandfield $hash $negative [withvalues]",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "field" => format!("f{}", draw.below(12)),
        "manyfield" => format!("f{}", draw.below(400)),
        "pattern" => {
            let patterns = [
                "*", "f1*", "f?", "f[1-3]*", "f[^1]", "*2", "\\f1", "[", "x*",
            ];
            draw.one(&patterns).to_owned()
        }
        _ => return None,
    })
}
