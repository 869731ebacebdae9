//! The course of a failure: what clients and the database saw from slice to slice, with the fault marked.

use serde_json::Value;

use super::standing::Standing;
use super::{Family, in_order};
use crate::block::Block;
use crate::number::{self, count, percent, time_ms};
use crate::plot::axis::Axis;
use crate::plot::lines::{Curve, Lines, Point};
use crate::plot::palette::Palette;
use crate::row::SimRow;
use crate::trial::moved_share;

/// A figure of a slice.
struct Figure {
    title: &'static str,
    of: fn(&Slice) -> f64,
    format: number::Format,
}

/// A slice of a row's time line.
struct Slice {
    /// In seconds.
    width: f64,
    answered: f64,
    failed: f64,
    hits: f64,
    misses: f64,
    database_reads: f64,
}

const FIGURES: [Figure; 4] = [
    Figure {
        title: "operations answered a second (more is better)",
        of: |slice| slice.answered / slice.width,
        format: count,
    },
    Figure {
        title: "operations failed a second (less is better)",
        of: |slice| slice.failed / slice.width,
        format: count,
    },
    Figure {
        title: "hit ratio (more is better)",
        of: |slice| slice.hits / (slice.hits + slice.misses),
        format: percent,
    },
    Figure {
        title: "database reads a second (less is better)",
        of: |slice| slice.database_reads / slice.width,
        format: count,
    },
];

/// For each fault its first workload with the first seed, folded away by fault. Of shardings only where keys moved:
/// nothing else tells them apart.
pub fn plots(family: Family, standings: &[Standing<'_>]) -> Vec<Block> {
    let trials = || standings.iter().flat_map(|standing| &standing.trials);
    let faults = in_order(trials().map(|trial| trial.first().fault.clone()));
    let mut blocks = Vec::new();
    for fault in faults {
        let rows: Vec<(&str, &SimRow)> = standings
            .iter()
            .filter_map(|standing| {
                let first = standing
                    .trials
                    .iter()
                    .find(|of| of.first().fault == fault)?;
                Some((standing.name, first.first()))
            })
            .filter(|(_, row)| family != Family::Sharding || moved_share(row) > 0.0)
            .collect();
        let plots: Vec<Block> = FIGURES.iter().filter_map(|of| plot(&rows, of)).collect();
        if let Some((_, row)) = rows.first().filter(|_| !plots.is_empty()) {
            blocks.push(Block::Folded {
                title: format!(
                    "Second by second: {fault}, {}, seed {}",
                    row.workload, row.seed
                ),
                blocks: plots,
            });
        }
    }
    blocks
}

/// Absent where no row has the figure.
fn plot(rows: &[(&str, &SimRow)], figure: &Figure) -> Option<Block> {
    let palette = Palette::new(rows.iter().map(|(name, _)| *name));
    let curve = |(name, row): &(&str, &SimRow)| {
        let points = slices(row).enumerate().filter_map(|(index, slice)| {
            let value = (figure.of)(&slice);
            // The middle of the slice.
            let seconds = (index as f64 + 0.5) * slice.width;
            value.is_finite().then(|| Point {
                x: seconds,
                y: value,
                tip: format!("{name} at {seconds:.1} s: {}", (figure.format)(value)),
            })
        });
        Curve {
            name: (*name).to_owned(),
            look: palette.look(name),
            points: points.collect(),
            marked: false,
            floor: false,
        }
    };
    let curves: Vec<Curve> = rows.iter().map(curve).collect();
    let all = || curves.iter().flat_map(|curve| &curve.points);
    all().next()?;
    let (_, first) = rows.first()?;
    let slice = slices(first).next()?;
    let caption = format!(
        "Slices of {}. Shaded: from the first action of the fault to its last.",
        time_ms(slice.width * 1e3)
    );
    let plot = Lines {
        title: format!("{} under {}", title_of(figure.title), first.fault),
        x: Axis::from_zero(
            "seconds",
            all().map(|point| point.x).collect::<Vec<_>>(),
            number::plain,
        ),
        y: Axis::from_zero(
            figure.title,
            all().map(|point| point.y).collect::<Vec<_>>(),
            figure.format,
        ),
        bands: band(first).into_iter().collect(),
        curves,
    };
    Some(Block::Plot {
        svg: plot.svg(),
        caption: caption.as_str().into(),
    })
}

/// A title without what is better, with a capital.
fn title_of(title: &str) -> String {
    super::capitalised(title.split(" (").next().unwrap_or(title))
}

/// The slices of a row's time line; none where it has none.
fn slices(row: &SimRow) -> impl Iterator<Item = Slice> + '_ {
    let line = row.extra.get("timeline").unwrap_or(&Value::Null);
    let width = line["slice_ms"].as_f64().filter(|width| *width > 0.0);
    let count = line["answered"].as_array().map_or(0, Vec::len);
    let at = move |name: &str, index: usize| line[name][index].as_f64().unwrap_or(f64::NAN);
    width.into_iter().flat_map(move |width| {
        (0..count).map(move |index| Slice {
            width: width / 1e3,
            answered: at("answered", index),
            failed: at("failed", index),
            hits: at("hits", index),
            misses: at("misses", index),
            database_reads: at("database_reads", index),
        })
    })
}

/// When the fault was, in seconds: from its first action to its last.
fn band(row: &SimRow) -> Option<(f64, f64)> {
    let actions = row.extra.get("schedule")?.as_array()?;
    let dates = actions.iter().filter_map(|action| action["at_ms"].as_f64());
    let (first, last) = dates.fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), date| {
        (first.min(date), last.max(date))
    });
    (first <= last).then_some((first / 1e3, last / 1e3))
}
