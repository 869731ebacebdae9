//! `compare` calls better and worse what is, and nothing else.

use crate::story::{self, FULL, SMALL};
use seawall_report::Run;
use seawall_report::compare::{Change, Compared, compare};
use seawall_report::row::{BenchRow, Row};

fn changed(change: impl Fn(&mut BenchRow)) -> Run {
    let mut run = story::run(FULL);
    for row in &mut run.rows {
        if let Row::Bench(row) = row {
            change(row);
        }
    }
    run
}

fn of<'a>(compared: &'a [Compared], figure: &str) -> Vec<&'a Compared> {
    let found: Vec<_> = compared
        .iter()
        .filter(|compared| compared.figure == figure)
        .collect();
    assert!(!found.is_empty(), "no {figure} compared");
    found
}

#[test]
fn a_run_is_as_good_as_itself() {
    let run = story::run(FULL);
    let verdict = compare(&run, &run);
    assert!(!verdict.worse());
    assert!(
        verdict
            .compared
            .iter()
            .all(|compared| compared.change == Change::Same)
    );
    assert_eq!((verdict.only_base.len(), verdict.only_new.len()), (0, 0));
}

#[test]
fn a_tenth_less_throughput_is_worse_and_a_tenth_less_latency_better() {
    let base = story::run(FULL);
    let new = changed(|row| {
        // Two percent of noise on top, so that the interval has a width.
        let noise = 1.0 + 0.02 * f64::from(row.repetition % 2);
        row.ops_per_s *= 0.9 * noise;
        row.latency_us.p99 *= 0.9 * noise;
    });
    let verdict = compare(&base, &new);
    assert!(verdict.worse());
    assert!(
        of(&verdict.compared, "op/s")
            .iter()
            .all(|c| c.change == Change::Worse)
    );
    assert!(
        of(&verdict.compared, "p99")
            .iter()
            .all(|c| c.change == Change::Better)
    );
    assert!(
        of(&verdict.compared, "CPU/op")
            .iter()
            .all(|c| c.change == Change::Same)
    );
    assert!(
        !compare(&new, &base)
            .compared
            .iter()
            .any(|c| c.figure == "op/s" && c.change != Change::Better)
    );
}

#[test]
fn noise_is_no_difference() {
    let base = story::run(FULL);
    let new = changed(|row| {
        row.ops_per_s *= [0.9, 1.12, 0.97, 1.05, 0.95][row.repetition as usize % 5];
    });
    let verdict = compare(&base, &new);
    assert!(
        of(&verdict.compared, "op/s")
            .iter()
            .all(|c| c.change == Change::Same)
    );
}

#[test]
fn a_certain_difference_too_small_to_matter_is_none() {
    let base = story::run(FULL);
    let verdict = compare(&base, &changed(|row| row.ops_per_s *= 0.995));
    assert!(
        of(&verdict.compared, "op/s")
            .iter()
            .all(|c| c.change == Change::Same)
    );
}

#[test]
fn one_pair_decides_nothing() {
    let one = |run: Run| {
        let keep = |row: &Row| !matches!(row, Row::Bench(row) if row.repetition > 0);
        Run {
            rows: run.rows.into_iter().filter(keep).collect(),
            ..run
        }
    };
    let verdict = compare(
        &one(story::run(FULL)),
        &one(changed(|row| row.ops_per_s *= 0.5)),
    );
    assert!(
        of(&verdict.compared, "op/s")
            .iter()
            .all(|c| c.change == Change::Undecided)
    );
    assert!(!verdict.worse());
}

#[test]
fn one_more_miss_is_worse_and_so_is_a_claim_that_newly_fails() {
    let base = story::run(SMALL);
    let mut new = base.clone();
    let lab = new.rows.iter_mut().find_map(|row| match row {
        Row::Lab(row) => Some(row),
        _ => None,
    });
    lab.unwrap().misses += 1;
    let verdict = compare(&base, &new);
    assert_eq!(
        verdict
            .compared
            .iter()
            .filter(|c| c.change == Change::Worse)
            .count(),
        1
    );
    let mut new = base.clone();
    let sim = new.rows.iter_mut().find_map(|row| match row {
        Row::Sim(row) => Some(row),
        _ => None,
    });
    sim.unwrap().violations.push("lost".into());
    let verdict = compare(&base, &new);
    assert!(verdict.worse());
    assert!(
        verdict
            .table()
            .rows
            .iter()
            .any(|row| row[4].text == "worse")
    );
    assert!(!compare(&new, &base).worse());
}

/// Two ways to use the cache under otherwise equal conditions are two cells.
#[test]
fn a_claim_that_fails_with_one_caching_is_not_another_ones() {
    let mut base = story::run(SMALL);
    let sims = base.rows.iter().filter(|row| row.kind() == "sim");
    let with_leases: Vec<Row> = sims
        .cloned()
        .map(|mut row| {
            if let Row::Sim(row) = &mut row {
                row.caching = "cache-aside:lease_s=10".into();
            }
            row
        })
        .collect();
    base.rows.extend(with_leases);
    let mut new = base.clone();
    if let Some(Row::Sim(row)) = new.rows.last_mut() {
        row.violations.push("lost".into());
    }
    let verdict = compare(&base, &new);
    let worse: Vec<_> = verdict
        .compared
        .iter()
        .filter(|compared| compared.change == Change::Worse)
        .collect();
    assert_eq!(worse.len(), 1);
    assert!(worse[0].cell.contains("lease_s=10"), "{}", worse[0].cell);
}

#[test]
fn cells_that_one_run_lacks_are_named() {
    let base = story::run(SMALL);
    let new = Run {
        rows: base.rows[1..]
            .iter()
            .filter(|row| row.kind() == "lab")
            .cloned()
            .collect(),
        ..base.clone()
    };
    let verdict = compare(&base, &new);
    assert!(
        verdict
            .only_base
            .iter()
            .any(|cell| cell.contains("cache-aside · embedded"))
    );
    assert_eq!(compare(&new, &base).only_new, verdict.only_base);
}
