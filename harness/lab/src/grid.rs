//! A grid: subjects × sizes over one trace, each cell a row.
//!
//! Cells are independent, so threads take them in turn; rows come out as they are done, each with the number of its cell,
//! or in the order of the cells whatever thread finishes first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use seawall_report::row::{LabRow, SCHEMA};
use seawall_store::evict::PolicySpec;
use seawall_workloads::trace::{Trace, TraceError};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::counts::{Counts, Parts};
use crate::curve::{self, Curve};
use crate::live::{self, LiveError};
use crate::replay::foretell;
use crate::sampling::Sampling;
use crate::size::{Size, SizeError, Unit};
use crate::source::Source;
use crate::subject::Subject;

/// What is replayed.
pub struct Grid<'t> {
    source: Source<'t>,
    unit: Unit,
    seed: u64,
    cells: Vec<Cell>,
    /// The trace with the sizes of its objects alone, where cells are driven through the running store, too.
    plain: Option<&'t Trace>,
    parts: Parts,
    /// Of the parts, how many at the beginning do not count.
    uncounted: usize,
    /// Where cells are estimated from samples.
    sampling: Option<Sampling<'t>>,
    /// The exact curve of lru, where it is made in one pass over a trace.
    lru: Option<(&'t Trace, OnceLock<Curve>)>,
    /// What the thread that asks has had of the processor.
    clock: Option<fn() -> Duration>,
    /// What else was set, for the rows.
    also: Map<String, Value>,
}

/// A cell that was replayed.
pub struct Replayed {
    /// Its row.
    pub row: LabRow,
    /// The processor's time that its replay took; none where nobody asked, or no replay of the whole trace gave the row.
    pub cpu: Option<Duration>,
}

/// Why a grid was not replayed to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The running store did not serve the trace.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The trace's file cannot be read, or is not what it was.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

#[derive(Clone)]
struct Cell {
    subject: Subject,
    given: Size,
    size: u64,
    /// Whether the running store is driven.
    live: bool,
}

