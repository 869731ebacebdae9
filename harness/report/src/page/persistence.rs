//! Persistence: what durability costs, as a ratio to the same store without it.

use serde_json::{Map, Value};

use super::Page;
use crate::block::{Block, Entry, Table};
use crate::cell::{Cell, shown, timed};
use crate::number::{self, count, ratio, time_us};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::run::Run;
use crate::stats::Estimate;

/// The page.
pub const PAGE: Page = Page {
    name: "persistence",
    title: "Persistence compared",
    about: "throughput, latency and CPU with a log or snapshots, as paired ratios to neither",
    source: "paired ratios over interleaved repetitions; interval: Hesterberg 2015",
    build,
};

/// The settings that make a configuration one of persistence.
const SETTINGS: [&str; 4] = ["appendonly", "appendfsync", "device", "save"];

/// A configuration that persists, beside the same that does not.
pub struct Compared<'a> {
    /// What persists.
    pub cell: Cell<'a>,
    /// What is set of persistence, in one line.
    pub setting: String,
    /// Throughput over that without.
    pub throughput: Option<Estimate>,
    base: Option<Cell<'a>>,
}

/// All configurations that set something of persistence, and persist.
pub fn compared(run: &Run) -> Vec<Compared<'_>> {
    let cells = timed(&run.rows);
    let mentions = |cell: &Cell<'_>| {
        SETTINGS
            .iter()
            .any(|name| cell.settings.contains_key(*name))
    };
    let persisting: Vec<&Cell<'_>> = cells
        .iter()
        .filter(|cell| mentions(cell) && persists(cell.settings))
        .collect();
    // What all of them share besides tells nothing of one.
    let shared = persisting
        .windows(2)
        .all(|pair| rest(pair[0].settings) == rest(pair[1].settings));
    persisting
        .into_iter()
        .map(|cell| {
            let base = cells.iter().find(|base| {
                // Only within a comparison do repetitions run beside each other.
                base.comparison == cell.comparison
                    && base.workload == cell.workload
                    && base.target == cell.target
                    && !persists(base.settings)
                    && rest(base.settings) == rest(cell.settings)
            });
            Compared {
                cell: cell.clone(),
                setting: setting(cell.settings, !shared),
                throughput: base.and_then(|base| cell.over(base, |row| row.ops_per_s)),
                base: base.cloned(),
            }
        })
        .collect()
}

fn build(run: &Run) -> Vec<Block> {
    let compared = compared(run);
    if compared.is_empty() {
        return Block::absent(
            "benchmark rows with a log or snapshots",
            "seawall bench --workload cache-aside --config appendonly=yes --config appendfsync=everysec",
        );
    }
    let mut blocks = vec![Block::paragraph(
        "Each repetition with a log or snapshots is divided by the repetition with neither that ran beside it, so \
         that what slowed the machine for both drops out. Dots are these pairs, the line their \
         geometric mean, whiskers its 95 % bootstrap interval over pairs.",
    )];
    if compared
        .iter()
        .any(|compared| compared.throughput.is_some())
    {
        blocks.push(plot(&compared));
    }
    blocks.push(Block::Table(table(&compared)));
    if compared.iter().any(|compared| compared.base.is_none()) {
        blocks.push(Block::paragraph(
            "Where no ratio stands, the run has no cell that differs in persistence alone. To have one:",
        ));
        blocks.push(Block::Command {
            line: "seawall run SUITE.toml   # with a configuration that sets appendonly = \"no\""
                .into(),
        });
    }
    blocks
}

