//! Comparing two runs: cells that both have, pair by pair, and a verdict.
//!
//! A cell is worse only where the interval of its paired ratio leaves no room for "the same", and the
//! difference is large enough to matter. Lab rows are exact, so there any further miss counts; of
//! simulated rows, any claim that newly fails; of validations, any figure that newly is not accepted.

use crate::block::{Entry, Table, Tone};
use crate::cell::{Cell, timed};
use crate::curve::traces;
use crate::number::{self, ratio};
use crate::row::{BenchRow, Row};
use crate::run::Run;
use crate::stats::{Estimate, Interval};
use crate::trial::trials;
use std::cmp::Ordering;

/// Differences below this are never called better or worse, however certain.
pub const MATTERS: f64 = 0.01;

/// How the new run stands to the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Better, beyond the interval.
    Better,
    /// Worse, beyond the interval.
    Worse,
    /// No difference can be told.
    Same,
    /// Too few pairs to tell anything.
    Undecided,
}

/// One figure of one cell in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The cell.
    pub cell: String,
    /// The figure.
    pub figure: &'static str,
    /// New over base; absent where no pair can be made.
    pub ratio: Option<Estimate>,
    /// What follows from it.
    pub change: Change,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Each figure of each cell that both runs have.
    pub compared: Vec<Compared>,
    /// Cells that only the base has.
    pub only_base: Vec<String>,
    /// Cells that only the new run has.
    pub only_new: Vec<String>,
}

/// A figure of a benchmark cell.
struct Figure {
    name: &'static str,
    of: fn(&BenchRow) -> f64,
    more_is_better: bool,
}

const FIGURES: [Figure; 3] = [
    Figure {
        name: "op/s",
        of: |row| row.ops_per_s,
        more_is_better: true,
    },
    Figure {
        name: "p99",
        of: |row| row.latency_us.p99,
        more_is_better: false,
    },
    Figure {
        name: "CPU/op",
        of: |row| row.cpu_us_per_op,
        more_is_better: false,
    },
];

/// Compares `new` with `base`.
pub fn compare(base: &Run, new: &Run) -> Verdict {
    let mut verdict = Verdict::default();
    bench(base, new, &mut verdict);
    lab(base, new, &mut verdict);
    sim(base, new, &mut verdict);
    validations(base, new, &mut verdict);
    verdict
}

impl Verdict {
    /// Whether anything is worse.
    pub fn worse(&self) -> bool {
        self.compared
            .iter()
            .any(|compared| compared.change == Change::Worse)
    }

    /// The comparison as a table.
    pub fn table(&self) -> Table {
        let columns = [
            "cell",
            "figure",
            "#new over base (95 % interval)",
            "#pairs",
            "verdict",
        ];
        let mut table = Table::new("New run over base", &columns);
        for compared in &self.compared {
            let (word, tone) = match compared.change {
                Change::Better => ("better", Tone::Good),
                Change::Worse => ("worse", Tone::Bad),
                Change::Same => ("no difference", Tone::Plain),
                Change::Undecided => ("too few pairs", Tone::Plain),
            };
            table.push(vec![
                compared.cell.as_str().into(),
                compared.figure.into(),
                number::estimate(compared.ratio, ratio).into(),
                compared.ratio.map_or(0, |ratio| ratio.n).to_string().into(),
                Entry::from(word).tone(tone),
            ]);
        }
        table
    }
}

/// What the interval of a ratio of new over base allows one to say.
fn judge(estimate: Option<Estimate>, more_is_better: bool) -> Change {
    let Some(Estimate {
        value,
        interval: Some(Interval { low, high }),
        ..
    }) = estimate
    else {
        return Change::Undecided;
    };
    let matters = value.ln().abs() >= MATTERS.ln_1p();
    match (low > 1.0, high < 1.0) {
        (true, _) if matters => {
            if more_is_better {
                Change::Better
            } else {
                Change::Worse
            }
        }
        (_, true) if matters => {
            if more_is_better {
                Change::Worse
            } else {
                Change::Better
            }
        }
        _ => Change::Same,
    }
}

