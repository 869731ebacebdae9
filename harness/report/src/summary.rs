//! The summary for the terminal: a few tables, as data; the program lays them out.

use crate::bar;
use crate::block::{Entry, Table};
use crate::cell::{cells, timed};
use crate::curve::traces;
use crate::number::{self, count, percent, time_us};
use crate::page;
use crate::row::Row;

/// The tables that sum up `rows`: throughput, what is held to bars, what servers lost that ended, the best policy of each
/// trace, how strategies stood failures, published figures. Kinds of rows that are absent have no table.
pub fn summary(rows: &[Row]) -> Vec<Table> {
    let bars = page::bars::table(&bar::held(&cells(rows)));
    let mut tables = vec![throughput(rows), bars];
    tables.extend(page::loss::tables(rows));
    tables.push(policies(rows));
    tables.extend(page::failures::short_tables(rows));
    tables.extend(page::validations::tables(rows));
    tables
        .into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect()
}

fn throughput(rows: &[Row]) -> Table {
    let mut table = Table::new(
        "Throughput and latency (medians)",
        &[
            "workload",
            "target",
            "config",
            "#op/s",
            "#p50",
            "#p99",
            "#CPU/op",
            "#hit ratio",
            "note",
        ],
    );
    for cell in timed(rows) {
        let figure = |value: Option<f64>, format: number::Format| -> Entry {
            value.map_or_else(|| number::ABSENT.into(), format).into()
        };
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            cell.config.as_str().into(),
            figure(cell.median(|row| row.ops_per_s), count),
            figure(cell.median(|row| row.latency_us.p50), time_us),
            figure(cell.median(|row| row.latency_us.p99), time_us),
            figure(cell.median(|row| row.cpu_us_per_op), time_us),
            figure(cell.hit_ratio(), percent),
            cell.invalid().map_or("", |_| "invalid").into(),
        ]);
    }
    // Most runs have no such cell.
    if table
        .rows
        .iter()
        .all(|row| row.last().is_some_and(|note| note.text.is_empty()))
    {
        table.columns.pop();
        table.rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    table
}

fn policies(rows: &[Row]) -> Table {
    let mut table = Table::new(
        "Best policy of each trace (mean miss ratio over sizes)",
        &[
            "trace",
            "#sizes",
            "best",
            "#misses",
            "#over Belady",
            "worst",
            "#misses",
        ],
    );
    for trace in traces(rows) {
        let ranking = trace.ranking();
        let (Some((best, low)), Some((worst, high))) = (ranking.first(), ranking.last()) else {
            continue;
        };
        let over = trace.over_floor(best);
        table.push(vec![
            trace.name.into(),
            trace.sizes().len().to_string().into(),
            Entry::from(best.name.as_str()).strong_if(true),
            percent(*low).into(),
            over.map_or_else(|| number::ABSENT.into(), number::ratio)
                .into(),
            worst.name.as_str().into(),
            percent(*high).into(),
        ]);
    }
    table
}
