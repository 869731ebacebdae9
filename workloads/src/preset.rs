//! Presets: the numbers of a workload with their sources, read from TOML.
//!
//! ```toml
//! about = "what was measured, and where"
//! [keys]
//! value = 1000000
//! source = "the paper, table or trace that the number comes from"
//! [value_bytes]
//! spread = [[63, 0.25], [500, 0.75]]    # [value, weight]
//! source = "…"
//! [other_bytes]
//! spread = [[2, 0.1]]                   # optional: what the tail adds to
//! tail = { location = 15, scale = 214.476, shape = 0.348, weight = 0.9 }
//! source = "…"
//! [op]
//! word = "get"                          # where it is one of some words
//! source = "…"
//! ```
//!
//! A tail is a generalized Pareto distribution, taken in at cells of equal weight.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::dist::GeneralizedPareto;
use crate::settings::{Kind, Param, Preset, Values, WorkloadError};

/// One value of a preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// One number.
    pub value: Option<f64>,
    /// One word.
    pub word: Option<String>,
    /// Numbers with weights (or pairs of shares).
    pub spread: Option<Vec<(f64, f64)>>,
    /// A generalized Pareto distribution, in addition to the spread.
    pub tail: Option<Tail>,
    /// The paper, table or trace that it comes from.
    pub source: String,
}

/// A generalized Pareto distribution as a part of a spread.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The least value.
    pub location: f64,
    /// How wide it is.
    pub scale: f64,
    /// How heavy its end is, above 0.
    pub shape: f64,
    /// Its weight beside the spread's.
    pub weight: f64,
}

impl Tail {
    /// Cells of equal weight; the last one stands for the heaviest 1/256.
    const CELLS: u32 = 256;

    /// The tail as points of a spread, rounded to whole numbers; `None` where it is no such distribution.
    fn points(self) -> Option<Vec<(f64, f64)>> {
        let dist = GeneralizedPareto::new(self.location, self.scale, self.shape)?;
        let cells = f64::from(Tail::CELLS);
        let point = |cell| {
            let middle = dist.quantile((f64::from(cell) + 0.5) / cells);
            (middle.round(), self.weight / cells)
        };
        Some((0..Tail::CELLS).map(point).collect())
    }
}

/// A preset as its file has it.
#[derive(Clone, Debug, Deserialize)]
pub struct File {
    /// What it describes.
    pub about: String,
    /// Each parameter's value.
    #[serde(flatten)]
    pub entries: BTreeMap<String, Entry>,
}

/// Reads a preset's file.
///
/// # Errors
/// It is not such a file.
pub fn read(workload: &'static str, preset: &Preset) -> Result<File, WorkloadError> {
    toml::from_str(preset.toml).map_err(|error| wrong(workload, preset, error.to_string()))
}

/// The values of `params` by `preset`: all of them, within their bounds, and none besides.
pub(crate) fn values(
    workload: &'static str,
    params: &[Param],
    preset: &Preset,
) -> Result<Values, WorkloadError> {
    let mut file = read(workload, preset)?;
    let mut values = Values::new();
    for param in params {
        let name = param.name;
        let Some(entry) = file.entries.remove(name) else {
            return Err(wrong(workload, preset, format!("`{name}` is missing")));
        };
        if entry.source.trim().is_empty() {
            return Err(wrong(workload, preset, format!("`{name}` has no source")));
        }
        let place = entry.word.as_deref().map(|word| param.place(word));
        let mut points = match (entry.value, entry.spread, place, param.kind) {
            (Some(value), None, None, Kind::Whole | Kind::Real | Kind::Spread) => {
                vec![(value, 1.0)]
            }
            (None, Some(points), None, Kind::Spread | Kind::Shares) => points,
            (None, None, Some(Some(place)), Kind::Word(_)) => vec![(place, 1.0)],
            _ => {
                let why = format!(
                    "`{name}` needs `value`, or `spread` where it is a spread, or `word` where it is one; \
                     accepted is {}",
                    param.accepted()
                );
                return Err(wrong(workload, preset, why));
            }
        };
        if let Some(tail) = entry.tail {
            let cells = tail.points().filter(|_| param.kind == Kind::Spread);
            let Some(cells) = cells else {
                return Err(wrong(
                    workload,
                    preset,
                    format!("`{name}` takes no such tail"),
                ));
            };
            points.extend(cells);
        }
        if let Some((outside, _)) = points.iter().find(|&&(value, _)| !param.accepts(value)) {
            let why = format!("`{name}` has {outside}; accepted is {}", param.accepted());
            return Err(wrong(workload, preset, why));
        }
        values.insert(name, points);
    }
    match file.entries.keys().next() {
        Some(name) => Err(wrong(workload, preset, format!("`{name}` is no parameter"))),
        None => Ok(values),
    }
}

fn wrong(workload: &'static str, preset: &Preset, why: String) -> WorkloadError {
    WorkloadError::Toml {
        workload,
        preset: preset.name.to_owned(),
        why,
    }
}
