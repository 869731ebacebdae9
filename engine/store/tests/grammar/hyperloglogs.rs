//! `HyperLogLog`s: what they answer, and the bytes that they are.

use super::{Draw, Family};

/// How its keys begin.
pub const SKETCH: &str = "sketch";

pub const FAMILY: Family = Family {
    name: "hyperloglogs",
    // Not a kind: a command for strings would corrupt one, and what Redis then changes before it complains
    // is not told to its replicas.
    kinds: &[],
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
        "setrange $hll 8 $card",
        "dump $hll",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "hll" => match draw.below(16) {
            0 => draw.value("openkey"),
            n => format!("{SKETCH}:{}", n % 4),
        },
        "card" => draw.one(&["", "\0", "abc", "12345678"]).to_owned(),
        "seen" => match draw.below(30) {
            0 => draw.value("value"),
            _ => format!("seen:{}", draw.below(4000)),
        },
        _ => return None,
    })
}
