//! Hit ratios over time: of parts of a trace, one after the other.

use std::collections::BTreeSet;

use crate::answer::given;
use crate::block::{Block, Text};
use crate::curve::is_live;
use crate::number::percent;
use crate::plot::axis::Axis;
use crate::plot::lines::{Curve, Lines, Point};
use crate::plot::palette::Palette;
use crate::row::LabRow;

/// More policies than this are not told apart in one picture: the best are drawn.
const CURVES_MAX: usize = 8;

/// A plot for each size that rows tell of over time.
pub(super) fn plots(rows: &[&LabRow], palette: &Palette) -> Vec<Block> {
    let told = |row: &&&LabRow| row.extra.contains_key("over_time") && !is_live(row);
    let sizes: BTreeSet<u64> = rows.iter().filter(told).map(|row| row.size).collect();
    let of_size = |size: u64| {
        let mut at: Vec<&LabRow> = rows
            .iter()
            .filter(told)
            .copied()
            .filter(|row| row.size == size)
            .collect();
        at.sort_by_key(|row| row.misses);
        at.truncate(CURVES_MAX);
        plot(&at, palette)
    };
    sizes.into_iter().filter_map(of_size).collect()
}

fn plot(rows: &[&LabRow], palette: &Palette) -> Option<Block> {
    let first = rows.first()?;
    let curves: Vec<Curve> = rows.iter().filter_map(|row| curve(row, palette)).collect();
    let parts = curves.iter().map(|curve| curve.points.len()).max()?;
    let ratios: Vec<f64> = curves
        .iter()
        .flat_map(|curve| curve.points.iter().map(|point| point.y))
        .collect();
    let size = given(first, "size").unwrap_or("size");
    let size = format!("{size} ({} {})", first.size, first.unit);
    let lines = Lines {
        title: format!("Hit ratio over time at {size}"),
        x: Axis::from_zero("share of the trace that counts", [0.0, 1.0], percent),
        y: Axis::from_zero("gets that hit", ratios, percent),
        curves,
        bands: Vec::new(),
    };
    let caption = Text::new().plain(format!(
        "The trace in {parts} parts, the policies that miss least."
    ));
    Some(Block::Plot {
        svg: lines.svg(),
        caption,
    })
}

fn curve(row: &LabRow, palette: &Palette) -> Option<Curve> {
    let parts = row.extra.get("over_time")?.as_array()?;
    let name = given(row, "policy").unwrap_or(&row.policy).to_owned();
    let hit_ratio = |part: &serde_json::Value| {
        let (gets, misses) = (part.get(0)?.as_f64()?, part.get(1)?.as_f64()?);
        (gets > 0.0).then(|| 1.0 - misses / gets)
    };
    let points = parts.iter().enumerate().filter_map(|(part, counts)| {
        let ratio = hit_ratio(counts)?;
        let x = (part as f64 + 0.5) / parts.len() as f64;
        let tip = format!(
            "{name}, part {} of {}: {} hit",
            part + 1,
            parts.len(),
            percent(ratio)
        );
        Some(Point { x, y: ratio, tip })
    });
    Some(Curve {
        look: palette.look(&name),
        points: points.collect(),
        marked: parts.len() <= 30,
        floor: false,
        name,
    })
}
