//! Failures: what each replication and sharding claims, beside what was observed when things broke.

use super::Page;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::number::{self, bytes, count, percent, ratio, time_ms, usd};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::row::SimRow;
use crate::run::Run;
use crate::trial::{Spread, Trial, lost_keys_share, misplaced_writes, moved_share, trials};

/// The page.
pub const PAGE: Page = Page {
    name: "failures",
    title: "Failures compared",
    about: "each strategy's claim beside what was observed under each fault, with the spread over seeds",
    source: "upper bounds on shares of seeds: Clopper and Pearson 1934",
    build,
};

/// What is compared with the rest held equal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Replications, at one sharding.
    Replication,
    /// Shardings, at one replication.
    Sharding,
}

impl Family {
    /// The member of the family that a run used.
    pub fn member(self, row: &SimRow) -> &str {
        match self {
            Self::Replication => &row.replication,
            Self::Sharding => &row.sharding,
        }
    }

    /// What is held equal.
    pub fn held(self, row: &SimRow) -> &str {
        match self {
            Self::Replication => &row.sharding,
            Self::Sharding => &row.replication,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Replication => "replication",
            Self::Sharding => "sharding",
        }
    }
}

/// The comparisons that a run allows: members of a family under the same scenario and all else equal.
/// A run with a single member of both is shown as replications.
pub fn comparisons<'a>(all: &[Trial<'a>]) -> Vec<(Family, Vec<Trial<'a>>)> {
    let mut comparisons = Vec::new();
    for family in [Family::Replication, Family::Sharding] {
        let mut kept: Vec<&str> = Vec::new();
        for trial in all {
            let held = family.held(trial.first());
            if !kept.contains(&held) {
                kept.push(held);
            }
        }
        for held in kept {
            let group: Vec<Trial<'a>> = all
                .iter()
                .filter(|trial| family.held(trial.first()) == held)
                .cloned()
                .collect();
            let first = family.member(group[0].first());
            if group
                .iter()
                .any(|trial| family.member(trial.first()) != first)
            {
                comparisons.push((family, group));
            }
        }
    }
    if comparisons.is_empty() && !all.is_empty() {
        comparisons.push((Family::Replication, all.to_vec()));
    }
    comparisons
}

fn build(run: &Run) -> Vec<Block> {
    let trials = trials(&run.rows);
    if trials.is_empty() {
        return Block::absent("simulated rows", "seawall simulate --seeds 20");
    }
    let mut blocks = vec![Block::paragraph(
        "Every strategy states what it promises; checkers test exactly that over many seeds. A weak \
         promise that holds is no failure; a promise that does not hold is. Figures are medians over \
         seeds, with the least and the most in parentheses.",
    )];
    blocks.extend(fade(&trials));
    for (family, mut group) in comparisons(&trials) {
        // Faults together, so that members stand beside each other.
        let faults = in_order(group.iter().map(|trial| trial.first().fault.clone()));
        group.sort_by_key(|trial| {
            faults
                .iter()
                .position(|fault| *fault == trial.first().fault)
        });
        let held = family.held(group[0].first());
        let other = match family {
            Family::Replication => "sharding",
            Family::Sharding => "replication",
        };
        blocks.push(Block::Heading {
            text: Text::new()
                .plain(format!("{}s, at {other} ", capitalised(family.word())))
                .code(held),
        });
        if family == Family::Replication {
            blocks.push(Block::Table(claims(&group)));
        }
        blocks.extend(match family {
            Family::Replication => Some(lost_plot(family, &group)),
            Family::Sharding => moved_plot(family, &group),
        });
        blocks.push(outage_plot(family, &group));
        blocks.push(Block::Table(safety(family, &group)));
        blocks.push(Block::Table(figures("Service", family, &group, &SERVICE)));
        blocks.push(Block::Table(figures("Cost", family, &group, &COST)));
    }
    let broken = violations(&trials);
    if !broken.rows.is_empty() {
        blocks.push(Block::heading("Claims that did not hold"));
        blocks.push(Block::Table(broken));
    }
    blocks
}

