//! Suites: what `run` does, as a TOML file with three kinds of part.
//!
//! ```toml
//! name = "storms"
//! about = "one line, shown in the report"
//! seed = 1                              # where --seed is not given
//! validate = true                       # measure the published figures, too
//! skip-absent = true                    # leave out programs that are not on this machine, and say so
//!
//! [[bench]]                             # see `seawall_bench::comparison`
//!
//! [[lab]]
//! traces = ["dev-session", "a.csv"]     # carried, or files beside the suite
//! format = "csv:object=2"               # where the files' names do not settle it
//! policies = "all"                      # a comma list, as --policy takes it
//! sizes = "1%,10%"                      # as --size
//! ignore-size = true
//!
//! [[sim]]
//! scenario = "storm.toml"               # a file beside the suite; the built-in one where absent
//! replications = ["async", "quorum"]    # instead of the scenario's
//! shardings = ["slots"]
//! seeds = 5
//! full = false
//! ```
//!
//! Everything is checked before anything runs.

use std::path::Path;

use seawall_bench::comparison::Draft;
use seawall_bench::{Circumstances, Comparison, Source, SourceError, TargetSpec};
use seawall_lab::{Size, Subject, Unit};
use seawall_sim::Scenario;
use seawall_workloads::trace::FormatSpec;
use serde::Deserialize;
use toml::Spanned;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::input::{self, Input};
use crate::step::{LabStep, SimStep, Step, ValidationStep};

/// The suite of `--quick`: a name, and its text.
pub(crate) const QUICK: (&str, &str) = ("quick.toml", include_str!("../suites/quick.toml"));
/// The suite that runs without a file.
pub(crate) const FULL: (&str, &str) = ("full.toml", include_str!("../suites/full.toml"));

