//! Peers: servers beside each other, under the same workloads from the same driver.
//!
//! Its one idea: throughput alone compares drivers and schedulers as much as servers, so beside it stand
//! the server's own CPU time per operation, its memory, and the latency at a rate that is the same for
//! all. A cell whose limit was the driver is shown, marked and compared with none.

use super::Page;
use super::throughput::NO_STORES;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, cells};
use crate::number::{self, count, percent, ratio, time_us};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::row::BenchRow;
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "peers",
    title: "Servers compared",
    about: "throughput, CPU per operation, memory, and latency at one rate, of servers side by side",
    source: "paired ratios over interleaved repetitions; coordinated omission: G. Tene 2013",
    build,
};

/// An open loop whose rate was met less than this was not met.
const RATE_MET: f64 = 0.97;

/// Cells of one comparison and workload.
struct Group<'a> {
    comparison: &'a str,
    workload: &'a str,
    cells: Vec<&'a Cell<'a>>,
}

fn build(run: &Run) -> Vec<Block> {
    let cells = cells(&run.rows);
    let groups = groups(&cells);
    if groups.is_empty() {
        return Block::absent("benchmark rows of servers", "just bench-peers");
    }
    let mut blocks = vec![Block::paragraph(
        "Each server ran on CPUs of its own, apart from those that drove it, with the same settings in \
         its own words. CPU time is the server's, all its threads together. Ratios are to the first \
         server of the same configuration, repetition by repetition, with 95 % bootstrap intervals. \
         The target limit parses nothing and answers everything alike: it is the ceiling, and no server.",
    )];
    let shown = groups.iter().flat_map(|group| &group.cells);
    let invalid = shown.filter(|cell| cell.invalid().is_some()).count();
    if invalid > 0 {
        let text = Text::new()
            .strong(format!("{invalid} of the cells are invalid"))
            .plain(
                ": their limit was the driver, which used up its CPUs while the server did not. Their \
                 figures stand here, and are compared with nothing.",
            );
        blocks.push(Block::Note {
            tone: Tone::Bad,
            text,
        });
    }
    let palette = Palette::new(
        groups
            .iter()
            .flat_map(|group| group.cells.iter().map(|cell| cell.target)),
    );
    for group in &groups {
        let heading = Text::new().plain(format!("{}: ", group.comparison));
        blocks.push(Block::heading(heading.code(group.workload)));
        let (open, closed): (Vec<&Cell<'_>>, Vec<&Cell<'_>>) =
            group.cells.iter().partition(|cell| rate(cell).is_some());
        if !closed.is_empty() {
            blocks.push(throughput(&closed, &palette));
            blocks.push(Block::Table(closed_loop(&closed)));
        }
        if !open.is_empty() {
            blocks.push(tail(&open, &palette));
            blocks.push(Block::Table(open_loop(&open)));
        }
    }
    blocks
}

/// Comparisons and workloads that more than one server, or any server, ran in.
fn groups<'a>(cells: &'a [Cell<'a>]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for cell in cells.iter().filter(|cell| is_remote(cell.target)) {
        let same = |group: &&mut Group<'_>| {
            (group.comparison, group.workload) == (cell.comparison, cell.workload)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.cells.push(cell),
            None => groups.push(Group {
                comparison: cell.comparison,
                workload: cell.workload,
                cells: vec![cell],
            }),
        }
    }
    groups.retain(|group| group.cells.iter().any(|cell| is_server(cell)));
    for group in &mut groups {
        // Configurations in the order in which they ran, targets within them.
        let order: Vec<String> = group.cells.iter().map(|cell| cell.config.clone()).collect();
        let place = |cell: &&Cell<'_>| order.iter().position(|config| *config == cell.config);
        group.cells.sort_by_key(place);
    }
    groups
}

/// Whether a target is driven over sockets.
fn is_remote(target: &str) -> bool {
    target.starts_with("spawn:") || target.contains("://") || target == "limit"
}

fn is_server(cell: &Cell<'_>) -> bool {
    !NO_STORES.contains(&cell.target)
}

/// The rate that a cell was meant to run at, where it was an open loop.
fn rate(cell: &Cell<'_>) -> Option<f64> {
    cell.settings
        .get("rate")
        .and_then(serde_json::Value::as_f64)
}

/// The cell that others of its configuration are compared with: the first server.
fn base<'a>(cell: &Cell<'_>, cells: &[&'a Cell<'a>]) -> Option<&'a Cell<'a>> {
    cells
        .iter()
        .find(|other| is_server(other) && other.settings == cell.settings)
        .copied()
}