impl<'t> Grid<'t> {
    /// Every subject that can replay the trace at every size, size by size within a subject.
    ///
    /// # Errors
    /// A size is none for this trace.
    pub fn new(
        trace: impl Into<Source<'t>>,
        subjects: &[Subject],
        sizes: &[Size],
        unit: Unit,
        seed: u64,
    ) -> Result<Grid<'t>, SizeError> {
        let source = trace.into();
        let mut cells = Vec::with_capacity(subjects.len() * sizes.len());
        let can_replay = |subject: &&Subject| subject.can_replay(source);
        for subject in subjects.iter().filter(can_replay) {
            for given in sizes {
                cells.push(Cell {
                    subject: subject.clone(),
                    given: given.clone(),
                    size: given.resolve(source.outline(), unit)?,
                    live: false,
                });
            }
        }
        Ok(Grid {
            source,
            unit,
            seed,
            cells,
            plain: None,
            parts: Parts::whole(source),
            uncounted: 0,
            sampling: None,
            lru: None,
            clock: None,
            also: Map::new(),
        })
    }

    /// Every row tells that `name` was set to `value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Grid<'t> {
        self.also.insert(name.to_owned(), value.into());
        self
    }

    /// Tells what each replay took, by a clock of the processor's time that the thread which asks has had.
    #[must_use]
    pub fn clocked(mut self, clock: fn() -> Duration) -> Grid<'t> {
        self.clock = Some(clock);
        self
    }

    /// Estimates each cell from samples of this share of the objects of `trace`, which is that of the grid.
    #[must_use]
    pub fn sampled(mut self, trace: &'t Trace, rate: f64) -> Grid<'t> {
        self.sampling = Some(Sampling::new(trace, rate, self.seed));
        self
    }

    /// How many objects the smallest sample has, where cells are estimated from samples.
    pub fn sampled_objects(&self) -> Option<u32> {
        self.sampling.as_ref().map(Sampling::objects_least)
    }

    /// Counts from behind the first `warmup` requests, and tells the counts of `parts` parts of the others, where it is
    /// several, one after the other (`over_time` in rows: gets and misses of each).
    #[must_use]
    pub fn counted(mut self, warmup: usize, parts: usize) -> Grid<'t> {
        self.parts = Parts::new(self.source, warmup, parts);
        self.uncounted = 1;
        if warmup > 0 {
            self = self.with("warmup", warmup);
        }
        self
    }

    /// Makes all cells of lru from one pass over `trace`, which is that of the grid, where that is exact: in objects,
    /// of gets alone, all of which count.
    #[must_use]
    pub fn in_one_pass(mut self, trace: &'t Trace) -> Grid<'t> {
        let all = self.unit == Unit::Objects && self.uncounted == 0;
        let exact = all && trace.is_gets_alone();
        self.lru = exact.then(|| (trace, OnceLock::new()));
        self
    }

    /// Drives the running store, too, through every cell whose policy it has: rows whose config says `live`, behind
    /// the others, which foretell what it does. The trace of the grid has the sizes in bytes that the store
    /// [counts](live::item_bytes), `plain` those of its objects alone.
    #[must_use]
    pub fn live(mut self, plain: &'t Trace) -> Grid<'t> {
        // A store under `none` is no cache: it refuses what does not fit.
        let has = |cell: &&Cell| match &cell.subject {
            Subject::Policy(policy) => *policy != PolicySpec::default(),
            _ => false,
        };
        let live = |cell: &Cell| Cell {
            live: true,
            ..cell.clone()
        };
        let driven: Vec<Cell> = self.cells.iter().filter(has).map(live).collect();
        self.cells.extend(driven);
        self.plain = Some(plain);
        self
    }

    /// Leaves out the cells of whose rows the field `run` is `done`. To be said last: the field tells all that is set.
    #[must_use]
    pub fn besides(mut self, done: impl Fn(&str) -> bool) -> Grid<'t> {
        let mut cells = std::mem::take(&mut self.cells);
        cells.retain(|cell| !done(&self.run_hash(&self.config(cell))));
        self.cells = cells;
        self
    }

    /// How many rows there will be.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is nothing to replay.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The field `run` of each row that there will be, in the order of the cells.
    pub fn runs(&self) -> impl Iterator<Item = String> {
        let cells = self.cells.iter();
        cells.map(|cell| self.run_hash(&self.config(cell)))
    }

    /// As [`Grid::run_as_done`], with each row as soon as those before it are done.
    ///
    /// # Errors
    /// The running store does not serve the trace, or its file cannot be read.
    pub fn run(&self, threads: usize, each: &mut dyn FnMut(Replayed)) -> Result<(), ReplayError> {
        let mut early = BTreeMap::new();
        let mut next = 0;
        self.run_as_done(threads, &mut |number, replayed| {
            early.insert(number, replayed);
            while let Some(replayed) = early.remove(&next) {
                each(replayed);
                next += 1;
            }
            ControlFlow::Continue(())
        })
    }

    /// Replays all cells on `threads` threads, then drives the running store through those that are live, one after the
    /// other, and hands over each row as soon as it is done, with the number of its cell, until `each` wants no more; so
    /// rows that were handed over tell the progress, and none that is done is lost.
    ///
    /// # Errors
    /// The running store does not serve the trace, or its file cannot be read.
    pub fn run_as_done(
        &self,
        threads: usize,
        each: &mut dyn FnMut(usize, Replayed) -> ControlFlow<()>,
    ) -> Result<(), ReplayError> {
        let numbered = self.cells.iter().enumerate();
        let (live, replayed): (Vec<_>, Vec<_>) = numbered.partition(|(_, cell)| cell.live);
        if self.replay(&replayed, threads, each)?.is_break() {
            return Ok(());
        }
        for (number, cell) in live {
            let row = self.live_row(cell)?;
            if each(number, Replayed { row, cpu: None }).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn replay(
        &self,
        cells: &[(usize, &Cell)],
        threads: usize,
        each: &mut dyn FnMut(usize, Replayed) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TraceError> {
        let taken = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..threads.clamp(1, cells.len().max(1)) {
                let (sender, taken) = (sender.clone(), &taken);
                scope.spawn(move || {
                    // Relaxed: the counter only shares out numbers; rows travel through the channel.
                    let next = || taken.fetch_add(1, Ordering::Relaxed);
                    let cells = std::iter::from_fn(|| cells.get(next()));
                    for (number, cell) in cells {
                        // Nobody wants more.
                        if sender.send((*number, self.replayed(cell))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (number, replayed) in receiver {
                if each(number, replayed?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn live_row(&self, cell: &Cell) -> Result<LabRow, LiveError> {
        let (Subject::Policy(policy), Some(plain)) = (&cell.subject, self.plain) else {
            unreachable!("only cells with a policy of the store are live, and come with a trace");
        };
        let mut extra = Map::new();
        let counts = live::drive(plain, &self.parts, policy, cell.size, self.seed)?;
        let counts = self.sum(&counts, &mut extra);
        Ok(self.row_of(cell, counts, extra))
    }

    fn replayed(&self, cell: &Cell) -> Result<Replayed, TraceError> {
        let mut extra = Map::new();
        let before = self.clock.map(|clock| clock());
        let counts = self.counts(&cell.subject, cell.size, &mut extra)?;
        let after = self.clock.map(|clock| clock());
        let spent = after
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        Ok(Replayed {
            row: self.row_of(cell, counts, extra),
            cpu: spent.filter(|_| !self.is_less_than_a_replay(&cell.subject)),
        })
    }

    /// Whether a cell's counts are found in less than a replay of the whole trace.
    fn is_less_than_a_replay(&self, subject: &Subject) -> bool {
        self.sampling.is_some() || self.curve_of(subject).is_some()
    }

    /// The curve that has all cells of a subject, and the trace that it is of.
    fn curve_of(&self, subject: &Subject) -> Option<(&'t Trace, &OnceLock<Curve>)> {
        let (trace, curve) = self.lru.as_ref()?;
        (subject.to_string() == "lru").then_some((*trace, curve))
    }

    fn row_of(&self, cell: &Cell, counts: Counts, mut extra: Map<String, Value>) -> LabRow {
        let Cell { subject, size, .. } = cell;
        if let Some(bytes) = subject.metadata_bytes_per_item() {
            extra.insert("metadata_bytes_per_item".to_owned(), bytes.into());
        }
        let Counts {
            requests,
            misses,
            bytes_requested,
            bytes_missed,
        } = counts;
        let config = self.config(cell);
        LabRow {
            schema: SCHEMA,
            run: self.run_hash(&config),
            seed: self.seed,
            config,
            trace: self.source.outline().name().to_owned(),
            policy: subject.name().to_owned(),
            params: subject.params(),
            size: *size,
            unit: self.unit.name().to_owned(),
            requests,
            misses,
            bytes_requested,
            bytes_missed,
            extra,
        }
    }

    /// Replays a cell, or finds its counts in less.
    ///
    /// # Errors
    /// The trace's file cannot be read, or is not what it was.
    fn counts(
        &self,
        subject: &Subject,
        size: u64,
        extra: &mut Map<String, Value>,
    ) -> Result<Counts, TraceError> {
        if let Some(sampling) = &self.sampling {
            let estimate = sampling.estimate(subject, size, self.unit, self.seed);
            let (low, high) = estimate.miss_ratio;
            extra.insert("sample".to_owned(), sampling.rate().into());
            extra.insert("miss_ratio_low".to_owned(), low.into());
            extra.insert("miss_ratio_high".to_owned(), high.into());
            return Ok(estimate.counts);
        }
        if let Some((trace, curve)) = self.curve_of(subject) {
            let curve = curve.get_or_init(|| curve::lru(trace, self.unit));
            return Ok(Counts {
                misses: curve.misses(size).round() as u64,
                bytes_missed: curve.bytes_missed(size).round() as u64,
                ..Counts::of(trace.columns(), 0..trace.len())
            });
        }
        let (source, parts) = (self.source, &self.parts);
        let counts = match (&self.plain, subject) {
            (Some(_), Subject::Policy(policy)) => foretell(source, parts, policy, size, self.seed)?,
            _ => subject.replay_parts(source, parts, size, self.unit, self.seed)?,
        };
        Ok(self.sum(&counts, extra))
    }

    /// What the parts that count come to.
    fn sum(&self, parts: &[Counts], extra: &mut Map<String, Value>) -> Counts {
        let counted = &parts[self.uncounted..];
        if counted.len() > 1 {
            let told = counted.iter().map(|part| vec![part.requests, part.misses]);
            extra.insert("over_time".to_owned(), told.collect());
        }
        counted.iter().copied().sum()
    }

    fn config(&self, cell: &Cell) -> Map<String, Value> {
        let mut config = self.also.clone();
        config.insert("trace".to_owned(), self.source.outline().name().into());
        config.insert("policy".to_owned(), cell.subject.to_string().into());
        config.insert("size".to_owned(), cell.given.to_string().into());
        config.insert(
            "ignore-size".to_owned(),
            (self.unit == Unit::Objects).into(),
        );
        if let Some(sampling) = &self.sampling {
            config.insert("sample".to_owned(), sampling.rate().into());
        }
        if cell.live {
            config.insert("live".to_owned(), true.into());
        }
        config
    }

    fn run_hash(&self, config: &Map<String, Value>) -> String {
        let mut bytes = serde_json::to_vec(config).expect("a map of texts is JSON");
        bytes.extend(self.seed.to_le_bytes());
        format!("{:016x}", xxh3_64(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use seawall_workloads::trace::{Op, Request};

    use super::*;

    fn rows(threads: usize, seed: u64) -> Vec<String> {
        let trace = Trace::from_sized_keys("t", (0..4000u64).map(|i| (i * i % 997 % 300, 7)));
        let subjects = Subject::parse_list("all,clock:bits=2").expect("a list");
        let sizes = Size::parse_list("5%,50").expect("sizes");
        let grid = Grid::new(&trace, &subjects, &sizes, Unit::Objects, seed).expect("a grid");
        let mut rows = Vec::new();
        grid.run(threads, &mut |Replayed { row, .. }| {
            rows.push(serde_json::to_string(&seawall_report::row::Row::Lab(row)).expect("JSON"));
        })
        .expect("nothing is live");
        assert_eq!(rows.len(), grid.len());
        rows
    }

    #[test]
    fn cells_come_as_they_are_done_until_nobody_wants_more() {
        let trace = Trace::from_sized_keys("t", (0..4000u64).map(|i| (i * i % 997 % 300, 7)));
        let subjects = Subject::parse_list("lru,fifo,sieve,clock").expect("a list");
        let sizes = Size::parse_list("5%,50").expect("sizes");
        let grid = Grid::new(&trace, &subjects, &sizes, Unit::Objects, 1).expect("a grid");
        let runs: Vec<String> = grid.runs().collect();
        for wanted in [1, 3, 8] {
            let mut came = Vec::new();
            grid.run_as_done(2, &mut |number, Replayed { row, .. }| {
                assert_eq!(row.run, runs[number]);
                came.push(number);
                if came.len() == wanted {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .expect("nothing is live");
            assert_eq!(came.len(), wanted);
            came.sort_unstable();
            came.dedup();
            assert_eq!(came.len(), wanted, "each once");
        }
    }

    /// One pass tells what replays tell; a sample of everything, too.
    #[test]
    fn curves_are_what_replays_say() {
        let trace = Trace::from_sized_keys("t", (0..4000u64).map(|i| (i * i % 997 % 300, 7)));
        let subjects = Subject::parse_list("lru,sieve").expect("a list");
        let sizes = Size::parse_list("1,7,5%,50,100%").expect("sizes");
        let counts = |grid: &Grid<'_>| {
            let mut counts = Vec::new();
            grid.run(2, &mut |Replayed { row, .. }| {
                counts.push((row.misses, row.bytes_missed));
            })
            .expect("nothing is live");
            counts
        };
        let grid = || Grid::new(&trace, &subjects, &sizes, Unit::Objects, 7).expect("a grid");
        let replayed = counts(&grid());
        assert_eq!(counts(&grid().in_one_pass(&trace)), replayed);
        assert_eq!(counts(&grid().sampled(&trace, 1.0)), replayed);
    }

    /// What parts count is what the whole counts, and a warm-up counts for nobody.
    #[test]
    fn parts_come_to_the_whole() {
        let requests = (0..4000u64).map(|i| Request {
            key: i * i % 997 % 300,
            size: Some(7),
            op: Some(if i % 11 == 0 { Op::Set } else { Op::Get }),
            ..Request::default()
        });
        let ops = Trace::from_requests("t", requests);
        let gets = ops.clone().as_gets_alone();
        for (trace, who) in [
            (&ops, "lru,sieve"),
            (&gets, "lru,lirs,belady,belady-size,unbounded"),
        ] {
            let subjects = Subject::parse_list(who).expect("a list");
            let sizes = Size::parse_list("50,300").expect("sizes");
            let rows = |warmup: usize, parts: usize| {
                let grid = Grid::new(trace, &subjects, &sizes, Unit::Objects, 7).expect("a grid");
                let mut rows = Vec::new();
                grid.counted(warmup, parts)
                    .run(2, &mut |replayed| rows.push(replayed.row))
                    .expect("nothing is live");
                rows
            };
            let (whole, apart) = (rows(0, 1), rows(0, 4));
            for (whole, apart) in whole.iter().zip(&apart) {
                assert_eq!(
                    (whole.requests, whole.misses),
                    (apart.requests, apart.misses)
                );
                let parts: Vec<(u64, u64)> =
                    serde_json::from_value(apart.extra["over_time"].clone()).expect("pairs");
                assert_eq!(parts.len(), 4);
                assert_eq!(parts.iter().map(|part| part.1).sum::<u64>(), whole.misses);
                assert!(parts[0].1 > parts[3].1, "it is cold in the beginning");
            }
            for (warm, apart) in rows(1000, 3).iter().zip(&apart) {
                assert_eq!(warm.config["warmup"], 1000);
                let parts = apart.extra["over_time"].as_array().expect("parts");
                assert_eq!(
                    warm.extra["over_time"].as_array().expect("parts"),
                    &parts[1..]
                );
            }
        }
    }

    #[test]
    fn rows_are_the_same_bytes_on_any_number_of_threads() {
        let one = rows(1, 7);
        assert_eq!(one, rows(2, 7));
        assert_ne!(one, rows(2, 8), "the seed is in the row");
        assert!(
            one[0].starts_with(r#"{"kind":"lab","schema":1,"run":""#),
            "{}",
            one[0]
        );
        let clock = &one[one.len() - 1];
        assert!(
            clock.contains(r#""policy":"clock","params":{"bits":2},"size":50"#),
            "{clock}"
        );
    }
}
