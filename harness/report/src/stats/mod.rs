//! Statistics: what a handful of repetitions on a noisy machine allows one to say.
//!
//! Estimates are medians, or geometric means of paired ratios, each with a bootstrap interval. All is
//! deterministic: the same values give the same interval on every machine. Values that are not
//! finite are not counted.

pub mod bootstrap;
pub mod order;
pub mod proportion;
pub mod ratio;

pub use bootstrap::{Estimate, Interval};
pub use ratio::paired_ratio;

/// The confidence of every interval shown.
pub const CONFIDENCE: f64 = 0.95;
