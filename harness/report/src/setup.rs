//! The setup of a run: what differs between machines and moments, `setup.json` beside the rows.
//!
//! The program writes it when a run begins, so that a run that was cut short still says what it
//! was. Pages show all of it. It is not part of a row, so that rows of the lab and the simulator are
//! byte-identical wherever and whenever they are made.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// The version of `setup.json` that this program writes.
pub const SCHEMA: u32 = 1;

/// The name of the file in a run's folder.
pub const FILE: &str = "setup.json";

/// What was run, where and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the run began, RFC 3339.
    pub created: String,
    /// The commit that was built; absent where it is not known.
    #[serde(default)]
    pub commit: Option<String>,
    /// Whether the working tree differed from that commit.
    #[serde(default)]
    pub dirty: bool,
    /// The command line, one argument an element, the program first.
    pub command: Vec<String>,
    /// The suite's name.
    pub suite: String,
    /// The seed that the run's seeds come from.
    pub seed: u64,
    /// The machine: name and value, in the order in which they are shown (`cpu`, `cores`, `kernel`, …).
    #[serde(default)]
    pub machine: Map<String, Value>,
    /// What the reader must know: a fallback that was taken, a peer that was not there.
    #[serde(default)]
    pub notices: Vec<String>,
    /// What of the suite the machine could not measure, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_run: Vec<String>,
    /// Fields of newer or other writers.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What can be read of a setup of any version.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

impl Setup {
    /// Reads `setup.json` of the run in `dir`.
    ///
    /// # Errors
    /// The file cannot be read, is no setup, or is newer than this program.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::NoRun {
                dir: dir.into(),
                file: FILE,
            },
            _ => Error::Read {
                path: path.clone(),
                source,
            },
        })?;
        let malformed = |error: serde_json::Error| Error::Malformed {
            path: path.clone(),
            line: error.line().max(1),
            why: error.to_string(),
            accepted: "a JSON object with schema, created, command, suite and seed",
        };
        let version: Version = serde_json::from_slice(&bytes).map_err(malformed)?;
        if version.schema > SCHEMA {
            return Err(Error::Newer {
                path,
                line: 1,
                found: version.schema,
                known: SCHEMA,
            });
        }
        serde_json::from_slice(&bytes).map_err(malformed)
    }
}
