//! Trials: simulated runs that differ in their seed alone.

use crate::number::{ABSENT, Format};
use crate::row::{Row, SimRow};
use crate::stats::{Interval, order};

/// The runs of one condition, replication and sharding, over seeds.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// The runs.
    pub rows: Vec<&'a SimRow>,
}

/// The middle and the ends of a figure over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// What a run was put under, whatever the strategies: members are compared under the same.
pub fn condition(row: &SimRow) -> [&str; 4] {
    [&row.scenario, &row.workload, &row.caching, &row.fault]
}

/// The simulated rows as trials, in the order of their first rows.
pub fn trials(rows: &[Row]) -> Vec<Trial<'_>> {
    let mut trials: Vec<Trial<'_>> = Vec::new();
    for row in rows {
        let Row::Sim(row) = row else { continue };
        let key = |row: &'_ SimRow| {
            let strategies = [&row.replication, &row.sharding].map(String::clone);
            (condition(row).map(str::to_owned), strategies)
        };
        match trials
            .iter_mut()
            .find(|trial| key(trial.first()) == key(row))
        {
            Some(trial) => {
                // A run that two comparisons share is counted once.
                if !trial
                    .rows
                    .iter()
                    .any(|known| known.seed == row.seed && known.run == row.run)
                {
                    trial.rows.push(row);
                }
            }
            None => trials.push(Trial { rows: vec![row] }),
        }
    }
    trials
}

impl<'a> Trial<'a> {
    /// The first run: what does not differ between seeds is read from it.
    pub fn first(&self) -> &'a SimRow {
        self.rows[0]
    }

    /// How many seeds were run.
    pub fn seeds(&self) -> usize {
        self.rows.len()
    }

    /// A figure of each run.
    pub fn values(&self, figure: impl Fn(&SimRow) -> f64) -> Vec<f64> {
        self.rows.iter().map(|row| figure(row)).collect()
    }

    /// The spread of a figure over seeds. `None` where no run has it.
    pub fn spread(&self, figure: impl Fn(&SimRow) -> f64) -> Option<Spread> {
        Spread::of(&self.values(figure))
    }

    /// In how many runs something holds.
    pub fn count(&self, holds: impl Fn(&SimRow) -> bool) -> usize {
        self.rows.iter().filter(|row| holds(row)).count()
    }

    /// In how many runs the claim did not hold.
    pub fn broken(&self) -> usize {
        self.count(|row| !row.violations.is_empty())
    }
}

impl Spread {
    /// The spread of `values`, one a seed; those that are no number do not count. `None` where none is left.
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = order::sorted(values);
        Some(Self {
            median: order::quantile(&sorted, 0.5)?,
            least: *sorted.first()?,
            most: *sorted.last()?,
        })
    }

    /// The median with the ends in parentheses, or one figure where all agree.
    pub fn show(spread: Option<Self>, format: Format) -> String {
        match spread {
            None => ABSENT.into(),
            Some(Self {
                median,
                least,
                most,
            }) if least == most => format(median),
            Some(Self {
                median,
                least,
                most,
            }) => crate::number::within(
                median,
                Interval {
                    low: least,
                    high: most,
                },
                format,
            ),
        }
    }
}

/// A figure that some runs tell and the schema does not demand; NaN where this one does not.
pub fn extra(row: &SimRow, name: &str) -> f64 {
    row.extra
        .get(name)
        .and_then(serde_json::Value::as_f64)
        .unwrap_or(f64::NAN)
}

/// The share of keys that changed their shard.
pub fn moved_share(row: &SimRow) -> f64 {
    extra(row, "moved_keys_share")
}

/// The share of the loaded keys that was gone in the end.
pub fn lost_keys_share(row: &SimRow) -> f64 {
    extra(row, "lost_keys") / extra(row, "loaded_keys")
}

/// Acknowledged writes that are there, but not where the placement looks for them.
pub fn misplaced_writes(row: &SimRow) -> f64 {
    extra(row, "misplaced_acked_writes")
}
