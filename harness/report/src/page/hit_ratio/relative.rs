//! Policies beside lru: a heat map of policy and size.

use crate::answer::contends;
use crate::block::{Block, Text};
use crate::curve::{Curve, Trace};
use crate::plot::heat::Heat;

/// What others are held against.
const BASE: &str = "lru";

/// By how many points less each policy misses than lru, best first; nothing where there is no lru, or nobody else.
pub(super) fn plot(trace: &Trace<'_>) -> Option<Block> {
    let base = trace.curves.iter().find(|curve| curve.name == BASE)?;
    let sizes = trace.sizes();
    let points = |curve: &Curve<'_>| -> Vec<Option<f64>> {
        let less = |size| Some(base.miss_ratios.get(size)? - curve.miss_ratios.get(size)?);
        sizes
            .iter()
            .map(|size| less(size).map(|less| 100.0 * less))
            .collect()
    };
    let is_other = |curve: &&Curve<'_>| curve.name != BASE && contends(curve.policy);
    let others = trace.curves.iter().filter(is_other);
    let mut rows: Vec<(String, Vec<Option<f64>>)> = others
        .map(|curve| (curve.name.clone(), points(curve)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mean = |figures: &[Option<f64>]| {
        let there: Vec<f64> = figures.iter().flatten().copied().collect();
        there.iter().sum::<f64>() / there.len().max(1) as f64
    };
    rows.sort_by(|(_, a), (_, b)| mean(b).total_cmp(&mean(a)));
    if let Some(floor) = trace.floor() {
        rows.insert(0, (floor.name.clone(), points(floor)));
    }
    let heat = Heat {
        title: "Points missed less than lru, by cache size".into(),
        columns: sizes.iter().map(|size| trace.size(*size)).collect(),
        rows,
        format: |points| format!("{points:+.1}"),
    };
    let caption =
        Text::new().plain("Blue misses less than lru, red more: so many requests of 100.");
    Some(Block::Plot {
        svg: heat.svg(),
        caption,
    })
}
