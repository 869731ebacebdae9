//! Servers that end in the midst of their load, killed or by a power failure, and come back: what they lost is told.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{cell, is_here};
use crate::{entries, folder, must_end, seawall};

fn number(row: &Value, field: &str) -> f64 {
    let number = row[field].as_f64();
    number.unwrap_or_else(|| panic!("no {field} in {row}"))
}

/// Servers with a log, by how they are driven.
const SERVERS: [(&str, &str); 3] = [
    ("seawall", "resp"),
    ("seawall", "meta"),
    ("redis-server", "resp"),
];

const WORKLOAD: &str = "plain:op=set:keys=500";

/// Past the test harness, which keeps to itself what a test prints that passes.
fn say_skipped(why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

#[test]
fn what_a_killed_server_lost_is_told() {
    let here = folder();
    for (program, wire) in SERVERS {
        if !is_here(program) {
            continue;
        }
        let target = format!("spawn:{program}:wire={wire}");
        let log = ["end=kill", "appendonly=yes", "appendfsync=everysec"];
        let row = cell(here.path(), &target, WORKLOAD, &log);
        // Up to 400 ms, a write a millisecond at most.
        assert!(
            (10.0..401.0).contains(&number(&row, "witness_acked")),
            "{row}"
        );
        // In the midst of a load that goes on for up to a third of the measured time more.
        let ended_ms = number(&row, "ended_ms");
        assert!(ended_ms >= 1e3 * number(&row, "seconds"), "{row}");
        assert_eq!(number(&row, "errors"), 0.0, "its end is no error: {row}");
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
        let row = cell(here.path(), &target, WORKLOAD, &["end=kill"]);
        assert_eq!(
            number(&row, "witness_lost"),
            number(&row, "witness_acked"),
            "{row}"
        );
        assert!((50.0..2000.0).contains(&number(&row, "lost_ms")), "{row}");
    }
    if is_here("memcached") {
        let row = cell(here.path(), "spawn:memcached", WORKLOAD, &["end=kill"]);
        assert_eq!(
            number(&row, "witness_lost"),
            number(&row, "witness_acked"),
            "{row}"
        );
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn what_a_power_failure_lost_is_told() {
    if let Err(why) = seawall_power::usable() {
        return say_skipped(&why);
    }
    let here = folder();
    for (program, wire) in SERVERS {
        if !is_here(program) {
            continue;
        }
        let target = format!("spawn:{program}:wire={wire}");
        let of = |appendfsync: &str| {
            let log = ["end=power", "appendonly=yes", appendfsync];
            cell(here.path(), &target, WORKLOAD, &log)
        };
        let row = of("appendfsync=always");
        assert_eq!(number(&row, "witness_lost"), 0.0, "{row}");
        assert!(number(&row, "witness_acked") > 10.0, "{row}");
        assert!(number(&row, "restart_ms") > 0.0, "{row}");
        for figure in [
            &row["ops_per_s"],
            &row["latency_us"]["p50"],
            &row["cpu_us_per_op"],
        ] {
            assert!(
                figure.is_null(),
                "how fast it was there is nobody's speed: {row}"
            );
        }
        // Without a sync nothing is left: whoever sees no loss there sees none anywhere.
        let row = of("appendfsync=no");
        assert!(
            number(&row, "witness_lost") > 0.9 * number(&row, "witness_acked"),
            "{row}"
        );
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

/// A suite of a cell that loses power and is held to a bar.
const HELD: &str = r#"
name = "held"
[[bench]]
name = "ends"
targets = ["spawn:seawall"]
workloads = ["plain:op=set:keys=500"]
seconds = 0.05
settings = { end = "power" }
[[bench.bar]]
target = "spawn:seawall"
figure = "restart_ms"
at-most = 60000
"#;

#[test]
fn what_lost_power_is_held_to_its_bars() {
    if let Err(why) = seawall_power::usable() {
        return say_skipped(&why);
    }
    let here = folder();
    std::fs::write(here.path().join("held.toml"), HELD).expect("room");
    must_end(here.path(), &["run", "held.toml", "--out", "out"], 0, &[]);
    let rows = std::fs::read_to_string(here.path().join("out/rows.jsonl")).expect("rows");
    let row: Value = serde_json::from_str(&rows).expect("one row");
    assert_eq!(row["bars"][0]["figure"], "restart_ms", "{row}");
}

#[test]
fn who_cannot_be_killed_says_so() {
    let here = folder();
    let refused = |arguments: &[&str], words: &[&str]| {
        let all = [&["bench", "--workload", "cache-aside"], arguments].concat();
        must_end(here.path(), &all, 2, words);
    };
    for target in ["embedded", "resp://127.0.0.1:1"] {
        let arguments = ["--target", target, "--config", "end=kill"];
        refused(&arguments, &["`end` cannot be set"]);
    }
    refused(
        &["--config", "end=crash"],
        &["`end` cannot be `crash`, expected stop, kill or power"],
    );
    refused(
        &["--config", "save=60"],
        &["`save` cannot be `60`", "pairs of seconds and changes"],
    );
    // What a disk would have to tell.
    for setting in [
        "page-cache=cold",
        "recovery=3",
        "bgsave-at=3",
        "timeline=100",
    ] {
        let arguments = ["--target", "spawn:seawall", "--config", "end=power"];
        let name = setting.split_once('=').expect("a setting").0;
        refused(
            &[&arguments[..], &["--config", setting]].concat(),
            &[
                &format!("`{name}` cannot be set"),
                "tells of loss and restart alone",
            ],
        );
    }
}

/// A suite of cells that lose power and of one that does not.
const SUITE: &str = r#"
name = "dark"
skip-absent = true
[[bench]]
name = "ends"
targets = ["spawn:seawall"]
workloads = ["plain:op=set:keys=500"]
seconds = 0.05
settings = { appendonly = true, appendfsync = "always" }
[[bench.configuration]]
name = "killed"
end = "kill"
[[bench.configuration]]
name = "dark"
end = "power"
"#;

/// The program, where /dev/fuse is not to be had; nothing where that cannot be arranged.
fn without_fuse(here: &Path, arguments: &[&str]) -> Option<Command> {
    let apart = |program: &OsStr| {
        let mut command = Command::new("unshare");
        let hidden = "mount --bind /dev/null /dev/fuse && exec \"$@\"";
        command
            .args(["--mount", "sh", "-c", hidden, "sh"])
            .arg(program);
        command
    };
    let program = seawall(here).get_program().to_owned();
    let mut command = if seawall_power::usable().is_err() {
        Command::new(program)
    } else if apart(OsStr::new("true"))
        .status()
        .is_ok_and(|tried| tried.success())
    {
        apart(&program)
    } else {
        say_skipped("/dev/fuse cannot be hidden here");
        return None;
    };
    command.current_dir(here).args(arguments);
    Some(command)
}

#[test]
fn power_that_cannot_fail_here_is_told_as_not_run() {
    let here = folder();
    std::fs::write(here.path().join("dark.toml"), SUITE).expect("room");
    let Some(mut run) = without_fuse(here.path(), &["run", "dark.toml", "--out", "out"]) else {
        return;
    };
    let output = run.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("not run: ends, dark: no file system of ours"),
        "{said}"
    );
    let read =
        |name: &str| std::fs::read_to_string(here.path().join("out").join(name)).expect(name);
    let rows = read("rows.jsonl");
    assert_eq!(rows.lines().count(), 1, "the killed one alone: {rows}");
    let report = read("report.md");
    assert!(
        report.contains("Not run:") && report.contains("ends, dark"),
        "{report}"
    );
    // Without `skip-absent`, and for a single cell, it is an error.
    let strict = SUITE.replace("skip-absent = true", "");
    std::fs::write(here.path().join("strict.toml"), strict).expect("room");
    let cell = [
        "bench",
        "--target",
        "spawn:seawall",
        "--workload",
        WORKLOAD,
        "--config",
        "end=power",
    ];
    for arguments in [&["run", "strict.toml"][..], &cell] {
        let mut command = without_fuse(here.path(), arguments).expect("as before");
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("it takes FUSE"), "{said}");
    }
}

#[test]
fn what_was_not_run_is_told_until_it_was() {
    let here = folder();
    std::fs::write(here.path().join("dark.toml"), SUITE).expect("room");
    let run = ["run", "dark.toml", "--out", "out"];
    let resume = ["run", "dark.toml", "--out", "out", "--resume"];
    let file = here.path().join("out/setup.json");
    let setup = || -> Value {
        let text = std::fs::read(&file).expect("a setup");
        serde_json::from_slice(&text).expect("JSON")
    };
    let without = |arguments: &[&str]| {
        let output = without_fuse(here.path(), arguments)?.output();
        let output = output.expect("it starts");
        assert!(output.status.success(), "{output:?}");
        Some(setup())
    };
    let Some(mut told) = without(&run) else {
        return;
    };
    // As where it could be measured when the run began.
    told.as_object_mut().expect("a setup").remove("not_run");
    std::fs::write(&file, told.to_string()).expect("room");
    for _ in 0..2 {
        let told = without(&resume).expect("as before");
        let not_run = told["not_run"].as_array().expect("a list");
        let [Value::String(what)] = &not_run[..] else {
            panic!("it is told once: {told}");
        };
        assert!(what.starts_with("ends, dark: "), "{what}");
    }
    if let Err(why) = seawall_power::usable() {
        return say_skipped(&why);
    }
    must_end(here.path(), &resume, 0, &["1 of 2 steps are done already"]);
    assert_eq!(setup()["not_run"], Value::Null, "{}", setup());
    let report = std::fs::read_to_string(here.path().join("out/report.md")).expect("a report");
    assert!(!report.contains("Not run:"), "{report}");
    let told = without(&resume).expect("as before");
    assert_eq!(told["not_run"], Value::Null, "{told}");
}
