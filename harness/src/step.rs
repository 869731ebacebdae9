//! Steps: what a run consists of. Each gives rows, and rows that are there already are left alone.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use seawall_bench::{Bout, Cell};
use seawall_lab::{Grid, Size, Subject, Unit};
use seawall_report::row::Row;
use seawall_sim::Scenario;
use seawall_sim::validation::{SOURCES, Source};
use seawall_sys::usage::thread_cpu;
use seawall_workloads::trace::FormatSpec;
use serde_json::{Map, Value};

use crate::input::Input;
use crate::status::{Failure, Outcome};
use crate::timing;

/// One step of a run.
pub(crate) enum Step {
    /// Benchmark cells whose targets are opened once; usually a single one.
    Bench(Bout),
    /// A trace through all policies at all sizes.
    Lab(LabStep),
    /// The cells of a scenario, each with all seeds.
    Sim(Box<SimStep>),
    /// The published figures of a source.
    Validation(ValidationStep),
}

/// A trace, and what is replayed.
#[derive(Clone, Debug)]
pub(crate) struct LabStep {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) format: Option<FormatSpec>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) sizes: Vec<Size>,
    pub(crate) unit: Unit,
    pub(crate) seed: u64,
}

/// The cells of a scenario, and their seeds.
#[derive(Clone, Debug)]
pub(crate) struct SimStep {
    scenario: Scenario,
    cells: Vec<seawall_sim::Cell>,
    seed: u64,
    seeds: u64,
}

/// A source whose published figures are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidationStep {
    source: &'static Source,
    seed: u64,
}

/// What tells a row from all others of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a row.
    pub(crate) fn of(row: &Row) -> Key {
        match row {
            Row::Bench(row) => Key::bench(&row.run, row.repetition),
            Row::Lab(row) => Key::lab(&row.run),
            Row::Sim(row) => {
                let cell = seawall_sim::Cell {
                    replication: row.replication.clone(),
                    sharding: row.sharding.clone(),
                    workload: row.workload.clone(),
                    caching: row.caching.clone(),
                    fault: row.fault.clone(),
                };
                Key::sim(&row.config, &cell, row.seed)
            }
            Row::Validation(row) => Key::validation(&row.id, row.seed),
        }
    }

    /// The key of a lab row with this `run`.
    pub(crate) fn lab(run: &str) -> Key {
        Key(format!("lab {run}"))
    }

    fn is_done(cell: &Cell, done: &HashSet<Key>) -> bool {
        done.contains(&Key::bench(&cell.run(), cell.repetition))
    }

    fn bench(run: &str, repetition: u32) -> Key {
        Key(format!("bench {run} {repetition}"))
    }

    fn validation(id: &str, seed: u64) -> Key {
        Key(format!("validation {id} {seed}"))
    }

    fn sim(settings: &Map<String, Value>, cell: &seawall_sim::Cell, seed: u64) -> Key {
        let settings = Value::Object(settings.clone());
        let seawall_sim::Cell {
            replication,
            sharding,
            workload,
            caching,
            fault,
        } = cell;
        Key(format!(
            "sim {settings} {replication} {sharding} {workload} {caching} {fault} {seed}"
        ))
    }
}

impl Step {
    /// What it does, for people.
    pub(crate) fn title(&self) -> String {
        match self {
            Step::Bench(bout) => format!("bench {}", bout.title()),
            Step::Lab(step) => format!(
                "lab {}: {} policies and bounds at {} sizes",
                step.name,
                step.subjects.len(),
                step.sizes.len()
            ),
            Step::Sim(step) => format!(
                "sim {}: {} cells with {} seeds each",
                step.scenario.name,
                step.cells.len(),
                step.seeds
            ),
            Step::Validation(step) => format!("published figures: {}", step.source.about),
        }
    }

    /// How long it takes, about.
    pub(crate) fn seconds_expected(&self) -> f64 {
        /// A replay of the carried trace, measured; others are of its order.
        const REPLAY_SECONDS: f64 = 0.03;
        /// The figures of a source, measured: the mean.
        const VALIDATION_SECONDS: f64 = 1.0;
        match self {
            Step::Bench(bout) => bout.seconds_expected(),
            Step::Lab(step) => REPLAY_SECONDS * (step.subjects.len() * step.sizes.len()) as f64,
            Step::Sim(step) => step.seconds_expected(),
            Step::Validation(_) => VALIDATION_SECONDS,
        }
    }

    /// How many rows it gives.
    pub(crate) fn rows(&self) -> u64 {
        match self {
            Step::Bench(bout) => bout.cells().len() as u64,
            // What it missed, and what it took.
            Step::Lab(step) => 2 * (step.subjects.len() * step.sizes.len()) as u64,
            Step::Sim(step) => step.runs(),
            Step::Validation(step) => step.source.validations.len() as u64,
        }
    }

    /// Whether it wants `io_uring`, which some machines forbid.
    pub(crate) fn wants_uring(&self) -> bool {
        matches!(self, Step::Bench(bout) if bout.cells().iter().any(Cell::wants_uring))
    }

    /// Whether all its rows are among `done`, as far as is known without reading a trace.
    pub(crate) fn is_done(&self, done: &HashSet<Key>) -> bool {
        match self {
            Step::Bench(bout) => bout.cells().iter().all(|cell| Key::is_done(cell, done)),
            // A trace's rows are named by what is in the trace; replaying it again takes a moment.
            Step::Lab(_) => false,
            Step::Sim(step) => step.runs_besides(done).next().is_none(),
            Step::Validation(step) => {
                let keys = step.source.validations.iter();
                keys.map(|validation| Key::validation(validation.id, step.seed))
                    .all(|key| done.contains(&key))
            }
        }
    }

