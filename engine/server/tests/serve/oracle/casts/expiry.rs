//! Keys with short and long times, up to their end and over it.

use super::{Cast, Family};
use crate::oracle::grammar::Draw;

/// Of keys that expired Redis tells when it comes upon them, which is its own affair: no class `x`.
pub const CAST: Cast = Cast {
    clients: 2,
    steps: 100,
    events: "g$lshzetdKEmn",
};

pub const FAMILY: Family = Family {
    name: "expiry",
    kinds: &[],
    rules: &[
        "set $str $value px $soon",
        "set $str $value pxat $then",
        "set $str $value px $soon [nx|xx] [get]",
        "psetex $str $soon $value",
        "getex $str px $soon",
        "getex $str [persist|pxat $then]",
        "pexpire $openkey $soon [nx|xx|gt|lt]",
        "pexpire $openkey $soon",
        "pexpireat $openkey $then [nx|xx|gt|lt]",
        "restore $openkey $soon $payload [replace]",
        "restore $openkey $then $payload absttl replace",
        "set $str $value [keepttl]",
        "set $str $value ex $s",
        "setex $str $s $value",
        "expire $openkey $s [nx|xx|gt|lt]",
        "expire $openkey $passed",
        "pexpireat $openkey $passed",
        "expireat $openkey $at [nx|xx|gt|lt]",
        "persist $openkey",
        "ttl $openkey",
        "pttl $openkey",
        "expiretime $openkey",
        "pexpiretime $openkey",
        "get $str",
        "getdel $str",
        "getset $str $value",
        "mget ($str)+",
        "strlen $str",
        "incr $str",
        "append $str $value",
        "setrange $str 3 $value",
        "setnx $str $value",
        "msetnx ($str $value)+",
        "exists ($openkey)+",
        "touch ($openkey)+",
        "type $openkey",
        "object encoding $str",
        "keys *",
        "walk scan 0 count 3",
        "rpush $list ($element)+",
        "lrange $list 0 -1",
        "rpushx $list $element",
        "lmove $list $list left right",
        "hset $hash $field $value",
        "hget $hash $field",
        "sadd $set $name",
        "scard $set",
        "sunionstore $set $set $set",
        "sintercard 2 $set $set",
        "zadd $zset xx $score $member",
        "zadd $zset $score $member",
        "zrange $zset 0 -1",
        "setbit $bits 3 1",
        "bitcount $bits",
        "pfadd $hll $seen",
        "pfcount $hll",
        "sort $num by nosort",
        "rename $openkey $openkey",
        "renamenx $openkey $openkey",
        "copy $openkey $openkey [replace]",
        "del ($openkey)+",
        "unlink $openkey",
        "multi",
        "exec",
        "watch $openkey",
        "unwatch",
        "pause 5",
        "pause 110",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        // Mostly so long that they run together.
        "soon" => match draw.below(8) {
            0 => format!("{{ms:{}}}", draw.between(60, 110)),
            _ => draw.value("ms"),
        },
        "then" => match draw.below(8) {
            0 => format!("{{at:{}}}", draw.between(60, 110)),
            _ => draw.value("atms"),
        },
        _ => return None,
    })
}
