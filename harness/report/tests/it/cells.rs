//! Which benchmark rows belong together, and how their cells are told apart.

use seawall_report::Run;
use seawall_report::cell::cells;
use seawall_report::row::{BenchRow, Row};
use serde_json::json;

use crate::story::{self, SMALL};

fn run(change: impl Fn(&mut BenchRow)) -> Run {
    let mut run = story::run(SMALL);
    for row in &mut run.rows {
        if let Row::Bench(row) = row {
            change(row);
        }
    }
    run
}

#[test]
fn repetitions_make_a_cell() {
    let run = run(|_| ());
    let cells = cells(&run.rows);
    assert_eq!(cells.len(), 2 * 5, "two workloads, five configurations");
    assert!(cells.iter().all(|cell| cell.rows.len() == 3));
    assert_eq!(cells[1].name(), "embedded · log everysec");
}

#[test]
fn one_configuration_in_two_comparisons_is_two_cells() {
    let mut run = run(|row| {
        row.extra.insert("comparison".into(), json!("persistence"));
    });
    let mut twins: Vec<Row> = run.rows.clone();
    for row in &mut twins {
        if let Row::Bench(row) = row {
            row.extra.insert("comparison".into(), json!("engines"));
            row.ops_per_s *= 2.0;
        }
    }
    run.rows.extend(twins);
    let cells = cells(&run.rows);
    assert_eq!(cells.len(), 20);
    let names: Vec<String> = cells.iter().map(|cell| cell.config.clone()).collect();
    assert!(
        names.contains(&"memory only (persistence)".into()),
        "{names:?}"
    );
    assert!(names.contains(&"memory only (engines)".into()), "{names:?}");
    // The log is compared with the store without it of its own comparison.
    let log = cells
        .iter()
        .find(|cell| cell.config == "log everysec (engines)")
        .unwrap();
    let off = |comparison: &str| {
        let same = |cell: &&seawall_report::cell::Cell<'_>| {
            cell.comparison == comparison && cell.config.starts_with("memory only")
        };
        cells.iter().find(same).unwrap()
    };
    let own = log.over(off("engines"), |row| row.ops_per_s).unwrap();
    let other = log.over(off("persistence"), |row| row.ops_per_s).unwrap();
    assert!((other.value / own.value - 2.0).abs() < 1e-9);
}

#[test]
fn one_name_for_two_configurations_shows_what_was_set() {
    let run = run(|row| {
        row.config.insert("name".into(), json!("same"));
    });
    let names: Vec<String> = cells(&run.rows)
        .iter()
        .map(|cell| cell.config.clone())
        .collect();
    assert_eq!(names[0], "same (appendonly=no)");
    assert_eq!(
        names[1],
        "same (appendonly=yes appendfsync=everysec device=uring)"
    );
}
