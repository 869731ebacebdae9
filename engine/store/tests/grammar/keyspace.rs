//! The keyspace: keys renamed, copied, listed, inspected, dumped, sorted.

use seawall_store::Reply;

use super::{Draw, Family, Kind, loose};

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
    loose: &[
        ("object", object),
        ("memory", usage),
        ("scan", scan),
        ("keys", loose::unordered),
        ("randomkey", any_key),
        ("dump", dump),
        ("sort", sort),
        ("sort_ro", sort),
    ],
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

/// Encodings that Redis chooses by what was done before, not by what is there: `SORT` turns a sorted set
/// into a skip list for good, a sum of floats is never `int`, and a bit that is set to what it was
/// makes a string raw. Copies of small integers are no shared objects. Times differ by the moment.
fn object(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Int(n) => n.to_string(),
        other => format!("{other:?}"),
    };
    let (ours, theirs) = (text(ours), text(theirs));
    match words
        .get(1)
        .map(|word| word.to_ascii_lowercase())
        .as_deref()
    {
        Some(b"encoding") => matches!(
            (ours.as_str(), theirs.as_str()),
            ("listpack", "skiplist") | ("int", "embstr") | ("int" | "embstr", "raw")
        ),
        Some(b"refcount") => ours == "2147483647" && theirs == "1",
        Some(b"idletime") => {
            let seconds = |text: &str| text.parse::<i64>();
            matches!((seconds(&ours), seconds(&theirs)), (Ok(a), Ok(b)) if (a - b).abs() < 5)
        }
        _ => false,
    }
}

/// How many bytes a key takes is each store's own.
fn usage(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    matches!((ours, theirs), (Reply::Int(a), Reply::Int(b)) if *a > 0 && *b > 0)
}

/// A whole walk shows the same keys; cursors that nobody gave out have nothing in common.
fn scan(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    if words.get(1).is_some_and(|cursor| cursor != b"0") {
        return true;
    }
    match (ours, theirs) {
        (Reply::Array(a), Reply::Array(b)) => {
            let small = words.len() < 4;
            small || a[0] == b[0] && loose::unordered(words, &a[1], &b[1])
        }
        _ => false,
    }
}

/// A set that is not sorted has no order, so a part of it is any part.
fn sort(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    let after = |name: &str| {
        let at = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        at.and_then(|at| words.get(at + 1))
    };
    let unsorted = after("by").is_some_and(|pattern| !pattern.contains(&b'*'));
    match (ours, theirs) {
        (Reply::Array(a), Reply::Array(b)) if after("limit").is_some() => {
            unsorted && a.len() == b.len()
        }
        _ => unsorted && loose::unordered(words, ours, theirs),
    }
}

fn any_key(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    matches!((ours, theirs), (Reply::Bulk(_), Reply::Bulk(_)))
}

/// A table has no order, and a skip list may be one for `SORT`'s sake alone.
fn dump(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    const SET: u8 = 2;
    const HASH: u8 = 4;
    const SKIP_LIST: u8 = 5;
    const PACKED: u8 = 17;
    match (ours, theirs) {
        (Reply::Bulk(a), Reply::Bulk(b)) => match (a[0], b[0]) {
            (HASH, HASH) | (SET, SET) => a.len() == b.len(),
            (PACKED, SKIP_LIST) => true,
            _ => false,
        },
        _ => false,
    }
}
