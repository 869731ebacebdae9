//! Validations: published figures, measured anew by the code that runs and comparisons use.
//!
//! One file per source, one line in [`SOURCES`]. What is accepted is settled beside the figure; nothing is fitted to
//! it: what a measurement needs beside the published set-up comes from the built-in scenario, whose values have
//! sources of their own. What is not reproduced is listed too, with the reason.

mod atomic_slot_migration;
mod autoscaling;
mod bounded_load;
mod craq;
mod jepsen;
mod lamping_veach;
mod maglev;
mod memcache_at_facebook;
mod memorydb;
mod multi_probe;
mod pbs;
mod valkey_cluster;
mod zipf_over_slots;

use seawall_report::row::{SCHEMA, ValidationFigure, ValidationRow};
use serde_json::Map;
use xxhash_rust::xxh3::xxh3_64;

use crate::random::seed_of;

/// Every source, in the order of the figures' names.
pub const SOURCES: &[&Source] = &[
    &lamping_veach::SOURCE,
    &maglev::SOURCE,
    &multi_probe::SOURCE,
    &bounded_load::SOURCE,
    &pbs::SOURCE,
    &craq::SOURCE,
    &memcache_at_facebook::SOURCE,
    &jepsen::SOURCE,
    &valkey_cluster::SOURCE,
    &memorydb::SOURCE,
    &atomic_slot_migration::SOURCE,
    &zipf_over_slots::SOURCE,
    &autoscaling::SOURCE,
];

/// Who published figures.
#[derive(Debug)]
pub struct Source {
    /// Authors or product, and where.
    pub about: &'static str,
    /// What is compared of it.
    pub validations: &'static [Validation],
}

/// A published figure and how it is measured here.
#[derive(Debug)]
pub struct Validation {
    /// Its name, `V1` and so on.
    pub id: &'static str,
    /// What is compared.
    pub what: &'static str,
    /// What was published.
    pub published: &'static str,
    /// What is accepted.
    pub tolerance: &'static str,
    /// Measures it from a seed.
    pub measure: Measure,
    /// What is left out and why, or what a reader must know; may be empty.
    pub note: &'static str,
}

/// How a figure is measured.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// From a seed.
    By(fn(u64) -> Vec<ValidationFigure>),
    /// Not at all: the note says why.
    Not,
}

impl Source {
    /// Measures each of its figures.
    pub fn rows(&self, seed: u64) -> Vec<ValidationRow> {
        let of = |validation: &Validation| validation.row(self.about, seed);
        self.validations.iter().map(of).collect()
    }
}

impl Validation {
    fn row(&self, source: &str, seed: u64) -> ValidationRow {
        let figures = match self.measure {
            Measure::By(measure) => measure(seed),
            Measure::Not => Vec::new(),
        };
        let within = figures.iter().all(ValidationFigure::is_within);
        ValidationRow {
            schema: SCHEMA,
            run: format!("{:016x}", xxh3_64(format!("{} {seed}", self.id).as_bytes())),
            seed,
            config: Map::new(),
            id: self.id.to_owned(),
            what: self.what.to_owned(),
            published: self.published.to_owned(),
            tolerance: self.tolerance.to_owned(),
            source: source.to_owned(),
            within: figures
                .iter()
                .any(ValidationFigure::is_held)
                .then_some(within),
            figures,
            note: self.note.to_owned(),
            extra: Map::new(),
        }
    }
}

/// A figure that is accepted from `least` to `most`.
fn between(name: impl Into<String>, measured: f64, least: f64, most: f64) -> ValidationFigure {
    ValidationFigure {
        name: name.into(),
        measured,
        least: Some(least),
        most: Some(most),
    }
}

/// A figure that is accepted from `least` on.
fn at_least(name: impl Into<String>, measured: f64, least: f64) -> ValidationFigure {
    ValidationFigure {
        name: name.into(),
        measured,
        least: Some(least),
        most: None,
    }
}

/// A figure that is accepted up to `most`.
fn at_most(name: impl Into<String>, measured: f64, most: f64) -> ValidationFigure {
    ValidationFigure {
        name: name.into(),
        measured,
        least: None,
        most: Some(most),
    }
}

/// A figure that is accepted where it differs from `published` by a share of that at most.
fn near(name: impl Into<String>, measured: f64, published: f64, share: f64) -> ValidationFigure {
    let by = published * share;
    between(name, measured, published - by, published + by)
}

/// A figure that is accepted where it is `published`.
fn exactly(name: impl Into<String>, measured: f64, published: f64) -> ValidationFigure {
    between(name, measured, published, published)
}

/// A figure that is shown and not held to anything.
fn shown(name: impl Into<String>, measured: f64) -> ValidationFigure {
    ValidationFigure {
        name: name.into(),
        measured,
        least: None,
        most: None,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of `values` over their mean.
fn relative_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    (squares.iter().sum::<f64>() / values.len() as f64).sqrt() / mean
}

/// The key with this number of a set of keys: sets of other seeds, or draws, have others.
fn key(seed: u64, draw: usize, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&seed_of(seed, "keys", draw).to_le_bytes());
    key[8..].copy_from_slice(&number.to_le_bytes());
    key
}
