//! Runs: what a run leaves, how it goes on, and how two are compared.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::{TINY, call, entries, file, folder, must_end};

fn rows(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path.join("rows.jsonl"))
        .expect("rows")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect()
}

#[test]
fn a_run_leaves_its_setup_its_rows_and_a_report() {
    let here = folder();
    file(here.path(), "tiny.toml", TINY);
    let ended = must_end(here.path(), &["run", "tiny.toml", "--seed", "9"], 0, &[]);
    assert!(
        ended.err.is_empty(),
        "progress is for terminals alone: {}",
        ended.err
    );
    let run = here.path().join("runs/tiny-9");
    let expected = [
        "report.html",
        "report.md",
        "rows.csv",
        "rows.jsonl",
        "setup.json",
    ];
    assert_eq!(entries(&run), expected);
    assert!(
        ended.out.contains("report.html") && ended.out.contains("session"),
        "{}",
        ended.out
    );

    let rows = rows(&run);
    assert_eq!(rows.len(), 2);
    for (repetition, row) in rows.iter().enumerate() {
        assert_eq!(row["kind"], "bench");
        assert_eq!(row["repetition"], repetition);
        assert_eq!(row["seed"], 9);
        assert!(row["ops"].as_u64() >= Some(2000), "{row}");
        assert!(row["ops_per_s"].as_f64() > Some(0.0), "{row}");
        assert!(row["rss_bytes"].as_u64() > Some(0), "{row}");
        assert_eq!(
            row["run"], rows[0]["run"],
            "repetitions of one cell are one run"
        );
    }
    let setup = std::fs::read_to_string(run.join("setup.json")).expect("a setup");
    let setup: Value = serde_json::from_str(&setup).expect("JSON");
    assert_eq!(
        (&setup["suite"], &setup["seed"]),
        (&"tiny".into(), &9.into())
    );
}

#[test]
fn a_run_goes_on_where_it_was_cut_off() {
    let here = folder();
    file(here.path(), "tiny.toml", TINY);
    must_end(here.path(), &["run", "tiny.toml", "--out", "run"], 0, &[]);
    let path = here.path().join("run/rows.jsonl");
    let whole = std::fs::read_to_string(&path).expect("rows");
    let first = whole.lines().next().expect("a row");
    std::fs::write(&path, &whole[..first.len() + 30]).expect("cut");

    let resume = ["run", "tiny.toml", "--out", "run", "--resume"];
    must_end(here.path(), &resume, 0, &["1 of 2 steps are done already"]);
    let text = std::fs::read_to_string(&path).expect("rows");
    assert_eq!(text.lines().count(), 2);
    assert_eq!(
        text.lines().next(),
        Some(first),
        "a finished row is left as it was"
    );
    must_end(here.path(), &resume, 0, &["2 of 2 steps are done already"]);
    assert_eq!(std::fs::read_to_string(&path).expect("rows"), text);

    let other = [
        "run",
        "tiny.toml",
        "--seed",
        "8",
        "--out",
        "run",
        "--resume",
    ];
    must_end(here.path(), &other, 2, &["seed 1", "seed 8", "--out"]);

    // The same name and seed, but another suite by now.
    let changed = TINY.replace("repetitions = 2", "repetitions = 3");
    file(here.path(), "tiny.toml", changed);
    must_end(
        here.path(),
        &resume,
        2,
        &["another text", "suite tiny", "--out"],
    );
}

#[test]
fn an_interrupted_run_keeps_what_was_finished() {
    let here = folder();
    file(
        here.path(),
        "long.toml",
        TINY.replace("repetitions = 2", "repetitions = 1000"),
    );
    // A shell may ignore the signal in its jobs in the background, and in all that these start.
    let mut child = std::process::Command::new("env")
        .arg("--default-signal=INT")
        .arg(assert_cmd::cargo::cargo_bin!("seawall"))
        .args(["run", "long.toml", "--out", "run"])
        .current_dir(here.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let path = here.path().join("run/rows.jsonl");
    let lines = || std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    while lines() < 3 {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended by itself"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.expect("kill is there").success());
    let ended = child.wait_with_output().expect("it ends");
    assert!(!ended.status.success());
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("--resume goes on"), "{told}");
    let finished = rows(&here.path().join("run")).len();
    assert!((3..1000).contains(&finished), "{finished} rows");
    must_end(here.path(), &["report", "run"], 0, &[]);
}

#[test]
fn what_is_compared_runs_interleaved() {
    let here = folder();
    let suite = TINY.replace("settings = { threads = 1 }", "")
        + "[[bench.configuration]]\nname = \"A\"\npipeline = 1\n\
           [[bench.configuration]]\nname = \"B\"\npipeline = 8\n";
    file(here.path(), "ab.toml", suite);
    must_end(here.path(), &["run", "ab.toml", "--out", "run"], 0, &[]);
    let rows = rows(&here.path().join("run"));
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["config"]["name"].as_str())
        .collect();
    assert_eq!(names, [Some("A"), Some("B"), Some("B"), Some("A")]);
    assert_eq!(rows[1]["config"]["pipeline"], 8);
}