fn bench(base: &Run, new: &Run, verdict: &mut Verdict) {
    let (base, new) = (timed(&base.rows), timed(&new.rows));
    let same = |a: &Cell<'_>, b: &Cell<'_>| {
        (a.comparison, a.workload, a.target, a.settings)
            == (b.comparison, b.workload, b.target, b.settings)
    };
    let name = |cell: &Cell<'_>| format!("{} · {}", cell.workload, cell.name());
    for cell in &new {
        let Some(twin) = base.iter().find(|other| same(cell, other)) else {
            verdict.only_new.push(name(cell));
            continue;
        };
        for figure in &FIGURES {
            let ratio = cell.over(twin, figure.of);
            let change = judge(ratio, figure.more_is_better);
            verdict.compared.push(Compared {
                cell: name(cell),
                figure: figure.name,
                ratio,
                change,
            });
        }
    }
    let lost = base
        .iter()
        .filter(|cell| !new.iter().any(|other| same(cell, other)));
    verdict.only_base.extend(lost.map(name));
}

fn lab(base: &Run, new: &Run, verdict: &mut Verdict) {
    let points = |run: &Run| -> Vec<(String, f64)> {
        let traces = traces(&run.rows);
        let point = |trace: &crate::curve::Trace<'_>, curve: &crate::curve::Curve<'_>| {
            let name = |size| format!("{} · {} at {}", trace.name, curve.name, trace.size(size));
            let points = curve
                .miss_ratios
                .iter()
                .map(|(size, ratio)| (name(*size), *ratio));
            points.collect::<Vec<_>>()
        };
        let curves = traces
            .iter()
            .flat_map(|trace| trace.curves.iter().map(move |c| point(trace, c)));
        curves.flatten().collect()
    };
    pairs(
        &points(base),
        &points(new),
        "misses",
        verdict,
        |before, missed| {
            let value = if missed == before {
                1.0
            } else {
                missed / before
            };
            let ratio = Estimate {
                value,
                interval: None,
                n: 1,
            };
            let change = match missed.total_cmp(&before) {
                Ordering::Less => Change::Better,
                Ordering::Equal => Change::Same,
                Ordering::Greater => Change::Worse,
            };
            (Some(ratio), change)
        },
    );
}

/// Compares what both runs have under one name, and tells of what only one has.
fn pairs(
    base: &[(String, f64)],
    new: &[(String, f64)],
    figure: &'static str,
    verdict: &mut Verdict,
    judge: impl Fn(f64, f64) -> (Option<Estimate>, Change),
) {
    for (name, value) in new {
        let Some((_, before)) = base.iter().find(|(other, _)| other == name) else {
            verdict.only_new.push(name.clone());
            continue;
        };
        let (ratio, change) = judge(*before, *value);
        verdict.compared.push(Compared {
            cell: name.clone(),
            figure,
            ratio,
            change,
        });
    }
    let lost = base
        .iter()
        .filter(|(name, _)| !new.iter().any(|(other, _)| other == name));
    verdict.only_base.extend(lost.map(|(name, _)| name.clone()));
}

/// Whether something began to fall short, or ceased to: by what share of it did before, and does.
fn fell_short(before: f64, now: f64) -> (Option<Estimate>, Change) {
    let change = match (before > 0.0, now > 0.0) {
        (false, true) => Change::Worse,
        (true, false) => Change::Better,
        _ => Change::Same,
    };
    (None, change)
}

fn sim(base: &Run, new: &Run, verdict: &mut Verdict) {
    let shares = |run: &Run| -> Vec<(String, f64)> {
        let of = |trial: &crate::trial::Trial<'_>| {
            let row = trial.first();
            let names = [
                &row.scenario,
                &row.workload,
                &row.caching,
                &row.fault,
                &row.replication,
                &row.sharding,
            ];
            let name = names.map(String::as_str).join(" · ");
            (name, trial.broken() as f64 / trial.seeds() as f64)
        };
        trials(&run.rows).iter().map(of).collect()
    };
    pairs(&shares(base), &shares(new), "claim", verdict, fell_short);
}

fn validations(base: &Run, new: &Run, verdict: &mut Verdict) {
    let known = |run: &Run| -> Vec<(String, f64)> {
        let of = |row: &Row| match row {
            Row::Validation(row) => {
                let name = format!("{} · {}", row.id, row.what);
                Some((name, f64::from(!row.within?)))
            }
            _ => None,
        };
        run.rows.iter().filter_map(of).collect()
    };
    let (base, new) = (known(base), known(new));
    pairs(&base, &new, "published figure", verdict, fell_short);
}
