//! `HyperLogLog`s: what they answer, and the bytes that they are.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "hyperloglogs",
    kinds: &[Kind::open("hll", 4)],
    rules: &[
        "pfadd $hll ($seen)+",
        "pfadd $hll ($seen $seen $seen $seen $seen $seen $seen $seen $seen $seen $seen $seen)+",
        "pfadd $hll ($seen $seen $seen $seen $seen $seen $seen $seen $seen $seen $seen $seen)+",
        "pfadd $hll",
        "pfcount $hll",
        "pfcount ($hll)+",
        "pfmerge $hll ($hll)+",
        "pfmerge $hll",
        "pfdebug encoding $hll",
        "pfdebug decode $hll",
        "pfdebug todense $hll",
        "pfdebug getreg $hll",
        "pfdebug $seen $hll",
        "get $hll",
        "strlen $hll",
        "copy $hll $hll",
        "del $few $hll",
        "set $hll $value",
        "setrange $hll 8 $value",
        "dump $hll",
    ],
    draw,
    loose: &[],
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "seen" => match draw.below(30) {
            0 => draw.value("value"),
            _ => format!("seen:{}", draw.below(4000)),
        },
        _ => return None,
    })
}
