//! What can be wrong with a run's folder. Every message says what, where, and what is accepted.

use std::io;
use std::path::PathBuf;

/// Why a run could not be read or its report not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder lacks a file that every run has.
    #[error(
        "{dir}: no {file} here; a run's folder holds setup.json and rows.jsonl (`seawall run` makes one)",
        dir = dir.display()
    )]
    NoRun {
        /// The folder.
        dir: PathBuf,
        /// What it lacks.
        file: &'static str,
    },
    /// A file could not be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than a run's can be.
    #[error("{path}: {bytes} bytes; at most {bytes_max} are accepted", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// A line (or file) is not what it should be.
    #[error("{path}:{line}: {why}; accepted: {accepted}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
        /// What would be right.
        accepted: &'static str,
    },
    /// Written by a newer program.
    #[error(
        "{path}:{line}: written with schema {found}, and this program knows schemas up to {known}; \
         render it with a newer seawall",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The schema there.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// A file of the report could not be written.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
