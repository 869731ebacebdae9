//! The page of published figures, and what a comparison says of them.

use crate::story::{self, SMALL};
use seawall_report::block::{Entry, Table};
use seawall_report::compare::{Change, compare};
use seawall_report::row::Row;
use seawall_report::{Run, render_run, summary};

fn run() -> Run {
    Run {
        rows: story::validations(),
        ..story::run(SMALL)
    }
}

#[test]
fn every_figure_stands_beside_what_is_accepted_and_its_source() {
    let texts = |table: &Table| -> Vec<Vec<String>> {
        let text = |row: &Vec<Entry>| row.iter().map(|entry| entry.text.clone()).collect();
        table.rows.iter().map(text).collect()
    };
    let tables = summary(&run().rows);
    assert_eq!(
        texts(&tables[0]),
        [
            [
                "V5",
                "keys that move",
                "1/6",
                "±0.002",
                "0.167",
                "yes",
                "Somebody, 2014",
                ""
            ],
            [
                "V13",
                "fullest shard",
                "1/6",
                "±0.002",
                "1.30",
                "NO",
                "Somebody, 2014",
                ""
            ],
            [
                "V26",
                "reads",
                "1/6",
                "±0.002",
                "–",
                "not reproduced",
                "Somebody, 2014",
                "not reproduced: not built"
            ],
        ]
    );
    assert_eq!(
        texts(&tables[1]),
        [
            ["V5", "share", "0.167", "0.165 – 0.169", "yes"],
            ["V5", "keys", "50000", "shown only", ""],
            ["V13", "over the bound", "1.30", "≤ 1.25", "NO"],
        ]
    );
    let markdown = render_run(&run()).markdown;
    assert!(
        markdown.contains(
            "**1** published figures are within what is accepted, **1** are not, and **1** are not reproduced"
        ),
        "{markdown}"
    );
}

#[test]
fn a_figure_that_is_no_longer_accepted_is_worse() {
    let base = run();
    let mut new = run();
    if let Row::Validation(row) = &mut new.rows[0] {
        row.within = Some(false);
    }
    let verdict = compare(&base, &new);
    let changes: Vec<Change> = verdict.compared.iter().map(|one| one.change).collect();
    assert_eq!(changes, [Change::Worse, Change::Same]);
    assert!(verdict.worse() && !compare(&new, &base).worse());
    new.rows.remove(0);
    assert_eq!(compare(&base, &new).only_base, ["V5 · keys that move"]);
}
