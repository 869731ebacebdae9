//! Bars: met by the worse end of an interval, and by nothing else.

use seawall_report::bar::{Bar, Verdict, held};
use seawall_report::cell::cells;
use seawall_report::row::{BenchRow, Row};
use seawall_report::{Run, render_run, summary};
use serde_json::json;

use crate::story::{self, SMALL};

/// An echo server at 1 µs an operation and a server at these.
fn run(costs_us: &[f64], bar: &Bar) -> Run {
    let mut run = story::run(SMALL);
    let Some(Row::Bench(model)) = run.rows.first().cloned() else {
        panic!("the story begins with a benchmark row")
    };
    run.rows.clear();
    for (repetition, cost_us) in (0..).zip(costs_us) {
        for (target, cpu_us_per_op) in [("limit", 1.0), ("spawn:seawall", *cost_us)] {
            let mut row = BenchRow {
                target: target.into(),
                repetition,
                cpu_us_per_op,
                ..model.clone()
            };
            row.extra.insert("comparison".into(), json!("get"));
            if bar.holds(target, &row.config) {
                row.extra.insert("bars".into(), json!([bar]));
            }
            run.rows.push(Row::Bench(row));
        }
    }
    run
}

fn bar(at_most: f64) -> Bar {
    Bar {
        target: "spawn:seawall".into(),
        configuration: None,
        figure: "cpu_us_per_op".into(),
        at_most: Some(at_most),
        at_least: None,
        of: Some("limit".into()),
        of_configuration: None,
    }
}

fn verdict(costs_us: &[f64], bar: &Bar) -> Verdict {
    let run = run(costs_us, bar);
    let cells = cells(&run.rows);
    let held = held(&cells);
    assert_eq!(held.len(), 1, "the echo server is held to nothing");
    held[0].verdict
}

#[test]
fn the_worse_end_meets_a_bar() {
    let steady = [1.40, 1.41, 1.39, 1.40, 1.42, 1.38, 1.40, 1.41];
    assert_eq!(verdict(&steady, &bar(1.5)), Verdict::Met);
    assert_eq!(verdict(&steady, &bar(1.3)), Verdict::Missed);
    // The mean is below 1.5, and nobody can be sure of it.
    let noisy = [1.0, 2.2, 1.1, 1.9, 1.0, 1.8, 1.2, 1.3];
    assert_eq!(verdict(&noisy, &bar(1.5)), Verdict::Missed);
    let least = Bar {
        at_most: None,
        at_least: Some(1.3),
        ..bar(1.0)
    };
    assert_eq!(verdict(&steady, &least), Verdict::Met);
    assert_eq!(verdict(&noisy, &least), Verdict::Missed);
}

#[test]
fn one_repetition_or_no_twin_tells_nothing() {
    assert_eq!(verdict(&[1.0], &bar(1.5)), Verdict::Unknown);
    let beside_nobody = Bar {
        of: Some("spawn:valkey-server".into()),
        ..bar(1.5)
    };
    assert_eq!(verdict(&[1.0, 1.0, 1.0], &beside_nobody), Verdict::Unknown);
}

#[test]
fn a_bar_says_one_thing() {
    assert_eq!(bar(1.5).check(), Ok(()));
    let both = Bar {
        at_least: Some(1.0),
        ..bar(1.5)
    };
    let twin = Bar {
        of: None,
        of_configuration: Some("one".into()),
        ..bar(1.5)
    };
    for wrong in [both, twin, bar(-1.0), bar(f64::NAN)] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}

#[test]
fn the_report_says_what_was_wanted_and_what_came() {
    let run = run(&[1.40, 1.41, 1.39, 1.40], &bar(1.3));
    let text = render_run(&run).markdown;
    let (_, page) = text.split_once("## Bars").expect("the page");
    let line = page.lines().find(|line| line.contains("spawn:seawall"));
    let line = line.expect("a line");
    for word in ["1.40 µs", "≤ 1.3 × limit", "1.40× (", "missed"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    assert!(page.contains("0 of 1 bars are met"));
    let tables = summary(&run.rows);
    assert!(tables.iter().any(|table| table.title.contains("wanted")));
}
