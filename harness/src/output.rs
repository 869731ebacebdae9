//! Standard output and standard error, where a closed pipe or a full disk is no panic.

use std::io::{self, Write};

use seawall_report::row::Row;

use crate::status::{Failure, Outcome};

/// Writes `text` and a line feed to standard output.
pub(crate) fn line(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Writes a row to standard output, as `rows.jsonl` has it.
pub(crate) fn row(row: &Row) -> Outcome {
    line(&serde_json::to_string(row).expect("a row has a JSON form"))
}

/// Writes a line to standard error. Where that is gone too, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
