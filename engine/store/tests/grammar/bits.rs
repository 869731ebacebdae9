//! Strings as rows of bits, and what two strings have in common.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "bits",
    kinds: &[Kind::open("bits", 5)],
    rules: &[
        "setbit $bits $bitoffset $bit",
        "setbit $bits $bitoffset 1",
        "getbit $bits $bitoffset",
        "bitcount $bits",
        "bitcount $bits $index $index [byte|bit]",
        "bitcount $bits $index",
        "bitpos $bits $bit",
        "bitpos $bits $bit $index",
        "bitpos $bits $bit $index $index [byte|bit]",
        "bitop $combine $bits ($bits)+",
        "bitop not $bits $bits",
        "bitfield $bits get $integer $bitoffset",
        "bitfield $bits ([overflow sat|overflow wrap|overflow fail|overflow $integer] set $integer $bitoffset $int)+",
        "bitfield $bits ([overflow sat|overflow wrap|overflow fail] incrby $integer $bitoffset $int get $integer $bitoffset)+",
        "bitfield $bits overflow fail incrby u8 0 $int set i64 #1 $int get u63 #0",
        "bitfield $bits [overflow sat]",
        "bitfield_ro $bits (get $integer $bitoffset)+",
        "bitfield_ro $bits (get $integer $bitoffset)+ set $integer 0 1",
        "set $bits $value",
        "set $bits $ones",
        "append $bits $value",
        "strlen $bits",
        "get $bits",
        "del $bits",
        "lcs $bits $bits",
        "lcs $bits $str [len|idx|idx withmatchlen|len idx] [minmatchlen $few]",
        "set $bits $letters",
        "set $bits $letters",
        "lcs $bits $bits [len|idx|idx withmatchlen|len idx] [minmatchlen $index]",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "bit" => match draw.below(12) {
            0 => "2".to_owned(),
            1 => "-1".to_owned(),
            n => (n % 2).to_string(),
        },
        "bitoffset" => match draw.below(16) {
            0 => "-1".to_owned(),
            1 => "4294967296".to_owned(),
            2 => "#9223372036854775807".to_owned(),
            3..7 => format!("#{}", draw.below(6)),
            _ => draw.below(220).to_string(),
        },
        "integer" => match draw.below(12) {
            0 => draw
                .one(&["u64", "i65", "i0", "x8", "u", "i-1", "i08"])
                .to_owned(),
            1 => "i64".to_owned(),
            2 => "u63".to_owned(),
            n => format!(
                "{}{}",
                if n % 2 == 0 { "i" } else { "u" },
                1 + draw.below(63)
            ),
        },
        "combine" => draw.one(&["and", "or", "xor", "not", "nand"]).to_owned(),
        "ones" => "\u{7f}".repeat(draw.below(20) as usize),
        "letters" => {
            let len = draw.below(30);
            (0..len).map(|_| draw.one(&["a", "b", "c"])).collect()
        }
        _ => return None,
    })
}