fn plot(compared: &[Compared<'_>]) -> Block {
    let settings: Vec<String> = compared
        .iter()
        .map(|compared| compared.setting.clone())
        .collect();
    let palette = Palette::new(settings.iter().map(String::as_str));
    let mut rows = Vec::new();
    let mut values = vec![1.0];
    for compared in compared {
        let (Some(throughput), Some(base)) = (compared.throughput, &compared.base) else {
            continue;
        };
        let dots: Vec<f64> = compared
            .cell
            .rows
            .iter()
            .filter_map(|row| {
                let twin = base
                    .rows
                    .iter()
                    .find(|twin| twin.repetition == row.repetition)?;
                Some(row.ops_per_s / twin.ops_per_s)
            })
            .collect();
        values.extend(dots.iter().copied());
        values.extend(throughput.interval.map(|interval| interval.high));
        let figure = number::estimate(Some(throughput), ratio);
        rows.push(RowMark {
            group: format!("{} · {}", compared.cell.workload, compared.cell.target),
            name: compared.setting.clone(),
            look: palette.look(&compared.setting),
            value: Some(throughput.value),
            interval: throughput.interval,
            bound: None,
            dots,
            tip: format!("{}: {figure} of the throughput without", compared.setting),
            figure,
        });
    }
    rows.sort_by(|a, b| a.group.cmp(&b.group));
    let plot = Rows {
        title: "Throughput with persistence, over throughput without".into(),
        axis: Axis::from_zero("ratio to no persistence (1 = costs nothing)", values, ratio),
        rows,
        bars: false,
        reference: Some(1.0),
    };
    Block::Plot {
        svg: plot.svg(),
        caption: "The dashed line is the store without log and snapshots.".into(),
    }
}

fn table(compared: &[Compared<'_>]) -> Table {
    let mut table = Table::new(
        "Persistence: ratios to none, with 95 % intervals",
        &[
            "workload",
            "target",
            "setting",
            "#pairs",
            "#op/s",
            "#throughput",
            "#p99",
            "#p99 ratio",
            "#CPU/op ratio",
        ],
    );
    for Compared {
        cell,
        setting,
        throughput,
        base,
    } in compared
    {
        let over = |figure: fn(&crate::row::BenchRow) -> f64| {
            let estimate = base.as_ref().and_then(|base| cell.over(base, figure));
            Entry::from(number::estimate(estimate, ratio))
        };
        let figure = |value: Option<f64>, format: number::Format| {
            value.map_or_else(|| number::ABSENT.into(), format)
        };
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            setting.as_str().into(),
            throughput
                .map_or(0, |throughput| throughput.n)
                .to_string()
                .into(),
            figure(cell.median(|row| row.ops_per_s), count).into(),
            Entry::from(number::estimate(*throughput, ratio)).strong_if(true),
            figure(cell.median(|row| row.latency_us.p99), time_us).into(),
            over(|row| row.latency_us.p99),
            over(|row| row.cpu_us_per_op),
        ]);
    }
    table
}

/// Whether a configuration makes snapshots or writes a log.
fn persists(settings: &Map<String, Value>) -> bool {
    has_snapshots(settings) || has_log(settings)
}

/// Whether a configuration makes snapshots.
pub(super) fn has_snapshots(settings: &Map<String, Value>) -> bool {
    settings
        .get("save")
        .is_some_and(|save| !is_off(&shown(save)))
}

/// Whether a configuration writes a log.
pub(super) fn has_log(settings: &Map<String, Value>) -> bool {
    match settings.get("appendonly") {
        Some(word) => !is_off(&shown(word)),
        // A log that is told how to sync is on.
        None => ["appendfsync", "device"]
            .iter()
            .any(|name| settings.contains_key(*name)),
    }
}

fn is_off(word: &str) -> bool {
    ["no", "off", "false", "0", ""].contains(&word)
}

/// What else is set.
fn rest(settings: &Map<String, Value>) -> Map<String, Value> {
    let other = |name: &str| name != "name" && !SETTINGS.contains(&name);
    settings
        .iter()
        .filter(|(name, _)| other(name))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// What is set of persistence and, where `whole`, what else.
pub(super) fn setting(settings: &Map<String, Value>, whole: bool) -> String {
    let device = settings
        .get("device")
        .map(|device| format!("on {}", shown(device)));
    let fsync = settings
        .get("appendfsync")
        .map(|fsync| format!("appendfsync {}", shown(fsync)));
    let parts: Vec<String> = fsync.into_iter().chain(device).collect();
    let log = match parts.as_slice() {
        _ if !has_log(settings) => None,
        [] => Some("appendonly yes".to_owned()),
        parts => Some(parts.join(" ")),
    };
    let save = settings.get("save").filter(|_| has_snapshots(settings));
    let save = save.map(|save| format!("save {}", shown(save)));
    let parts: Vec<String> = log.into_iter().chain(save).collect();
    let mut words = parts.join(", ");
    let rest = rest(settings);
    if whole && !rest.is_empty() {
        words.extend([", ", &crate::cell::set(&rest)]);
    }
    words
}
