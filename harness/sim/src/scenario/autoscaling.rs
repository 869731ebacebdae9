//! The table `[autoscaling]`: by what rule a run adds and removes shards. Its keys are those of `ElastiCache`'s policies.

use seawall_cluster::Nanos;
use seawall_cluster::autoscaling::Policy;
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::parse::{Wrong, number};
use super::{HOUR_MS, SHARDS_MAX};

/// The metric, by `ElastiCache`'s name: how much of a period the cores of the shards' primaries worked, in the mean over shards.
const METRIC: &str = "ElastiCachePrimaryEngineCPUUtilization";

/// The table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autoscaling {
    /// What the metric should be, in percent.
    pub target_value: u64,
    /// The fewest shards.
    pub min_capacity: u16,
    /// The most shards.
    pub max_capacity: u16,
    /// How long the metric is measured at a time, in ms.
    pub period_ms: u64,
    /// Periods in a row before shards are added.
    pub scale_out_periods: u64,
    /// Periods in a row before shards are removed.
    pub scale_in_periods: u64,
    /// From the end of a change until shards may be added, in ms.
    pub scale_out_cooldown_ms: u64,
    /// From the end of a change until shards may be removed, in ms.
    pub scale_in_cooldown_ms: u64,
}

/// A key of the table that is a number.
struct Number {
    name: &'static str,
    min: u64,
    max: u64,
    get: fn(&Autoscaling) -> u64,
    set: fn(&mut Autoscaling, u64),
}

macro_rules! number {
    ($name:ident, $min:expr, $max:expr) => {
        Number {
            name: stringify!($name),
            min: $min,
            max: $max,
            get: |table| table.$name.into(),
            set: |table, value| {
                table.$name = value.try_into().expect("the range is the type's or less");
            },
        }
    };
}

/// The target's range is `ElastiCache`'s (user guide, Adding a scaling policy); three shards are what a cluster needs to vote.
static NUMBERS: &[Number] = &[
    number!(target_value, 35, 70),
    number!(min_capacity, 3, SHARDS_MAX as u64),
    number!(max_capacity, 3, SHARDS_MAX as u64),
    number!(period_ms, 100, HOUR_MS),
    number!(scale_out_periods, 1, 100),
    number!(scale_in_periods, 1, 100),
    number!(scale_out_cooldown_ms, 0, HOUR_MS),
    number!(scale_in_cooldown_ms, 0, HOUR_MS),
];

impl Autoscaling {
    /// The rule that it asks for.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            target_percent: self.target_value,
            capacity_min: self.min_capacity,
            capacity_max: self.max_capacity,
            scale_out_periods: self.scale_out_periods,
            scale_in_periods: self.scale_in_periods,
            scale_out_cooldown: Nanos::from_millis(self.scale_out_cooldown_ms),
            scale_in_cooldown: Nanos::from_millis(self.scale_in_cooldown_ms),
        }
    }

    /// The table, as rows carry it.
    pub(super) fn settings(&self) -> Value {
        let numbers = NUMBERS.iter();
        let numbers = numbers.map(|key| (key.name.to_owned(), json!((key.get)(self))));
        let metric = ("metric".to_owned(), json!(METRIC));
        Value::Object(std::iter::once(metric).chain(numbers).collect())
    }
}

