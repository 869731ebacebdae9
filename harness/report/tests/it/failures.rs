//! Failures: the one table, the front of the best, the sentences of what to choose, and time lines.

use seawall_report::row::{Row, SimRow};
use seawall_report::{Run, render_run, summary};
use serde_json::json;

use crate::story::{self, SMALL};

/// The story's run with the simulated rows changed, without the others.
fn run(change: impl Fn(&mut SimRow)) -> Run {
    let mut run = story::run(SMALL);
    run.rows.retain(|row| matches!(row, Row::Sim(_)));
    for row in &mut run.rows {
        if let Row::Sim(row) = row {
            change(row);
        }
    }
    run
}

/// The page in Markdown.
fn page(run: &Run) -> String {
    let markdown = render_run(run).markdown;
    let (_, page) = markdown
        .split_once("## Failures compared")
        .expect("the page");
    let end = page.find("\n## ").unwrap_or(page.len());
    page[..end].to_owned()
}

/// The line of a member in the first table that has it.
fn line<'a>(page: &'a str, member: &str) -> Vec<&'a str> {
    let begin = format!("| {member} |");
    let line = page.lines().find(|line| line.starts_with(&begin));
    let line = line.unwrap_or_else(|| panic!("no {begin} in {page}"));
    line.split('|').map(str::trim).collect()
}

#[test]
fn the_one_table_has_the_worst_of_each_seed_and_the_mean_of_what_is_paid() {
    let run = run(|row| {
        let fault = ["node-crash", "zone-down", "partition"]
            .iter()
            .position(|name| row.fault == *name)
            .expect("one of them") as u64;
        row.unavailable_ms = if row.replication == "async" {
            1000 * (1 + fault) * row.seed
        } else {
            0
        };
        row.usd_per_month = 100.0 * (1 + fault) as f64;
    });
    let page = page(&run);
    let line = line(&page, "async");
    // Seed 1 was down for 1, 2 and 3 s, seed 2 for twice that.
    assert!(line.contains(&"4.50 s (3.00 – 6.00)"), "{line:?}");
    assert!(line.contains(&"$200"), "{line:?}");
}

#[test]
fn members_are_compared_under_what_all_of_them_were_put_under() {
    let all = run(|row| row.stale_reads = if row.fault == "partition" { 77 } else { 1 });
    let without = |rows: &[Row]| -> Vec<Row> {
        let is_kept = |row: &&Row| match row {
            Row::Sim(row) => !(row.fault == "partition" && row.replication == "quorum"),
            _ => true,
        };
        rows.iter().filter(is_kept).cloned().collect()
    };
    let some = Run {
        rows: without(&all.rows),
        ..all.clone()
    };
    assert!(line(&page(&all), "none").contains(&"77"));
    assert!(line(&page(&some), "none").contains(&"1"));
}

#[test]
fn the_choice_follows_the_rows() {
    let lossless = |name: &'static str| {
        run(move |row| {
            row.lost_acked_writes = if row.replication == name { 0 } else { 40 };
        })
    };
    for name in ["none", "async", "quorum"] {
        let page = page(&lossless(name));
        let words = format!("may be lost:** `{name}`, which is not known to promise to lose none");
        assert!(page.contains(&words), "{name}: {page}");
    }
    // Who promises it comes before who is cheaper and had luck.
    let lucky = page(&run(|row| {
        row.lost_acked_writes = 0;
        let promises = row.replication == "quorum";
        row.extra
            .insert("claims_to_keep_writes".into(), promises.into());
    }));
    assert!(
        lucky.contains("may be lost:** `quorum`, which promises to lose none")
            && lucky.contains("`none, async` lost none either, without a promise."),
        "{lucky}"
    );
    let none = page(&run(|row| row.lost_acked_writes = 3));
    assert!(none.contains("none of these"), "{none}");
    // What breaks its claim is recommended to nobody.
    let broken = page(&run(|row| {
        row.lost_acked_writes = u64::from(row.replication != "quorum");
        if row.replication == "quorum" {
            row.violations = vec!["it lied".into()];
        }
    }));
    assert!(broken.contains("none of these"), "{broken}");
}

#[test]
fn what_may_lose_is_offered_for_what_it_gains_and_never_without() {
    let gains = page(&run(|row| {
        row.lost_acked_writes = if row.replication == "none" { 40 } else { 0 };
    }));
    assert!(
        gains.contains("If a failure may take 40 acknowledged writes"),
        "{gains}"
    );
    let nothing = page(&run(|row| {
        row.lost_acked_writes = if row.replication == "none" { 40 } else { 0 };
        (row.usd_per_month, row.unavailable_ms) = (500.0, 2000);
    }));
    assert!(!nothing.contains("If a failure may take"), "{nothing}");
}

#[test]
fn time_lines_are_drawn_with_the_fault_marked() {
    let drawn = |schedule: serde_json::Value| {
        let run = run(|row| {
            let line = json!({
                "slice_ms": 500, "answered": [10, 4, 10], "failed": [0, 6, 0],
                "hits": [8, 1, 8], "misses": [2, 3, 2], "database_reads": [2, 3, 2],
            });
            row.extra.insert("timeline".into(), line);
            row.extra.insert("schedule".into(), schedule.clone());
        });
        render_run(&run).html
    };
    let html =
        drawn(json!([{"at_ms": 500, "action": "crash"}, {"at_ms": 900, "action": "replace"}]));
    for words in [
        "Second by second: zone-down",
        "Hit ratio under zone-down",
        "quorum at 0.8 s: 12",
        "at 0.8 s: 25.0",
    ] {
        assert!(html.contains(words), "no {words}");
    }
    // One band a plot, and none where nothing was done.
    let bands = |html: &str| html.matches("opacity=\"0.18\"").count();
    assert!(bands(&html) >= 12, "{}", bands(&html));
    assert_eq!(bands(&drawn(json!([]))), 0);
}

#[test]
fn a_time_line_that_is_none_ends_no_report() {
    for line in [
        json!(3),
        json!({}),
        json!({"slice_ms": 0, "answered": "x"}),
        json!({"slice_ms": 1e300, "answered": [null, -1], "hits": [0]}),
    ] {
        let run = run(|row| {
            row.extra.insert("timeline".into(), line.clone());
            row.extra
                .insert("schedule".into(), json!([{"at_ms": "x"}, 3]));
        });
        assert!(page(&run).contains("Each replication over all"));
    }
}

#[test]
fn the_terminal_gets_a_line_a_member() {
    let tables = summary(&run(|_| ()).rows);
    let lines: Vec<usize> = tables.iter().map(|table| table.rows.len()).collect();
    assert_eq!(lines, [3, 3], "three replications and three shardings");
}