fn claims(trials: &[Trial<'_>]) -> Table {
    let mut table = Table::new(
        "What is claimed",
        &["replication", "claim", "#runs", "held"],
    );
    for name in in_order(trials.iter().map(|trial| trial.first().replication.clone())) {
        let of_it: Vec<&Trial<'_>> = trials
            .iter()
            .filter(|trial| trial.first().replication == name)
            .collect();
        let runs: usize = of_it.iter().map(|trial| trial.seeds()).sum();
        let broken: usize = of_it.iter().map(|trial| trial.broken()).sum();
        table.push(vec![
            name.into(),
            of_it[0].first().claim.as_str().into(),
            runs.to_string().into(),
            held(runs, broken),
        ]);
    }
    table
}

fn held(runs: usize, broken: usize) -> Entry {
    if broken == 0 {
        Entry::from(format!("in all {runs}")).tone(Tone::Good)
    } else {
        Entry::from(format!("NOT in {broken} of {runs}")).tone(Tone::Bad)
    }
}

/// A trial's name: the member, and the workload or scenario where the group has several.
fn name(family: Family, trial: &Trial<'_>, group: &[Trial<'_>]) -> String {
    let row = trial.first();
    let mut name = family.member(row).to_string();
    if group
        .iter()
        .any(|other| other.first().workload != row.workload)
    {
        name.extend([" · ", &row.workload]);
    }
    let same_but_scenario = |other: &&Trial<'_>| {
        let other = other.first();
        other.scenario != row.scenario
            && (&other.fault, &other.workload, family.member(other))
                == (&row.fault, &row.workload, family.member(row))
    };
    if group.iter().any(|other| same_but_scenario(&other)) {
        name.extend([" · ", &row.scenario]);
    }
    name
}