#[test]
fn a_run_compares_with_itself() {
    let here = folder();
    file(here.path(), "tiny.toml", TINY);
    must_end(here.path(), &["run", "tiny.toml", "--out", "run"], 0, &[]);
    let ended = must_end(here.path(), &["compare", "run", "run"], 0, &[]);
    assert!(ended.out.contains("session"), "{}", ended.out);

    // The same run, ten times slower: worse, and the status says so.
    let rows = rows(&here.path().join("run"));
    std::fs::create_dir(here.path().join("slow")).expect("a folder");
    std::fs::copy(
        here.path().join("run/setup.json"),
        here.path().join("slow/setup.json"),
    )
    .expect("a copy");
    let mut text = String::new();
    for row in &rows {
        let mut base = row.clone();
        for repetition in 0..5 {
            base["repetition"] = (repetition * 2 + row["repetition"].as_u64().unwrap_or(0)).into();
            writeln!(text, "{base}").expect("memory takes it");
        }
    }
    file(here.path(), "run/rows.jsonl", &text);
    let mut slow = String::new();
    for line in text.lines() {
        let mut row: Value = serde_json::from_str(line).expect("a row");
        row["ops_per_s"] = (row["ops_per_s"].as_f64().expect("a figure") / 10.0).into();
        writeln!(slow, "{row}").expect("memory takes it");
    }
    file(here.path(), "slow/rows.jsonl", slow);
    must_end(
        here.path(),
        &["compare", "run", "slow"],
        3,
        &["slow is worse than run"],
    );
    must_end(here.path(), &["compare", "slow", "run"], 0, &[]);
}

#[test]
fn one_cell_alone() {
    let here = folder();
    let cell = [
        "bench",
        "--workload",
        "session",
        "--target",
        "null",
        "--ops",
        "1000",
    ];
    let ended = must_end(here.path(), &[&cell[..], &["--json"]].concat(), 0, &[]);
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.out);
    assert!(ended.err.is_empty(), "{}", ended.err);
    let row: Value = serde_json::from_str(&ended.out).expect("a row");
    assert_eq!(
        (&row["kind"], &row["target"]),
        (&"bench".into(), &"null".into())
    );
    let shown = call(here.path(), &cell);
    assert!(shown.out.contains("session"), "{}", shown.out);
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn the_store_answers_right_under_every_workload() {
    let here = folder();
    for workload in ["cache-aside", "session", "leaderboard", "geo"] {
        let cell = [
            "bench",
            "--workload",
            workload,
            "--ops",
            "3000",
            "--warmup",
            "0",
            "--json",
        ];
        let config = ["--config", "threads=2", "--config", "pipeline=4"];
        let ended = must_end(here.path(), &[&cell[..], &config].concat(), 0, &[]);
        let row: Value = serde_json::from_str(&ended.out).expect("a row");
        assert_eq!(row["errors"], 0, "{row}");
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn a_log_is_kept_and_removed_again() {
    let here = folder();
    for device in ["file", "uring", "memory"] {
        let device = format!("device={device}");
        let cell = [
            "bench",
            "--workload",
            "session",
            "--ops",
            "500",
            "--warmup",
            "0",
            "--json",
        ];
        let config = [
            "--config",
            "appendonly=yes",
            "--config",
            "appendfsync=always",
            "--config",
        ];
        let ended = must_end(
            here.path(),
            &[&cell[..], &config, &[&device]].concat(),
            0,
            &[],
        );
        let row: Value = serde_json::from_str(&ended.out).expect("a row");
        assert_eq!(row["errors"], 0, "{row}");
    }
    assert!(entries(here.path()).is_empty(), "the log's folder is gone");
}
