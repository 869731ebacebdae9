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
    let text = render_run(&run).markdown;
    let (summary, _) = text.split_once("## Throughput").expect("the summary");
    let words = "`spawn:seawall` did **2.00";
    assert!(summary.contains(words), "in a sentence, too: {summary}");
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
    // CPU time is its own whoever was the limit: 6 µs beside 10.
    assert!(memcached.contains("0.600"), "{memcached}");

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

/// A run whose rows have `field` in one target's repetition 1 alone.
fn once(target: &'static str, field: &'static str, words: &'static str) -> Run {
    run(move |row| {
        if row.target == target && row.repetition == 1 {
            row.extra.insert(field.into(), json!(words));
        }
    })
}

#[test]
fn repetitions_that_are_left_are_not_compared() {
    let run = once("spawn:seawall", "invalid", "the generator was the limit");
    let seawall = line(&run, "spawn:seawall");
    assert!(seawall.contains("invalid in 1 of 3: the gen"), "{seawall}");
    assert!(!seawall.contains("2.00"), "chosen by outcome: {seawall}");
    assert!(seawall.contains("0.400"), "its CPU is its own: {seawall}");
    // Of the first server, it takes the ratio from all.
    let run = once(
        "spawn:redis-server",
        "invalid",
        "the generator was the limit",
    );
    assert!(!line(&run, "spawn:memcached").contains("1.50"));
    // What is no server may be at the driver's limit.
    let run = once("limit", "invalid", "the generator was the limit");
    assert!(!render_run(&run).markdown.contains("cells are invalid"));
}

#[test]
fn different_builds_of_one_server_are_no_repetitions() {
    let run = once("spawn:seawall", "server_version", "7.2");
    let seawall = line(&run, "spawn:seawall");
    assert!(seawall.contains("7.0 and 7.2"), "{seawall}");
    assert!(
        !seawall.contains("2.00") && !seawall.contains("0.400"),
        "{seawall}"
    );
}

#[test]
fn what_a_reader_must_know_stands_beside_the_figures() {
    for (field, words, shown) in [
        ("disturbed", "strangers", "disturbed in 1 of 3: strangers"),
        ("notice", "epoll instead", "epoll instead"),
        ("limit_of", "neither", "a figure of round trips in 1 of 3"),
        ("limit_of", "both", "at least so much in 1 of 3"),
    ] {
        let run = once("spawn:seawall", field, words);
        let seawall = line(&run, "spawn:seawall");
        assert!(seawall.contains(shown), "{seawall}");
        let others = line(&run, "spawn:memcached");
        assert!(!others.contains(shown), "{others}");
    }
    let run = once("spawn:seawall", "disturbed", "strangers");
    let text = render_run(&run).markdown;
    assert!(
        text.contains("1 of 12 repetitions were disturbed"),
        "{text}"
    );
}

#[test]
fn cpus_of_their_own_are_said_only_where_they_were() {
    let said = |server: &[usize], driver: &[usize]| {
        let run = run(|row| {
            row.extra.insert("server_cpus".into(), json!(server));
            row.extra.insert("generator_cpus".into(), json!(driver));
        });
        let text = render_run(&run).markdown;
        text.contains("Each server ran on CPUs of its own")
    };
    assert!(said(&[0], &[1]));
    assert!(!said(&[0, 1], &[1]));
    // A server of another machine has CPUs of its own, which nobody here knows.
    let away = run(|row| {
        row.extra.insert("generator_cpus".into(), json!([0, 1]));
        row.extra.insert("cpus_shared".into(), json!(false));
    });
    assert!(
        render_run(&away)
            .markdown
            .contains("CPUs of its own, apart")
    );
    assert!(!said(&[], &[0, 1]));
    assert!(
        !render_run(&run(|_| ()))
            .markdown
            .contains("CPUs of its own, apart")
    );
}

#[test]
fn memory_is_told_by_key_beyond_the_empty_server() {
    let run = run(|row| {
        row.rss_bytes = 30_000_000;
        row.extra
            .insert("rss_bytes_before".into(), json!(10_000_000));
        row.extra.insert("keys".into(), json!(100_000));
    });
    let seawall = line(&run, "spawn:seawall");
    assert!(seawall.contains("| 200 |"), "{seawall}");
}

#[test]
fn what_ran_at_a_rate_is_not_the_fastest() {
    let run = run(|row| {
        if row.target == "spawn:memcached" {
            row.ops_per_s = 1e9;
            row.config.insert("rate".into(), json!(1_000_000_000));
        }
    });
    let text = render_run(&run).markdown;
    let (summary, _) = text.split_once("## Throughput").expect("the summary");
    assert!(
        summary.contains("spawn:seawall") && !summary.contains("spawn:memcached"),
        "{summary}"
    );
}
