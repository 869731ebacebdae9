//! What is compared of replies that Redis leaves undefined in part: their order, the moment of the call.

use seawall_store::Reply;

/// Times that differ by less than five seconds.
pub fn moment(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Int(a), Reply::Int(b)) => *a > 0 && *b > 0 && a.abs_diff(*b) < 5000,
        _ => false,
    }
}

/// The same members in any order.
pub fn unordered(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    same_kind(ours, theirs) && sorted(ours, 1) == sorted(theirs, 1)
}

/// The same pairs in any order: a flat array in RESP2, a map or an array of arrays in RESP3.
pub fn unordered_pairs(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    same_kind(ours, theirs) && sorted(ours, 2) == sorted(theirs, 2)
}

/// Members at random, or pairs where a word follows the count. All of them are the same in any order; draws
/// with repetition (a negative count) or of one have nothing in common but their number.
pub fn random(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Bulk(_), Reply::Bulk(_)) => true,
        (Reply::Array(a), Reply::Array(b)) if words[2].starts_with(b"-") => a.len() == b.len(),
        _ if words.len() > 3 => unordered_pairs(words, ours, theirs),
        _ => unordered(words, ours, theirs),
    }
}

/// So many members, taken at random.
pub fn taken(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Bulk(_), Reply::Bulk(_)) => true,
        (Reply::Array(a), Reply::Array(b)) | (Reply::Set(a), Reply::Set(b)) => a.len() == b.len(),
        _ => false,
    }
}

/// A cursor and pairs in any order. Cursors that nobody gave out have nothing in common.
pub fn scan_pairs(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    scan(words, ours, theirs, 2)
}

/// A cursor and members in any order. Cursors that nobody gave out have nothing in common.
pub fn scan_members(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    scan(words, ours, theirs, 1)
}

fn scan(words: &[Vec<u8>], ours: &Reply, theirs: &Reply, group: usize) -> bool {
    match (ours, theirs) {
        _ if words.get(2).is_some_and(|cursor| cursor != b"0") => true,
        (Reply::Array(a), Reply::Array(b)) => {
            a[0] == b[0] && sorted(&a[1], group) == sorted(&b[1], group)
        }
        _ => false,
    }
}

fn same_kind(a: &Reply, b: &Reply) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The texts of a reply's members, or of its groups of so many, sorted.
fn sorted(reply: &Reply, group: usize) -> Vec<String> {
    let mut texts: Vec<String> = match reply {
        Reply::Map(pairs) => pairs.iter().map(|pair| format!("{pair:?}")).collect(),
        // Where RESP3 has an array of arrays, a group is one of them.
        Reply::Array(items) if items.iter().all(|item| matches!(item, Reply::Array(_))) => {
            items.iter().map(|item| format!("{item:?}")).collect()
        }
        Reply::Array(items) | Reply::Set(items) => {
            items.chunks(group).map(|g| format!("{g:?}")).collect()
        }
        other => vec![format!("{other:?}")],
    };
    texts.sort();
    texts
}