/// The most seeds of a part.
const SEEDS_MAX: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Text {
    name: Spanned<String>,
    #[serde(default)]
    about: String,
    seed: Option<u64>,
    #[serde(default)]
    skip_absent: bool,
    #[serde(default)]
    validate: bool,
    #[serde(default)]
    bench: Vec<Draft>,
    #[serde(default)]
    lab: Vec<LabDraft>,
    #[serde(default)]
    sim: Vec<SimDraft>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LabDraft {
    traces: Spanned<Vec<Spanned<String>>>,
    format: Option<Spanned<String>>,
    policies: Option<Spanned<String>>,
    sizes: Spanned<String>,
    #[serde(default)]
    ignore_size: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimDraft {
    scenario: Option<Spanned<String>>,
    replications: Option<Spanned<Vec<String>>>,
    shardings: Option<Spanned<Vec<String>>>,
    seeds: Option<Spanned<u64>>,
    #[serde(default)]
    full: bool,
}

/// A checked suite.
pub(crate) struct Suite {
    /// Its name: folders are called by it.
    pub(crate) name: String,
    /// What it is for, in one line.
    pub(crate) about: String,
    /// Its own seed.
    pub(crate) seed: u64,
    /// Tells it from every other: of its text and the targets that are driven.
    pub(crate) hash: String,
    /// What is left out of it on this machine, and why.
    pub(crate) skipped: Vec<String>,
    /// What of it this machine cannot measure, and why.
    pub(crate) not_run: Vec<String>,
    bench: Vec<Comparison>,
    lab: Vec<LabStep>,
    sim: Vec<SimPart>,
    validate: bool,
}

struct SimPart {
    scenario: Scenario,
    seeds: u64,
    full: bool,
}

impl Suite {
    /// Reads and checks a suite. Files that it names are looked for in `folder`. With `targets`,
    /// those are driven instead of its own; with `only`, the comparisons of these names are all of it.
    pub(crate) fn parse(
        source: &Source,
        folder: &Path,
        targets: &[TargetSpec],
        only: &[String],
    ) -> Result<Suite, SourceError> {
        let mut text: Text = source.parse()?;
        text.keep_only(only, source)?;
        let name = text.name.get_ref().clone();
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(word) {
            return Err(source.at(
                &text.name.span(),
                format!("`name` cannot be `{name}`, expected letters, digits, -, _ and ."),
            ));
        }
        let is_simulated = !text.sim.is_empty() || text.validate;
        if text.bench.is_empty() && text.lab.is_empty() && !is_simulated {
            let message = "nothing to do, expected at least one [[bench]], [[lab]] or [[sim]], or validate = true";
            return Err(source.at(&text.name.span(), message));
        }
        let circumstances = Circumstances {
            targets,
            skip_absent: text.skip_absent,
        };
        let mut bench: Vec<Comparison> = Vec::new();
        for draft in &text.bench {
            let comparison = Comparison::check(draft, source, circumstances)?;
            let name = &comparison.name;
            if bench.iter().any(|other| other.name == *name) {
                let message = format!("two [[bench]] are named `{name}`, expected different names");
                return Err(source.at(&draft.place(), message));
            }
            bench.push(comparison);
        }
        let mut skipped: Vec<String> = Vec::new();
        for why in bench.iter().flat_map(|comparison| &comparison.skipped) {
            if !skipped.contains(why) {
                skipped.push(why.clone());
            }
        }
        let not_run: Vec<String> = bench
            .iter()
            .filter(|comparison| !comparison.targets.is_empty())
            .flat_map(|comparison| comparison.not_run.clone())
            .collect();
        let is_any_left = bench.iter().any(|comparison| !comparison.is_empty());
        if !is_any_left && text.lab.is_empty() && !is_simulated {
            let why = [skipped.as_slice(), &not_run].concat().join("; ");
            let message = format!("nothing is left to do: {why}");
            return Err(source.at(&text.name.span(), message));
        }
        let mut lab = Vec::new();
        for draft in &text.lab {
            lab.extend(draft.check(source, folder)?);
        }
        let sim = text
            .sim
            .iter()
            .map(|draft| draft.check(source, folder))
            .collect::<Result<_, _>>()?;
        Ok(Suite {
            name,
            about: text.about,
            seed: text.seed.unwrap_or(1),
            hash: hash(source, targets),
            skipped,
            not_run,
            bench,
            lab,
            sim,
            validate: text.validate,
        })
    }

    /// What is to be done, in order.
    pub(crate) fn steps(&self, seed: u64) -> Vec<Step> {
        let bouts = self
            .bench
            .iter()
            .flat_map(|comparison| comparison.bouts(seed));
        let mut steps: Vec<Step> = bouts.map(Step::Bench).collect();
        steps.extend(self.lab.iter().map(|step| {
            Step::Lab(LabStep {
                seed,
                ..step.clone()
            })
        }));
        for part in &self.sim {
            // Seeds end at the largest number there is, wherever they begin.
            let first = seed.min(u64::MAX - part.seeds);
            steps.push(SimStep::of(&part.scenario, part.full, first, part.seeds));
        }
        if self.validate {
            steps.extend(ValidationStep::all(seed).map(Step::Validation));
        }
        steps
    }
}

impl Text {
    /// Leaves out all but the comparisons of these names, where any are given.
    fn keep_only(&mut self, only: &[String], source: &Source) -> Result<(), SourceError> {
        let names: Vec<&str> = self.bench.iter().map(Draft::name).collect();
        if let Some(name) = only.iter().find(|name| !names.contains(&name.as_str())) {
            let names = names.join(", ");
            let message = format!("it has no comparison `{name}`, expected one of {names}");
            return Err(source.at(&self.name.span(), message));
        }
        if !only.is_empty() {
            self.bench
                .retain(|draft| only.iter().any(|name| name == draft.name()));
            self.lab.clear();
            self.sim.clear();
            self.validate = false;
        }
        Ok(())
    }
}

fn hash(source: &Source, targets: &[TargetSpec]) -> String {
    let targets: String = targets.iter().map(|target| target.text.as_str()).collect();
    format!(
        "{:016x}",
        xxh3_64_with_seed(source.text().as_bytes(), xxh3_64(targets.as_bytes()))
    )
}

impl LabDraft {
    fn check(&self, source: &Source, folder: &Path) -> Result<Vec<LabStep>, SourceError> {
        let format = match &self.format {
            None => None,
            Some(text) => Some(
                text.get_ref()
                    .parse::<FormatSpec>()
                    .map_err(|error| source.at(&text.span(), error.to_string()))?,
            ),
        };
        let subjects = match &self.policies {
            None => Subject::parse_list("all").expect("`all` is a list"),
            Some(text) => Subject::parse_list(text.get_ref())
                .map_err(|error| source.at(&text.span(), error.to_string()))?,
        };
        let sizes = Size::parse_list(self.sizes.get_ref())
            .map_err(|error| source.at(&self.sizes.span(), error.to_string()))?;
        if self.traces.get_ref().is_empty() {
            let message = "`traces` is empty, expected at least one";
            return Err(source.at(&self.traces.span(), message));
        }
        let texts = self.traces.get_ref();
        let inputs = texts.iter().map(|text| Input::new(text.get_ref(), folder));
        let inputs: Vec<Input> = inputs.collect();
        input::told_apart(&inputs).map_err(|(at, why)| source.at(&texts[at].span(), why))?;
        let mut steps = Vec::new();
        for (text, input) in texts.iter().zip(inputs) {
            let format = format.clone().filter(|_| input != Input::Carried);
            input
                .check(format.as_ref())
                .map_err(|why| source.at(&text.span(), why))?;
            steps.push(LabStep {
                name: text.get_ref().clone(),
                input,
                format,
                subjects: subjects.clone(),
                sizes: sizes.clone(),
                unit: if self.ignore_size {
                    Unit::Objects
                } else {
                    Unit::Bytes
                },
                seed: 0,
            });
        }
        Ok(steps)
    }
}

impl SimDraft {
    fn check(&self, source: &Source, folder: &Path) -> Result<SimPart, SourceError> {
        let mut scenario = match &self.scenario {
            None => Scenario::built_in(),
            Some(text) => {
                let file = Source::read(&folder.join(text.get_ref()))
                    .map_err(|error| source.at(&text.span(), error.to_string()))?;
                Scenario::parse(file.name(), file.text())
                    .map_err(|error| source.at(&text.span(), error.to_string()))?
            }
        };
        if let Some(texts) = &self.replications {
            scenario = scenario
                .with_replications(texts.get_ref())
                .map_err(|error| source.at(&texts.span(), error.to_string()))?;
        }
        if let Some(texts) = &self.shardings {
            scenario = scenario
                .with_shardings(texts.get_ref())
                .map_err(|error| source.at(&texts.span(), error.to_string()))?;
        }
        let seeds = match &self.seeds {
            None => 1,
            Some(seeds) if (1..=SEEDS_MAX).contains(seeds.get_ref()) => *seeds.get_ref(),
            Some(seeds) => {
                let message = format!("`seeds` cannot be {seeds}, expected 1 to {SEEDS_MAX}");
                return Err(source.at(&seeds.span(), message));
            }
        };
        Ok(SimPart {
            scenario,
            seeds,
            full: self.full,
        })
    }
}
