//! Latency over time, and what a snapshot did to it.
//!
//! Its one idea: the slices in which a snapshot was being written beside the others of the same run, so that what
//! differs is the snapshot and not the day.

use serde_json::Value;

use super::Page;
use crate::block::{Block, Entry, Table};
use crate::cell::{Cell, cells};
use crate::number::{self, ratio, time_ms, time_us};
use crate::plot::axis::Axis;
use crate::plot::lines::{Curve, Lines, Point};
use crate::plot::palette::Palette;
use crate::row::BenchRow;
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "timeline",
    title: "Latency over time",
    about: "percentiles of latency by slices of time, with snapshots marked, and those while one is written beside the rest",
    source: "latencies by the slice in which an operation ended; intended send times in open loop",
    build,
};

/// More pictures than that nobody looks at; the table has all.
const PICTURES_MAX: usize = 12;

/// More points than that no picture can show apart: of the slices that share one the worst is drawn.
const POINTS_MAX: usize = 240;

/// Percentiles that are drawn: the field of a row and its name.
const CURVES: &[(&str, &str)] = &[
    ("p50", "p50"),
    ("p99", "p99"),
    ("p999", "p99.9"),
    ("max", "longest"),
];

fn build(run: &Run) -> Vec<Block> {
    let cells = cells(&run.rows);
    let has_line = |cell: &&Cell<'_>| cell.rows.iter().any(|row| line(row).is_some());
    let lined: Vec<&Cell<'_>> = cells.iter().filter(has_line).collect();
    if lined.is_empty() {
        return Block::absent(
            "cells with a time line",
            "seawall bench --target spawn:seawall --workload cache-aside --config timeline=100 --config save='1 1'",
        );
    }
    let mut blocks = vec![Block::paragraph(
        "Each operation counts in the slice of time in which it ended. A slice counts as one with a snapshot where one \
         was being written in any part of it, as files in the server's folder tell; rewriting a log counts too.",
    )];
    blocks.push(Block::Table(table(&lined)));
    for cell in lined.iter().take(PICTURES_MAX) {
        let drawn = cell.rows.iter().find_map(|row| plot(cell, row));
        blocks.extend(drawn);
    }
    if lined.len() > PICTURES_MAX {
        let words = format!(
            "The first {PICTURES_MAX} of {} are drawn, the first repetition of each.",
            lined.len()
        );
        blocks.push(Block::paragraph(words.as_str()));
    }
    blocks
}

/// The time line of a row.
fn line(row: &BenchRow) -> Option<&Value> {
    row.extra.get("timeline").filter(|line| line.is_object())
}

fn table(cells: &[&Cell<'_>]) -> Table {
    let mut table = Table::new(
        "While a snapshot is written, and while none is (medians over repetitions)",
        &[
            "workload",
            "target",
            "configuration",
            "#runs",
            "#time with a snapshot",
            "#of the disk's bandwidth",
            "#memory besides",
            "#p99.9 without",
            "#p99.9 with",
            "#ratio",
            "#longest without",
            "#longest with",
        ],
    );
    for cell in cells {
        let figure = |row: &BenchRow, part: &str, name: &str| {
            let value = line(row).and_then(|line| line[part][name].as_f64());
            value.unwrap_or(f64::NAN)
        };
        let median = |part: &'static str, name: &'static str| {
            let median = cell.median(|row| figure(row, part, name));
            Entry::from(median.map_or_else(|| number::ABSENT.into(), time_us))
        };
        let share = |name| {
            let share = cell.extra(name);
            Entry::from(share.map_or_else(|| number::ABSENT.into(), number::percent))
        };
        let compared = cell.median(|row| {
            // Beside before the first, where there was a before: what follows a snapshot may be of it.
            let before = figure(row, "before_saving", "p999");
            let without = if before.is_nan() {
                figure(row, "while_not", "p999")
            } else {
                before
            };
            figure(row, "while_saving", "p999") / without
        });
        let saving = cell.median(|row| {
            line(row).map_or(f64::NAN, |line| {
                saving(line).map(|(from, to)| to - from).sum()
            })
        });
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            cell.config.as_str().into(),
            cell.rows.len().to_string().into(),
            saving
                .filter(|time| *time > 0.0)
                .map_or_else(|| number::ABSENT.into(), time_ms)
                .into(),
            share("save_share_of_disk"),
            share("save_extra_share"),
            median("while_not", "p999"),
            median("while_saving", "p999"),
            Entry::from(compared.map_or_else(|| number::ABSENT.into(), ratio)).strong_if(true),
            median("while_not", "max"),
            median("while_saving", "max"),
        ]);
    }
    table.without_empty_columns()
}

/// When a snapshot was being written, in ms from the start.
fn saving(line: &Value) -> impl Iterator<Item = (f64, f64)> + '_ {
    let times = line["saving_ms"].as_array().into_iter().flatten();
    times.filter_map(|pair| Some((pair[0].as_f64()?, pair[1].as_f64()?)))
}

fn plot(cell: &Cell<'_>, row: &BenchRow) -> Option<Block> {
    let line = line(row)?;
    let slice_ms = line["slice_ms"].as_f64().filter(|slice| *slice > 0.0)?;
    let palette = Palette::new(CURVES.iter().map(|(_, name)| *name));
    let slices = |field: &str| line[field].as_array().map_or(&[][..], Vec::as_slice);
    let most = CURVES.iter().map(|(field, _)| slices(field).len()).max();
    let shared = most.unwrap_or(0).div_ceil(POINTS_MAX).max(1);
    // The lowest curve is drawn last: where they meet, none but it would be seen otherwise.
    let curves: Vec<Curve> = CURVES
        .iter()
        .rev()
        .map(|(field, name)| {
            let points = slices(field).chunks(shared).enumerate();
            let points = points.filter_map(|(point, slices)| {
                let us = slices.iter().filter_map(Value::as_f64).reduce(f64::max)?;
                // The middle of its slices.
                let seconds = (point as f64 + 0.5) * slice_ms * shared as f64 / 1e3;
                Some(Point {
                    x: seconds,
                    y: us,
                    tip: format!("{name} at {seconds:.2} s: {}", time_us(us)),
                })
            });
            Curve {
                name: (*name).into(),
                look: palette.look(name),
                points: points.collect(),
                marked: false,
                floor: false,
            }
        })
        .collect();
    let all = || curves.iter().flat_map(|curve| &curve.points);
    all().next()?;
    let times: Vec<f64> = all().map(|point| point.x).collect();
    let values: Vec<f64> = all().map(|point| point.y).collect();
    let bands: Vec<(f64, f64)> = saving(line)
        .map(|(from, to)| (from / 1e3, to / 1e3))
        .collect();
    let mut caption = if bands.is_empty() {
        "No snapshot was written.".to_owned()
    } else {
        "Shaded: a snapshot was being written.".to_owned()
    };
    if shared > 1 {
        let words = format!(
            " A point is the worst of {shared} slices of {}.",
            time_ms(slice_ms)
        );
        caption.push_str(&words);
    }
    let plot = Lines {
        title: format!("{} · {}", cell.workload, cell.name()),
        x: Axis::from_zero("seconds", times, number::plain),
        y: Axis::log("latency (less is better)", values, time_us),
        curves,
        bands,
    };
    Some(Block::Plot {
        svg: plot.svg(),
        caption: caption.as_str().into(),
    })
}
