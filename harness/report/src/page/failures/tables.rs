//! Tables of every trial: what was claimed, what was lost, what clients felt, what it took.

use serde_json::Value;

use super::{Family, in_order, name};
use crate::block::{Entry, Table, Tone};
use crate::number::{self, bytes, count, percent, ratio, time_ms, usd};
use crate::row::SimRow;
use crate::trial::{Spread, Trial, lost_keys_share, misplaced_writes, moved_share};

/// What each replication claims, and whether it held.
pub(super) fn claims(trials: &[Trial<'_>]) -> Table {
    let mut table = Table::new(
        "What is claimed",
        &["replication", "claim", "#runs", "held"],
    );
    for name in in_order(trials.iter().map(|trial| trial.first().replication.clone())) {
        let of_it: Vec<&Trial<'_>> = trials
            .iter()
            .filter(|trial| trial.first().replication == name)
            .collect();
        let runs: usize = of_it.iter().map(|trial| trial.seeds()).sum();
        let broken: usize = of_it.iter().map(|trial| trial.broken()).sum();
        table.push(vec![
            name.into(),
            of_it[0].first().claim.as_str().into(),
            runs.to_string().into(),
            held(runs, broken),
        ]);
    }
    table
}

/// Whether a claim held in all runs.
pub(super) fn held(runs: usize, broken: usize) -> Entry {
    if broken == 0 {
        Entry::from(format!("in all {runs}")).tone(Tone::Good)
    } else {
        Entry::from(format!("NOT in {broken} of {runs}")).tone(Tone::Bad)
    }
}

/// The figures of safety: what was promised and what was lost.
pub(super) fn safety(family: Family, group: &[Trial<'_>]) -> Table {
    let mut table = Table::new(
        "Claimed and observed",
        &[
            "fault",
            family.word(),
            "claim held",
            "#seeds",
            "#acked writes",
            "#lost of them",
            "#recovery point",
            "#seeds that lost",
            "#misplaced",
            "#keys lost",
            "#stale reads",
        ],
    );
    for trial in group {
        let row = trial.first();
        let losing = trial.count(|row| row.lost_acked_writes > 0);
        table.push(vec![
            row.fault.as_str().into(),
            name(family, trial, group).into(),
            held(trial.seeds(), trial.broken()),
            trial.seeds().to_string().into(),
            Spread::show(trial.spread(|row| row.acked_writes as f64), count).into(),
            Entry::from(Spread::show(
                trial.spread(|row| row.lost_acked_writes as f64),
                count,
            ))
            .strong_if(losing > 0),
            Spread::show(trial.spread(|row| extra(row, "recovery_point_ms")), time_ms).into(),
            losing.to_string().into(),
            Spread::show(trial.spread(misplaced_writes), count).into(),
            Spread::show(trial.spread(lost_keys_share), percent).into(),
            Spread::show(trial.spread(|row| row.stale_reads as f64), count).into(),
        ]);
    }
    table.without_empty_columns()
}

/// A figure of a run, by its column's heading.
pub(super) type FigureOf = (&'static str, fn(&SimRow) -> f64, number::Format);

/// A figure among the extra fields; NaN where a row does not have it.
fn extra(row: &SimRow, field: &str) -> f64 {
    let figure = row.extra.get(field);
    figure.and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// What clients and the database felt.
pub(super) const SERVICE: [FigureOf; 8] = [
    ("#unavailable", |row| row.unavailable_ms as f64, time_ms),
    (
        "#to reads",
        |row| extra(row, "reads_unavailable_ms"),
        time_ms,
    ),
    (
        "#to writes",
        |row| extra(row, "writes_unavailable_ms"),
        time_ms,
    ),
    ("#recovery", |row| row.recovery_ms as f64, time_ms),
    ("#lowest hit ratio", |row| row.hit_ratio_min, percent),
    ("#database peak", |row| row.db_peak_over_steady, ratio),
    (
        "#p99 before",
        |row| row.latency_us.before.p99,
        number::time_us,
    ),
    (
        "#p99 during",
        |row| row.latency_us.during.p99,
        number::latency_us,
    ),
];

/// What it takes.
pub(super) const COST: [FigureOf; 4] = [
    ("#moved keys", moved_share, percent),
    (
        "#cross-zone traffic",
        |row| row.cross_zone_bytes as f64,
        bytes,
    ),
    ("#USD a month", |row| row.usd_per_month, usd),
    (
        "#USD a million ops",
        |row| extra(row, "usd_per_million_ops"),
        usd,
    ),
];

/// A table of figures.
pub(super) fn figures(
    title: &str,
    family: Family,
    group: &[Trial<'_>],
    figures: &[FigureOf],
) -> Table {
    let mut columns = vec!["fault", family.word()];
    columns.extend(figures.iter().map(|(heading, ..)| *heading));
    let mut table = Table::new(title, &columns);
    for trial in group {
        let mut row: Vec<Entry> = vec![
            trial.first().fault.as_str().into(),
            name(family, trial, group).into(),
        ];
        let shown = figures
            .iter()
            .map(|(_, figure, format)| Entry::from(Spread::show(trial.spread(figure), *format)));
        row.extend(shown);
        table.push(row);
    }
    table.without_empty_columns()
}

/// Shown of each run's violations; the rows hold the others.
const VIOLATIONS_SHOWN: usize = 3;

/// The claims that did not hold.
pub(super) fn violations(trials: &[Trial<'_>]) -> Table {
    let columns = [
        "fault",
        "replication",
        "sharding",
        "#seed",
        "what did not hold",
    ];
    let mut table = Table::new("Violations", &columns);
    for row in trials.iter().flat_map(|trial| &trial.rows) {
        for violation in row.violations.iter().take(VIOLATIONS_SHOWN) {
            table.push(vec![
                row.fault.as_str().into(),
                row.replication.as_str().into(),
                row.sharding.as_str().into(),
                row.seed.to_string().into(),
                Entry::from(violation.as_str()).tone(Tone::Bad),
            ]);
        }
        let more = row.violations.len().saturating_sub(VIOLATIONS_SHOWN);
        if more > 0 {
            let mut entries = vec![Entry::default(); columns.len()];
            entries[columns.len() - 1] = format!("and {more} more").into();
            table.push(entries);
        }
    }
    table
}
