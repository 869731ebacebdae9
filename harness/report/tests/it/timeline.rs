//! Latency over time: what a snapshot did to it.

use seawall_report::render_run;
use seawall_report::row::Row;
use serde_json::json;

use crate::story::{self, SMALL};

#[test]
fn slices_with_a_snapshot_stand_beside_the_others() {
    let mut run = story::run(SMALL);
    let mut rows = run.rows.iter_mut();
    let Some(Row::Bench(row)) = rows.next() else {
        panic!("the story begins with a benchmark row")
    };
    let line = json!({
        "slice_ms": 100.0,
        "p50": [10.0, 11.0, null, 10.0],
        "p99": [20.0, 90.0, null, 20.0],
        "p999": [30.0, 120.0, null, 30.0],
        "max": [40.0, 400.0, null, 45.0],
        "saving_ms": [[110.0, 190.0]],
        "while_saving": {"ops": 10, "p50": 11.0, "p99": 90.0, "p999": 120.0, "max": 400.0},
        "while_not": {"ops": 20, "p50": 10.0, "p99": 20.0, "p999": 30.0, "max": 45.0},
    });
    row.extra.insert("timeline".into(), line);
    let rendered = render_run(&run);
    let (_, page) = rendered
        .markdown
        .split_once("## Latency over time")
        .expect("the page");
    let line = page.lines().find(|line| line.starts_with("| cache-aside"));
    let line = line.expect("a row of the table");
    for word in ["80.0 ms", "30 µs", "120 µs", "4.00×", "45 µs", "400 µs"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    assert!(
        rendered
            .html
            .contains("Shaded: a snapshot was being written.")
    );
}

#[test]
fn a_time_line_that_is_none_ends_no_report() {
    for line in [
        json!(3),
        json!({}),
        json!({"slice_ms": 0.0, "p50": "x", "saving_ms": [1, [2]]}),
    ] {
        let mut run = story::run(SMALL);
        for row in &mut run.rows {
            if let Row::Bench(row) = row {
                row.extra.insert("timeline".into(), line.clone());
            }
        }
        assert!(render_run(&run).markdown.contains("## Latency over time"));
    }
}

#[test]
fn of_more_slices_than_a_picture_shows_the_worst_are_drawn() {
    let mut run = story::run(SMALL);
    let Some(Row::Bench(row)) = run.rows.first_mut() else {
        panic!("the story begins with a benchmark row")
    };
    let mut slices = vec![10.0; 700];
    slices[301] = 9_000.0;
    let line = json!({
        "slice_ms": 20.0, "p50": slices, "p99": [], "p999": [], "max": [], "saving_ms": [],
    });
    row.extra.insert("timeline".into(), line);
    let html = render_run(&run).html;
    assert!(html.contains("A point is the worst of 3 slices of 20.0 ms."));
    // The slices from 6.00 to 6.06 s share it.
    assert!(html.contains("p50 at 6.03 s: 9.00 ms"));
    assert!(html.contains("p50 at 5.97 s: 10 µs"));
}
