//! What is compared of replies that Redis leaves undefined in part: their order, the draw, the moment.

use seawall_store::Reply;

use super::Case;

/// Two moments that count as one, in milliseconds.
const MOMENT_MS: u64 = 2000;

/// The same members in any order.
pub fn unordered(case: &Case<'_>) -> bool {
    same_kind(case.ours, case.theirs) && sorted(case.ours, 1) == sorted(case.theirs, 1)
}

/// The same pairs in any order: a flat array in RESP2, a map or an array of arrays in RESP3.
pub fn unordered_pairs(case: &Case<'_>) -> bool {
    same_kind(case.ours, case.theirs) && sorted(case.ours, 2) == sorted(case.theirs, 2)
}

/// Times that differ by a moment: TTLs that are no signs.
pub fn moment(case: &Case<'_>) -> bool {
    let unit_ms = match case.words[0].to_ascii_lowercase().first() {
        Some(b'p') => 1,
        _ => 1000,
    };
    match (case.ours, case.theirs) {
        (Reply::Int(a), Reply::Int(b)) => {
            *a >= 0 && *b >= 0 && a.abs_diff(*b).saturating_mul(unit_ms) <= MOMENT_MS
        }
        _ => false,
    }
}

/// Seconds without a call that differ by a moment.
pub fn idle(case: &Case<'_>) -> bool {
    match (case.ours, case.theirs) {
        (Reply::Int(a), Reply::Int(b)) => *a >= 0 && *b >= 0 && a.abs_diff(*b) * 1000 <= MOMENT_MS,
        _ => false,
    }
}

/// A draw: of the same shape and number; and where the command before it listed all that could be drawn,
/// nothing else.
pub fn random(case: &Case<'_>) -> bool {
    let repeats = case
        .words
        .get(2)
        .is_some_and(|count| count.starts_with(b"-"));
    let pairs = case.words.len() > 3;
    let (Some(ours), Some(theirs)) = (drawn(case.ours, pairs), drawn(case.theirs, pairs)) else {
        return false;
    };
    let distinct = |draw: &[String]| {
        let mut sorted = draw.to_vec();
        sorted.sort();
        sorted.dedup();
        sorted.len() == draw.len()
    };
    if !same_kind(case.ours, case.theirs)
        || ours.len() != theirs.len()
        || !(repeats || distinct(&ours) && distinct(&theirs))
    {
        return false;
    }
    match case.before {
        Some((words, all, _)) if lists(words, case.words) => {
            let all = listed(words, all, pairs);
            ours.iter().all(|member| all.contains(member))
        }
        _ => true,
    }
}

/// Which command lists all that `words` may draw from.
fn lists(lister: &[Vec<u8>], words: &[Vec<u8>]) -> bool {
    let wanted: &[u8] = match words[0].to_ascii_lowercase().as_slice() {
        b"srandmember" | b"spop" => b"smembers",
        b"hrandfield" => b"hgetall",
        b"zrandmember" => b"zrange",
        _ => b"keys",
    };
    lister[0].eq_ignore_ascii_case(wanted) && (wanted == b"keys" || lister[1] == words[1])
}

/// The members of a draw, with their values where it has pairs.
fn drawn(reply: &Reply, pairs: bool) -> Option<Vec<String>> {
    match reply {
        Reply::Bulk(_) => Some(vec![format!("{:?}", [reply])]),
        Reply::Array(_) | Reply::Set(_) => Some(groups(reply, if pairs { 2 } else { 1 })),
        _ => None,
    }
}

/// All that could be drawn, as [`drawn`] shows it.
fn listed(words: &[Vec<u8>], reply: &Reply, pairs: bool) -> Vec<String> {
    let has_pairs = !matches!(
        words[0].to_ascii_lowercase().as_slice(),
        b"smembers" | b"keys"
    );
    match reply {
        Reply::Map(all) => all
            .iter()
            .map(|(key, value)| {
                if pairs {
                    format!("{:?}", [key, value])
                } else {
                    format!("{:?}", [key])
                }
            })
            .collect(),
        Reply::Array(_) | Reply::Set(_) if !has_pairs || pairs => {
            groups(reply, if has_pairs { 2 } else { 1 })
        }
        Reply::Array(items) => match items.first() {
            Some(Reply::Array(_)) => items
                .iter()
                .filter_map(|pair| match pair {
                    Reply::Array(pair) => Some(format!("{:?}", &pair[..1])),
                    _ => None,
                })
                .collect(),
            _ => items
                .chunks(2)
                .map(|pair| format!("{:?}", &pair[..1]))
                .collect(),
        },
        _ => Vec::new(),
    }
}

