//! Steps: what a run consists of. Each gives rows, and is skipped when they are there already.

use std::collections::HashSet;
use std::path::Path;

use seawall_bench::Cell;
use seawall_report::row::Row;

use crate::status::{Failure, Outcome};

/// One step of a run.
pub(crate) enum Step {
    /// A benchmark cell.
    Bench(Cell),
}

/// What tells a row from all others of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a row.
    pub(crate) fn of(row: &Row) -> Key {
        Key(match row {
            Row::Bench(row) => format!("bench {} {}", row.run, row.repetition),
            Row::Lab(row) => format!("lab {} {} {} {}", row.run, row.policy, row.size, row.unit),
            Row::Sim(row) => format!("sim {} {}", row.run, row.seed),
        })
    }
}

impl Step {
    /// What it does, for people.
    pub(crate) fn title(&self) -> String {
        match self {
            Step::Bench(cell) => format!("bench {cell}"),
        }
    }

    /// How long it takes, about.
    pub(crate) fn seconds_expected(&self) -> f64 {
        match self {
            Step::Bench(cell) => cell.seconds_expected(),
        }
    }

    /// Whether it wants `io_uring`, which some machines forbid.
    pub(crate) fn wants_uring(&self) -> bool {
        match self {
            Step::Bench(cell) => cell.wants_uring(),
        }
    }

    /// Whether all its rows are among `done`.
    pub(crate) fn is_done(&self, done: &HashSet<Key>) -> bool {
        match self {
            Step::Bench(cell) => {
                done.contains(&Key(format!("bench {} {}", cell.run(), cell.repetition)))
            }
        }
    }

    /// Does it; each row goes to `keep` as soon as it is there.
    pub(crate) fn run(&self, scratch: &Path, keep: &mut dyn FnMut(Row) -> Outcome) -> Outcome {
        match self {
            Step::Bench(cell) => {
                let row = cell.run_in(scratch).map_err(Failure::work)?;
                keep(Row::Bench(row))
            }
        }
    }
}
