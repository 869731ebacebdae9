//! A trace that is read anew for each cell is replayed as one in memory is.

use std::path::Path;

use seawall_lab::admission::AdmissionSpec;
use seawall_lab::{Grid, Size, Source, Subject, Unit};
use seawall_report::row::LabRow;
use seawall_workloads::trace::{Op, Stream, Trace};

/// Two blocks of requests; a second begins in one and ends in the other.
const REQUESTS: u64 = 80_000;
const REQUESTS_A_SECOND: u64 = 30_011;

fn mixed(number: u64) -> u64 {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread ^ (spread >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

/// Writes a trace: time, number, size, op, TTL.
fn write(path: &Path, requests: u64, only_gets: bool) {
    let line = |request: u64| {
        let random = mixed(request);
        // A product of what is evenly spread: small numbers are popular.
        let object = (random % 200) * (random / 200 % 200);
        let op = match random / 40_000 % 12 {
            0 => Op::Delete,
            1..=3 => Op::Set,
            _ => Op::Get,
        };
        let (op, ttl) = if only_gets {
            (Op::Get, 0)
        } else {
            (op, random / 500_000 % 4)
        };
        let (time, size) = (request / REQUESTS_A_SECOND, 1 + object % 90);
        format!("{time},{object},{size},{},{ttl}\n", op.name())
    };
    let text: String = (0..requests).map(line).collect();
    std::fs::write(path, text).expect("a folder for the test");
}

fn rows<'t>(trace: impl Into<Source<'t>>, unit: Unit) -> Vec<LabRow> {
    // Marks of each rule, ghosts, numbers of objects, expiry, lots.
    let policies =
        "fifo,lru,clock:bits=2,sieve,s3fifo,arc,lfu,wtinylfu,allkeys-lru,allkeys-lfu,volatile-ttl";
    let policies = Subject::parse_list(policies).expect("policies");
    let bloom = AdmissionSpec::parse_list("bloom").expect("an admission");
    let subjects = [Subject::behind(&policies[..1], &bloom), policies].concat();
    let sizes = Size::parse_list("5%").expect("a size");
    let grid = Grid::new(trace, &subjects, &sizes, unit, 1).expect("a grid");
    let mut rows = Vec::new();
    grid.counted(30_000, 3)
        .run(2, &mut |replayed| rows.push(replayed.row))
        .expect("the file is there");
    rows
}

#[test]
fn cells_are_those_of_the_trace_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    let format = "csv:time=1:object=2:size=3:op=4:ttl=5"
        .parse()
        .expect("a format");
    for only_gets in [true, false] {
        write(&path, REQUESTS, only_gets);
        let mut held = Trace::read(&path, Some(&format), &mut |_| {}).expect("a trace");
        let mut stream = Stream::open(&path, Some(&format), &mut |_| {}).expect("a trace");
        if only_gets {
            (held, stream) = (held.as_gets_alone(), stream.as_gets_alone());
        }
        if !only_gets {
            let room = |size, expires| u64::from(size) + if expires { 24 } else { 16 };
            held = held.with_sizes(room);
            stream = stream.with_sizes(room).expect("the file is there");
        }
        assert_eq!(held.outline(), stream.outline());
        let unit = if only_gets {
            Unit::Objects
        } else {
            Unit::Bytes
        };
        let (expected, found) = (rows(&held, unit), rows(&stream, unit));
        assert_eq!((expected.len(), found.len()), (12, 12));
        for (expected, found) in expected.iter().zip(&found) {
            let text = |row| serde_json::to_string(row).expect("JSON");
            assert_eq!(text(expected), text(found));
            assert!(expected.misses > 0 && expected.misses < expected.requests);
        }
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    let format = "csv:time=1:object=2:size=3:op=4:ttl=5"
        .parse()
        .expect("a format");
    write(&path, 2_000, false);
    let stream = Stream::open(&path, Some(&format), &mut |_| {}).expect("a trace");
    for requests in [1_999, 2_001, REQUESTS] {
        write(&path, requests, false);
        let error = stream.each(&mut |_| {}).expect_err("another file");
        let words = error.to_string();
        assert!(words.contains("is not what it was"), "{words}");
    }
    let subjects = Subject::parse_list("lru").expect("a policy");
    let sizes = Size::parse_list("7").expect("a size");
    let grid = Grid::new(&stream, &subjects, &sizes, Unit::Objects, 1).expect("a grid");
    assert!(grid.run(1, &mut |_| {}).is_err());
}