    /// Does what of it is not `done`, with files in `scratch`; each row goes to `keep` as soon as it is there.
    pub(crate) fn run(
        &self,
        scratch: &Path,
        done: &HashSet<Key>,
        keep: &mut dyn FnMut(Row) -> Outcome,
    ) -> Outcome {
        match self {
            Step::Bench(bout) => {
                let left = bout.without(|cell| Key::is_done(cell, done));
                let failed = |cell: &Cell, error| Failure::work(format!("{cell}: {error}"));
                left.map_or(Ok(()), |bout| {
                    bout.run_in(scratch, &mut |row| keep(Row::Bench(row)), failed)
                })
            }
            Step::Lab(step) => step.run(keep),
            Step::Sim(step) => step.run(done, keep),
            Step::Validation(step) => {
                let mut rows = step.source.rows(step.seed).into_iter();
                rows.try_for_each(|row| keep(Row::Validation(row)))
            }
        }
    }
}

impl LabStep {
    fn run(&self, keep: &mut dyn FnMut(Row) -> Outcome) -> Outcome {
        let trace = self.input.read(self.format.as_ref())?;
        let grid = Grid::new(&trace, &self.subjects, &self.sizes, self.unit, self.seed)
            .map_err(Failure::usage)?;
        let grid = grid.clocked(thread_cpu);
        let mut outcome = Ok(());
        grid.run_as_done(threads(), &mut |_, replayed| {
            let mut rows = timing::rows(replayed, trace.len()).into_iter();
            outcome = rows.try_for_each(&mut *keep);
            if outcome.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
        .map_err(Failure::work)?;
        outcome
    }
}

impl SimStep {
    /// The step of all cells of `scenario`.
    pub(crate) fn of(scenario: &Scenario, full: bool, seed: u64, seeds: u64) -> Step {
        Step::Sim(Box::new(SimStep {
            scenario: scenario.clone(),
            cells: scenario.cells(full),
            seed,
            seeds,
        }))
    }

    fn runs(&self) -> u64 {
        self.cells.len() as u64 * self.seeds
    }

    /// How long it takes, about.
    pub(crate) fn seconds_expected(&self) -> f64 {
        /// A run of the built-in scenario, measured; the others are in proportion to their ops.
        const SECONDS_PER_OP: f64 = 6e-6;
        let ops = self.scenario.rate_per_s as f64 * self.scenario.duration_ms as f64 / 1e3;
        SECONDS_PER_OP * ops * self.runs() as f64 / threads() as f64
    }

    /// The runs whose rows are not `done`.
    fn runs_besides<'a>(
        &'a self,
        done: &'a HashSet<Key>,
    ) -> impl Iterator<Item = (&'a seawall_sim::Cell, u64)> + Send {
        let settings = self.scenario.settings();
        let seeds = self.seed..self.seed + self.seeds;
        let runs = self.cells.iter();
        let runs = runs.flat_map(move |cell| seeds.clone().map(move |seed| (cell, seed)));
        runs.filter(move |(cell, seed)| {
            done.is_empty() || !done.contains(&Key::sim(&settings, cell, *seed))
        })
    }

    fn run(&self, done: &HashSet<Key>, keep: &mut dyn FnMut(Row) -> Outcome) -> Outcome {
        let runs = self.runs_besides(done);
        seawall_sim::simulate_runs(&self.scenario, runs, threads(), |row| keep(Row::Sim(row)))
    }
}

impl ValidationStep {
    /// A step for each source of published figures.
    pub(crate) fn all(seed: u64) -> impl Iterator<Item = ValidationStep> {
        SOURCES
            .iter()
            .map(move |source| ValidationStep { source, seed })
    }
}

/// How many threads replays and simulations share.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether every claim held; names the first run in which one did not, as the line that repeats it.
pub(crate) fn claims(rows: &[Row], file: Option<&Path>) -> Outcome {
    let simulated = rows.iter().filter(|row| matches!(row, Row::Sim(_))).count();
    let broken: Vec<_> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Sim(row) if !row.violations.is_empty() => Some(row),
            _ => None,
        })
        .collect();
    let Some(first) = broken.first() else {
        return Ok(());
    };
    // A scenario of a user's own is a file, of which the row knows the scenario's name alone.
    let file = match (file, Scenario::carried(&first.scenario)) {
        (Some(file), _) => file.display().to_string(),
        (None, Some(carried)) => carried.name,
        (None, None) => format!("<file of scenario {}>", first.scenario),
    };
    Err(Failure::Short(format!(
        "{} of {} simulations broke a claim; the first: {} (scenario {}, fault {}): {}; again: seawall \
         simulate {} --replication {} --sharding {} --caching {} --fault {} --seed {}",
        broken.len(),
        simulated,
        first.replication,
        first.scenario,
        first.fault,
        first.violations.join("; "),
        file,
        first.replication,
        first.sharding,
        first.caching,
        first.fault,
        first.seed
    )))
}

/// Whether every published figure that is measured is within what is accepted; names those that are not.
pub(crate) fn published(rows: &[Row]) -> Outcome {
    let short: Vec<&str> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Validation(row) if row.within == Some(false) => Some(row.id.as_str()),
            _ => None,
        })
        .collect();
    if short.is_empty() {
        return Ok(());
    }
    Err(Failure::Short(format!(
        "published figures that are not reproduced within what is accepted: {}",
        short.join(", ")
    )))
}
