//! Suites: what `run` does, as a TOML file with three kinds of part.
//!
//! ```toml
//! name = "quick"
//! about = "what it compares"
//! seed = 1                 # where --seed is not given
//!
//! [[bench]]                # see `seawall_bench::comparison`
//! [[lab]]                  # see `lab`
//! [[sim]]                  # see `sim`
//! ```
//!
//! Everything is checked before anything runs.

use seawall_bench::comparison::Draft;
use seawall_bench::{Comparison, Source, SourceError, Target};
use serde::Deserialize;
use toml::Spanned;

use crate::step::Step;

/// The suites that the program carries: `--quick`, and what runs without a file.
pub(crate) const QUICK: (&str, &str) = ("quick.toml", include_str!("../suites/quick.toml"));
/// The full one.
pub(crate) const FULL: (&str, &str) = ("full.toml", include_str!("../suites/full.toml"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: Spanned<String>,
    #[serde(default, rename = "about")]
    _about: String,
    seed: Option<u64>,
    #[serde(default)]
    bench: Vec<Draft>,
}

/// A checked suite.
pub(crate) struct Suite {
    /// Its name: folders are called by it.
    pub(crate) name: String,
    /// Its own seed.
    pub(crate) seed: u64,
    bench: Vec<Comparison>,
}

impl Suite {
    /// Reads and checks a suite. With `targets`, those are driven instead of its own.
    pub(crate) fn parse(
        source: &Source,
        targets: &[&'static Target],
    ) -> Result<Suite, SourceError> {
        let text: Text = source.parse()?;
        let name = text.name.get_ref().clone();
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(word) {
            return Err(source.at(
                &text.name.span(),
                format!("`name` cannot be `{name}`, expected letters, digits, -, _ and ."),
            ));
        }
        let mut bench = text
            .bench
            .iter()
            .map(|draft| Comparison::check(draft, source))
            .collect::<Result<Vec<_>, _>>()?;
        if !targets.is_empty() {
            for comparison in &mut bench {
                comparison.targets = targets.to_vec();
            }
        }
        Ok(Suite {
            name,
            seed: text.seed.unwrap_or(1),
            bench,
        })
    }

    /// What is to be done, in order.
    pub(crate) fn steps(&self, seed: u64) -> Vec<Step> {
        self.bench
            .iter()
            .flat_map(|comparison| comparison.cells(seed))
            .map(Step::Bench)
            .collect()
    }
}
