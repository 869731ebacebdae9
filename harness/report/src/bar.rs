//! Bars: what a figure of a target is held to, alone or beside another target's of the same run.
//!
//! ```toml
//! [[bench.bar]]
//! target = "spawn:seawall"
//! configuration = "pipeline 16"     # of all configurations where absent
//! figure = "cpu_us_per_op"
//! at-most = 1.5                     # or: at-least
//! of = "limit"                      # times the same figure of this target; a plain number where absent
//! of-configuration = "one shard"    # and of this configuration; of the same where absent
//! beyond = "limit"                  # instead of `of`: by how much it is beyond that of this target
//! ```
//!
//! The one idea: a bar is met where the *worse* end of the interval meets it. A bar stands in every row that is
//! held to it, so that a report needs nothing but rows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cell::Cell;
use crate::number::{self, Format};
use crate::row::BenchRow;
use crate::stats::Estimate;

/// The field of a row with its bars.
pub const FIELD: &str = "bars";

/// What a figure is held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bar {
    /// Whose figure.
    pub target: String,
    /// In which configuration; in all of the comparison where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Which figure, as [`figure`] knows it.
    pub figure: String,
    /// The most that it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The least that it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The target whose figure is the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The target whose figure is subtracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<String>,
    /// The configuration of that figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_configuration: Option<String>,
}

/// What came of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The worse end of the interval meets it.
    Met,
    /// It does not.
    Missed,
    /// Nothing can be said: a single repetition, or nothing to compare with.
    Unknown,
}

impl Bar {
    /// Whether it says one thing.
    ///
    /// # Errors
    /// What is missing or too much, in words for people.
    pub fn check(&self) -> Result<(), String> {
        let ((Some(bound), None) | (None, Some(bound))) = (self.at_most, self.at_least) else {
            return Err("a bar has either `at-most` or `at-least`".to_owned());
        };
        if !(bound.is_finite() && bound > 0.0) {
            return Err(format!(
                "a bar cannot be at {bound}, expected a number above 0"
            ));
        }
        if self.of_configuration.is_some() && self.beside().is_none() {
            return Err("a bar with `of-configuration` says in `of` whose figure it is".to_owned());
        }
        if self.of.is_some() && self.beyond.is_some() {
            return Err("a bar has either `of` or `beyond`".to_owned());
        }
        Ok(())
    }

    /// Whether it is about a target in a configuration.
    pub fn holds(&self, target: &str, settings: &Map<String, Value>) -> bool {
        let wanted = self.configuration.as_deref();
        self.target == target && wanted.is_none_or(|wanted| is_named(settings, wanted))
    }

    /// Whether its figure is one of speed, which the row of a server that lost power does not have.
    pub fn is_of_speed(&self) -> bool {
        [
            "cpu_us_per_op",
            "ops_per_s",
            "p50",
            "p90",
            "p99",
            "p999",
            "max",
        ]
        .contains(&self.figure.as_str())
    }

    /// The target whose figure it is about, besides.
    pub fn beside(&self) -> Option<&str> {
        self.of.as_deref().or(self.beyond.as_deref())
    }

    /// The bars that a row is held to.
    pub fn of_row(row: &BenchRow) -> Vec<Bar> {
        let bars = row.extra.get(FIELD).cloned();
        bars.and_then(|bars| serde_json::from_value(bars).ok())
            .unwrap_or_default()
    }

    /// What it says, for people.
    pub fn words(&self) -> String {
        let (sign, bound) = match (self.at_most, self.at_least) {
            (Some(bound), _) => ("≤", bound),
            (None, bound) => ("≥", bound.unwrap_or(f64::NAN)),
        };
        let within = self.of_configuration.as_ref();
        let within = within.map_or(String::new(), |name| format!(", {name}"));
        match (&self.of, &self.beyond) {
            (Some(of), _) => format!("{sign} {bound} × {of}{within}"),
            (None, Some(beyond)) => format!("{sign} {bound} beyond {beyond}{within}"),
            (None, None) => format!("{sign} {bound}"),
        }
    }

