//! Strings and counters.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "strings",
    kinds: &[Kind::open("str", 6)],
    rules: &[
        "get $str",
        "set $str $value",
        "set $str $value [nx|xx] [get] [ex $s|px $ms|exat $at|pxat $atms|keepttl]",
        "setnx $str $value",
        "setex $str $s $value",
        "psetex $str $ms $value",
        "getset $str $value",
        "getdel $str",
        "getex $str [ex $s|px $ms|exat $at|pxat $atms|persist]",
        "mget ($str)+",
        "mset ($str $value)+",
        "msetnx ($str $value)+",
        "strlen $str",
        "append $str $value",
        "getrange $str $index $index",
        "substr $str $index $index",
        "setrange $str $offset $value",
        "incr $str",
        "decr $str",
        "incrby $str $int",
        "decrby $str $int",
        "set $str $int",
        "set $str $float",
        "incrbyfloat $str $float",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "offset" => match draw.below(12) {
            0 => "-1".to_owned(),
            1 => "536870912".to_owned(),
            _ => draw.between(0, 100).to_string(),
        },
        _ => return None,
    })
}