fn throughput(cells: &[&Cell<'_>], palette: &Palette) -> Block {
    marks(
        cells,
        palette,
        "Operations per second",
        ("operations per second (more is better)", count),
        |row| row.ops_per_s,
    )
}

fn tail(cells: &[&Cell<'_>], palette: &Palette) -> Block {
    marks(
        cells,
        palette,
        "99th percentile of latency at the same rate",
        ("latency from the intended time (less is better)", time_us),
        |row| row.latency_us.p99,
    )
}

/// A figure of all cells, by configuration, each repetition a dot.
fn marks(
    cells: &[&Cell<'_>],
    palette: &Palette,
    title: &str,
    (axis, format): (&str, number::Format),
    figure: fn(&BenchRow) -> f64,
) -> Block {
    let rows: Vec<RowMark> = cells
        .iter()
        .map(|cell| {
            let value = cell.median(figure);
            let words = value.map_or_else(|| number::ABSENT.into(), format);
            let invalid = cell.invalid().map_or("", |_| " (invalid)");
            RowMark {
                group: cell.config.clone(),
                name: format!("{}{invalid}", cell.target),
                look: palette.look(cell.target),
                value,
                interval: None,
                dots: cell.values(figure),
                tip: format!("{}: {words}, {} repetitions", cell.name(), cell.rows.len()),
                figure: words,
            }
        })
        .collect();
    let values: Vec<f64> = rows.iter().flat_map(|row| row.dots.clone()).collect();
    let plot = Rows {
        title: title.into(),
        axis: Axis::from_zero(axis, values, format),
        rows,
        bars: true,
        reference: None,
    };
    Block::Plot {
        svg: plot.svg(),
        caption: "Bars are medians, dots the repetitions.".into(),
    }
}

fn entry(value: Option<f64>, format: number::Format) -> Entry {
    value.map_or_else(|| number::ABSENT.into(), format).into()
}

/// What a server says of its version.
fn version(cell: &Cell<'_>) -> String {
    let said = cell
        .rows
        .iter()
        .find_map(|row| row.extra.get("server_version"));
    said.map_or_else(String::new, crate::cell::shown)
}

/// A figure over that of the first server of the configuration.
fn over_base(cell: &Cell<'_>, cells: &[&Cell<'_>], figure: fn(&BenchRow) -> f64) -> Entry {
    let base = base(cell, cells).filter(|base| base.target != cell.target && is_server(cell));
    number::estimate(base.and_then(|base| cell.over(base, figure)), ratio).into()
}

fn closed_loop(cells: &[&Cell<'_>]) -> Table {
    let mut table = Table::new(
        "As fast as it goes: medians over repetitions, and ratios to the first server",
        &[
            "configuration",
            "target",
            "version",
            "#runs",
            "#op/s",
            "#ratio",
            "#CPU/op",
            "#CPU/op ratio",
            "#p50",
            "#p99",
            "#resident",
            "#driver's CPU",
            "note",
        ],
    );
    for cell in cells {
        table.push(vec![
            cell.config.as_str().into(),
            cell.target.into(),
            version(cell).into(),
            cell.rows.len().to_string().into(),
            entry(cell.median(|row| row.ops_per_s), count),
            over_base(cell, cells, |row| row.ops_per_s),
            entry(cell.median(|row| row.cpu_us_per_op), time_us),
            over_base(cell, cells, |row| row.cpu_us_per_op),
            entry(cell.median(|row| row.latency_us.p50), time_us),
            entry(cell.median(|row| row.latency_us.p99), time_us),
            entry(cell.resident(), number::bytes),
            entry(cell.extra("generator_cpu_share"), percent),
            note(cell),
        ]);
    }
    table.without_empty_columns()
}

fn open_loop(cells: &[&Cell<'_>]) -> Table {
    let mut table = Table::new(
        "At the same rate: latency from the time at which an operation was meant to be sent",
        &[
            "configuration",
            "target",
            "version",
            "#runs",
            "#rate",
            "#op/s",
            "#p50",
            "#p99",
            "#p99 ratio",
            "#p99.9",
            "#max",
            "#CPU/op",
            "#CPU/op ratio",
            "#resident",
            "#driver's CPU",
            "note",
        ],
    );
    for cell in cells {
        table.push(vec![
            cell.config.as_str().into(),
            cell.target.into(),
            version(cell).into(),
            cell.rows.len().to_string().into(),
            entry(rate(cell), count),
            entry(cell.median(|row| row.ops_per_s), count),
            entry(cell.median(|row| row.latency_us.p50), time_us),
            entry(cell.median(|row| row.latency_us.p99), time_us),
            over_base(cell, cells, |row| row.latency_us.p99),
            entry(cell.median(|row| row.latency_us.p999), time_us),
            entry(cell.median(|row| row.latency_us.max), time_us),
            entry(cell.median(|row| row.cpu_us_per_op), time_us),
            over_base(cell, cells, |row| row.cpu_us_per_op),
            entry(cell.resident(), number::bytes),
            entry(cell.extra("generator_cpu_share"), percent),
            note(cell),
        ]);
    }
    table.without_empty_columns()
}

/// What the reader must know of a cell before comparing it.
fn note(cell: &Cell<'_>) -> Entry {
    let behind = rate(cell)
        .zip(cell.median(|row| row.ops_per_s))
        .is_some_and(|(rate, reached)| reached < RATE_MET * rate);
    let words = match (cell.invalid(), behind) {
        (Some(why), _) => format!("invalid: {why}"),
        (None, true) => "fell behind the rate".to_owned(),
        (None, false) => return Entry::default(),
    };
    Entry::from(words).tone(Tone::Bad)
}