    /// What is held to it: the figure of `cell`, or its ratio to that of the one among `cells` that it names, or
    /// its difference.
    pub fn estimate(&self, cell: &Cell<'_>, cells: &[&Cell<'_>]) -> Option<Estimate> {
        let figure = |row: &BenchRow| figure(row, &self.figure);
        // What is the target's own whatever its driver did; all else is not.
        let own = ["cpu_us_per_op", "bytes_per_item", "longest_turn_us"];
        let own = own.contains(&self.figure.as_str());
        let Some(beside) = self.beside() else {
            let valid = own || cell.invalid().is_none();
            return valid.then(|| Estimate::median(&cell.values(figure)))?;
        };
        let base = cells.iter().find(|other| {
            let same = match &self.of_configuration {
                Some(wanted) => is_named(other.settings, wanted),
                None => other.settings == cell.settings,
            };
            other.target == beside && other.workload == cell.workload && same
        })?;
        if self.beyond.is_some() {
            let valid = own || cell.invalid().is_none() && base.invalid().is_none();
            let differences = cell.rows.iter().filter_map(|row| {
                let mut twins = base.rows.iter();
                let twin = twins.find(|other| other.repetition == row.repetition)?;
                Some(figure(row) - figure(twin))
            });
            let differences: Vec<f64> = differences.collect();
            valid.then(|| Estimate::mean(&differences))?
        } else if own {
            cell.cost_over(base, figure)
        } else {
            cell.over(base, figure)
        }
    }

    /// Whether an estimate meets it.
    pub fn verdict(&self, estimate: Option<Estimate>) -> Verdict {
        let Some(interval) = estimate.and_then(|estimate| estimate.interval) else {
            return Verdict::Unknown;
        };
        let met = match (self.at_most, self.at_least) {
            (Some(most), _) => interval.high <= most,
            (None, least) => least.is_some_and(|least| interval.low >= least),
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

/// A bar, and what came of it.
#[derive(Clone, Debug)]
pub struct Held<'a> {
    /// The cell that is held to it.
    pub cell: &'a Cell<'a>,
    /// What it is held to.
    pub bar: Bar,
    /// The figure itself.
    pub figure: Option<Estimate>,
    /// What the bar is about: the figure, or its ratio to another one.
    pub estimate: Option<Estimate>,
    /// Whether it meets the bar.
    pub verdict: Verdict,
}

/// Every bar that `cells` are held to, in their order.
pub fn held<'a>(cells: &'a [Cell<'a>]) -> Vec<Held<'a>> {
    let mut all = Vec::new();
    for cell in cells {
        let beside = cells
            .iter()
            .filter(|other| other.comparison == cell.comparison);
        let beside: Vec<&Cell<'_>> = beside.collect();
        for bar in cell
            .rows
            .first()
            .map(|row| Bar::of_row(row))
            .unwrap_or_default()
        {
            let estimate = bar.estimate(cell, &beside);
            all.push(Held {
                cell,
                figure: Estimate::median(&cell.values(|row| figure(row, &bar.figure))),
                verdict: bar.verdict(estimate),
                estimate,
                bar,
            });
        }
    }
    all
}

impl Held<'_> {
    /// What the bar is about, in its own unit.
    pub fn measured(&self) -> String {
        let format = if self.bar.of.is_some() {
            number::ratio
        } else {
            format(&self.bar.figure)
        };
        number::estimate(self.estimate, format)
    }

    /// The figure itself.
    pub fn absolute(&self) -> String {
        let format = format(&self.bar.figure);
        let median = self.figure.map(|figure| figure.value);
        median.map_or_else(|| number::ABSENT.to_owned(), format)
    }
}

impl Verdict {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unknown => "unknown",
        }
    }
}

/// How a figure is written.
fn format(figure: &str) -> Format {
    match figure {
        "p50" | "p90" | "p99" | "p999" | "max" | "cpu_us_per_op" => number::time_us,
        // `longest_turn_us`, but not `ops_over_100_us`, which counts.
        other if other.ends_with("_us") && !other.starts_with("ops_") => number::time_us,
        other if other.ends_with("_ms") => number::time_ms,
        other if other.ends_with("_ratio") => number::ratio,
        other if other.contains("_share") => number::percent,
        _ => number::count,
    }
}

fn is_named(settings: &Map<String, Value>, wanted: &str) -> bool {
    settings.get("name").and_then(Value::as_str) == Some(wanted)
}

/// A figure of a row by its name: a field of it, or `p50`, `p90`, `p99`, `p999` or `max` of its latency. NaN where
/// there is none of this name.
pub fn figure(row: &BenchRow, name: &str) -> f64 {
    match name {
        "cpu_us_per_op" => row.cpu_us_per_op,
        "ops_per_s" => row.ops_per_s,
        "p50" => row.latency_us.p50,
        "p90" => row.latency_us.p90,
        "p99" => row.latency_us.p99,
        "p999" => row.latency_us.p999,
        "max" => row.latency_us.max,
        other => {
            let extra = row.extra.get(other);
            extra.and_then(Value::as_f64).unwrap_or(f64::NAN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_not_written_as_a_time() {
        assert_eq!(format("ops_over_100_us")(3_889.0), number::count(3_889.0));
        assert_eq!(format("longest_turn_us")(838.0), number::time_us(838.0));
        assert_eq!(format("cpu_us_per_op")(0.66), number::time_us(0.66));
        assert_eq!(format("restart_ms")(17.0), number::time_ms(17.0));
        assert_eq!(format("save_share_of_disk")(0.7), number::percent(0.7));
    }
}
