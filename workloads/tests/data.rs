//! The repository's own trace is what its README says it is.

use std::collections::{HashMap, HashSet};

/// A record of libCacheSim's `oracleGeneral`, read here by hand: the counts are checked apart from the
/// reader that the lab uses.
struct Record {
    second: u32,
    id: u64,
    size: u32,
    next: i64,
}

fn records() -> Vec<Record> {
    let bytes =
        zstd::decode_all(&include_bytes!("../data/dev-session.oracleGeneral.zst")[..]).unwrap();
    assert_eq!(bytes.len() % 24, 0, "whole records");
    let record = |bytes: &[u8]| Record {
        second: u32::from_le_bytes(bytes[..4].try_into().unwrap()),
        id: u64::from_le_bytes(bytes[4..12].try_into().unwrap()),
        size: u32::from_le_bytes(bytes[12..16].try_into().unwrap()),
        next: i64::from_le_bytes(bytes[16..].try_into().unwrap()),
    };
    bytes.chunks_exact(24).map(record).collect()
}

#[test]
fn the_trace_has_the_counts_of_its_readme() {
    let records = records();
    let ids: HashSet<u64> = records.iter().map(|record| record.id).collect();
    let files: HashSet<u64> = ids.iter().map(|id| id >> 24).collect();
    assert_eq!(
        (records.len(), ids.len(), files.len()),
        (314_979, 139_219, 17_776)
    );
    let readme = include_str!("../data/README.md");
    let counts = "314,979 requests for 139,219 objects in 17,776 files";
    assert!(readme.contains(counts), "the README tells other counts");
    assert!(records.iter().all(|record| record.size == 4096));
}

#[test]
fn every_record_points_to_the_next_request_for_its_object() {
    let mut next = HashMap::new();
    for (index, record) in records().iter().enumerate().rev() {
        let right = next.insert(record.id, index as i64).unwrap_or(-1);
        assert_eq!(record.next, right, "record {index}");
    }
}

#[test]
fn time_begins_at_0_and_goes_on() {
    let records = records();
    assert_eq!(records[0].second, 0);
    // Calls are in the order in which they ended and carry the time at which they began.
    for (index, pair) in records.windows(2).enumerate() {
        assert!(pair[0].second <= pair[1].second + 5, "record {index}");
    }
    assert!(records.iter().map(|record| record.second).max() < Some(600));
}
