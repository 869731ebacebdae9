//! Servers beside each other: what is compared, with what, and what is not.

use seawall_report::cell::cells;
use seawall_report::compare::{Change, compare};
use seawall_report::row::{BenchRow, Row};
use seawall_report::{Run, render_run, summary};
use serde_json::json;

use crate::story::{self, SMALL};

/// A run of three servers and the ceiling; `change` sees every row.
fn run(change: impl Fn(&mut BenchRow)) -> Run {
    let mut run = story::run(SMALL);
    let Some(Row::Bench(model)) = run.rows.first().cloned() else {
        panic!("the story begins with a benchmark row")
    };
    run.rows.clear();
    for repetition in 0..3 {
        for (target, rate, cpu_us) in [
            ("limit", 900e3, 1.0),
            ("spawn:redis-server", 100e3, 10.0),
            ("spawn:seawall", 200e3, 4.0),
            ("spawn:memcached", 150e3, 6.0),
        ] {
            // What slows a repetition slows all of it.
            let weather = 1.0 + f64::from(repetition) / 10.0;
            let mut row = BenchRow {
                target: target.into(),
                repetition,
                ops_per_s: rate / weather,
                cpu_us_per_op: cpu_us,
                ..model.clone()
            };
            row.extra.insert("comparison".into(), json!("throughput"));
            row.extra.insert("server_version".into(), json!("7.0"));
            row.extra.insert("generator_cpu_share".into(), json!(0.5));
            change(&mut row);
            run.rows.push(Row::Bench(row));
        }
    }
    run
}

fn invalid_memcached(row: &mut BenchRow) {
    if row.target == "spawn:memcached" {
        row.extra
            .insert("invalid".into(), json!("the generator was the limit"));
    }
}

/// The line of the page's table that speaks of `target`.
fn line(run: &Run, target: &str) -> String {
    let text = render_run(run).markdown;
    let (_, page) = text.split_once("## Servers compared").expect("the page");
    let is_of = |line: &&str| line.starts_with('|') && line.contains(target);
    page.lines().find(is_of).expect("a line").to_owned()
}

#[test]
fn servers_are_compared_with_the_first_server() {
    let run = run(|_| ());
    let seawall = line(&run, "spawn:seawall");
    assert!(
        seawall.contains("2.00") && seawall.contains("0.400"),
        "{seawall}"
    );
    let redis = line(&run, "spawn:redis-server");
    assert!(!redis.contains("1.00"), "not with itself: {redis}");
    let limit = line(&run, "limit");
    assert!(!limit.contains("9.00"), "the ceiling is no server: {limit}");
    let text = render_run(&run).markdown;
    assert!(!text.contains("invalid"), "nothing is invalid here");
}

#[test]
fn an_invalid_cell_is_marked_and_compared_with_none() {
    let sound = run(|_| ());
    let run = run(invalid_memcached);
    let memcached = line(&run, "spawn:memcached");
    assert!(memcached.contains("invalid: the generator"), "{memcached}");
    assert!(!memcached.contains("1.50"), "no ratio: {memcached}");
    assert!(line(&sound, "spawn:memcached").contains("1.50"));
    let text = render_run(&run).markdown;
    assert!(
        text.contains("1 of the cells are invalid"),
        "said above all"
    );

    let cells = cells(&run.rows);
    let marked: Vec<&str> = cells
        .iter()
        .filter(|cell| cell.invalid().is_some())
        .map(|cell| cell.target)
        .collect();
    assert_eq!(marked, ["spawn:memcached"]);
    let verdict = compare(&sound, &run);
    for compared in &verdict.compared {
        let undecided = compared.change == Change::Undecided;
        assert_eq!(
            undecided,
            compared.cell.contains("memcached"),
            "{compared:?}"
        );
    }
    let tables = summary(&run.rows);
    let note = |table: &seawall_report::block::Table| {
        table
            .rows
            .iter()
            .any(|row| row.iter().any(|entry| entry.text == "invalid"))
    };
    assert!(tables.iter().any(note), "on the terminal, too");
}

#[test]
fn an_invalid_cell_is_never_the_fastest() {
    let run = run(|row| {
        if row.target == "spawn:memcached" {
            row.ops_per_s = 1e9;
        }
        invalid_memcached(row);
    });
    let text = render_run(&run).markdown;
    let (summary, _) = text.split_once("## Throughput").expect("the summary");
    assert!(summary.contains("spawn:seawall"), "{summary}");
    assert!(
        !summary.contains("spawn:memcached") && !summary.contains("limit"),
        "{summary}"
    );
}

#[test]
fn a_rate_that_was_not_met_is_told() {
    let run = run(|row| {
        row.config.insert("rate".into(), json!(150_000));
    });
    assert!(line(&run, "spawn:redis-server").contains("fell behind the rate"));
    assert!(!line(&run, "spawn:seawall").contains("fell behind"));
}
