//! Servers that the program starts: driven, told apart, and gone again, however it ends.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::{cell, is_here, long_cell, send, servers_of, wait_until};
use crate::{entries, folder, seawall};

#[test]
fn a_spawned_server_is_driven_told_apart_and_gone() {
    let here = folder();
    for (program, workload) in [
        ("seawall", "cache-aside:keys=2000"),
        ("seawall", "session:sessions=500"),
        ("seawall", "leaderboard:players=500:boards=5"),
        ("seawall", "geo:couriers=500"),
        ("redis-server", "cache-aside:keys=2000"),
        ("redis-server", "session:sessions=500"),
        ("redis-server", "leaderboard:players=500:boards=5"),
        ("redis-server", "geo:couriers=500"),
        ("memcached", "cache-aside:keys=2000"),
        ("memcached:wire=classic", "cache-aside:keys=2000"),
        ("seawall:wire=meta", "cache-aside:keys=2000"),
        ("seawall:wire=classic", "cache-aside:keys=2000"),
    ] {
        let (name, wire) = program.split_once(":wire=").unwrap_or((program, ""));
        if !is_here(name) {
            continue;
        }
        let target = format!("spawn:{program}");
        let row = cell(here.path(), &target, workload, &["pipeline=4"]);
        assert_eq!(
            (&row["target"], &row["errors"]),
            (&Value::from(target), &0.into())
        );
        assert!(row["ops"].as_u64() > Some(0), "{row}");
        assert!(row["server_version"].as_str() > Some(""), "{row}");
        assert_eq!(row["server"], name.trim_end_matches("-server"), "{row}");
        let file = row["server_path"].as_str().expect("a path");
        assert!(file.ends_with(name), "{row}");
        let first = match name {
            "memcached" => "meta",
            _ => "resp",
        };
        assert_eq!(row["wire"], if wire.is_empty() { first } else { wire });
        // A server that did nothing but this costs less than a millisecond and is larger than its code.
        let cost = row["cpu_us_per_op"].as_f64().expect("a cost");
        assert!(cost > 0.0 && cost < 1e3, "{row}");
        assert!(row["rss_bytes"].as_u64() > Some(1 << 20), "{row}");
        assert!(row["generator_cpu_share"].as_f64() > Some(0.0), "{row}");
        // Seawall counts no lookups of Memcached's clients.
        let counts = name != "seawall" || wire.is_empty();
        if workload.starts_with("cache-aside") && counts {
            assert!(row["hit_ratio"].as_f64() > Some(0.5), "{row}");
        }
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn the_ceiling_counts_every_request() {
    let here = folder();
    let row = cell(
        here.path(),
        "limit",
        "session:sessions=500",
        &["pipeline=4"],
    );
    let (ops, counted) = (row["ops"].as_u64(), row["requests_total"].as_u64());
    // What was loaded and what warmed up is counted, too.
    assert!(ops > Some(0) && counted > ops, "{row}");
    assert!(row["cpu_us_per_op"].as_f64() > Some(0.0), "{row}");
    assert!(row["generator_cpu_share"].as_f64() > Some(0.0), "{row}");
}

#[test]
fn the_configuration_reaches_the_server() {
    let here = folder();
    for program in ["redis-server", "seawall"] {
        if !is_here(program) {
            continue;
        }
        let target = format!("spawn:{program}");
        // What does not fit in 3 MB is evicted, so that some lookups miss.
        let config = [
            "maxmemory=3mb",
            "maxmemory-policy=allkeys-lru",
            "pipeline=16",
        ];
        let row = cell(here.path(), &target, "cache-aside:keys=40000", &config);
        assert!(row["hit_ratio"].as_f64() < Some(0.97), "{row}");
        let config = ["appendonly=yes", "appendfsync=always"];
        let row = cell(here.path(), &target, "session:sessions=100", &config);
        assert_eq!(row["errors"], 0, "{row}");
    }
    assert!(entries(here.path()).is_empty(), "their logs are gone");
}

#[test]
fn a_rate_is_kept_on_a_server() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let target = "spawn:redis-server";
    let row = cell(here.path(), target, "session:sessions=500", &["rate=1000"]);
    let rate = row["ops_per_s"].as_f64().expect("a rate");
    // 300 ops by Poisson: six standard deviations are about a third.
    assert!((650.0..1350.0).contains(&rate), "{row}");
    assert!(row["unfinished"].as_u64().is_some(), "{row}");
}

/// Waits until the server that was started from `here` says that it is ready.
fn await_ready(here: &Path) {
    let says_so = || {
        let folders = std::fs::read_dir(here).expect("a folder");
        folders.flatten().any(|folder| {
            let output = std::fs::read_to_string(folder.path().join("output.txt"));
            output.is_ok_and(|output| output.contains("Ready to accept connections"))
        })
    };
    wait_until("ready", says_so);
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_with_its_last_words() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let child = long_cell(here.path());
    await_ready(here.path());
    // Driven for a moment, so that clients see it go, too.
    std::thread::sleep(Duration::from_millis(300));
    send("ABRT", &servers_of(here.path())[0]);
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for words in [
        "ended by itself",
        "signal: 6",
        "it said last",
        "REDIS BUG REPORT",
    ] {
        let kept = entries(here.path());
        let kept = kept.iter().find(|name| name.starts_with("failed-server-"));
        let kept = kept.expect("its output is kept");
        let whole = std::fs::read_to_string(here.path().join(kept)).expect("text");
        assert!(
            told.contains(words) || whole.contains(words),
            "{words}: {told}"
        );
    }
    assert_eq!(entries(here.path()).len(), 1, "nothing else is left");
}

#[test]
fn no_server_outlives_the_program_however_it_ends() {
    if !is_here("redis-server") {
        return;
    }
    for (signal, leaves_nothing) in [
        ("INT", true),
        ("TERM", true),
        ("HUP", true),
        ("KILL", false),
    ] {
        let here = folder();
        let mut child = long_cell(here.path());
        send(signal, &child.id().to_string());
        assert!(!child.wait().expect("it ends").success(), "{signal}");
        wait_until("ended its server", || servers_of(here.path()).is_empty());
        if leaves_nothing {
            wait_until("removed its folder", || entries(here.path()).is_empty());
        }
    }
}

#[test]
fn an_interrupted_cell_does_not_complain_that_its_server_is_gone() {
    if !is_here("redis-server") {
        return;
    }
    // At each moment of the cell's first steps with its server: looked at, connected to, driven.
    for moment in 0..24 {
        let here = folder();
        let mut child = long_cell(here.path());
        await_ready(here.path());
        std::thread::sleep(Duration::from_micros(400 * moment));
        send("TERM", &child.id().to_string());
        assert!(!child.wait().expect("it ends").success());
        assert!(entries(here.path()).is_empty(), "moment {moment}");
    }
}

#[test]
fn who_was_told_to_ignore_its_terminal_goes_on() {
    let here = folder();
    let program = seawall(here.path());
    let program = program.get_program().to_str().expect("a path");
    let ignores = format!(
        "trap '' HUP; exec {program} bench --target null --workload session --seconds 1 --json"
    );
    let child = std::process::Command::new("sh")
        .args(["-c", &ignores])
        .current_dir(here.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::thread::sleep(Duration::from_millis(700));
    send("HUP", &child.id().to_string());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.is_empty(), "its row");
}
