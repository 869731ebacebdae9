//! What safety and uptime cost: each member as a point, and the front of those that nothing beats.

use super::Family;
use super::standing::{self, Standing};
use crate::block::Block;
use crate::number::{self, count, time_ms, usd};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::points::{Mark, Points};
use crate::stats::Interval;
use crate::trial::Spread;

/// Cost against loss and against downtime; none for shardings, which cost the same.
pub fn plots(family: Family, standings: &[Standing<'_>]) -> Vec<Block> {
    if family == Family::Sharding {
        return Vec::new();
    }
    let lost = plot(
        standings,
        (
            "Cost against loss",
            "acknowledged writes lost in the worst failure (less is better)",
        ),
        standing::lost,
        Axis::log_with_zero,
        count,
    );
    let down = plot(
        standings,
        (
            "Cost against downtime",
            "down in the worst failure (less is better)",
        ),
        standing::down,
        Axis::from_zero,
        time_ms,
    );
    [lost, down].into_iter().flatten().collect()
}

/// Absent where no member has both figures.
fn plot(
    standings: &[Standing<'_>],
    (title, axis_title): (&str, &str),
    figure: fn(&Standing<'_>) -> Option<Spread>,
    axis: fn(&str, Vec<f64>, number::Format) -> Axis,
    format: number::Format,
) -> Option<Block> {
    let palette = Palette::new(standings.iter().map(|standing| standing.name));
    let mark = |member: &Standing<'_>| {
        let (cost, spread) = (standing::usd(member)?, figure(member)?);
        let shown = Spread::show(Some(spread), format);
        Some(Mark {
            name: member.name.to_owned(),
            look: palette.look(member.name),
            x: cost.median,
            y: spread.median,
            interval: Interval {
                low: spread.least,
                high: spread.most,
            },
            tip: format!("{}: {} a month, {shown}", member.name, usd(cost.median)),
        })
    };
    let points: Vec<Mark> = standings.iter().filter_map(mark).collect();
    if points.is_empty() {
        return None;
    }
    let costs = points.iter().map(|mark| mark.x).collect::<Vec<_>>();
    let values = points.iter().flat_map(|mark| [mark.y, mark.interval.high]);
    let plot = Points {
        title: title.into(),
        x: Axis::from_zero("USD a month (less is better)", costs, usd),
        y: axis(axis_title, values.collect(), format),
        points,
    };
    let caption = "Medians over seeds, with a line from the least to the most. Dashed, with names in bold: the front, which \
                   no other equals in one and beats in the other.";
    Some(Block::Plot {
        svg: plot.svg(),
        caption: caption.into(),
    })
}
