//! Tables for a terminal.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use seawall_report::answer::given;
use seawall_report::curve::replay;
use seawall_report::row::{LabRow, Row};
use seawall_report::stats::order::median;
use seawall_report::{answer, block};

use crate::family::Family;
use crate::output;
use crate::status::Outcome;

/// A table without lines, as wide as the terminal at most.
pub(crate) fn plain(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    table
}

/// The members of a family.
pub(crate) fn members(family: &Family) -> String {
    let mut table = plain(&[family.name, "", "source"]);
    for member in (family.members)() {
        table.add_row([member.name, member.about, member.source]);
    }
    format!("{table}\n")
}

/// A table of the report's.
pub(crate) fn of(data: &block::Table) -> String {
    let titles: Vec<&str> = data.columns.iter().map(|column| &*column.title).collect();
    let mut table = plain(&titles);
    for row in &data.rows {
        table.add_row(row.iter().map(|entry| &*entry.text));
    }
    for (index, column) in data.columns.iter().enumerate() {
        if let Some(shown) = table.column_mut(index).filter(|_| column.number) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n{table}\n", data.title)
}

/// Shows what rows come to.
pub(crate) fn summary(rows: &[Row]) -> Outcome {
    for table in seawall_report::summary(rows) {
        output::line(&of(&table))?;
    }
    Ok(())
}

/// Miss ratios of lab rows: a table a trace, a line a policy with its parameters, a column a size, and one of what
/// replays took where that is told.
pub(crate) fn misses(rows: &[Row]) -> String {
    let took = rows.iter().filter_map(replay);
    let cpu_us: HashMap<&str, f64> = took.map(|row| (&*row.run, row.cpu_us_per_op)).collect();
    let rows = of_lab(rows);
    let mut text = String::new();
    for of_trace in rows.chunk_by(|a, b| a.trace == b.trace) {
        let mut lines = of_trace
            .chunk_by(|a, b| a.config["policy"] == b.config["policy"])
            .peekable();
        let sizes: Vec<String> = lines
            .peek()
            .into_iter()
            .flat_map(|line| line.iter())
            .map(|row| {
                format!(
                    "{} ({})",
                    given(row, "size").unwrap_or_default().to_owned(),
                    row.size
                )
            })
            .collect();
        let mut table = plain(&[]);
        let cpu = (!cpu_us.is_empty()).then(|| "CPU ns per request".to_owned());
        let head = [String::from("policy")].into_iter().chain(sizes);
        table.set_header(head.chain(cpu));
        for line in lines {
            let took: Vec<f64> = line
                .iter()
                .filter_map(|row| cpu_us.get(&*row.run).copied())
                .collect();
            let cpu = median(&took).map(|us| format!("{:.1}", 1e3 * us));
            let ratios = line
                .iter()
                .map(|row| format!("{:.4}", row.misses as f64 / row.requests.max(1) as f64));
            table.add_row(
                [given(line[0], "policy").unwrap_or_default().to_owned()]
                    .into_iter()
                    .chain(ratios)
                    .chain(cpu),
            );
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let LabRow {
            trace,
            requests,
            unit,
            ..
        } = of_trace[0];
        let _ = write!(
            text,
            "{trace}: misses per request, {requests} requests, sizes in {unit}\n{table}\n\n{}\n",
            answer::of_trace(of_trace).join("\n")
        );
    }
    text.trim_end().to_owned()
}

/// What the running store hit, beside what the lab foretold: a line a policy and size.
pub(crate) fn live(rows: &[Row]) -> String {
    let rows = of_lab(rows);
    let mut text = String::new();
    let traces = rows.iter().map(|row| &*row.trace);
    for trace in traces.collect::<BTreeSet<_>>() {
        let of_trace: Vec<&LabRow> = rows
            .iter()
            .copied()
            .filter(|row| row.trace == trace)
            .collect();
        let mut table = plain(&["policy", "size", "foretold", "live", "live less foretold"]);
        let mut furthest = 0.0_f64;
        for (foretold, live) in answer::driven(&of_trace) {
            let apart = 100.0 * (answer::ratio(foretold) - answer::ratio(live));
            furthest = furthest.max(apart.abs());
            let hits = |row: &LabRow| format!("{:.2} %", 100.0 * (1.0 - answer::ratio(row)));
            table.add_row([
                given(live, "policy").unwrap_or_default().to_owned(),
                format!(
                    "{} ({})",
                    given(live, "size").unwrap_or_default().to_owned(),
                    live.size
                ),
                hits(foretold),
                hits(live),
                format!("{apart:+.2}"),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let requests = of_trace[0].requests;
        let _ = write!(
            text,
            "{trace}: hits of {requests} gets, foretold by the lab and of the running store\n{table}\n\nThe furthest \
             apart are {furthest:.2} points.\n\n"
        );
    }
    text.trim_end().to_owned()
}

fn of_lab(rows: &[Row]) -> Vec<&LabRow> {
    rows.iter()
        .filter_map(|row| match row {
            Row::Lab(row) => Some(row),
            _ => None,
        })
        .collect()
}

/// The misses of a grid as curves: a line per size, a column per policy; a row of a sample with half its interval.
pub(crate) fn curves(rows: &[Row]) -> String {
    let rows = of_lab(rows);
    let mut text = String::new();
    for of_trace in rows.chunk_by(|a, b| a.trace == b.trace) {
        let policies: Vec<&[&LabRow]> = of_trace
            .chunk_by(|a, b| a.config["policy"] == b.config["policy"])
            .collect();
        let mut table = plain(&[]);
        let names = policies
            .iter()
            .map(|of_policy| given(of_policy[0], "policy").unwrap_or_default().to_owned());
        table.set_header([String::from("size")].into_iter().chain(names));
        for (at, row) in policies[0].iter().enumerate() {
            let size = format!(
                "{} ({})",
                given(row, "size").unwrap_or_default().to_owned(),
                row.size
            );
            let cells = policies
                .iter()
                .map(|of_policy| cell_of_curve(of_policy[at]));
            table.add_row([size].into_iter().chain(cells));
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let row = of_trace[0];
        let _ = write!(
            text,
            "{}: misses per request, {} requests, sizes in {}\n{table}\n\n{}\n",
            row.trace,
            row.requests,
            row.unit,
            answer::of_trace(of_trace).join("\n")
        );
    }
    text.trim_end().to_owned()
}

fn cell_of_curve(row: &LabRow) -> String {
    let ratio = row.misses as f64 / row.requests.max(1) as f64;
    let end = |name: &str| row.extra.get(name).and_then(serde_json::Value::as_f64);
    match (end("miss_ratio_low"), end("miss_ratio_high")) {
        (Some(low), Some(high)) => format!("{ratio:.4} ± {:.4}", (high - low) / 2.0),
        _ => format!("{ratio:.4}"),
    }
}
