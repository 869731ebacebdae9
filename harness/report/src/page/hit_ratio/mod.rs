//! Hit ratios: how often each policy missed on each trace, at each size, between the two bounds.

mod live;
mod over_time;
mod relative;

use super::Page;
use crate::answer;
use crate::block::{Block, Entry, Table, Text};
use crate::curve::{FLOOR, Trace, UNBOUNDED, of_lab, traces};
use crate::number::{self, percent, whole};
use crate::plot::axis::Axis;
use crate::plot::lines::{Curve, Lines, Point};
use crate::plot::palette::Palette;
use crate::row::LabRow;
use crate::run::Run;
use crate::stats::order::median;

/// The page.
pub const PAGE: Page = Page {
    name: "hit-ratio",
    title: "Hit ratios",
    about: "miss ratio of each policy by size on each trace, beside lru and Belady, over time, and in the running store",
    source: "L. Belady, IBM Systems Journal 5(2), 1966",
    build,
};

fn build(run: &Run) -> Vec<Block> {
    let traces = traces(&run.rows);
    if traces.is_empty() {
        return Block::absent(
            "lab rows",
            "seawall replay TRACE --policy all --size 1%,5%,20%",
        );
    }
    let names = traces
        .iter()
        .flat_map(|trace| trace.curves.iter().map(|curve| curve.name.as_str()));
    let palette = Palette::new(names);
    let mut blocks = vec![Block::paragraph(
        "Lower is better. Where sizes count objects no policy that keeps what it missed can come below the shaded ground, \
         which is Belady's, who knows the future; in bytes one that weighs sizes, too, may, and so may one that refuses some. The dotted line is a cache \
         without a bound, which misses each object once.",
    )];
    for trace in &traces {
        blocks.push(Block::Heading {
            text: Text::new().code(trace.name),
        });
        let rows: Vec<&LabRow> = of_lab(&run.rows)
            .filter(|row| row.trace == trace.name && row.unit == trace.unit)
            .collect();
        let answer = answer::of_trace(&rows);
        blocks.extend(answer.iter().map(|line| Block::paragraph(line.as_str())));
        blocks.push(plot(trace, &palette));
        blocks.extend(relative::plot(trace));
        blocks.push(Block::Table(table(trace)));
        blocks.extend(over_time::plots(&rows, &palette));
        blocks.extend(live::table(&rows));
    }
    blocks
}

fn plot(trace: &Trace<'_>, palette: &Palette) -> Block {
    let sizes: Vec<f64> = trace.sizes().iter().map(|size| *size as f64).collect();
    let format = if trace.unit == "bytes" {
        number::bytes
    } else {
        number::count
    };
    let mut curves = Vec::new();
    for curve in &trace.curves {
        let look = palette.look(&curve.name);
        let is_unbounded = curve.policy.eq_ignore_ascii_case(UNBOUNDED);
        let is_floor = curve.policy.eq_ignore_ascii_case(FLOOR);
        let point = |size: u64, ratio: f64| Point {
            x: size as f64,
            y: ratio,
            tip: format!(
                "{} at {}: {} missed",
                curve.name,
                trace.size(size),
                percent(ratio)
            ),
        };
        let points: Vec<Point> = match trace.unbounded().filter(|_| is_unbounded) {
            // Its size is no size; the line spans all of them.
            Some(ratio) => sizes
                .iter()
                .map(|size| point(*size as u64, ratio))
                .collect(),
            None => curve
                .miss_ratios
                .iter()
                .map(|(size, ratio)| point(*size, *ratio))
                .collect(),
        };
        let (marked, floor) = (!curve.is_bound(), is_floor);
        curves.push(Curve {
            name: curve.name.clone(),
            look,
            points,
            marked,
            floor,
        });
    }
    let ratios: Vec<f64> = curves
        .iter()
        .flat_map(|curve| curve.points.iter().map(|point| point.y))
        .collect();
    let plot = Lines {
        title: "Miss ratio by cache size".into(),
        x: Axis::log_at(
            &format!("cache size ({}, logarithmic)", trace.unit),
            &sizes,
            format,
        ),
        y: Axis::from_zero("requests that missed", ratios, percent),
        curves,
        bands: Vec::new(),
    };
    let caption = Text::new()
        .plain(format!("{} requests of ", whole(trace.requests)))
        .code(trace.name)
        .plain(".");
    Block::Plot {
        svg: plot.svg(),
        caption,
    }
}

fn table(trace: &Trace<'_>) -> Table {
    let sizes = trace.sizes();
    let headings: Vec<String> = sizes
        .iter()
        .map(|size| format!("#{}", number::tick(&trace.size(*size))))
        .collect();
    let mut columns = vec!["policy"];
    columns.extend(headings.iter().map(String::as_str));
    columns.push("#over Belady");
    columns.push("#bytes per item");
    columns.push("#CPU ns per request");
    let title = format!("Miss ratio by cache size in {}", trace.unit);
    let mut table = Table::new(title, &columns);
    let ranked = trace
        .ranking()
        .into_iter()
        .map(|(curve, _)| curve.name.clone());
    let mut order: Vec<String> = ranked.collect();
    for curve in &trace.curves {
        if !order.contains(&curve.name) {
            order.push(curve.name.clone());
        }
    }
    for name in order {
        let Some(curve) = trace.curves.iter().find(|curve| curve.name == name) else {
            continue;
        };
        let mut row: Vec<Entry> = vec![name.into()];
        for size in &sizes {
            let at = |curve: &crate::curve::Curve<'_>| match trace.unbounded() {
                Some(ratio) if curve.policy.eq_ignore_ascii_case(UNBOUNDED) => Some(ratio),
                _ => curve.miss_ratios.get(size).copied(),
            };
            let runnable = trace.curves.iter().filter(|curve| !curve.is_bound());
            let best = runnable.filter_map(at).fold(f64::INFINITY, f64::min);
            let entry = Entry::from(at(curve).map_or_else(|| number::ABSENT.into(), percent));
            row.push(entry.strong_if(!curve.is_bound() && at(curve) == Some(best)));
        }
        let over = trace.over_floor(curve).filter(|_| !curve.is_bound());
        row.push(
            over.map_or_else(|| number::ABSENT.into(), number::ratio)
                .into(),
        );
        let bytes = curve.metadata_bytes.map(|bytes| format!("{bytes}"));
        row.push(bytes.unwrap_or_else(|| number::ABSENT.into()).into());
        let cpu = median(&curve.cpu_us).map(|us| format!("{:.1}", 1e3 * us));
        row.push(cpu.unwrap_or_else(|| number::ABSENT.into()).into());
        table.push(row);
    }
    table.without_empty_columns()
}
