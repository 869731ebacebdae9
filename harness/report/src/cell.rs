//! Cells: benchmark rows of one workload, target and configuration, its repetitions together.

use serde_json::{Map, Value};

use crate::curve::REPLAY;
use crate::row::{BenchRow, Row};
use crate::stats::{Estimate, order, paired_ratio};

/// The repetitions of one workload × target × configuration.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The comparison that it was part of, whose cells ran interleaved; empty where the row names none.
    pub comparison: &'a str,
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

/// The benchmark rows as cells, in the order of their first rows. Those of replays stand beside what the replays missed.
pub fn cells(rows: &[Row]) -> Vec<Cell<'_>> {
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for row in rows {
        let Row::Bench(row) = row else { continue };
        if row.target == REPLAY {
            continue;
        }
        let same = |cell: &&mut Cell<'_>| {
            cell.comparison == comparison(row)
                && cell.workload == row.workload
                && cell.target == row.target
                && cell.settings == &row.config
        };
        match cells.iter_mut().find(same) {
            Some(cell) => cell.rows.push(row),
            None => cells.push(Cell {
                comparison: comparison(row),
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

/// The cells that have figures of speed: on a folder that loses power only loss and restart mean anything.
pub fn timed(rows: &[Row]) -> Vec<Cell<'_>> {
    let mut cells = cells(rows);
    cells.retain(|cell| !loses_power(cell.settings));
    cells
}

/// Whether a server with these settings ends by a power failure, on a folder in memory.
pub fn loses_power(settings: &Map<String, Value>) -> bool {
    settings.get("end").is_some_and(|end| end == "power")
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

/// The comparison that a row names.
fn comparison(row: &BenchRow) -> &str {
    row.extra
        .get("comparison")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Cells that would have one name are told apart by their comparison, and by what was set where that
/// does not suffice.
fn distinguish(cells: &mut [Cell<'_>]) {
    let additions: [fn(&Cell<'_>) -> String; 2] = [
        |cell| cell.comparison.to_string(),
        |cell| set(cell.settings),
    ];
    for addition in additions {
        let key = |cell: &Cell<'_>| {
            (
                cell.workload.to_string(),
                cell.target.to_string(),
                cell.config.clone(),
            )
        };
        let keys: Vec<_> = cells.iter().map(key).collect();
        for index in 0..cells.len() {
            let twins = || (0..keys.len()).filter(|other| keys[*other] == keys[index]);
            let added = addition(&cells[index]);
            // An addition that all of them share would tell nothing.
            if !added.is_empty() && twins().any(|other| addition(&cells[other]) != added) {
                cells[index].config = format!("{} ({added})", cells[index].config);
            }
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

    /// Why its figures are not the target's, where they are not: what a repetition says.
    pub fn invalid(&self) -> Option<&str> {
        self.said("invalid").next()
    }

    /// What its repetitions say in a field that only some rows have.
    pub fn said<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let rows = self.rows.iter();
        rows.filter_map(move |row| row.extra.get(field)?.as_str())
    }

    /// The rate that it was meant to run at, where it was an open loop.
    pub fn rate(&self) -> Option<f64> {
        self.settings.get("rate").and_then(Value::as_f64)
    }

    /// The servers that its repetitions ran on, as these say it: product, version and commit, each once.
    pub fn builds(&self) -> Vec<String> {
        let mut builds: Vec<String> = Vec::new();
        for row in &self.rows {
            let word = |name: &str| row.extra.get(name)?.as_str();
            // As much of a commit as tells it from others.
            let commit = word("server_commit").map(|commit| commit.get(..12).unwrap_or(commit));
            let said = [word("server"), word("server_version"), commit];
            let said = said.into_iter().flatten();
            let build = said.collect::<Vec<_>>().join(" ");
            if !build.is_empty() && !builds.contains(&build) {
                builds.push(build);
            }
        }
        builds
    }

    /// A figure that only some rows have, by its name.
    pub fn extra(&self, name: &str) -> Option<f64> {
        self.median(|row| {
            row.extra
                .get(name)
                .and_then(Value::as_f64)
                .unwrap_or(f64::NAN)
        })
    }

    /// Resident memory, where anybody told.
    pub fn resident(&self) -> Option<f64> {
        self.median(|row| match row.rss_bytes {
            0 => f64::NAN,
            bytes => bytes as f64,
        })
    }

    /// The hit ratio, where the workload looks something up.
    pub fn hit_ratio(&self) -> Option<f64> {
        self.median(|row| row.hit_ratio.unwrap_or(f64::NAN))
    }

    /// A figure of this cell over the same of `base`, repetition by repetition. Where a repetition of
    /// either is not its target's there is none: those that are left were chosen by their outcome.
    pub fn over(&self, base: &Cell<'_>, figure: impl Fn(&BenchRow) -> f64) -> Option<Estimate> {
        if self.invalid().is_some() || base.invalid().is_some() {
            return None;
        }
        self.cost_over(base, figure)
    }

    /// As [`Cell::over`], for a figure that is the target's own whoever was the limit. Repetitions on
    /// different servers are compared with nothing.
    pub fn cost_over(
        &self,
        base: &Cell<'_>,
        figure: impl Fn(&BenchRow) -> f64,
    ) -> Option<Estimate> {
        if self.builds().len() > 1 || base.builds().len() > 1 {
            return None;
        }
        let twin = |row: &BenchRow| {
            let mut twins = base.rows.iter();
            twins.find(|other| other.repetition == row.repetition)
        };
        let pairs: Vec<(f64, f64)> = self
            .rows
            .iter()
            .filter_map(|row| Some((figure(twin(row)?), figure(row))))
            .collect();
        paired_ratio(&pairs)
    }
}
