//! Lists.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "lists",
    kinds: &[Kind::open("list", 4)],
    rules: &[
        "lpush $list ($element)+",
        "rpush $list ($element)+",
        "rpush $list $element $element $element $element $element $element $element $element",
        "lpush $list $element $element $element $element $element $element $element $element",
        "rpush $list $longelement $element $longelement",
        "lpushx $list ($element)+",
        "rpushx $list ($element)+",
        "lpop $list [$few]",
        "rpop $list [$few]",
        "lmpop 1 $list $side [count $few]",
        "lmpop 2 $list $list $side [count $few]",
        "lmpop $few $list $list $side count $few",
        "llen $list",
        "lrange $list $index $index",
        "lrange $list 0 -1",
        "lindex $list $index",
        "lset $list $index $element",
        "lset $list $index $longelement",
        "linsert $list $where $element $element",
        "linsert $list $where $element $longelement",
        "lrem $list $between $element",
        "lrem $list $index $element",
        "ltrim $list $begin $end",
        "ltrim $list $index $index",
        "lpos $list $element [rank $between] [count $few] [maxlen $few]",
        "lpos $list $element rank $index [count $index]",
        "lmove $list $list $side $side",
        "rpoplpush $list $list",
        "blpop $list $timeout",
        "blpop ($list)+ $timeout",
        "brpop ($list)+ $timeout",
        "blmpop $timeout 2 $list $list $side [count $few]",
        "blmove $list $list $side $side $timeout",
        "brpoplpush $list $list $timeout",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "element" => match draw.below(12) {
            0 => draw.value("value"),
            _ => format!("e{}", draw.below(6)),
        },
        "longelement" => {
            let lengths = [60, 130, 1000, 4090, 5000];
            let len = lengths[draw.below(lengths.len() as u64) as usize];
            format!("e{}", "y".repeat(len))
        }
        "between" => draw.between(-3, 4).to_string(),
        "begin" => draw.between(-1, 3).to_string(),
        "end" => draw.between(-4, 20).to_string(),
        "side" => draw.one(&["left", "right", "LEFT", "Right"]).to_owned(),
        "where" => draw.one(&["before", "after", "AFTER"]).to_owned(),
        "timeout" => {
            let known = [
                "0", "0", "0.5", "1e3", "inf", "-1", "-0.0001", "1e400", "0x10",
            ];
            draw.one(&known).to_owned()
        }
        _ => return None,
    })
}
