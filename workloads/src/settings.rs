//! Settings of a workload: which parameters there are, what a user and a preset say of them.
//!
//! A parameter is a number, a word, or a *spread* (a histogram of numbers); a single number is a spread of one.
//! A preset gives every parameter a value and a source; `name:key=value` replaces some. Everything is
//! checked here, at the edge: a workload is built from settings that are within bounds.

use std::collections::BTreeMap;

use seawall_store::spec::{Spec, SpecError};

use crate::dist::{Histogram, HistogramError};
use crate::preset;

/// One parameter of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in a spec and in presets.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The least accepted number.
    pub min: f64,
    /// The greatest accepted number.
    pub max: f64,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Whole,
    /// Any number.
    Real,
    /// Numbers with weights; a single number is always that one.
    Spread,
    /// Pairs of shares, hottest first, in a preset; empty where it does not apply.
    Shares,
    /// One of these words; as a number, its place among them.
    Word(&'static [&'static str]),
}

/// A named set of values for all parameters, as TOML.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name: `name:preset=NAME`.
    pub name: &'static str,
    /// The TOML text: a table `{ value = … }` or `{ spread = [[value, weight], …] }`, with `source`,
    /// for each parameter.
    pub toml: &'static str,
}

/// Why a workload cannot be built from its text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WorkloadError {
    /// The text is no workload with parameters that it takes.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A preset that does not hold what it must.
    #[error("preset `{preset}` of workload `{workload}`: {why}")]
    Toml {
        /// The workload.
        workload: &'static str,
        /// The preset.
        preset: String,
        /// What is wrong, with the line where TOML itself is wrong.
        why: String,
    },
    /// Not one of so many clients.
    #[error("client {client} of {clients}: clients are counted from 0, and there is at least one")]
    Client {
        /// The client.
        client: u32,
        /// How many there are.
        clients: u32,
    },
    /// Settings that do not go together.
    #[error("workload `{workload}`: {why}")]
    Conflict {
        /// The workload.
        workload: &'static str,
        /// What does not go together.
        why: String,
    },
}

/// The checked values of all parameters of one workload.
#[derive(Clone, Debug)]
pub struct Settings {
    workload: &'static str,
    values: Values,
}

/// What names a preset in a spec.
const PRESET: &str = "preset";

/// By parameter: its points, a single one for a number.
pub(crate) type Values = BTreeMap<&'static str, Vec<(f64, f64)>>;

impl Settings {
    /// The settings of `workload` by the preset and the pairs in `spec`.
    ///
    /// # Errors
    /// What is not accepted, with what is.
    pub fn parse(
        workload: &'static str,
        params: &[Param],
        presets: &[Preset],
        spec: &Spec<'_>,
    ) -> Result<Settings, WorkloadError> {
        let given = spec.pairs().iter().find(|(name, _)| *name == PRESET);
        let chosen = match given {
            None => presets.first().expect("every workload has a preset"),
            Some((name, value)) => presets
                .iter()
                .find(|preset| preset.name == *value)
                .ok_or_else(|| {
                    let names: Vec<&str> = presets.iter().map(|preset| preset.name).collect();
                    spec.bad_value(name, value, names.join(", "))
                })?,
        };
        let mut values = preset::values(workload, params, chosen)?;
        for &(name, text) in spec.pairs().iter().filter(|(name, _)| *name != PRESET) {
            let param = params.iter().find(|param| param.name == name);
            let param = param.ok_or_else(|| {
                spec.unknown_param(name, params.iter().map(|p| p.name).chain([PRESET]))
            })?;
            let number = match param.kind {
                Kind::Shares => None,
                Kind::Word(_) => param.place(text),
                _ => text.parse::<f64>().ok().filter(|&x| param.accepts(x)),
            };
            let number = number.ok_or_else(|| spec.bad_value(name, text, param.accepted()))?;
            values.insert(param.name, vec![(number, 1.0)]);
        }
        Ok(Settings { workload, values })
    }

    /// A number.
    ///
    /// # Panics
    /// Where the workload has no such parameter, or it is a spread: a mistake in the workload.
    pub fn real(&self, name: &str) -> f64 {
        let [(value, _)] = self.points(name) else {
            panic!("`{name}` of `{}` is not one number", self.workload);
        };
        *value
    }

    /// A whole number.
    pub fn whole(&self, name: &str) -> u64 {
        self.real(name) as u64
    }

    /// A spread.
    ///
    /// # Errors
    /// The preset's weights are no histogram.
    pub fn spread(&self, name: &str) -> Result<Histogram, WorkloadError> {
        Histogram::new(self.points(name)).map_err(|why| self.no_histogram(name, why))
    }

    /// The points of a spread or of shares, in the order given.
    pub fn points(&self, name: &str) -> &[(f64, f64)] {
        let values = self.values.get(name);
        values.unwrap_or_else(|| panic!("`{}` has no parameter `{name}`", self.workload))
    }

    /// An error about settings that do not go together.
    pub fn conflict(&self, why: impl Into<String>) -> WorkloadError {
        WorkloadError::Conflict {
            workload: self.workload,
            why: why.into(),
        }
    }

    /// An error about a histogram.
    pub(crate) fn no_histogram(&self, name: &str, why: HistogramError) -> WorkloadError {
        self.conflict(format!("`{name}`: {why}"))
    }
}

impl Param {
    /// A whole number from `min` to `max`.
    pub const fn whole(name: &'static str, min: u64, max: u64, about: &'static str) -> Param {
        Param {
            name,
            about,
            kind: Kind::Whole,
            min: min as f64,
            max: max as f64,
        }
    }

    /// A number from `min` to `max`.
    pub const fn real(name: &'static str, min: f64, max: f64, about: &'static str) -> Param {
        Param {
            name,
            about,
            kind: Kind::Real,
            min,
            max,
        }
    }

    /// A share, 0 to 1.
    pub const fn share(name: &'static str, about: &'static str) -> Param {
        Param::real(name, 0.0, 1.0, about)
    }

    /// A spread of whole numbers from `min` to `max`.
    pub const fn spread(name: &'static str, min: u64, max: u64, about: &'static str) -> Param {
        Param {
            name,
            about,
            kind: Kind::Spread,
            min: min as f64,
            max: max as f64,
        }
    }

    /// One of `words`.
    pub const fn word(
        name: &'static str,
        words: &'static [&'static str],
        about: &'static str,
    ) -> Param {
        Param {
            name,
            about,
            kind: Kind::Word(words),
            min: 0.0,
            max: (words.len() - 1) as f64,
        }
    }

    /// The place of `text` among its words.
    pub(crate) fn place(&self, text: &str) -> Option<f64> {
        let Kind::Word(words) = self.kind else {
            return None;
        };
        let place = words.iter().position(|word| *word == text)?;
        Some(place as f64)
    }

    /// Whether `x` is within bounds, and whole where it has to be.
    pub fn accepts(&self, x: f64) -> bool {
        let fits = match self.kind {
            Kind::Whole | Kind::Spread | Kind::Word(_) => x.trunc() == x,
            Kind::Real | Kind::Shares => true,
        };
        fits && (self.min..=self.max).contains(&x)
    }

    /// What is accepted, for people.
    pub fn accepted(&self) -> String {
        let Param { min, max, .. } = self;
        match self.kind {
            Kind::Whole | Kind::Spread => format!("a whole number from {min} to {max}"),
            Kind::Real => format!("a number from {min} to {max}"),
            Kind::Shares => "a preset (`preset=NAME`), which holds the table".to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
        }
    }
}
