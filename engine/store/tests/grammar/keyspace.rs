//! The keyspace: keys renamed, copied, listed, inspected, dumped, sorted.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "keyspace",
    kinds: &[Kind::open("num", 3)],
    rules: &[
        "rename $openkey $openkey",
        "renamenx $openkey $openkey",
        "copy $openkey $openkey [replace]",
        "copy $openkey $openkey [replace] db $database [replace]",
        "move $openkey $database",
        "swapdb $database $database",
        "object encoding $key",
        "object refcount $key",
        "object idletime $key",
        "object freq $key",
        "memory usage $key samples $negative",
        "memory usage nokey [samples $few]",
        "scan 0 [match $keypattern] count 100000 [type $type]",
        "scan $few count $negative",
        "keys $keypattern",
        "randomkey",
        "dump $key",
        "restore $openkey $few $value [replace] [absttl|idletime $few|freq $few]",
        "restore $openkey 0 $payload [replace]",
        "restore $openkey $ms $payload [replace] [idletime $few|freq $few]",
        "rpush $num $int $float $int $int",
        "rpush $num $int $int $value",
        "del $num",
        "set $weight $float",
        "set $weight $int",
        "hset $weighthash f $float",
        "sort $num [asc|desc] [limit $index $index] [get $pattern] [get #]",
        "sort $num [alpha] [desc] [limit $index $index] [get $pattern|get $pattern get $pattern]",
        "sort $num by $pattern [desc] [limit $index $index] [get #|get $pattern]",
        "sort $num [alpha] [desc] [limit $index $index] [get $pattern] store $openkey",
        "sort $num by $pattern [get $pattern] store $openkey",
        "sort $list by nosort [desc] [limit $few $few]",
        "sort $set [alpha] [desc] [limit $index $index]",
        "sort $set alpha by nosort store $openkey",
        "sort $zset by $constant [desc] [limit $index $index] [get $pattern]",
        "sort_ro $num [alpha] [desc] [limit $index $index] [get $pattern] [store $num]",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "database" => match draw.below(10) {
            0 => "16".to_owned(),
            1 => "0".to_owned(),
            _ => draw.between(1, 16).to_string(),
        },
        "keypattern" => {
            let patterns = [
                "*",
                "str*",
                "*:1",
                "hash:?",
                "[hl]*",
                "list:[0-1]",
                "nokey",
                "\\*",
                "n[^x]m*",
            ];
            draw.one(&patterns).to_owned()
        }
        "type" => {
            let types = ["string", "list", "hash", "zset", "set", "nosuch", "STRING"];
            draw.one(&types).to_owned()
        }
        // A string or a list, whose checksums happen to be text.
        "payload" => {
            let payloads = [
                "\x00\x04p267\n\x00Q\x007$3|\x11-",
                "\x00\x04p557\n\x00j%[*vZu\x18",
                "\x01\x02\x01a\x04p315\n\x00Z\"R\x1d\x00an,",
                "\x01\x02\x01a\x04p425\n\x00a\x07>\x13EG\n\x19",
            ];
            draw.one(&payloads).to_owned()
        }
        "weight" => format!("w_{}", draw.between(-20, 20)),
        "weighthash" => format!("wh_{}", draw.between(-20, 20)),
        "pattern" => {
            let patterns = [
                "w_*",
                "wh_*->f",
                "wh_*->nofield",
                "w_*->f",
                "wh_*",
                "nokey_*",
                "*",
                "w_*->",
            ];
            draw.one(&patterns).to_owned()
        }
        "constant" => draw.one(&["nosort", "x", "#"]).to_owned(),
        _ => return None,
    })
}
