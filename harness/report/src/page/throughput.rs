//! Throughput and latency: what each target and configuration did with each workload.

use super::Page;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, timed};
use crate::histogram;
use crate::number::{self, count, percent, time_us};
use crate::plot::axis::Axis;
use crate::plot::lines::{Curve, Lines, Point};
use crate::plot::palette::{Dash, Palette};
use crate::plot::rows::{RowMark, Rows};
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "throughput",
    title: "Throughput and latency",
    about: "operations per second and latency percentiles of each workload, target and configuration",
    source: "HDR percentile axis: G. Tene, HdrHistogram; interval: Hesterberg 2015",
    build,
};

/// Steps along the percentile axis, per nine.
const STEPS_PER_NINE: u32 = 16;
/// Five nines of a run of some seconds are noise.
const NINES_MAX: u32 = 4;

/// Targets that are no stores: `null` is the cost of the harness, `limit` that of the network with it.
pub const NO_STORES: [&str; 2] = ["null", "limit"];

fn build(run: &Run) -> Vec<Block> {
    let cells = timed(&run.rows);
    if cells.is_empty() {
        return Block::absent(
            "benchmark rows",
            "seawall bench --workload cache-aside --target embedded",
        );
    }
    let names: Vec<String> = cells.iter().map(Cell::name).collect();
    let palette = Palette::new(names.iter().map(String::as_str));
    let mut workloads: Vec<&str> = Vec::new();
    for cell in &cells {
        if !workloads.contains(&cell.workload) {
            workloads.push(cell.workload);
        }
    }
    let mut blocks = vec![Block::paragraph(
        "Bars are medians over repetitions, whiskers 95 % bootstrap intervals of the median. With few \
         repetitions, an interval spans about all that was seen. The null target does nothing: its row \
         is the cost of the harness, and the ceiling of what can be measured.",
    )];
    for workload in workloads {
        let cells: Vec<&Cell<'_>> = cells
            .iter()
            .filter(|cell| cell.workload == workload)
            .collect();
        blocks.push(Block::heading(workload));
        // What ran at a rate shows nothing of how fast it could go.
        let closed: Vec<&Cell<'_>> = cells
            .iter()
            .filter(|cell| cell.rate().is_none())
            .copied()
            .collect();
        if !closed.is_empty() {
            blocks.push(bars(&closed, &palette));
        }
        blocks.push(Block::Table(table(&cells)));
        blocks.extend(percentiles(&cells, &palette));
    }
    blocks
}

fn bars(cells: &[&Cell<'_>], palette: &Palette) -> Block {
    // The harness alone would dwarf every store.
    let is_null = |cell: &&&Cell<'_>| cell.target == "null";
    let null = cells.iter().find(is_null).and_then(|cell| cell.ops_per_s());
    let drawn: Vec<&Cell<'_>> = if cells.iter().all(|cell| is_null(&cell)) {
        cells.to_vec()
    } else {
        cells
            .iter()
            .filter(|cell| !is_null(cell))
            .copied()
            .collect()
    };
    let caption = match null.filter(|_| drawn.len() < cells.len()) {
        Some(null) => format!(
            "The harness alone (null target) reaches {} op/s.",
            count(null.value)
        ),
        None => String::new(),
    };
    let rows: Vec<RowMark> = drawn
        .iter()
        .map(|cell| {
            let estimate = cell.ops_per_s();
            let figure = number::estimate(estimate, count);
            RowMark {
                group: String::new(),
                name: cell.name(),
                look: palette.look(&cell.name()),
                value: estimate.map(|estimate| estimate.value),
                interval: estimate.and_then(|estimate| estimate.interval),
                bound: None,
                dots: Vec::new(),
                tip: format!(
                    "{}: {figure} op/s, {} repetitions",
                    cell.name(),
                    cell.rows.len()
                ),
                figure: number::estimate(
                    estimate.map(|e| crate::stats::Estimate {
                        interval: None,
                        ..e
                    }),
                    count,
                ),
            }
        })
        .collect();
    let values: Vec<f64> = rows
        .iter()
        .flat_map(|row| [row.value, row.interval.map(|interval| interval.high)])
        .flatten()
        .collect();
    let plot = Rows {
        title: "Operations per second".into(),
        axis: Axis::from_zero("operations per second (more is better)", values, count),
        rows,
        bars: true,
        reference: None,
    };
    Block::Plot {
        svg: plot.svg(),
        caption: caption.as_str().into(),
    }
}

