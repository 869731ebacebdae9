//! Reports: a pure function of rows.
//!
//! Rows come in as JSON lines ([`row`]) beside what differs between machines and moments ([`setup`]);
//! pages go out as one self-contained HTML file, as Markdown and as CSV. This crate knows no engine: it
//! is told, it never asks.
//!
//! ```text
//! rows.jsonl, setup.json ─ run ─┬─ cell, curve, trial ─ page/* ─ block ─┬─ html ──── report.html
//!                               │   (rows that belong together)         └─ markdown ─ report.md
//!                               ├─ summary   (tables for the terminal)
//!                               ├─ compare   (two runs, a verdict)
//!                               └─ csv       rows.csv
//! ```

pub mod answer;
pub mod bar;
pub mod block;
pub mod cell;
pub mod compare;
pub mod csv;
pub mod curve;
mod error;
pub mod histogram;
mod html;
mod markdown;
pub mod number;
pub mod page;
pub mod plot;
mod rendered;
pub mod row;
pub mod run;
pub mod setup;
pub mod stats;
pub mod summary;
pub mod trial;

pub use error::Error;
pub use rendered::{Rendered, render, render_run, write};
pub use run::Run;
pub use setup::Setup;
pub use summary::summary;
