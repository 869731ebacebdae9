//! Waiting for lists and sorted sets: who is served, with what, in which order, and by what.

use super::{Cast, Family};
use crate::oracle::grammar::Draw;

pub const CAST: Cast = Cast {
    clients: 6,
    steps: 100,
    events: "AKEn",
};

pub const FAMILY: Family = Family {
    name: "blocking",
    kinds: &[],
    rules: &[
        "blpop ($list)+ $long",
        "brpop ($list)+ $long",
        "blpop $list $list 0",
        "blmove $list $list $side $side $long",
        "brpoplpush $list $list $long",
        "blmpop $long 2 $list $list $side [count $few]",
        "blmpop 0 1 $list left count 3",
        "bzpopmin ($zset)+ $long",
        "bzpopmax ($zset)+ $long",
        "bzmpop $long 2 $zset $zset min",
        "bzmpop $long 2 $zset $zset max count 2",
        "blmpop $short 1 $list left",
        "blpop $list $nottime",
        "bzpopmax $zset $nottime",
        "lpush $list ($element)+",
        "lpush $list ($element)+",
        "rpush $list ($element)+",
        "lpush $list $element $element $element $element",
        "lpushx $list $element",
        "linsert $list before $element $element",
        "lmove $list $list $side $side",
        "rpoplpush $list $list",
        "lpop $list",
        "llen $list",
        "zadd $zset $score $member",
        "zadd $zset [nx] $score $member $score $member",
        "zincrby $zset 1 $member",
        "zpopmin $zset",
        "zcard $zset",
        "zunionstore $zset 2 $zset $zset",
        "zrangestore $zset $zset 0 -1",
        "geoadd $zset 13 38 $member",
        "rename $list $list",
        "renamenx $zset $zset",
        "copy $list $list [replace]",
        "copy $zset $zset replace",
        "sort $list by nosort store $list",
        "restore $list 0 $payload [replace]",
        "set $list $value",
        "del ($list)+",
        "del $zset",
        "flushall",
        "move $list 1",
        "move $zset 1",
        "swapdb 0 1",
        "select 1",
        "select 0",
        "multi",
        "multi",
        "exec",
        "exec",
        "watch $list",
        "client unblock {id:1}",
        "client unblock {id:2} timeout",
        "client unblock {id:3} error",
        "client unblock {id:4} [nosuch]",
        "client kill id {id:5}",
        "!wait 0 0",
        "!wait 1 $wait",
        "pause 5",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "long" => match draw.below(16) {
            0 => draw.value("short"),
            _ => draw.one(&["0", "0", "0", "100", "3600.5"]).to_owned(),
        },
        "short" => format!("{{s:0.{}}}", draw.between(60, 99)),
        "nottime" => draw
            .one(&["-1", "x", "", "1e400", "nan", "-0.0001", "inf"])
            .to_owned(),
        "wait" => format!("{{ms:{}}}", draw.between(60, 110)),
        _ => return None,
    })
}