/// The figures of a workload's cells.
fn table(cells: &[&Cell<'_>]) -> Table {
    let mut table = Table::new(
        "Medians over repetitions",
        &[
            "target",
            "configuration",
            "#runs",
            "#op/s",
            "#interval",
            "#p50",
            "#p99",
            "#p99.9",
            "#max",
            "#CPU/op",
            "#hit ratio",
            "#resident",
            "#errors",
            "note",
        ],
    );
    let counts = |cell: &Cell<'_>| {
        let figure_is_its_own = cell.invalid().is_none() && cell.rate().is_none();
        figure_is_its_own && !NO_STORES.contains(&cell.target)
    };
    let fastest = cells.iter().filter(|cell| counts(cell));
    let fastest = fastest
        .filter_map(|cell| cell.ops_per_s())
        .map(|estimate| estimate.value)
        .fold(f64::NEG_INFINITY, f64::max);
    for cell in cells {
        let ops = cell.ops_per_s();
        let figure = |value: Option<f64>, format: number::Format| {
            Entry::from(value.map_or_else(|| number::ABSENT.into(), format))
        };
        let time = |pick: fn(&crate::row::LatencyUs) -> f64| {
            figure(cell.median(|row| pick(&row.latency_us)), time_us)
        };
        let is_fastest = cells.len() > 1 && ops.is_some_and(|ops| ops.value == fastest);
        let ends = ops.and_then(|ops| ops.interval);
        table.push(vec![
            cell.target.into(),
            cell.config.as_str().into(),
            cell.rows.len().to_string().into(),
            figure(ops.map(|ops| ops.value), count).strong_if(is_fastest && counts(cell)),
            ends.map_or_else(
                || number::ABSENT.into(),
                |ends| number::interval(ends, count),
            )
            .into(),
            time(|latency| latency.p50),
            time(|latency| latency.p99),
            time(|latency| latency.p999),
            time(|latency| latency.max),
            figure(cell.median(|row| row.cpu_us_per_op), time_us),
            figure(cell.hit_ratio(), percent),
            figure(cell.resident(), number::bytes),
            count(cell.rows.iter().map(|row| row.errors as f64).sum()).into(),
            note(cell),
        ]);
    }
    table.without_empty_columns()
}

/// What the reader must know of a cell.
fn note(cell: &Cell<'_>) -> Entry {
    let first = |field| cell.said(field).next();
    let invalid = first("invalid").map(|why| format!("invalid: {why}"));
    let bad = invalid.is_some();
    let rate = cell
        .rate()
        .map(|rate| format!("at a rate of {}", count(rate)));
    let notice = first("notice").map(str::to_owned);
    let words: Vec<String> = [invalid, rate, notice].into_iter().flatten().collect();
    let entry = Entry::from(words.join("; "));
    if bad { entry.tone(Tone::Bad) } else { entry }
}

fn percentiles(cells: &[&Cell<'_>], palette: &Palette) -> Vec<Block> {
    let mut curves = Vec::new();
    let mut unread = Vec::new();
    for cell in cells {
        let Some(histogram) = histogram::of(cell) else {
            unread.push(cell.name());
            continue;
        };
        // Beyond one sample the curve would say nothing but the maximum.
        let nines = (histogram.len() as f64).log10().min(f64::from(NINES_MAX));
        let steps = (nines * f64::from(STEPS_PER_NINE)) as u32;
        let points = (0..=steps).map(|step| {
            let x = 1.0 - 0.1_f64.powf(f64::from(step) / f64::from(STEPS_PER_NINE));
            let y = histogram.value_at_quantile(x) as f64 / 1e3;
            let tip = format!("{}: {:.4} % within {}", cell.name(), x * 100.0, time_us(y));
            Point { x, y, tip }
        });
        curves.push(Curve {
            name: cell.name(),
            look: crate::plot::palette::Look {
                dash: Dash::Solid,
                ..palette.look(&cell.name())
            },
            points: points.collect(),
            marked: false,
            floor: false,
        });
    }
    let mut blocks = Vec::new();
    if !curves.is_empty() {
        let values: Vec<f64> = curves
            .iter()
            .flat_map(|curve| curve.points.iter().map(|point| point.y))
            .collect();
        let plot = Lines {
            title: "Latency by percentile".into(),
            x: Axis::percentile("percentile of operations", NINES_MAX),
            y: Axis::log("latency (less is better)", values, time_us),
            curves,
            bands: Vec::new(),
        };
        blocks.push(Block::Plot {
            svg: plot.svg(),
            caption:
                "All repetitions together; each step to the right is a tenth of the operations \
                      left."
                    .into(),
        });
    }
    if !unread.is_empty() {
        let text = Text::new()
            .plain("No readable histogram, so not drawn: ")
            .code(unread.join(", "));
        blocks.push(Block::Paragraph {
            text: text.plain("."),
        });
    }
    blocks
}
