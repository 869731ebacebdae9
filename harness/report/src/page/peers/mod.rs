//! Peers: servers beside each other, under the same workloads from the same driver.
//!
//! Its one idea: throughput alone compares drivers and schedulers as much as servers, so beside it stand
//! the server's own CPU time per operation, its memory, and the latency at a rate that is the same for
//! all. A cell whose limit was the driver is shown, marked and compared with none.

mod table;

use super::Page;
use super::throughput::NO_STORES;
use crate::block::{Block, Text, Tone};
use crate::cell::{Cell, timed};
use crate::number::{self, count, ratio, time_us};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::row::BenchRow;
use crate::run::Run;
use crate::stats::Estimate;

/// The page.
pub const PAGE: Page = Page {
    name: "peers",
    title: "Servers compared",
    about: "throughput, CPU per operation, memory, and latency at one rate, of servers side by side",
    source: "paired ratios over interleaved repetitions; coordinated omission: G. Tene 2013",
    build,
};

/// Cells of one comparison and workload.
struct Group<'a> {
    comparison: &'a str,
    workload: &'a str,
    cells: Vec<&'a Cell<'a>>,
}

fn build(run: &Run) -> Vec<Block> {
    let cells = timed(&run.rows);
    let groups = groups(&cells);
    if groups.is_empty() {
        return Block::absent("benchmark rows of servers", "just bench-peers");
    }
    let mut blocks = vec![Block::paragraph(introduction(&groups).as_str())];
    let shown = || groups.iter().flat_map(|group| &group.cells);
    // Of what is no server nothing else is expected.
    let invalid = shown().filter(|cell| is_server(cell) && cell.invalid().is_some());
    let invalid = invalid.count();
    if invalid > 0 {
        let text = Text::new()
            .strong(format!("{invalid} of the cells are invalid"))
            .plain(
                ": their limit was not the server but who drove it. Their figures stand here, and but for \
                 CPU per operation, which is the server's own, they are compared with nothing.",
            );
        blocks.push(Block::Note {
            tone: Tone::Bad,
            text,
        });
    }
    let disturbed: usize = shown().map(|cell| cell.said("disturbed").count()).sum();
    if disturbed > 0 {
        let all: usize = shown().map(|cell| cell.rows.len()).sum();
        let text = Text::new()
            .strong(format!("{disturbed} of {all} repetitions were disturbed"))
            .plain(": others had the CPUs for a part of the time. The notes say of which cells.");
        blocks.push(Block::Note {
            tone: Tone::Plain,
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
            group.cells.iter().partition(|cell| cell.rate().is_some());
        if !closed.is_empty() {
            blocks.push(throughput(&closed, &palette));
            blocks.push(Block::Table(table::closed_loop(&closed)));
        }
        if !open.is_empty() {
            blocks.push(tail(&open, &palette));
            blocks.push(Block::Table(table::open_loop(&open)));
        }
    }
    blocks
}

/// A sentence for each comparison and configuration of closed loops: every server beside the first.
pub(super) fn findings(run: &Run) -> Vec<Block> {
    let cells = timed(&run.rows);
    let mut blocks = Vec::new();
    for group in &groups(&cells) {
        let closed = group.cells.iter().filter(|cell| cell.rate().is_none());
        let closed: Vec<&Cell<'_>> = closed.copied().collect();
        for side_by_side in closed.chunk_by(|one, other| one.settings == other.settings) {
            let compared: Vec<(&Cell<'_>, Estimate)> = side_by_side
                .iter()
                .filter_map(|cell| {
                    let estimate = over_base(cell, side_by_side, |row| row.ops_per_s)?;
                    Some((*cell, estimate))
                })
                .collect();
            let Some((first, _)) = compared.first() else {
                continue;
            };
            let base = base(first, side_by_side).map_or("", |base| base.target);
            let mut text = Text::new()
                .code(group.workload)
                .plain(format!(", {}: beside ", first.config))
                .code(base);
            for (cell, estimate) in &compared {
                let cost = cell_cost(cell, side_by_side);
                text = text
                    .plain(", ")
                    .code(cell.target)
                    .plain(" did ")
                    .strong(number::estimate(Some(*estimate), ratio))
                    .plain(format!(
                        " the operations at {} the CPU each",
                        number::estimate(cost, ratio)
                    ));
            }
            blocks.push(Block::Finding {
                tone: Tone::Plain,
                text: text.plain("."),
            });
        }
    }
    blocks
}

/// What holds of all cells; of CPUs only what the rows bear out.
fn introduction(groups: &[Group<'_>]) -> String {
    let servers = || {
        let cells = groups.iter().flat_map(|group| &group.cells);
        cells.filter(|cell| is_server(cell))
    };
    let mut text = String::new();
    if servers().all(|cell| cell.rows.iter().all(|row| is_apart(row))) {
        text += "Each server ran on CPUs of its own, apart from those that drove it. ";
    } else {
        text += "Not every server ran on CPUs of its own: where it shared them with its driver, or nobody \
                 told its CPUs, its figures are of both. ";
    }
    if servers().all(|cell| cell.target.starts_with("spawn:")) {
        text += "All had the same settings, each in its own words. ";
    }
    text + "CPU time is the server's, all its threads together. Ratios are to the first server of the same \
            configuration, repetition by repetition, with 95 % bootstrap intervals. The target limit parses \
            nothing and answers everything alike: it shows what driver and network can do, and is no server."
}

/// Whether a row's server and driver had CPUs of their own.
fn is_apart(row: &BenchRow) -> bool {
    // Rows of before there was this field have the CPUs alone.
    if let Some(shared) = row.extra.get("cpus_shared") {
        return shared == false;
    }
    let cpus = |name: &str| row.extra.get(name).and_then(serde_json::Value::as_array);
    let (Some(server), Some(driver)) = (cpus("server_cpus"), cpus("generator_cpus")) else {
        return false;
    };
    !server.is_empty() && !server.iter().any(|cpu| driver.contains(cpu))
}

/// Comparisons and workloads that a server ran in.
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

pub(super) fn is_server(cell: &Cell<'_>) -> bool {
    !NO_STORES.contains(&cell.target)
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
                bound: None,
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

/// CPU time an operation over that of the first server of the configuration. It is the server's own, whatever
/// its driver did: also of cells that are invalid.
fn cell_cost(cell: &Cell<'_>, cells: &[&Cell<'_>]) -> Option<Estimate> {
    let base = base(cell, cells).filter(|base| base.target != cell.target)?;
    is_server(cell).then(|| cell.cost_over(base, |row| row.cpu_us_per_op))?
}

/// A figure of a cell over that of the first server of its configuration.
pub(super) fn over_base(
    cell: &Cell<'_>,
    cells: &[&Cell<'_>],
    figure: fn(&BenchRow) -> f64,
) -> Option<Estimate> {
    let base = base(cell, cells).filter(|base| base.target != cell.target)?;
    is_server(cell).then(|| cell.over(base, figure))?
}
