//! A run as it was left on disk: its setup and its rows.
//!
//! Rows are appended one by one, so a run that was cut off ends within a line. That last piece is
//! left out and told ([`Cut`]); anything else that cannot be read is an error with file and line,
//! since a report that silently lacks rows is a wrong report.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::row::{Row, SCHEMA};
use crate::setup::Setup;

/// The name of the rows' file in a run's folder.
pub const FILE: &str = "rows.jsonl";

/// The largest file of rows that is read: some hundred thousand rows with histograms.
pub const ROWS_BYTES_MAX: u64 = 1 << 30;

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What was run, where and when.
    pub setup: Setup,
    /// What came out, in the order in which it was written.
    pub rows: Vec<Row>,
    /// Whether the file of rows ends within a line.
    pub cut: Option<Cut>,
}

/// The file of rows ends within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The line that was cut off, from 1.
    pub line: usize,
    /// How many bytes of it are there.
    pub bytes: usize,
}

/// What can be read of a row of any version.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

impl Run {
    /// Reads the run in `dir`.
    ///
    /// # Errors
    /// A file is missing, cannot be read, has a malformed line, or is newer than this program.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let setup = Setup::read(dir)?;
        let path = dir.join(FILE);
        let read = |source| Error::Read {
            path: path.clone(),
            source,
        };
        let file = File::open(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::NoRun {
                dir: dir.into(),
                file: FILE,
            },
            _ => read(source),
        })?;
        let mut bytes = Vec::new();
        // One byte beyond the bound tells a file that is too large, even one that still grows.
        file.take(ROWS_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        if bytes.len() as u64 > ROWS_BYTES_MAX {
            let size = std::fs::metadata(&path).map_err(read)?.len();
            return Err(Error::TooLarge {
                path,
                bytes: size,
                bytes_max: ROWS_BYTES_MAX,
            });
        }
        let (rows, cut) = parse(&path, &bytes)?;
        Ok(Self { setup, rows, cut })
    }
}

/// Parses JSON lines; `path` is for messages only.
///
/// # Errors
/// A line other than an unfinished last one is malformed, or a row is newer than this program.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<Row>, Option<Cut>), Error> {
    let mut rows = Vec::new();
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match row(path, number, line) {
            Ok(row) => rows.push(row),
            // A finished line ends with a line feed: without one, the writer was stopped here.
            Err(Error::Malformed { .. }) if !line.ends_with(b"\n") => {
                return Ok((
                    rows,
                    Some(Cut {
                        line: number,
                        bytes: line.len(),
                    }),
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((rows, None))
}

fn row(path: &Path, line: usize, bytes: &[u8]) -> Result<Row, Error> {
    let malformed = |error: serde_json::Error| Error::Malformed {
        path: path.into(),
        line,
        why: error.to_string(),
        accepted: "one JSON object a line, with schema and a kind of bench, lab, sim or validation",
    };
    // The version first: a newer row may have any shape, and "newer" is the reason worth telling.
    let version: Version = serde_json::from_slice(bytes).map_err(malformed)?;
    if version.schema > SCHEMA {
        let (found, known) = (version.schema, SCHEMA);
        return Err(Error::Newer {
            path: path.into(),
            line,
            found,
            known,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}
