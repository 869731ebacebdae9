//! Failures: what each replication and sharding claims, beside what was observed when things broke.
//!
//! A director reads the beginning: one table of members over all that was tried, what to choose for which need, and
//! what safety and uptime cost. Time lines and the figures of every trial follow.

mod choice;
mod course;
mod fronts;
mod spreads;
mod standing;
mod tables;

use super::Page;
use crate::block::{Block, Table, Text};
use crate::number::time_ms;
use crate::row::{Row, SimRow};
use crate::run::Run;
use crate::trial::{Trial, trials};
use standing::standings;

/// The page.
pub const PAGE: Page = Page {
    name: "failures",
    title: "Failures compared",
    about: "each strategy's claim beside what was observed under each fault, with the spread over seeds",
    source: "upper bounds on shares of seeds: Clopper and Pearson 1934",
    build,
};

/// What is compared with the rest held equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Replications, at one sharding.
    Replication,
    /// Shardings, at one replication.
    Sharding,
    /// How the application uses the cache, at one replication and sharding.
    Caching,
}

impl Family {
    /// The member of the family that a run used.
    pub fn member(self, row: &SimRow) -> &str {
        match self {
            Self::Replication => &row.replication,
            Self::Sharding => &row.sharding,
            Self::Caching => &row.caching,
        }
    }

    /// What is held equal.
    pub fn held(self, row: &SimRow) -> String {
        match self {
            Self::Replication => row.sharding.clone(),
            Self::Sharding => row.replication.clone(),
            Self::Caching => format!("{} on {}", row.replication, row.sharding),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Replication => "replication",
            Self::Sharding => "sharding",
            Self::Caching => "caching",
        }
    }
}

/// The comparisons that a run allows: members of a family under the same scenario and all else equal.
/// A run with a single member of each is shown as replications.
pub fn comparisons<'a>(all: &[Trial<'a>]) -> Vec<(Family, Vec<Trial<'a>>)> {
    let mut comparisons = Vec::new();
    for family in [Family::Replication, Family::Sharding, Family::Caching] {
        for held in in_order(all.iter().map(|trial| family.held(trial.first()))) {
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
        return Block::absent("simulated rows", "seawall simulate --out runs/comparison");
    }
    let mut blocks = vec![Block::paragraph(
        "Every strategy states what it promises; checkers test exactly that over many seeds. A weak \
         promise that holds is no failure; a promise that does not hold is. Figures are medians over \
         seeds, with the least and the most in parentheses.",
    )];
    blocks.extend(fade(&trials));
    for (family, group) in comparisons(&trials) {
        blocks.extend(compared(family, group));
    }
    let broken = tables::violations(&trials);
    if !broken.rows.is_empty() {
        blocks.push(Block::heading("Claims that did not hold"));
        blocks.push(Block::Table(broken));
    }
    blocks
}

/// For the terminal: how members stand in each comparison.
pub fn short_tables(rows: &[Row]) -> Vec<Table> {
    let trials = trials(rows);
    let comparisons = comparisons(&trials).into_iter();
    comparisons
        .map(|(family, group)| standing::short(family, &standings(family, &group)))
        .collect()
}

/// One comparison.
fn compared(family: Family, mut group: Vec<Trial<'_>>) -> Vec<Block> {
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
        Family::Caching => "replication and sharding",
    };
    let mut blocks = vec![Block::Heading {
        text: Text::new()
            .plain(format!("{}s, at {other} ", capitalised(family.word())))
            .code(held),
    }];
    let standings = standings(family, &group);
    if standings.len() > 1 {
        blocks.push(Block::paragraph(standing::explained(&standings).as_str()));
        blocks.push(Block::Table(standing::overview(family, &standings)));
        blocks.extend(choice::words(family, &standings));
        blocks.extend(fronts::plots(family, &standings));
        blocks.extend(course::plots(family, &standings));
    }
    let details = details(family, &group);
    if standings.len() > 1 {
        blocks.push(Block::Folded {
            title: format!("Every fault and workload of each {}", family.word()),
            blocks: details,
        });
    } else {
        blocks.extend(details);
    }
    blocks
}

/// All figures of all trials.
fn details(family: Family, group: &[Trial<'_>]) -> Vec<Block> {
    let claims = (family == Family::Replication).then(|| Block::Table(tables::claims(group)));
    let mut blocks: Vec<Block> = claims.into_iter().collect();
    blocks.extend(match family {
        Family::Sharding => spreads::moved_plot(family, group),
        Family::Replication | Family::Caching => Some(spreads::lost_plot(family, group)),
    });
    blocks.push(spreads::outage_plot(family, group));
    blocks.push(Block::Table(tables::safety(family, group)));
    let figures: [(&str, &[tables::FigureOf]); 2] =
        [("Service", &tables::SERVICE), ("Cost", &tables::COST)];
    let figures = figures.map(|(title, of)| tables::figures(title, family, group, of));
    blocks.extend(figures.map(Block::Table));
    blocks
}

/// A trial's name: the member, and the workload, caching or scenario where the group has several.
fn name(family: Family, trial: &Trial<'_>, group: &[Trial<'_>]) -> String {
    let row = trial.first();
    let mut name = family.member(row).to_string();
    if group
        .iter()
        .any(|other| other.first().workload != row.workload)
    {
        name.extend([" · ", &row.workload]);
    }
    let of_family = family == Family::Caching;
    if !of_family
        && group
            .iter()
            .any(|other| other.first().caching != row.caching)
    {
        name.extend([" · ", &row.caching]);
    }
    let same_but_scenario = |other: &&Trial<'_>| {
        let other = other.first();
        other.scenario != row.scenario
            && (
                &other.fault,
                &other.workload,
                &other.caching,
                family.member(other),
            ) == (&row.fault, &row.workload, &row.caching, family.member(row))
    };
    if group.iter().any(|other| same_but_scenario(&other)) {
        name.extend([" · ", &row.scenario]);
    }
    name
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
