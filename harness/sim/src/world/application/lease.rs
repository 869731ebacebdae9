//! Leases: of those who miss a key one is to fetch it, and its fill counts only if nobody wrote the row since.
//!
//! They are the live store's, as Memcached's meta commands give them: `mg k N… v c` makes an empty item for
//! whoever misses first (`W`, with the number that names the lease) and tells the others to wait (`Z`); `ms k … C…`
//! fills it if it is still that item; deleting the key ends the lease (Nishtala et al., NSDI 2013, section 3.2.1).

use seawall_cluster::Nanos;
use seawall_store::command::memcached::{META_GET_CREATE, META_SET};
use seawall_store::{Op, Reply};
use seawall_workloads::rows::Rows;

/// After how long one who waits looks again: the paper says that data is mostly there within a few milliseconds.
pub(super) const WAIT: Nanos = Nanos::from_millis(5);

/// How often one waits before asking the database without a lease: whoever has it may have died.
pub(super) const WAITS_MAX: u32 = 200;

/// What a look found.
pub(super) enum Found<'a> {
    /// A value; with the number that names it, where leases are asked for.
    Value(&'a [u8], Option<u64>),
    /// Nothing; with the lease, if it was given.
    Nothing(Option<u64>),
    /// Somebody else has the lease.
    Leased,
}

/// A look that takes the lease where there is nothing.
pub(super) fn look(rows: &mut Rows, prefix: u8, row: u64, lease_s: u64) -> Op {
    let op = rows.op(&META_GET_CREATE, prefix, row);
    op.arg(format!("N{lease_s}")).arg("v").arg("c")
}

/// A fill that counts if the lease still holds.
pub(super) fn fill(
    rows: &mut Rows,
    prefix: u8,
    row: u64,
    version: u32,
    lease: u64,
    expiry: Option<Nanos>,
) -> Op {
    let op = rows.op(&META_SET, prefix, row);
    let op = op.arg(rows.value(row, version)).arg(format!("C{lease}"));
    with_seconds(op, expiry)
}

/// What lies in the cache before the run: kept as a fill is, so that looking at it changes nothing.
pub(super) fn loaded(rows: &mut Rows, prefix: u8, row: u64, expiry: Option<Nanos>) -> Op {
    let op = rows.op(&META_SET, prefix, row);
    with_seconds(op.arg(rows.value(row, 0)), expiry)
}

/// Memcached counts in seconds; none would mean for ever.
fn with_seconds(op: Op, expiry: Option<Nanos>) -> Op {
    match expiry {
        None => op,
        Some(expiry) => op.arg(format!("T{}", expiry.millis().0.div_ceil(1000))),
    }
}

/// What the answer to a look says; `None` where it is none.
pub(super) fn found(reply: &Reply) -> Option<Found<'_>> {
    match reply {
        Reply::Nil => Some(Found::Nothing(None)),
        Reply::Bulk(bytes) if bytes.starts_with(b"VA ") => meta(bytes),
        Reply::Bulk(value) => Some(Found::Value(value, None)),
        _ => None,
    }
}

fn meta(bytes: &[u8]) -> Option<Found<'_>> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, value) = (&bytes[..end], bytes[end + 2..].strip_suffix(b"\r\n")?);
    let mut words = line.split(|byte| *byte == b' ').skip(2);
    let is_won = words.clone().any(|word| word == b"W");
    let number = words.find_map(|word| word.strip_prefix(b"c"));
    let number = number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    if !value.is_empty() {
        return Some(Found::Value(value, number));
    }
    if is_won {
        return Some(Found::Nothing(number));
    }
    Some(Found::Leased)
}

/// Whether a fill was kept out.
pub(super) fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Reply::Bulk(bytes) if bytes.starts_with(b"EX") || bytes.starts_with(b"NF"))
}

#[cfg(test)]
mod tests {
    use seawall_store::command::key;
    use seawall_store::{Millis, Out, Shard};

    use super::*;
    use crate::world::empty_shard;

    fn ask(shard: &mut Shard, op: &Op) -> Reply {
        let mut out = Out::default();
        shard.apply(Millis(1000), op, &mut out);
        Reply::Bulk(out.reply.as_bytes().to_vec())
    }

    #[test]
    fn one_gets_the_lease_and_its_fill_counts_unless_the_row_was_written() {
        let rows = Rows::shared("cache-aside:keys=10", 1, 0).expect("it is a workload");
        let mut rows = rows.expect("it has rows");
        let mut shard = empty_shard("lru");
        let look = look(&mut rows, b'r', 3, 10);
        let first = ask(&mut shard, &look);
        let Some(Found::Nothing(Some(lease))) = found(&first) else {
            panic!("{first:?} gives no lease");
        };
        assert!(matches!(
            found(&ask(&mut shard, &look)),
            Some(Found::Leased)
        ));
        // The row is written: the lease is over, and the next one gets another.
        let mut out = Out::default();
        shard.apply(Millis(1000), &rows.op(&key::DEL, b'r', 3), &mut out);
        let late = fill(&mut rows, b'r', 3, 1, lease, None);
        assert!(is_refused(&ask(&mut shard, &late)));
        let second = ask(&mut shard, &look);
        let Some(Found::Nothing(Some(newer))) = found(&second) else {
            panic!("{second:?} gives no lease");
        };
        assert!(
            is_refused(&ask(&mut shard, &late)),
            "the old lease is not the new one"
        );
        let right = fill(&mut rows, b'r', 3, 2, newer, Some(Nanos::from_millis(500)));
        assert!(!is_refused(&ask(&mut shard, &right)));
        let filled = ask(&mut shard, &look);
        let Some(Found::Value(value, _)) = found(&filled) else {
            panic!("{filled:?} is no value");
        };
        assert_eq!(rows.version_of(3, value), Ok(2));
    }
}
