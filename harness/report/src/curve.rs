//! Miss-ratio curves: lab rows of one trace, by policy and size.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::cell::shown;
use crate::row::{BenchRow, LabRow, Row};

/// The target of rows that tell what a replay took: each has the field `run` of the lab row that the replay gave.
pub const REPLAY: &str = "replay";

/// The policy that knows the future: no policy that keeps what it missed misses less.
pub const FLOOR: &str = "belady";
/// As far as is known no policy weighs sizes better, but it is no bound.
const FLOOR_OF_SIZES: &str = "belady-size";
/// The cache without a bound: what every cache must miss.
pub const UNBOUNDED: &str = "unbounded";

/// A trace replayed through policies.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    /// Its name.
    pub name: &'a str,
    /// What sizes count: `objects` or `bytes`.
    pub unit: &'a str,
    /// Its requests.
    pub requests: u64,
    /// A curve for each policy, in the order of the rows.
    pub curves: Vec<Curve<'a>>,
}

/// A policy's miss ratios.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// The policy, with its parameters where the run has it with several.
    pub name: String,
    /// The policy.
    pub policy: &'a str,
    params: &'a Map<String, Value>,
    admission: Option<&'a str>,
    /// Bytes that the policy keeps of each item beside its mark, where rows tell.
    pub metadata_bytes: Option<f64>,
    /// What its replays took of the processor, in microseconds a request, where rows tell.
    pub cpu_us: Vec<f64>,
    /// Miss ratio by size: the mean over seeds.
    pub miss_ratios: BTreeMap<u64, f64>,
}

/// The miss ratios of one curve by size, one a seed.
type Samples = BTreeMap<u64, Vec<f64>>;

/// The rows of the lab: not those of the running store that it foretells.
pub fn replays(rows: &[Row]) -> impl Iterator<Item = &LabRow> {
    of_lab(rows).filter(|row| !is_live(row))
}

/// Rows of the lab, and of the running store on the same traces.
pub fn of_lab(rows: &[Row]) -> impl Iterator<Item = &LabRow> {
    rows.iter().filter_map(|row| match row {
        Row::Lab(row) => Some(row),
        _ => None,
    })
}

/// A row that tells what a replay took.
pub fn replay(row: &Row) -> Option<&BenchRow> {
    match row {
        Row::Bench(row) if row.target == REPLAY => Some(row),
        _ => None,
    }
}

/// Whether the running store was driven.
pub fn is_live(row: &LabRow) -> bool {
    row.config.contains_key("live")
}

/// Whether this is the name of a bound and not of a policy that one could run.
pub fn is_bound(policy: &str) -> bool {
    [FLOOR, FLOOR_OF_SIZES, UNBOUNDED]
        .iter()
        .any(|bound| policy.eq_ignore_ascii_case(bound))
}

/// Who lets objects in before the policy, where that is not everybody: `bloom` of `lru+bloom`.
fn admission(row: &LabRow) -> Option<&str> {
    Some(row.config.get("policy")?.as_str()?.split_once('+')?.1)
}

