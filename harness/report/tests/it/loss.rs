//! Servers that were killed: what their setting claims beside what they lost.

use seawall_report::render_run;
use seawall_report::row::{BenchRow, Row};
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
    let text = render_run(&run).markdown;
    let (_, page) = text.split_once("## Loss and restart").expect("the page");
    let (page, _) = page.split_once("\n## ").unwrap_or((page, ""));
    page.to_owned()
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
