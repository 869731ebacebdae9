//! How members stand: one line each over all that all of them were put under.
//!
//! A seed's figure of a failure is the worst of its runs, whatever the workload and the fault, since nobody chooses
//! which failure comes; what is paid every month is the mean of its runs.

use super::tables::held;
use super::{Family, in_order};
use crate::block::{Entry, Table};
use crate::number::{self, count, percent, plain, ratio, time_ms};
use crate::row::SimRow;
use crate::trial::{Spread, Trial, condition, extra, misplaced_writes, moved_share};

/// A member, and its runs under the conditions that all members were put under.
pub struct Standing<'a> {
    /// Its name, with parameters.
    pub(super) name: &'a str,
    /// Its runs.
    pub(super) trials: Vec<Trial<'a>>,
}

/// A figure over seeds by a column's heading.
struct Column {
    heading: &'static str,
    spread: fn(&Standing<'_>) -> Option<Spread>,
    format: number::Format,
    /// Whether it is for the terminal too, where little has room.
    is_short: bool,
}

const fn column(
    heading: &'static str,
    spread: fn(&Standing<'_>) -> Option<Spread>,
    format: number::Format,
    is_short: bool,
) -> Column {
    Column {
        heading,
        spread,
        format,
        is_short,
    }
}

/// What a director asks of each member.
const COLUMNS: &[Column] = &[
    column("#lost writes", lost, count, true),
    column("#down", down, time_ms, true),
    column(
        "#stale reads",
        |of| of.worst(|row| row.stale_reads as f64),
        count,
        true,
    ),
    column("#database surge", surge, ratio, true),
    column("#p99 before", p99_before, number::time_us, false),
    column(
        "#p99 during",
        |of| of.worst(|row| row.latency_us.during.p99),
        number::latency_us,
        true,
    ),
    column(
        "#p99 after",
        |of| of.worst(|row| row.latency_us.after.p99),
        number::time_us,
        false,
    ),
    column(
        "#cross-zone GB a month",
        |of| of.mean(cross_zone_gb),
        plain,
        false,
    ),
    column("#USD a month", usd, number::usd, true),
];

/// What is asked of shardings besides.
const OF_SHARDINGS: &[Column] = &[
    column("#keys moved", moved, percent, true),
    column("#misplaced writes", misplaced, count, true),
];

/// The members of a comparison, in the order in which they first come; none where no condition is common to all.
pub fn standings<'a>(family: Family, group: &[Trial<'a>]) -> Vec<Standing<'a>> {
    let names = in_order(
        group
            .iter()
            .map(|trial| family.member(trial.first()).to_owned()),
    );
    let is_common = |trial: &&Trial<'a>| {
        names.iter().all(|name| {
            let is_same = |other: &Trial<'_>| {
                let (row, other) = (trial.first(), other.first());
                let same = match family {
                    // What is compared is itself a part of the condition.
                    Family::Caching => {
                        (&row.scenario, &row.workload, &row.fault)
                            == (&other.scenario, &other.workload, &other.fault)
                    }
                    Family::Replication | Family::Sharding => condition(row) == condition(other),
                };
                same && family.member(other) == name
            };
            group.iter().any(is_same)
        })
    };
    let mut standings: Vec<Standing<'a>> = Vec::new();
    for trial in group.iter().filter(is_common) {
        let name = family.member(trial.first());
        match standings.iter_mut().find(|of| of.name == name) {
            Some(standing) => standing.trials.push(trial.clone()),
            None => standings.push(Standing {
                name,
                trials: vec![trial.clone()],
            }),
        }
    }
    standings
}