/// The lab rows as traces, in the order of their first rows.
pub fn traces(rows: &[Row]) -> Vec<Trace<'_>> {
    let lab: Vec<&LabRow> = replays(rows).collect();
    let took = rows.iter().filter_map(replay);
    let cpu_us: HashMap<&str, f64> = took.map(|row| (&*row.run, row.cpu_us_per_op)).collect();
    let several = |policy: &str| {
        let mut params = lab
            .iter()
            .filter(|row| row.policy == policy)
            .map(|row| &row.params);
        let first = params.next();
        params.any(|other| Some(other) != first)
    };
    let mut traces: Vec<(Trace<'_>, Vec<Samples>)> = Vec::new();
    for row in &lab {
        let same = |(trace, _): &(Trace<'_>, _)| trace.name == row.trace && trace.unit == row.unit;
        let at = traces.iter().position(same).unwrap_or_else(|| {
            let (name, unit) = (row.trace.as_str(), row.unit.as_str());
            let trace = Trace {
                name,
                unit,
                requests: row.requests,
                curves: Vec::new(),
            };
            traces.push((trace, Vec::new()));
            traces.len() - 1
        });
        let (trace, samples) = &mut traces[at];
        let same = |curve: &Curve<'_>| {
            (curve.policy, curve.params, curve.admission)
                == (row.policy.as_str(), &row.params, admission(row))
        };
        let at = trace.curves.iter().position(same).unwrap_or_else(|| {
            trace.curves.push(Curve {
                name: name(row, several(&row.policy)),
                policy: &row.policy,
                params: &row.params,
                admission: admission(row),
                metadata_bytes: row
                    .extra
                    .get("metadata_bytes_per_item")
                    .and_then(Value::as_f64),
                cpu_us: Vec::new(),
                miss_ratios: BTreeMap::new(),
            });
            samples.push(BTreeMap::new());
            samples.len() - 1
        });
        trace.curves[at].cpu_us.extend(cpu_us.get(&*row.run));
        let ratio = row.misses as f64 / row.requests as f64;
        if ratio.is_finite() {
            samples[at].entry(row.size).or_default().push(ratio);
        }
    }
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    traces
        .into_iter()
        .map(|(mut trace, samples)| {
            for (curve, samples) in trace.curves.iter_mut().zip(&samples) {
                curve.miss_ratios = samples.iter().map(|(size, v)| (*size, mean(v))).collect();
            }
            trace
        })
        .collect()
}

fn name(row: &LabRow, with_params: bool) -> String {
    let mut name = row.policy.clone();
    if with_params {
        for (key, value) in &row.params {
            name.extend([":", key, "=", &shown(value)]);
        }
    }
    if let Some(admission) = admission(row) {
        name.extend(["+", admission]);
    }
    name
}

impl Curve<'_> {
    /// Whether this is a bound and not a policy that one could run.
    pub fn is_bound(&self) -> bool {
        is_bound(self.policy)
    }
}

impl<'a> Trace<'a> {
    /// All sizes that some policy has, ascending.
    pub fn sizes(&self) -> Vec<u64> {
        let sizes = self
            .curves
            .iter()
            .filter(|curve| !curve.policy.eq_ignore_ascii_case(UNBOUNDED));
        let mut sizes: Vec<u64> = sizes
            .flat_map(|curve| curve.miss_ratios.keys().copied())
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The curve of Belady's policy.
    pub fn floor(&self) -> Option<&Curve<'a>> {
        self.curves
            .iter()
            .find(|curve| curve.policy.eq_ignore_ascii_case(FLOOR))
    }

    /// The miss ratio without a bound, whatever size the row carries.
    pub fn unbounded(&self) -> Option<f64> {
        let curve = self
            .curves
            .iter()
            .find(|c| c.policy.eq_ignore_ascii_case(UNBOUNDED))?;
        curve.miss_ratios.values().next().copied()
    }

    /// Policies that can be run, best first: by mean miss ratio over the sizes that all of them have.
    pub fn ranking(&self) -> Vec<(&Curve<'a>, f64)> {
        let runnable = || self.curves.iter().filter(|curve| !curve.is_bound());
        let mut shared = self.sizes();
        shared.retain(|size| runnable().all(|curve| curve.miss_ratios.contains_key(size)));
        if shared.is_empty() {
            return Vec::new();
        }
        let mean = |curve: &Curve<'_>| {
            shared
                .iter()
                .map(|size| curve.miss_ratios[size])
                .sum::<f64>()
                / shared.len() as f64
        };
        let mut ranking: Vec<_> = runnable().map(|curve| (curve, mean(curve))).collect();
        ranking.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        ranking
    }

    /// How many times Belady's misses `curve` has: the geometric mean over the sizes that both have.
    pub fn over_floor(&self, curve: &Curve<'_>) -> Option<f64> {
        let floor = self.floor()?;
        let logs: Vec<f64> = curve
            .miss_ratios
            .iter()
            .filter_map(|(size, ratio)| Some((ratio / floor.miss_ratios.get(size)?).ln()))
            .filter(|log| log.is_finite())
            .collect();
        (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    }

    /// A size in the trace's unit.
    pub fn size(&self, size: u64) -> String {
        if self.unit == "bytes" {
            crate::number::bytes(size as f64)
        } else {
            crate::number::count(size as f64)
        }
    }
}
