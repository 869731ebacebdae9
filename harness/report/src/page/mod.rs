//! Pages: what a report consists of, one file each.
//!
//! A page is a function of the run and gives blocks; it neither reads files nor writes markup. To add
//! one, add a file and a line in [`PAGES`].

pub(crate) mod bars;
pub(crate) mod failures;
mod hit_ratio;
pub(crate) mod loss;
mod machine;
mod peers;
mod persistence;
mod summary;
mod throughput;
mod timeline;
pub(crate) mod validations;

use crate::block::Block;
use crate::run::Run;

/// A page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name, as in `seawall list pages` and in links.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// Where its method comes from.
    pub source: &'static str,
    /// Builds it.
    pub build: fn(&Run) -> Vec<Block>,
}

/// All pages, in the order in which they are shown.
pub const PAGES: &[Page] = &[
    summary::PAGE,
    bars::PAGE,
    throughput::PAGE,
    peers::PAGE,
    hit_ratio::PAGE,
    persistence::PAGE,
    timeline::PAGE,
    loss::PAGE,
    failures::PAGE,
    validations::PAGE,
    machine::PAGE,
];
