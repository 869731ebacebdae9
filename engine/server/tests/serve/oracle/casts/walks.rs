//! Whole walks over keys, sets, hashes and sorted sets, small and large.

use super::{Cast, Family};
use crate::oracle::grammar::Draw;

pub const CAST: Cast = Cast {
    clients: 2,
    steps: 500,
    events: "",
};

pub const FAMILY: Family = Family {
    name: "walks",
    kinds: &[],
    rules: &[
        "walk scan 0 [match $keypattern] [count $step] [type $type]",
        "walk scan 0 count $step",
        "walk sscan $set 0 [match $pattern] [count $step]",
        "walk sscan $ints 0 [match $glob] [count $step]",
        "walk hscan $hash 0 [match $pattern] [count $step]",
        "walk zscan $zset 0 [match $pattern] [count $step]",
        "walk hscan $openkey 0 count $step",
        "walk scan 0 count $few type $type match $keypattern",
        "walk scan 0 nosuch $step",
        "scan $cursor",
        "sscan $set $cursor count $step",
        "hscan $hash 0 count",
        "sadd $set $manyname $manyname $manyname $manyname $manyname $manyname $manyname $manyname",
        "sadd $ints $manyint $manyint $manyint $manyint $manyint $manyint $manyint $manyint",
        "hset $hash $manyfield $value $manyfield $value $manyfield $value $manyfield $value",
        "zadd $zset $score $manymember $score $manymember $score $manymember",
        "zadd $zset 1 $longmember",
        "hset $hash $manyfield $longvalue",
        "srem $set $manyname $manyname $manyname",
        "hdel $hash $manyfield $manyfield",
        "zrem $zset $manymember $manymember",
        "set $manykey 1",
        "set $manykey 1",
        "set $manykey 1",
        "mset $manykey 1 $manykey 2 $manykey 3",
        "del $manykey $manykey",
        "del $set",
        "dbsize",
        "select $db",
        "flushdb",
        "swapdb 0 1",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "step" => draw.one(&["1", "3", "10", "100", "1000"]).to_owned(),
        "cursor" => draw
            .one(&["x", "-1", "", "18446744073709551616", "1.5", " 1"])
            .to_owned(),
        "manykey" => format!("many:{}", draw.below(2000)),
        "longmember" => format!("m{}", "z".repeat(draw.between(60, 70) as usize)),
        "longvalue" => "w".repeat(draw.between(60, 70) as usize),
        _ => return None,
    })
}