fn plot(
    family: Family,
    group: &[Trial<'_>],
    title: &str,
    axis: impl FnOnce(Vec<f64>) -> Axis,
    figure: impl Fn(&SimRow) -> f64,
    format: number::Format,
) -> Block {
    let members: Vec<String> = group
        .iter()
        .map(|trial| family.member(trial.first()).to_string())
        .collect();
    let palette = Palette::new(members.iter().map(String::as_str));
    let rows = group.iter().zip(&members).map(|(trial, member)| {
        let name = name(family, trial, group);
        let spread = trial.spread(&figure);
        let shown = Spread::show(spread, format);
        RowMark {
            group: trial.first().fault.clone(),
            tip: format!(
                "{name} under {}: {shown}, {} seeds",
                trial.first().fault,
                trial.seeds()
            ),
            name,
            look: palette.look(member),
            value: spread.map(|spread| spread.median),
            interval: None,
            bound: None,
            dots: trial.values(&figure),
            figure: shown,
        }
    });
    let rows: Vec<RowMark> = rows.collect();
    let values = group
        .iter()
        .flat_map(|trial| trial.values(&figure))
        .collect();
    let plot = Rows {
        title: title.into(),
        axis: axis(values),
        rows,
        bars: false,
        reference: None,
    };
    let caption = "One mark a seed; the line is their median.".into();
    Block::Plot {
        svg: plot.svg(),
        caption,
    }
}

fn lost_plot(family: Family, group: &[Trial<'_>]) -> Block {
    let title = "Acknowledged writes that were lost";
    let axis = |values| Axis::log_with_zero("writes lost (less is better)", values, count);
    plot(
        family,
        group,
        title,
        axis,
        |row| row.lost_acked_writes as f64,
        count,
    )
}

/// Absent where no run tells how many keys moved.
fn moved_plot(family: Family, group: &[Trial<'_>]) -> Option<Block> {
    group.iter().find_map(|trial| trial.spread(moved_share))?;
    let title = "Share of the keys that moved";
    let axis = |values| Axis::from_zero("keys moved (less is better)", values, percent);
    Some(plot(family, group, title, axis, moved_share, percent))
}

fn outage_plot(family: Family, group: &[Trial<'_>]) -> Block {
    let title = "Time during which some shard answered nothing";
    let axis = |values| Axis::from_zero("unavailable (less is better)", values, time_ms);
    plot(
        family,
        group,
        title,
        axis,
        |row| row.unavailable_ms as f64,
        time_ms,
    )
}

/// The figures of safety: what was promised and what was lost.
pub fn safety(family: Family, group: &[Trial<'_>]) -> Table {
    let mut table = Table::new(
        "Claimed and observed",
        &[
            "fault",
            family.word(),
            "claim held",
            "#seeds",
            "#acked writes",
            "#lost of them",
            "#seeds that lost",
            "#misplaced",
            "#keys lost",
            "#stale reads",
        ],
    );
    for trial in group {
        let row = trial.first();
        let losing = trial.count(|row| row.lost_acked_writes > 0);
        table.push(vec![
            row.fault.as_str().into(),
            name(family, trial, group).into(),
            held(trial.seeds(), trial.broken()),
            trial.seeds().to_string().into(),
            Spread::show(trial.spread(|row| row.acked_writes as f64), count).into(),
            Entry::from(Spread::show(
                trial.spread(|row| row.lost_acked_writes as f64),
                count,
            ))
            .strong_if(losing > 0),
            losing.to_string().into(),
            Spread::show(trial.spread(misplaced_writes), count).into(),
            Spread::show(trial.spread(lost_keys_share), percent).into(),
            Spread::show(trial.spread(|row| row.stale_reads as f64), count).into(),
        ]);
    }
    table.without_empty_columns()
}

/// A figure of a run, by its column's heading.
type FigureOf = (&'static str, fn(&SimRow) -> f64, number::Format);

/// What clients and the database felt.
const SERVICE: [FigureOf; 6] = [
    ("#unavailable", |row| row.unavailable_ms as f64, time_ms),
    ("#recovery", |row| row.recovery_ms as f64, time_ms),
    ("#lowest hit ratio", |row| row.hit_ratio_min, percent),
    ("#database peak", |row| row.db_peak_over_steady, ratio),
    (
        "#p99 before",
        |row| row.latency_us.before.p99,
        number::time_us,
    ),
    (
        "#p99 during",
        |row| row.latency_us.during.p99,
        number::time_us,
    ),
];

/// What it takes.
const COST: [FigureOf; 3] = [
    ("#moved keys", moved_share, percent),
    (
        "#cross-zone traffic",
        |row| row.cross_zone_bytes as f64,
        bytes,
    ),
    ("#USD a month", |row| row.usd_per_month, usd),
];

fn figures(title: &str, family: Family, group: &[Trial<'_>], figures: &[FigureOf]) -> Table {
    let mut columns = vec!["fault", family.word()];
    columns.extend(figures.iter().map(|(heading, ..)| *heading));
    let mut table = Table::new(title, &columns);
    for trial in group {
        let mut row: Vec<Entry> = vec![
            trial.first().fault.as_str().into(),
            name(family, trial, group).into(),
        ];
        let shown = figures
            .iter()
            .map(|(_, figure, format)| Entry::from(Spread::show(trial.spread(figure), *format)));
        row.extend(shown);
        table.push(row);
    }
    table.without_empty_columns()
}

/// What the losses under `zone-down` rest on: an assumption of the scenario, so the reader must know it.
fn fade(trials: &[Trial<'_>]) -> Option<Block> {
    let of_zone = trials
        .iter()
        .find(|trial| trial.first().fault == "zone-down")?;
    let fade_ms = of_zone.first().config.get("zone_fade_ms")?.as_u64()?;
    let text = Text::new()
        .code("zone-down")
        .plain(format!(
            " cuts a zone's links and stops its nodes {} later (",
            time_ms(fade_ms as f64)
        ))
        .code("zone_fade_ms")
        .plain(", an assumption of the scenario): what is acknowledged in between is what ")
        .code("async")
        .plain(" can lose.");
    Some(Block::Paragraph { text })
}

/// Shown of each run's violations; the rows hold the others.
const VIOLATIONS_SHOWN: usize = 3;

fn violations(trials: &[Trial<'_>]) -> Table {
    let columns = [
        "fault",
        "replication",
        "sharding",
        "#seed",
        "what did not hold",
    ];
    let mut table = Table::new("Violations", &columns);
    for row in trials.iter().flat_map(|trial| &trial.rows) {
        for violation in row.violations.iter().take(VIOLATIONS_SHOWN) {
            table.push(vec![
                row.fault.as_str().into(),
                row.replication.as_str().into(),
                row.sharding.as_str().into(),
                row.seed.to_string().into(),
                Entry::from(violation.as_str()).tone(Tone::Bad),
            ]);
        }
        let more = row.violations.len().saturating_sub(VIOLATIONS_SHOWN);
        if more > 0 {
            let mut entries = vec![Entry::default(); columns.len()];
            entries[columns.len() - 1] = format!("and {more} more").into();
            table.push(entries);
        }
    }
    table
}

/// Each of `names` once, in the order in which they first come.
pub fn in_order(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
