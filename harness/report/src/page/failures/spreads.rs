//! Plots of every trial: one mark a seed.

use super::{Family, name};
use crate::block::Block;
use crate::number::{self, count, percent, time_ms};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::row::SimRow;
use crate::trial::{Spread, Trial, moved_share};

fn plot(
    family: Family,
    group: &[Trial<'_>],
    title: &str,
    axis: impl FnOnce(Vec<f64>) -> Axis,
    figure: impl Fn(&SimRow) -> f64,
    format: number::Format,
) -> Block {
    let members: Vec<String> = group
        .iter()
        .map(|trial| family.member(trial.first()).to_string())
        .collect();
    let palette = Palette::new(members.iter().map(String::as_str));
    let rows = group.iter().zip(&members).map(|(trial, member)| {
        let name = name(family, trial, group);
        let spread = trial.spread(&figure);
        let shown = Spread::show(spread, format);
        RowMark {
            group: trial.first().fault.clone(),
            tip: format!(
                "{name} under {}: {shown}, {} seeds",
                trial.first().fault,
                trial.seeds()
            ),
            name,
            look: palette.look(member),
            value: spread.map(|spread| spread.median),
            interval: None,
            bound: None,
            dots: trial.values(&figure),
            figure: shown,
        }
    });
    let rows: Vec<RowMark> = rows.collect();
    let values = group
        .iter()
        .flat_map(|trial| trial.values(&figure))
        .collect();
    let plot = Rows {
        title: title.into(),
        axis: axis(values),
        rows,
        bars: false,
        reference: None,
    };
    let caption = "One mark a seed; the line is their median.".into();
    Block::Plot {
        svg: plot.svg(),
        caption,
    }
}

/// The acknowledged writes that were lost.
pub(super) fn lost_plot(family: Family, group: &[Trial<'_>]) -> Block {
    let title = "Acknowledged writes that were lost";
    let axis = |values| Axis::log_with_zero("writes lost (less is better)", values, count);
    plot(
        family,
        group,
        title,
        axis,
        |row| row.lost_acked_writes as f64,
        count,
    )
}

/// The keys that moved. Absent where no run tells how many.
pub(super) fn moved_plot(family: Family, group: &[Trial<'_>]) -> Option<Block> {
    group.iter().find_map(|trial| trial.spread(moved_share))?;
    let title = "Share of the keys that moved";
    let axis = |values| Axis::from_zero("keys moved (less is better)", values, percent);
    Some(plot(family, group, title, axis, moved_share, percent))
}

/// For how long some shard answered nothing.
pub(super) fn outage_plot(family: Family, group: &[Trial<'_>]) -> Block {
    let title = "Time during which some shard answered nothing";
    let axis = |values| Axis::from_zero("unavailable (less is better)", values, time_ms);
    plot(
        family,
        group,
        title,
        axis,
        |row| row.unavailable_ms as f64,
        time_ms,
    )
}
