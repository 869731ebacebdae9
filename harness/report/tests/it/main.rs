//! The tests of reports, in one program: they share a made-up run.

mod bars;
mod cells;
mod compare;
mod failures;
mod histogram;
mod hit_ratio;
mod loss;
mod peers;
mod report;
mod stats;
mod story;
mod timeline;
mod validations;
