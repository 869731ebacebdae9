//! The tables of servers: a list of columns, each with its title and what stands in it.

use crate::block::{Entry, Table, Tone};
use crate::cell::Cell;
use crate::number::{self, count, percent, ratio, time_us};
use crate::row::BenchRow;

/// An open loop whose rate was met less than this was not met.
const RATE_MET: f64 = 0.97;

/// A column: its title (`#` before that of numbers), and what stands in it for a cell among others.
type Column = (&'static str, fn(&Cell<'_>, &[&Cell<'_>]) -> Entry);

/// Columns that name a cell.
const NAMES: &[Column] = &[
    ("configuration", |cell, _| cell.config.as_str().into()),
    ("target", |cell, _| cell.target.into()),
    ("version", |cell, _| version(cell).into()),
    ("#runs", |cell, _| cell.rows.len().to_string().into()),
];

/// Columns of closed loops.
const CLOSED: &[Column] = &[
    ("#op/s", |cell, _| figure(cell, |row| row.ops_per_s, count)),
    ("#ratio", |cell, cells| {
        over(cell, cells, |row| row.ops_per_s)
    }),
    ("#CPU/op", cpu),
    ("#CPU/op ratio", cpu_ratio),
    ("#p50", |cell, _| {
        figure(cell, |row| row.latency_us.p50, time_us)
    }),
    ("#p99", |cell, _| {
        figure(cell, |row| row.latency_us.p99, time_us)
    }),
];

/// Columns of open loops.
const OPEN: &[Column] = &[
    ("#rate", |cell, _| entry(cell.rate(), count)),
    ("#op/s", |cell, _| figure(cell, |row| row.ops_per_s, count)),
    ("#p50", |cell, _| {
        figure(cell, |row| row.latency_us.p50, time_us)
    }),
    ("#p99", |cell, _| {
        figure(cell, |row| row.latency_us.p99, time_us)
    }),
    ("#p99 ratio", |cell, cells| {
        over(cell, cells, |row| row.latency_us.p99)
    }),
    ("#p99.9", |cell, _| {
        figure(cell, |row| row.latency_us.p999, time_us)
    }),
    ("#max", |cell, _| {
        figure(cell, |row| row.latency_us.max, time_us)
    }),
    ("#driver late p99", |cell, _| {
        entry(cell.extra("generator_late_us_p99"), time_us)
    }),
    ("#CPU/op", cpu),
    ("#CPU/op ratio", cpu_ratio),
];

/// Columns of what both need.
const COSTS: &[Column] = &[
    ("#hit ratio", |cell, _| entry(cell.hit_ratio(), percent)),
    ("#resident", |cell, _| entry(cell.resident(), number::bytes)),
    ("#keys", |cell, _| entry(cell.extra("keys"), count)),
    ("#bytes/key", |cell, _| {
        entry(cell.median(bytes_per_key), count)
    }),
    ("#server's busiest", |cell, _| {
        entry(cell.extra("target_busiest_share"), percent)
    }),
    // Rows of before there was the second figure have the mean of all threads alone.
    ("#driver's busiest", |cell, _| {
        let busiest = cell.extra("generator_busiest_share");
        entry(
            busiest.or_else(|| cell.extra("generator_cpu_share")),
            percent,
        )
    }),
    ("#errors", |cell, _| {
        let errors: u64 = cell.rows.iter().map(|row| row.errors).sum();
        if errors == 0 {
            Entry::default()
        } else {
            Entry::from(count(errors as f64)).tone(Tone::Bad)
        }
    }),
    ("note", |cell, _| note(cell)),
];

/// Cells of closed loops.
pub(super) fn closed_loop(cells: &[&Cell<'_>]) -> Table {
    table(
        "As fast as it goes: medians over repetitions, and ratios to the first server",
        &[NAMES, CLOSED, COSTS],
        cells,
    )
}

/// Cells of open loops.
pub(super) fn open_loop(cells: &[&Cell<'_>]) -> Table {
    table(
        "At the same rate: latency from the time at which an operation was meant to be sent",
        &[NAMES, OPEN, COSTS],
        cells,
    )
}

fn table(title: &str, columns: &[&[Column]], cells: &[&Cell<'_>]) -> Table {
    let columns: Vec<Column> = columns.concat();
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let mut table = Table::new(title, &titles);
    for cell in cells {
        let entries = columns.iter().map(|(_, of)| of(cell, cells));
        table.push(entries.collect());
    }
    table.without_empty_columns()
}

fn entry(value: Option<f64>, format: number::Format) -> Entry {
    value.map_or_else(|| number::ABSENT.into(), format).into()
}

fn figure(cell: &Cell<'_>, figure: fn(&BenchRow) -> f64, format: number::Format) -> Entry {
    entry(cell.median(figure), format)
}

fn cpu(cell: &Cell<'_>, _: &[&Cell<'_>]) -> Entry {
    figure(cell, |row| row.cpu_us_per_op, time_us)
}

fn cpu_ratio(cell: &Cell<'_>, cells: &[&Cell<'_>]) -> Entry {
    number::estimate(super::cell_cost(cell, cells), ratio).into()
}

/// A figure over that of the first server of the configuration.
fn over(cell: &Cell<'_>, cells: &[&Cell<'_>], figure: fn(&BenchRow) -> f64) -> Entry {
    number::estimate(super::over_base(cell, cells, figure), ratio).into()
}

/// What a server says that it is; all of it where repetitions ran on different ones.
fn version(cell: &Cell<'_>) -> String {
    cell.builds().join(" and ")
}

/// What a key took, beyond what the server took when it was empty.
fn bytes_per_key(row: &BenchRow) -> f64 {
    let number = |name| row.extra.get(name).and_then(serde_json::Value::as_f64);
    match (number("rss_bytes_before"), number("keys")) {
        (Some(before), Some(keys)) if keys > 0.0 && row.rss_bytes > 0 => {
            (row.rss_bytes as f64 - before) / keys
        }
        _ => f64::NAN,
    }
}

/// What the reader must know of a cell before comparing it.
fn note(cell: &Cell<'_>) -> Entry {
    let mut words = Vec::new();
    let of = |count: usize| {
        let all = cell.rows.len();
        if count == all {
            String::new()
        } else {
            format!(" in {count} of {all}")
        }
    };
    let said = |field: &'static str| {
        let all: Vec<&str> = cell.said(field).collect();
        all.first().map(|first| (of(all.len()), *first))
    };
    let mut bad = false;
    if let Some((runs, why)) = said("invalid") {
        words.push(format!("invalid{runs}: {why}"));
        bad = true;
    }
    let behind = cell
        .rate()
        .zip(cell.median(|row| row.ops_per_s))
        .is_some_and(|(rate, reached)| reached < RATE_MET * rate);
    if behind {
        words.push("fell behind the rate".to_owned());
        bad = true;
    }
    if cell.builds().len() > 1 {
        words.push("different servers: compared with nothing".to_owned());
        bad = true;
    }
    for (limit, meaning) in [
        (
            "both",
            "driver and server were at their limit: at least so much",
        ),
        (
            "neither",
            "neither end was always busy: a figure of round trips",
        ),
    ] {
        let count = cell.said("limit_of").filter(|of| *of == limit).count();
        if count > 0 {
            words.push(format!("{meaning}{}", of(count)));
        }
    }
    if let Some((runs, who)) = said("disturbed") {
        words.push(format!("disturbed{runs}: {who}"));
    }
    words.extend(said("notice").map(|(_, notice)| notice.to_owned()));
    let entry = Entry::from(words.join("; "));
    if bad { entry.tone(Tone::Bad) } else { entry }
}
