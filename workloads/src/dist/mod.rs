//! Distributions: what sizes, popularities and gaps are drawn from, each with its source.
//!
//! Everything here gives the same numbers on every machine: one generator ([`Rng`]), no `f64` function
//! of the platform's mathematical library (those differ in the last bit), fixed orders of evaluation.
//! Golden values in the tests hold the streams.

mod exponential;
mod histogram;
mod pareto;
mod popularity;
mod rng;
mod uniform;
mod zipf;

pub use exponential::Exponential;
pub use histogram::{Histogram, HistogramError};
pub use pareto::GeneralizedPareto;
pub use popularity::Popularity;
pub use rng::{Rng, mix};
pub use uniform::Uniform;
pub use zipf::Zipf;

#[cfg(test)]
mod chi_square;
