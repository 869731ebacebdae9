//! A comparison: one `[[bench]]` of a suite, checked, and its expansion to cells.
//!
//! ```toml
//! [[bench]]
//! name = "persistence"                 # names its rows
//! targets = ["embedded"]
//! workloads = ["cache-aside"]
//! repetitions = 3
//! warmup-seconds = 0.2
//! seconds = 1.0                        # or: ops = 100000
//! settings = { pipeline = 16 }         # of all configurations
//!
//! [[bench.configuration]]              # what is compared; one without settings where absent
//! name = "log"
//! appendonly = true
//! appendfsync = ["everysec", "always"] # of a list, each: `log, appendfsync everysec` and `log, appendfsync always`
//!
//! [[bench.bar]]                        # what its figures are held to, where anything: see `seawall_report::bar`
//! target = "embedded"
//! figure = "cpu_us_per_op"
//! at-most = 1.5
//! of = "null"
//! ```
//!
//! Targets and configurations are what is compared: within a workload they run in order in even
//! repetitions and in reverse in odd ones (A B B A), so that a slow drift of the machine falls on
//! all alike.

mod named;

use std::ops::Range;
use std::time::Duration;

use seawall_report::bar::Bar;
use serde::Deserialize;
use toml::Spanned;

use crate::bout::Bout;
use crate::cell::{Cell, Length};
use crate::setting::End;
use crate::source::{Source, SourceError};
use crate::target::TargetSpec;
use named::Settings;

pub use named::Named;

/// The longest that a cell may be told to run.
const SECONDS_MAX: f64 = 86_400.0;
/// The most ops that a cell may be told to do.
const OPS_MAX: u64 = 1_000_000_000_000;
/// The most repetitions of a cell.
const REPETITIONS_MAX: u32 = 1_000;

/// A `[[bench]]` as it stands in a suite. Read with the suite, then checked by [`Comparison::check`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Draft {
    name: Spanned<String>,
    targets: Vec<Spanned<String>>,
    workloads: Vec<Spanned<String>>,
    repetitions: Option<Spanned<u32>>,
    rounds: Option<Spanned<u32>>,
    warmup_seconds: Option<Spanned<f64>>,
    seconds: Option<Spanned<f64>>,
    ops: Option<Spanned<u64>>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    configuration: Vec<Spanned<Settings>>,
    #[serde(default)]
    bar: Vec<Spanned<Bar>>,
}

/// Targets × workloads × configurations × repetitions, all checked.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The name in the suite.
    pub name: String,
    /// What is driven.
    pub targets: Vec<TargetSpec>,
    /// With what, as given.
    pub workloads: Vec<String>,
    /// What is set.
    pub configurations: Vec<Named>,
    /// How often each cell runs.
    pub repetitions: u32,
    /// How many of these follow each other on a target that is opened once.
    pub rounds: u32,
    /// How long before measuring.
    pub warmup: Duration,
    /// How long or how much is measured.
    pub length: Length,
    /// What figures are held to.
    pub bars: Vec<Bar>,
    /// Targets that are left out since they are not on this machine, and why.
    pub skipped: Vec<String>,
    /// Configurations that are left out since this machine cannot measure them, and why.
    pub not_run: Vec<String>,
}

/// What stands besides a draft's own text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// What is driven instead of the draft's own targets, where there are any.
    pub targets: &'a [TargetSpec],
    /// Whether targets that are not on this machine, and configurations that it cannot measure, are left out, instead of
    /// being an error.
    pub skip_absent: bool,
}

impl Draft {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// Where its name stands.
    pub fn place(&self) -> Range<usize> {
        self.name.span()
    }
}

