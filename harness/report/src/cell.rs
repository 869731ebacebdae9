//! Cells: benchmark rows of one workload, target and configuration, its repetitions together.

use serde_json::{Map, Value};

use crate::row::{BenchRow, Row};
use crate::stats::{Estimate, order, paired_ratio};

/// The repetitions of one workload × target × configuration.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The workload.
    pub workload: &'a str,
    /// The target.
    pub target: &'a str,
    /// The configuration's name, or what was set where it has none.
    pub config: String,
    /// What was set.
    pub settings: &'a Map<String, Value>,
    /// The repetitions, in the order of the rows.
    pub rows: Vec<&'a BenchRow>,
}

/// The benchmark rows as cells, in the order of their first rows.
pub fn cells(rows: &[Row]) -> Vec<Cell<'_>> {
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for row in rows {
        let Row::Bench(row) = row else { continue };
        let same = |cell: &&mut Cell<'_>| {
            cell.workload == row.workload
                && cell.target == row.target
                && cell.settings == &row.config
        };
        match cells.iter_mut().find(same) {
            Some(cell) => cell.rows.push(row),
            None => cells.push(Cell {
                workload: &row.workload,
                target: &row.target,
                config: named(&row.config).unwrap_or_else(|| set(&row.config)),
                settings: &row.config,
                rows: vec![row],
            }),
        }
    }
    distinguish(&mut cells);
    cells
}

/// What was set, as `name=value` in the given order, without the configuration's own name.
pub fn set(settings: &Map<String, Value>) -> String {
    let pairs: Vec<String> = settings
        .iter()
        .filter(|(name, _)| *name != "name")
        .map(|(name, value)| format!("{name}={}", shown(value)))
        .collect();
    if pairs.is_empty() {
        "defaults".into()
    } else {
        pairs.join(" ")
    }
}

/// A setting's value, a text without its quotes.
pub fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
}

fn named(settings: &Map<String, Value>) -> Option<String> {
    settings
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .map(str::to_string)
}

/// Two configurations of one name are told apart by what was set.
fn distinguish(cells: &mut [Cell<'_>]) {
    for index in 0..cells.len() {
        let (workload, target) = (cells[index].workload, cells[index].target);
        let clash = cells.iter().enumerate().any(|(other, cell)| {
            other != index
                && cell.workload == workload
                && cell.target == target
                && named(cell.settings) == named(cells[index].settings)
        });
        if let (true, Some(name)) = (clash, named(cells[index].settings)) {
            cells[index].config = format!("{name} ({})", set(cells[index].settings));
        }
    }
}

impl Cell<'_> {
    /// Target and configuration, as a name among the workload's cells.
    pub fn name(&self) -> String {
        format!("{} · {}", self.target, self.config)
    }

    /// A figure of each repetition.
    pub fn values(&self, figure: impl Fn(&BenchRow) -> f64) -> Vec<f64> {
        self.rows.iter().map(|row| figure(row)).collect()
    }

    /// The median of a figure over the repetitions.
    pub fn median(&self, figure: impl Fn(&BenchRow) -> f64) -> Option<f64> {
        order::median(&self.values(figure))
    }

    /// Operations per second.
    pub fn ops_per_s(&self) -> Option<Estimate> {
        Estimate::median(&self.values(|row| row.ops_per_s))
    }

    /// The hit ratio, where the workload looks something up.
    pub fn hit_ratio(&self) -> Option<f64> {
        self.median(|row| row.hit_ratio.unwrap_or(f64::NAN))
    }

    /// A figure of this cell over the same of `base`, repetition by repetition.
    pub fn over(&self, base: &Cell<'_>, figure: impl Fn(&BenchRow) -> f64) -> Option<Estimate> {
        let pairs: Vec<(f64, f64)> = self
            .rows
            .iter()
            .filter_map(|row| {
                let twin = base
                    .rows
                    .iter()
                    .find(|other| other.repetition == row.repetition)?;
                Some((figure(twin), figure(row)))
            })
            .collect();
        paired_ratio(&pairs)
    }
}
