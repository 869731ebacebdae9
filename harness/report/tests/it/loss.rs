//! Servers that were killed, or whose power failed: what their setting claims beside what they lost.

use seawall_report::row::{BenchRow, Row};
use seawall_report::{Run, render_run};
use serde_json::json;

use crate::story::{self, SMALL};

/// The page of a run whose server with the log on lost so many writes.
fn page(lost: u64) -> String {
    let mut run = story::run(SMALL);
    for row in &mut run.rows {
        let Row::Bench(BenchRow {
            config,
            extra,
            repetition,
            ..
        }) = row
        else {
            continue;
        };
        let has_log = config["appendonly"] == "yes";
        let lost = match *repetition {
            _ if !has_log => 300,
            1 => lost,
            _ => 0,
        };
        extra.insert("witness_acked".into(), json!(300));
        extra.insert("witness_lost".into(), json!(lost));
        extra.insert("lost_ms".into(), json!(lost as f64));
        extra.insert("restart_ms".into(), json!(12.5));
        extra.insert(
            "disk_bytes".into(),
            json!(if has_log { 3 << 20 } else { 0 }),
        );
        extra.insert("written_bytes".into(), json!(4_000));
        extra.insert("payload_bytes".into(), json!(1_000));
    }
    section(&render_run(&run).markdown, "Loss and restart").to_owned()
}

/// The page of this title.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, page) = text.split_once(&format!("## {title}")).expect("the page");
    page.split_once("\n## ").map_or(page, |(page, _)| page)
}

#[test]
fn a_loss_that_is_claimed_is_no_finding() {
    let page = page(0);
    assert!(page.contains("Nobody lost more"), "{page}");
    let line = |words: &str| {
        let found = page
            .lines()
            .find(|line| line.contains(words) && line.starts_with('|'));
        found
            .unwrap_or_else(|| panic!("no {words} in {page}"))
            .to_owned()
    };
    let without = line("memory only");
    for word in ["everything", "900 of 900", "300 ms"] {
        assert!(without.contains(word), "{without}");
    }
    let with = line("log everysec");
    for word in ["nothing", "0 of 900", "12.5 ms", "3.00 MiB", "4.00"] {
        assert!(with.contains(word), "{with}");
    }
}

#[test]
fn one_repetition_that_lost_what_was_promised_is_a_finding() {
    let page = page(3);
    assert!(page.contains("lost more than the setting claims"), "{page}");
    assert!(page.contains("3 of 900"), "{page}");
    assert!(
        page.contains("3.00 ms"),
        "the worst repetition is told: {page}"
    );
}

/// A run whose server with the log on lost power, and writes that were so old.
fn dark(appendfsync: &str, oldest_ms: f64) -> Run {
    let mut run = story::run(SMALL);
    for row in &mut run.rows {
        let Row::Bench(BenchRow { config, extra, .. }) = row else {
            continue;
        };
        if config["appendonly"] != "yes" {
            continue;
        }
        config.insert("end".into(), json!("power"));
        config.insert("appendfsync".into(), json!(appendfsync));
        let lost = if oldest_ms > 0.0 { 30 } else { 0 };
        extra.insert("witness_acked".into(), json!(300));
        extra.insert("witness_lost".into(), json!(lost));
        extra.insert("lost_ms".into(), json!(oldest_ms));
        extra.insert("restart_ms".into(), json!(12.5));
    }
    run
}

#[test]
fn a_loss_of_power_is_held_to_what_the_setting_claims() {
    let allowed = "the setting claims (250 ms more where it claims a time)";
    for (appendfsync, oldest_ms, claim, holds) in [
        ("always", 0.0, "nothing", true),
        ("always", 0.3, "nothing", false),
        ("everysec", 1_003.0, "younger than 1.00 s", true),
        ("everysec", 1_700.0, "younger than 1.00 s", false),
        ("interval:ms=100", 140.0, "younger than 100 ms", true),
        ("interval:ms=100", 700.0, "younger than 100 ms", false),
        ("bounded:ms=5000", 4_000.0, "younger than 5.00 s", true),
        ("no", 60_000.0, "had not written by itself", true),
    ] {
        let text = render_run(&dark(appendfsync, oldest_ms)).markdown;
        let page = section(&text, "Loss and restart");
        let what = format!("{appendfsync}, {oldest_ms}: {page}");
        assert!(page.contains(claim) && page.contains(allowed), "{what}");
        assert_eq!(page.contains("Nobody lost more"), holds, "{what}");
        assert_eq!(
            page.contains("lost more than the setting claims") && !holds,
            !holds,
            "{what}"
        );
        assert!(page.contains("whose power failed: 6."), "{what}");
    }
}

#[test]
fn who_makes_snapshots_loses_no_more_than_two_of_their_intervals() {
    for (save, end, oldest_ms, claim, holds) in [
        ("1 1", "power", 2_200.0, "snapshot, 2.00 s at most", true),
        ("1 1", "power", 3_400.0, "snapshot, 2.00 s at most", false),
        ("60 10000 1 1", "kill", 3_400.0, "2.00 s at most", false),
        // So many changes are not certain.
        ("1 10000", "power", 3_400.0, "after the last snapshot", true),
    ] {
        let mut run = dark("always", oldest_ms);
        for row in &mut run.rows {
            let Row::Bench(BenchRow { config, extra, .. }) = row else {
                continue;
            };
            if extra.contains_key("lost_ms") {
                config.insert("appendonly".into(), json!("no"));
                config.insert("end".into(), json!(end));
                config.insert("save".into(), json!(save));
                // All of it.
                extra.insert("witness_lost".into(), json!(300));
            }
        }
        let text = render_run(&run).markdown;
        let page = section(&text, "Loss and restart");
        let what = format!("{save}, {oldest_ms}: {page}");
        assert!(page.contains(claim), "{what}");
        assert_eq!(page.contains("Nobody lost more"), holds, "{what}");
    }
}

#[test]
fn what_lost_power_has_no_figures_of_speed() {
    let text = render_run(&dark("always", 0.0)).markdown;
    for page in ["Throughput and latency", "Persistence compared"] {
        let page = section(&text, page);
        assert!(!page.contains("always"), "{page}");
    }
    let rows = dark("always", 0.0).rows;
    let tables = seawall_report::summary(&rows);
    let of = |words: &str| tables.iter().find(|table| table.title.contains(words));
    let speed = format!("{:?}", of("Throughput").expect("the others"));
    assert!(!speed.contains("log everysec"), "{speed}");
    assert!(
        of("the power had failed").is_some(),
        "it is told what was lost"
    );
}

#[test]
fn what_was_not_run_is_no_pass() {
    let mut run = story::run(SMALL);
    run.setup.not_run = vec!["power, log, appendfsync always: no /dev/fuse".into()];
    let text = render_run(&run).markdown;
    let page = section(&text, "Loss and restart");
    assert!(
        page.contains("Not run") && page.contains("no /dev/fuse"),
        "{page}"
    );
    assert!(!page.contains("Nobody lost more"), "{page}");
}