impl Comparison {
    /// Checks a draft.
    ///
    /// # Errors
    /// A name is unknown or a number is out of range; the message has file, line and what is accepted.
    pub fn check(
        draft: &Draft,
        source: &Source,
        circumstances: Circumstances<'_>,
    ) -> Result<Comparison, SourceError> {
        let name = draft.name.get_ref().clone();
        if name.trim().is_empty() {
            return Err(source.at(&draft.name.span(), "`name` is empty, expected a word"));
        }
        let place = draft.name.span();
        let own = known(&draft.targets, "targets", &place, source, |text| {
            text.parse::<TargetSpec>()
                .map_err(|error| error.to_string())
        })?;
        let spans = draft.targets.iter().map(Spanned::span);
        let targets: Vec<(TargetSpec, Range<usize>)> = if circumstances.targets.is_empty() {
            own.into_iter().zip(spans).collect()
        } else {
            let instead = circumstances.targets.iter().cloned();
            instead.map(|target| (target, place.clone())).collect()
        };
        let workloads = known(&draft.workloads, "workloads", &place, source, |text| {
            crate::cell::check_workload(text).map(|()| text.to_owned())
        })?;
        let length = match (&draft.seconds, &draft.ops) {
            (Some(seconds), None) => Length::Time(duration(seconds, "seconds", 0.01, source)?),
            (None, Some(ops)) => {
                Length::Ops(within(ops, "ops", *ops.get_ref(), 1..=OPS_MAX, source)?)
            }
            (None, None) => Length::Time(Duration::from_secs(1)),
            (Some(_), Some(ops)) => {
                return Err(source.at(
                    &ops.span(),
                    "both `seconds` and `ops`, expected one of them",
                ));
            }
        };
        let repetitions = draft.repetitions.as_ref().map_or(Ok(1), |given| {
            within(
                given,
                "repetitions",
                *given.get_ref(),
                1..=REPETITIONS_MAX,
                source,
            )
        })?;
        let warmup = draft
            .warmup_seconds
            .as_ref()
            .map_or(Ok(Duration::ZERO), |given| {
                duration(given, "warmup-seconds", 0.0, source)
            })?;
        let rounds = draft.rounds.as_ref().map_or(Ok(1), |given| {
            within(given, "rounds", *given.get_ref(), 1..=repetitions, source)
        })?;
        let configurations = named::all(&draft.settings, &draft.configuration, source)?;
        for named in &configurations {
            let place = draft.ops.as_ref().map_or(place.clone(), Spanned::span);
            named.lasts(length).map_err(|why| source.at(&place, why))?;
            if let Some(given) = draft.rounds.as_ref().filter(|_| rounds > 1)
                && named.configuration.end != End::Stop
            {
                let why = "`rounds` cannot be more than 1 where `end` is kill or power: a server ends once";
                return Err(source.at(&given.span(), why));
            }
        }
        if circumstances.targets.is_empty() {
            bars(draft, &targets, &configurations, source)?;
        }
        let (mut here, mut skipped) = (Vec::new(), Vec::new());
        for (target, span) in targets {
            if rounds > 1 && !target.target.own {
                let why = format!(
                    "`rounds` cannot be {rounds} with {target}: it cannot be open beside others, expected targets \
                     that are started for a cell"
                );
                return Err(source.at(&span, why));
            }
            let mut named = configurations.iter();
            let takes = named.try_for_each(|named| target.takes(named));
            let speaks = || {
                let mut workloads = workloads.iter();
                workloads.try_for_each(|workload| target.speaks(workload))
            };
            takes
                .and_then(|()| speaks())
                .map_err(|why| source.at(&span, why))?;
            match target.absent() {
                None => here.push(target),
                Some(why) if circumstances.skip_absent => skipped.push(why),
                Some(why) => return Err(source.at(&span, why)),
            }
        }
        let (configurations, not_run) = measurable(configurations, &name);
        if let Some(why) = not_run.first().filter(|_| !circumstances.skip_absent) {
            return Err(source.at(&place, why.as_str()));
        }
        Ok(Comparison {
            name,
            targets: here,
            workloads,
            configurations,
            repetitions,
            rounds,
            warmup,
            length,
            bars: draft.bar.iter().map(|bar| bar.get_ref().clone()).collect(),
            skipped,
            not_run,
        })
    }

    /// Whether there is nothing that could be run.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() || self.configurations.is_empty()
    }

    /// The cells in the order in which they run, those together that targets are opened once for.
    pub fn bouts(&self, seed: u64) -> Vec<Bout> {
        let mut bouts = Vec::new();
        for workload in &self.workloads {
            for first in (0..self.repetitions).step_by(self.rounds as usize) {
                let rounds = first..self.repetitions.min(first + self.rounds);
                let cells = rounds.flat_map(|repetition| self.round(workload, repetition, seed));
                if self.rounds == 1 {
                    bouts.extend(cells.map(|cell| Bout::new(vec![cell])));
                } else {
                    bouts.push(Bout::new(cells.collect()));
                }
            }
        }
        bouts.retain(|bout| !bout.cells().is_empty());
        bouts
    }

    /// One repetition of all that is compared, side by side: targets within a configuration.
    fn round(&self, workload: &str, repetition: u32, seed: u64) -> Vec<Cell> {
        let named = self.configurations.iter();
        let pairs = named.flat_map(|named| self.targets.iter().map(move |target| (target, named)));
        let cells =
            pairs.map(|(target, named)| self.cell(target, workload, named, repetition, seed));
        let mut round: Vec<Cell> = cells.collect();
        if repetition % 2 == 1 {
            round.reverse();
        }
        round
    }

    fn cell(
        &self,
        target: &TargetSpec,
        workload: &str,
        named: &Named,
        repetition: u32,
        seed: u64,
    ) -> Cell {
        Cell {
            comparison: self.name.clone(),
            target: target.clone(),
            workload: workload.to_owned(),
            named: named.clone(),
            repetition,
            seed,
            warmup: self.warmup,
            length: self.length,
            bars: self
                .bars
                .iter()
                .filter(|bar| bar.holds(&target.text, &named.given))
                .cloned()
                .collect(),
        }
    }
}

