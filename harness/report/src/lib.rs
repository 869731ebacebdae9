//! Reports: a pure function of rows.
//!
//! Rows come in as JSON lines ([`row`]); pages go out as one self-contained HTML file, as Markdown
//! and as CSV. This crate knows no engine: it is told, it never asks.

pub mod row;