/// The first part of a walk from its beginning, where it is the whole: a cursor and members in any order.
/// Cursors that nobody gave out have nothing in common.
pub fn scan(case: &Case<'_>) -> bool {
    let keys = case.words[0].eq_ignore_ascii_case(b"scan");
    let cursor = if keys { 1 } else { 2 };
    let begins = case.words.get(cursor).is_some_and(|cursor| cursor == b"0");
    let group = match case.words[0].to_ascii_lowercase().as_slice() {
        b"hscan" | b"zscan" => 2,
        _ => 1,
    };
    match (case.ours, case.theirs) {
        (Reply::Array(a), Reply::Array(b)) if a.len() == 2 && b.len() == 2 => {
            let whole = |reply: &[Reply]| reply[0] == Reply::Bulk(b"0".to_vec());
            !(begins && whole(a) && whole(b))
                || groups(&a[1], group).len() == groups(&b[1], group).len()
                    && sorted(&a[1], group) == sorted(&b[1], group)
        }
        _ => false,
    }
}

/// A set that is not sorted has no order, so a part of it is any part.
pub fn sort(case: &Case<'_>) -> bool {
    let after = |name: &str| {
        let at = case
            .words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        at.and_then(|at| case.words.get(at + 1))
    };
    let unsorted = after("by").is_some_and(|pattern| !pattern.contains(&b'*'));
    match (case.ours, case.theirs) {
        (Reply::Array(a), Reply::Array(b)) if after("limit").is_some() => {
            unsorted && a.len() == b.len()
        }
        _ => unsorted && unordered(case),
    }
}

/// Encodings that Redis chooses by what was done before, not by what is there.
pub fn encoding(case: &Case<'_>) -> bool {
    let (Reply::Bulk(ours), Reply::Bulk(theirs)) = (case.ours, case.theirs) else {
        return false;
    };
    matches!(
        (ours.as_slice(), theirs.as_slice()),
        (b"listpack", b"skiplist") | (b"int", b"embstr") | (b"int" | b"embstr", b"raw")
    )
}

/// A small integer, which we hold as one and Redis as a copy.
pub fn shared(case: &Case<'_>) -> bool {
    *case.ours == Reply::Int(i64::from(i32::MAX)) && *case.theirs == Reply::Int(1)
}

/// Some bytes on either side.
pub fn some_bytes(case: &Case<'_>) -> bool {
    matches!((case.ours, case.theirs), (Reply::Int(a), Reply::Int(b)) if *a > 0 && *b > 0)
}

/// A table has no order, and a skip list may be one for `SORT`'s sake alone.
pub fn dump(case: &Case<'_>) -> bool {
    const SET: u8 = 2;
    const HASH: u8 = 4;
    const SKIP_LIST: u8 = 5;
    const PACKED: u8 = 17;
    match (case.ours, case.theirs) {
        (Reply::Bulk(a), Reply::Bulk(b)) => match (a[0], b[0]) {
            (HASH, HASH) | (SET, SET) => a.len() == b.len(),
            (PACKED, SKIP_LIST) => true,
            _ => false,
        },
        _ => false,
    }
}

fn same_kind(a: &Reply, b: &Reply) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The texts of a reply's members, or of its groups of so many.
fn groups(reply: &Reply, group: usize) -> Vec<String> {
    match reply {
        Reply::Map(pairs) => pairs
            .iter()
            .map(|(key, value)| format!("{:?}", [key, value]))
            .collect(),
        // Where RESP3 has an array of arrays, a group is one of them.
        Reply::Array(items) | Reply::Set(items) => items
            .chunks(if matches!(items.first(), Some(Reply::Array(_))) {
                1
            } else {
                group
            })
            .map(|part| match part {
                [Reply::Array(pair)] => format!("{pair:?}"),
                part => format!("{part:?}"),
            })
            .collect(),
        other => vec![format!("{other:?}")],
    }
}

fn sorted(reply: &Reply, group: usize) -> Vec<String> {
    let mut texts = groups(reply, group);
    texts.sort();
    texts
}
