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
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::settings::{Kind, Param, Preset, SpecError, Values};

/// One value of a preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// One number.
    pub value: Option<f64>,
    /// Numbers with weights (or pairs of shares).
    pub spread: Option<Vec<(f64, f64)>>,
    /// The paper, table or trace that it comes from.
    pub source: String,
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
pub fn read(workload: &'static str, preset: &Preset) -> Result<File, SpecError> {
    toml::from_str(preset.toml).map_err(|error| wrong(workload, preset, error.to_string()))
}

/// The values of `params` by `preset`: all of them, within their bounds, and none besides.
pub(crate) fn values(
    workload: &'static str,
    params: &[Param],
    preset: &Preset,
) -> Result<Values, SpecError> {
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
        let points = match (entry.value, entry.spread, param.kind) {
            (Some(value), None, Kind::Whole | Kind::Real | Kind::Spread) => vec![(value, 1.0)],
            (None, Some(points), Kind::Spread | Kind::Shares) => points,
            _ => {
                let why = format!("`{name}` needs `value`, or `spread` where it is a spread");
                return Err(wrong(workload, preset, why));
            }
        };
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

fn wrong(workload: &'static str, preset: &Preset, why: String) -> SpecError {
    SpecError::Toml {
        workload,
        preset: preset.name.to_owned(),
        why,
    }
}