/// The one table: a line a member.
pub fn overview(family: Family, standings: &[Standing<'_>]) -> Table {
    table(family, standings, |_| true)
}

/// The same with what fits into a terminal.
pub fn short(family: Family, standings: &[Standing<'_>]) -> Table {
    table(family, standings, |column| column.is_short)
}

fn table(family: Family, standings: &[Standing<'_>], is_shown: impl Fn(&Column) -> bool) -> Table {
    let more = if family == Family::Sharding {
        OF_SHARDINGS
    } else {
        &[]
    };
    let columns: Vec<&Column> = more
        .iter()
        .chain(COLUMNS)
        .filter(|of| is_shown(of))
        .collect();
    let mut headings = vec![family.word(), "claim held"];
    headings.extend(columns.iter().map(|column| column.heading));
    let title = format!("Each {} over all workloads and faults", family.word());
    let mut table = Table::new(title, &headings);
    for standing in standings {
        let mut row: Vec<Entry> = vec![
            standing.name.into(),
            held(standing.runs(), standing.broken()),
        ];
        row.extend(columns.iter().map(|column| {
            let spread = (column.spread)(standing);
            Entry::from(Spread::show(spread, column.format))
        }));
        table.push(row);
    }
    table.without_empty_columns()
}

/// What the table holds, in words.
pub fn explained(standings: &[Standing<'_>]) -> String {
    let Some(first) = standings.first() else {
        return String::new();
    };
    let rows = || first.trials.iter().map(Trial::first);
    let workloads = in_order(rows().map(|row| row.workload.clone()));
    let faults = in_order(rows().map(|row| row.fault.clone()));
    format!(
        "Over {} workload{} ({}) and {} fault{} ({}), which all of them were put under. Of each seed the worst run \
         counts, whichever workload and fault that was, since nobody chooses which failure comes; keys moved, \
         traffic and cost are means. A surge is the database's worst second over its mean before the fault, \
         where it was read before.",
        workloads.len(),
        if workloads.len() == 1 { "" } else { "s" },
        workloads.join(", "),
        faults.len(),
        if faults.len() == 1 { "" } else { "s" },
        faults.join(", "),
    )
}

/// What crosses zones in a month at the run's rate, in GB of 10^9 bytes, as it is billed.
fn cross_zone_gb(row: &SimRow) -> f64 {
    /// Hours of a month, as AWS's calculator counts.
    const MONTH_MS: f64 = 730.0 * 3_600_000.0;
    let duration_ms = row
        .config
        .get("duration_ms")
        .and_then(serde_json::Value::as_f64);
    row.cross_zone_bytes as f64 / 1e9 * MONTH_MS / duration_ms.unwrap_or(f64::NAN)
}

/// Acknowledged writes lost in the worst failure.
pub(super) fn lost(of: &Standing<'_>) -> Option<Spread> {
    of.worst(|row| row.lost_acked_writes as f64)
}

/// For how long some shard answered nobody, in ms.
pub(super) fn down(of: &Standing<'_>) -> Option<Spread> {
    of.worst(|row| row.unavailable_ms as f64)
}

/// The database's worst second over its mean before.
pub(super) fn surge(of: &Standing<'_>) -> Option<Spread> {
    of.worst(|row| {
        // A database that had nothing to do before has no rate to surge over.
        let was_idle = extra(row, "db_steady_per_s") < 1.0;
        if was_idle {
            f64::NAN
        } else {
            row.db_peak_over_steady
        }
    })
}

/// The 99th percentile before a failure, in µs.
pub(super) fn p99_before(of: &Standing<'_>) -> Option<Spread> {
    of.worst(|row| row.latency_us.before.p99)
}

/// What it costs in a month, in whole dollars: cents tell nobody apart.
pub(super) fn usd(of: &Standing<'_>) -> Option<Spread> {
    of.mean(|row| row.usd_per_month.round())
}

/// Acknowledged writes that are where nobody looks any more.
pub(super) fn misplaced(of: &Standing<'_>) -> Option<Spread> {
    of.worst(misplaced_writes)
}

/// The share of the keys that moved, of runs in which any did.
pub(super) fn moved(of: &Standing<'_>) -> Option<Spread> {
    let share = |row: &SimRow| Some(moved_share(row)).filter(|share| *share > 0.0);
    of.mean(move |row| share(row).unwrap_or(f64::NAN))
}

impl<'a> Standing<'a> {
    /// What it claims.
    pub(super) fn claim(&self) -> &'a str {
        &self.trials[0].first().claim
    }

    pub(super) fn runs(&self) -> usize {
        self.trials.iter().map(Trial::seeds).sum()
    }

    /// In how many runs the claim did not hold.
    pub(super) fn broken(&self) -> usize {
        self.trials.iter().map(Trial::broken).sum()
    }

    /// Whether it claims, under every condition, that acknowledged writes survive.
    pub(super) fn promises_to_keep(&self) -> bool {
        let promises = |row: &SimRow| row.extra.get("claims_to_keep_writes") == Some(&true.into());
        self.trials.iter().all(|trial| promises(trial.first()))
    }

    /// In how many runs acknowledged writes were lost.
    pub(super) fn losing(&self) -> usize {
        let losing = |trial: &Trial<'_>| trial.count(|row| row.lost_acked_writes > 0);
        self.trials.iter().map(losing).sum()
    }

    /// The spread over seeds of the highest value that a figure has in a seed's runs.
    fn worst(&self, figure: impl Fn(&SimRow) -> f64) -> Option<Spread> {
        self.over_seeds(figure, |values| {
            values.iter().copied().fold(f64::NAN, f64::max)
        })
    }

    /// The spread over seeds of the mean of a seed's runs.
    fn mean(&self, figure: impl Fn(&SimRow) -> f64) -> Option<Spread> {
        self.over_seeds(figure, |values| {
            values.iter().sum::<f64>() / values.len() as f64
        })
    }

    fn over_seeds(
        &self,
        figure: impl Fn(&SimRow) -> f64,
        of_seed: impl Fn(&[f64]) -> f64,
    ) -> Option<Spread> {
        let rows = || self.trials.iter().flat_map(|trial| &trial.rows);
        let mut seeds: Vec<u64> = rows().map(|row| row.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let values: Vec<f64> = seeds
            .into_iter()
            .map(|seed| {
                let of_it = rows().filter(|row| row.seed == seed);
                let values: Vec<f64> = of_it
                    .map(|row| figure(row))
                    .filter(|value| value.is_finite())
                    .collect();
                of_seed(&values)
            })
            .collect();
        Spread::of(&values)
    }
}
