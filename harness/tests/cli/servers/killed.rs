//! Servers that are killed when the clock stops, and come back: what they lost is told.

use serde_json::Value;

use super::{cell, is_here};
use crate::{entries, folder, must_end};

fn number(row: &Value, field: &str) -> f64 {
    let number = row[field].as_f64();
    number.unwrap_or_else(|| panic!("no {field} in {row}"))
}

#[test]
fn what_a_killed_server_lost_is_told() {
    let here = folder();
    for (program, wire) in [
        ("seawall", "resp"),
        ("seawall", "meta"),
        ("redis-server", "resp"),
    ] {
        if !is_here(program) {
            continue;
        }
        let target = format!("spawn:{program}:wire={wire}");
        let workload = "plain:op=set:keys=500";
        let log = ["end=kill", "appendonly=yes", "appendfsync=everysec"];
        let row = cell(here.path(), &target, workload, &log);
        // 300 ms, a write a millisecond at most.
        assert!(
            (10.0..301.0).contains(&number(&row, "witness_acked")),
            "{row}"
        );
        // What was given to the system outlives the process.
        assert_eq!(
            (number(&row, "witness_lost"), number(&row, "lost_ms")),
            (0.0, 0.0),
            "{row}"
        );
        assert!(number(&row, "restart_ms") > 0.0, "{row}");
        assert!(number(&row, "disk_bytes") > 1000.0, "{row}");
        assert!(number(&row, "payload_bytes") > 1000.0, "{row}");
        // Without a log all is lost: whoever sees no loss there sees none anywhere.
        let row = cell(here.path(), &target, workload, &["end=kill"]);
        assert_eq!(
            number(&row, "witness_lost"),
            number(&row, "witness_acked"),
            "{row}"
        );
        assert!((50.0..2000.0).contains(&number(&row, "lost_ms")), "{row}");
    }
    if is_here("memcached") {
        let row = cell(
            here.path(),
            "spawn:memcached",
            "plain:op=set:keys=500",
            &["end=kill"],
        );
        assert_eq!(
            number(&row, "witness_lost"),
            number(&row, "witness_acked"),
            "{row}"
        );
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn who_cannot_be_killed_says_so() {
    let here = folder();
    for target in ["embedded", "resp://127.0.0.1:1"] {
        let arguments = [
            "bench",
            "--workload",
            "plain:op=get:keys=100",
            "--target",
            target,
            "--config",
            "end=kill",
        ];
        must_end(here.path(), &arguments, 2, &["`end` cannot be set"]);
    }
    let arguments = [
        "bench",
        "--workload",
        "cache-aside",
        "--config",
        "end=crash",
    ];
    must_end(
        here.path(),
        &arguments,
        2,
        &["`end` cannot be `crash`, expected stop or kill"],
    );
    let arguments = ["bench", "--workload", "cache-aside", "--config", "save=60"];
    must_end(
        here.path(),
        &arguments,
        2,
        &["`save` cannot be `60`", "pairs of seconds and changes"],
    );
}
