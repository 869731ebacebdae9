//! Sets.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "sets",
    kinds: &[Kind::open("set", 4), Kind::open("ints", 3)],
    rules: &[
        "sadd $set ($name)+",
        "sadd $set $manyname $manyname $manyname $manyname $manyname $manyname $manyname",
        "sadd $ints ($smallint)+",
        "sadd $ints $manyint $manyint $manyint $manyint $manyint $manyint $manyint $manyint",
        "sadd $ints $int",
        "srem $set ($name)+",
        "srem $set ($manyname)+",
        "srem $ints ($smallint)+",
        "sismember $anyset $name",
        "sismember $ints $smallint",
        "smismember $anyset ($name)+",
        "smismember $ints $smallint $manyint $name $int",
        "scard $anyset",
        "smembers $anyset",
        "spop $anyset",
        "spop $anyset $few",
        "spop $set 1000",
        "srandmember $anyset",
        "srandmember $anyset 0",
        "srandmember $anyset 1000",
        "srandmember $anyset $negative",
        "smove $anyset $anyset $name",
        "smove $ints $anyset $smallint",
        "sinter ($anyset)+",
        "sintercard 1 $anyset",
        "sintercard 2 $anyset $anyset [limit $few]",
        "sintercard $few $anyset $anyset [limit $few]",
        "sinterstore $anyset ($anyset)+",
        "sinterstore $anyset $set $set",
        "sunion ($anyset)+",
        "sunionstore $anyset ($anyset)+",
        "sdiff ($anyset)+",
        "sdiffstore $anyset ($anyset)+",
        "sdiffstore $anyset $set $ints",
        "sscan $anyset 0 [match $glob] count 100000",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "anyset" => {
            let kind = if draw.below(3) == 0 { "ints" } else { "set" };
            draw.value(kind)
        }
        "name" => match draw.below(12) {
            0 => draw.value("value"),
            1 => draw.value("smallint"),
            _ => format!("m{}", draw.below(12)),
        },
        "manyname" => match draw.below(60) {
            0 => "m".repeat(60 + draw.below(10) as usize),
            _ => format!("m{}", draw.below(400)),
        },
        "smallint" => draw.between(-10, 20).to_string(),
        "manyint" => match draw.below(60) {
            0 => draw.between(-40_000, 40_000).to_string(),
            1 => (draw.between(-4, 4) << 32).to_string(),
            _ => draw.between(-100, 900).to_string(),
        },
        "glob" => {
            let globs = ["*", "m1*", "m?", "[0-9]", "-*", "*5", "x*"];
            draw.one(&globs).to_owned()
        }
        _ => return None,
    })
}
