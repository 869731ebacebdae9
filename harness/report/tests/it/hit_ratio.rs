//! The page of hit ratios: curves, and what stands beside them.

use seawall_report::curve::REPLAY;
use seawall_report::row::{LabRow, Row};
use seawall_report::{Run, render_run};
use serde_json::json;

use crate::story;

/// A run with lab rows alone, each as it was set.
fn run() -> Run {
    let mut run = story::run(story::SMALL);
    run.rows.retain(|row| matches!(row, Row::Lab(_)));
    for row in lab(&mut run) {
        row.config.insert("policy".into(), json!(row.policy));
        row.config
            .insert("size".into(), json!(row.size.to_string()));
    }
    run
}

fn lab(run: &mut Run) -> impl Iterator<Item = &mut LabRow> {
    run.rows.iter_mut().filter_map(|row| match row {
        Row::Lab(row) => Some(row),
        _ => None,
    })
}

#[test]
fn policies_stand_beside_lru() {
    let html = render_run(&run()).html;
    assert_eq!(
        html.matches("aria-label=\"Points missed less than lru")
            .count(),
        2
    );
    let mut without = run();
    without
        .rows
        .retain(|row| !matches!(row, Row::Lab(row) if row.policy == "lru"));
    assert!(
        !render_run(&without)
            .html
            .contains("Points missed less than lru")
    );
}

#[test]
fn what_replays_took_is_a_column_and_nothing_else() {
    let mut run = run();
    let before = render_run(&run).html;
    assert!(!before.contains("CPU ns per request"));
    let took: Vec<Row> = lab(&mut run)
        .filter(|row| row.policy == "sieve")
        .zip([0.007, 0.04126])
        .map(|(row, us)| {
            let row = json!({
                "kind": "bench", "schema": 1, "run": row.run, "seed": 1, "config": row.config,
                "target": REPLAY, "workload": row.trace, "repetition": 0, "ops": 9, "seconds": null,
                "ops_per_s": null, "cpu_us_per_op": us, "latency_us": {
                    "p50": null, "p90": null, "p99": null, "p999": null, "max": null
                },
                "hit_ratio": 0.5, "rss_bytes": 0, "errors": 0, "histogram": ""
            });
            serde_json::from_value(row).expect("a row")
        })
        .collect();
    assert_eq!(took.len(), 2);
    run.rows.extend(took);
    let html = render_run(&run).html;
    assert!(
        html.contains("CPU ns per request") && html.contains("24.1"),
        "{html}"
    );
    let sections = |html: &str| html.matches("<section").count();
    assert_eq!(sections(&html), sections(&before));
    assert!(!html.contains("benchmark cell"));
}

#[test]
fn what_is_told_over_time_is_drawn() {
    let mut run = run();
    assert!(!render_run(&run).html.contains("Hit ratio over time"));
    for row in lab(&mut run).filter(|row| row.size == 500) {
        row.extra
            .insert("over_time".into(), json!([[10, 10], [10, 2], [0, 0]]));
    }
    let html = render_run(&run).html;
    assert_eq!(
        html.matches("aria-label=\"Hit ratio over time at 500")
            .count(),
        1
    );
    assert!(
        html.contains("sieve, part 2 of 3: 80"),
        "the tip of a point"
    );
    assert!(
        !html.contains("part 3 of 3"),
        "a part without gets has no ratio"
    );
}

#[test]
fn the_running_store_stands_beside_the_lab_and_not_in_its_curves() {
    let mut run = run();
    let before = render_run(&run);
    let live = lab(&mut run)
        .filter(|row| row.policy == "sieve")
        .map(|row| {
            let mut live = row.clone();
            live.config.insert("live".into(), json!(true));
            live.run += " live";
            live.misses += live.requests / 100;
            Row::Lab(live)
        });
    let live: Vec<Row> = live.collect();
    run.rows.extend(live);
    let after = render_run(&run);
    let begin = "| policy | size | foretold | live | points apart |";
    assert!(!before.markdown.contains(begin), "{}", before.markdown);
    assert!(after.markdown.contains(begin), "{}", after.markdown);
    assert!(after.markdown.contains("| -1.00 |"), "{}", after.markdown);
    let curves = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("| sieve"));
        lines
            .filter(|line| !line.contains("| -1.00 |"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(curves(&before.markdown), curves(&after.markdown));
}

/// What an admission lets in is another curve than what comes without one.
#[test]
fn an_admission_is_a_curve_of_its_own() {
    let mut run = run();
    let admitted = lab(&mut run).filter(|row| row.policy == "lru").map(|row| {
        let mut admitted = row.clone();
        admitted.config.insert("policy".into(), json!("lru+bloom"));
        admitted.misses /= 2;
        Row::Lab(admitted)
    });
    let admitted: Vec<Row> = admitted.collect();
    run.rows.extend(admitted);
    let text = render_run(&run).markdown;
    assert!(text.contains("| lru+bloom |"), "{text}");
    assert!(text.contains("lru+bloom misses least"), "{text}");
}