/// Reads the table, which has to give every key.
pub(super) fn read(value: &Spanned<DeValue<'_>>) -> Result<Autoscaling, Wrong> {
    let names = || {
        let names = NUMBERS.iter().map(|key| key.name);
        std::iter::once("metric")
            .chain(names)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let expected = || format!("accepted is a table with {}", names());
    let table = value.get_ref().as_table();
    let table = table.ok_or_else(|| (value.span(), expected()))?;
    let mut read = Autoscaling {
        target_value: 0,
        min_capacity: 0,
        max_capacity: 0,
        period_ms: 0,
        scale_out_periods: 0,
        scale_in_periods: 0,
        scale_out_cooldown_ms: 0,
        scale_in_cooldown_ms: 0,
    };
    for (name, value) in table {
        let known = name.get_ref().as_ref();
        let at = |what: String| (value.span(), format!("{known}: {what}"));
        if known == "metric" {
            if value.get_ref().as_str() != Some(METRIC) {
                return Err(at(format!("accepted is \"{METRIC}\"")));
            }
            continue;
        }
        let key = NUMBERS.iter().find(|key| key.name == known);
        let key = key.ok_or_else(|| {
            let what = format!("unknown key \"{known}\"; accepted: {}", names());
            (name.span(), what)
        })?;
        (key.set)(
            &mut read,
            number(value.get_ref(), key.min, key.max).map_err(at)?,
        );
    }
    let mut all = std::iter::once("metric").chain(NUMBERS.iter().map(|key| key.name));
    match all.find(|name| !table.contains_key(*name)) {
        Some(missing) => Err((
            value.span(),
            format!("{missing} is missing; {}", expected()),
        )),
        None => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    const TABLE: &str = "shards = 4\nregions = 1\n\n[autoscaling]\n\
        metric = \"ElastiCachePrimaryEngineCPUUtilization\"\ntarget_value = 60\nmin_capacity = 3\nmax_capacity = 9\n\
        period_ms = 1000\nscale_out_periods = 3\nscale_in_periods = 15\nscale_out_cooldown_ms = 5000\n\
        scale_in_cooldown_ms = 9000\n";

    #[test]
    fn a_table_is_read_whole() {
        let scenario = Scenario::parse("scale.toml", TABLE).expect("it is a scenario");
        let table = scenario.autoscaling.expect("it has the table");
        assert_eq!((table.target_value, table.max_capacity), (60, 9));
        assert_eq!(table.policy().scale_in_cooldown, Nanos::from_millis(9000));
        let settings = scenario.settings();
        assert_eq!(settings["autoscaling"]["scale_in_periods"], 15);
        let without = Scenario::built_in().settings();
        assert!(!without.contains_key("autoscaling"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (from, to, words) in [
            (
                "target_value = 60",
                "target_value = 71",
                "scale.toml:6: autoscaling: target_value: accepted are whole numbers from 35 to 70",
            ),
            (
                "ElastiCachePrimaryEngineCPUUtilization",
                "cpu",
                "scale.toml:5: autoscaling: metric: accepted is \"ElastiCachePrimaryEngineCPUUtilization\"",
            ),
            (
                "period_ms",
                "periods",
                "scale.toml:9: autoscaling: unknown key \"periods\"; accepted: metric, target_value, ",
            ),
            (
                "min_capacity = 3\n",
                "",
                "autoscaling: min_capacity is missing; accepted is a table with metric, ",
            ),
            (
                "min_capacity = 3",
                "min_capacity = 2",
                "scale.toml:7: autoscaling: min_capacity: accepted are whole numbers from 3 to 1000",
            ),
            (
                "min_capacity = 3",
                "min_capacity = 10",
                "scale.toml:4: autoscaling: min_capacity is 10 and max_capacity 9: accepted is min_capacity <= max_capacity",
            ),
            (
                "shards = 4",
                "shards = 12",
                "autoscaling: shards is 12; accepted are 3 to 9, min_capacity to max_capacity",
            ),
            (
                "max_capacity = 9",
                "max_capacity = 900",
                "autoscaling: max_capacity makes 2700 nodes; accepted are at most 2000",
            ),
            (
                "regions = 1",
                "regions = 2",
                "autoscaling: a Global Datastore is not scaled automatically: accepted is regions = 1",
            ),
        ] {
            let text = TABLE.replace(from, to);
            let error = Scenario::parse("scale.toml", &text).expect_err("it must be refused");
            assert!(error.to_string().contains(words), "{to}: {error}");
        }
        let error = Scenario::parse("scale.toml", "autoscaling = 3").expect_err("no table");
        assert!(
            error
                .to_string()
                .starts_with("scale.toml:1: autoscaling: accepted is a table with")
        );
    }
}
