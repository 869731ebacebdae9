//! The tests of reports, in one program: they share a made-up run.

mod compare;
mod report;
mod stats;
mod story;