/// Which configuration of which comparison is not run, and why, in words for people.
pub fn not_run(comparison: &str, configuration: &str, why: &str) -> String {
    format!("{comparison}, {configuration}: {why}")
}

/// The configurations that this machine can measure; of the others, in words for people, which they are and why.
fn measurable(configurations: Vec<Named>, comparison: &str) -> (Vec<Named>, Vec<String>) {
    let (mut here, mut not_run) = (Vec::new(), Vec::new());
    for named in configurations {
        match named.absent() {
            None => here.push(named),
            Some(why) => {
                let name = named.given["name"].as_str().unwrap_or_default();
                not_run.push(self::not_run(comparison, name, &why));
            }
        }
    }
    (here, not_run)
}

/// Checks that every bar is about something that is measured.
fn bars(
    draft: &Draft,
    targets: &[(TargetSpec, Range<usize>)],
    configurations: &[Named],
    source: &Source,
) -> Result<(), SourceError> {
    let targets: Vec<&str> = targets
        .iter()
        .map(|(target, _)| target.text.as_str())
        .collect();
    let names: Vec<&str> = configurations
        .iter()
        .filter_map(|named| named.given["name"].as_str())
        .collect();
    for bar in &draft.bar {
        let place = bar.span();
        let bar = bar.get_ref();
        bar.check().map_err(|why| source.at(&place, why))?;
        for (what, name, known) in [
            ("target", Some(&bar.target), &targets),
            ("of", bar.of.as_ref(), &targets),
            ("beyond", bar.beyond.as_ref(), &targets),
            ("configuration", bar.configuration.as_ref(), &names),
            ("of-configuration", bar.of_configuration.as_ref(), &names),
        ] {
            if let Some(name) = name.filter(|name| !known.contains(&name.as_str())) {
                let known = known.join(", ");
                let message =
                    format!("`{what}` of a bar cannot be `{name}`, expected one of {known}");
                return Err(source.at(&place, message));
            }
        }
        if let Some(name) = dark(bar, configurations).filter(|_| bar.is_of_speed()) {
            let message = format!(
                "a bar cannot be about `{}` of configuration `{name}`, whose `end` is power: it has no figures of speed; \
                 expected another `configuration` or a figure of loss and restart, as restart_ms",
                bar.figure
            );
            return Err(source.at(&place, message));
        }
    }
    Ok(())
}

/// The first configuration that a bar is about and that loses power.
fn dark<'a>(bar: &Bar, configurations: &'a [Named]) -> Option<&'a str> {
    let mut dark = configurations
        .iter()
        .filter(|named| named.configuration.end == End::Power)
        .filter_map(|named| named.given["name"].as_str());
    dark.find(|name| {
        let own = bar.configuration.as_deref();
        own.is_none_or(|own| own == *name) || bar.of_configuration.as_deref() == Some(*name)
    })
}

/// Checks every name of a list that may not be empty.
fn known<T>(
    names: &[Spanned<String>],
    key: &str,
    place: &Range<usize>,
    source: &Source,
    find: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, SourceError> {
    if names.is_empty() {
        return Err(source.at(place, format!("`{key}` is empty, expected at least one")));
    }
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            let message = format!("`{key}` holds `{name}` twice, expected different ones");
            return Err(source.at(&name.span(), message));
        }
    }
    names
        .iter()
        .map(|name| find(name.get_ref()).map_err(|why| source.at(&name.span(), why)))
        .collect()
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
    given: &Spanned<T>,
    key: &str,
    value: T,
    range: std::ops::RangeInclusive<T>,
    source: &Source,
) -> Result<T, SourceError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let message = format!(
        "`{key}` cannot be {value}, expected {} to {}",
        range.start(),
        range.end()
    );
    Err(source.at(&given.span(), message))
}

fn duration(
    given: &Spanned<f64>,
    key: &str,
    least: f64,
    source: &Source,
) -> Result<Duration, SourceError> {
    within(given, key, *given.get_ref(), least..=SECONDS_MAX, source).map(Duration::from_secs_f64)
}
