//! The summary: what was run, and the findings in sentences that carry their figures.
//!
//! A sentence is generated only from rows that support it, so that the first screen of a report is
//! what one would say of the run oneself.

use super::failures::{Family, comparisons, in_order};
use super::throughput::NO_STORES;
use super::{Page, peers, persistence};
use crate::block::{Block, Text, Tone};
use crate::cell::{Cell, timed};
use crate::curve::{replay, traces};
use crate::number::{self, count, percent, ratio, time_us};
use crate::run::Run;
use crate::stats::{Estimate, proportion};
use crate::trial::{Spread, Trial, lost_keys_share, trials};

/// The page.
pub const PAGE: Page = Page {
    name: "summary",
    title: "Summary",
    about: "what was run and the main findings, with figures and intervals",
    source: "the other pages",
    build,
};

fn build(run: &Run) -> Vec<Block> {
    let mut blocks = vec![Block::Paragraph {
        text: what_was_run(run),
    }];
    if let Some(cut) = run.cut {
        let text = format!(
            "This run was cut off: line {} of rows.jsonl ends after {} bytes, within a row. Everything \
             before it is shown; what should have followed is not. `seawall run --resume` completes it.",
            cut.line, cut.bytes
        );
        blocks.push(Block::Note {
            tone: Tone::Bad,
            text: text.as_str().into(),
        });
    }
    for notice in &run.setup.notices {
        blocks.push(Block::Note {
            tone: Tone::Plain,
            text: notice.as_str().into(),
        });
    }
    if run.rows.is_empty() {
        let text = "There are no rows: nothing finished. To make some:";
        blocks.push(Block::paragraph(text));
        blocks.push(Block::Command {
            line: "seawall run --quick".into(),
        });
        return blocks;
    }
    let findings = [
        broken_claims(run),
        losses(run),
        speeds(run),
        peers::findings(run),
        durability(run),
        policies(run),
    ];
    blocks.extend(findings.into_iter().flatten());
    blocks
}

fn what_was_run(run: &Run) -> Text {
    // What a replay took is a row beside its own.
    let rows = || run.rows.iter().filter(|row| replay(row).is_none());
    let of = |kind: &str| rows().filter(|row| row.kind() == kind).count();
    let kinds = [
        ("bench", "benchmark cell"),
        ("lab", "trace replay"),
        ("sim", "simulated run"),
        ("validation", "published figure"),
    ];
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, word)| (of(kind), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| {
            format!(
                "{} {word}{}",
                number::whole(n as u64),
                if n == 1 { "" } else { "s" }
            )
        })
        .collect();
    let rows = if counts.is_empty() {
        "nothing finished".into()
    } else {
        counts.join(", ")
    };
    Text::new()
        .plain("Suite ")
        .code(run.setup.suite.as_str())
        .plain(format!(
            ", begun {}, seed {}: {rows}.",
            run.setup.created, run.setup.seed
        ))
}

/// Claims that did not hold come first: they are what must not be missed.
fn broken_claims(run: &Run) -> Vec<Block> {
    let trials = trials(&run.rows);
    if trials.is_empty() {
        return Vec::new();
    }
    let runs: usize = trials.iter().map(Trial::seeds).sum();
    let broken: Vec<&Trial<'_>> = trials.iter().filter(|trial| trial.broken() > 0).collect();
    if broken.is_empty() {
        let text = Text::new()
            .plain("Every claim held in ")
            .strong(format!("all {} simulated runs", number::whole(runs as u64)))
            .plain(".");
        return vec![Block::Finding {
            tone: Tone::Good,
            text,
        }];
    }
    let finding = |trial: &&Trial<'_>| {
        let row = trial.first();
        let text = Text::new()
            .code(row.replication.as_str())
            .plain(" at ")
            .code(row.sharding.as_str())
            .strong(" did not hold its claim")
            .plain(format!(" (“{}”) under ", row.claim))
            .code(row.fault.as_str())
            .plain(format!(
                " in {} of {} seeds.",
                trial.broken(),
                trial.seeds()
            ));
        Block::Finding {
            tone: Tone::Bad,
            text,
        }
    };
    broken.iter().map(finding).collect()
}

/// For each fault under which anything was lost: who lost what.
fn losses(run: &Run) -> Vec<Block> {
    let trials = trials(&run.rows);
    let mut blocks = Vec::new();
    for (family, group) in comparisons(&trials) {
        if family != Family::Replication {
            continue;
        }
        for fault in in_order(group.iter().map(|trial| trial.first().fault.clone())) {
            let of_fault: Vec<&Trial<'_>> = group
                .iter()
                .filter(|trial| trial.first().fault == fault)
                .collect();
            if of_fault
                .iter()
                .all(|trial| trial.count(|row| row.lost_acked_writes > 0) == 0)
            {
                continue;
            }
            let mut text = Text::new().plain("Under ").code(fault).plain(": ");
            let members = in_order(of_fault.iter().map(|t| t.first().replication.clone()));
            let last = members.len() - 1;
            for (index, member) in members.iter().enumerate() {
                let of_member: Vec<&&Trial<'_>> = of_fault
                    .iter()
                    .filter(|t| &t.first().replication == member)
                    .collect();
                text = lost_by(text.code(member.as_str()), &of_member);
                text = text.plain(if index == last { "." } else { "; " });
            }
            blocks.push(Block::Finding {
                tone: Tone::Plain,
                text,
            });
        }
    }
    blocks
}

fn lost_by(text: Text, trials: &[&&Trial<'_>]) -> Text {
    let rows = || trials.iter().flat_map(|trial| trial.rows.iter().copied());
    let all = Trial {
        rows: rows().collect(),
    };
    let (n, losing) = (all.seeds(), all.count(|row| row.lost_acked_writes > 0));
    if losing == 0 {
        let bound = percent(proportion::upper_bound(0, n));
        return text.strong(" lost none").plain(format!(
            " in {n} runs (so fewer than {bound} of runs lose any, with 95 % confidence)"
        ));
    }
    let lost: f64 = rows().map(|row| row.lost_acked_writes as f64).sum();
    let acked: f64 = rows().map(|row| row.acked_writes as f64).sum();
    let spread = all.spread(|row| row.lost_acked_writes as f64);
    let gone = all
        .spread(lost_keys_share)
        .filter(|spread| spread.most > 0.0);
    let gone = gone.map_or_else(String::new, |spread| {
        format!(", and {} of all keys", percent(spread.median))
    });
    text.strong(format!(
        " lost {} acknowledged writes",
        Spread::show(spread, count)
    ))
    .plain(format!(
        " a run, {} of those acknowledged{gone}",
        percent(lost / acked)
    ))
}

/// The fastest cell of each workload.
fn speeds(run: &Run) -> Vec<Block> {
    let cells = timed(&run.rows);
    let mut blocks = Vec::new();
    for workload in in_order(cells.iter().map(|cell| cell.workload.to_string())) {
        let rate = |cell: &Cell<'_>| cell.ops_per_s().map_or(f64::NEG_INFINITY, |ops| ops.value);
        let fastest = cells
            .iter()
            // What is no store is not the fastest one, nor is one whose figure is the harness's.
            .filter(|cell| cell.workload == workload && !NO_STORES.contains(&cell.target))
            .filter(|cell| cell.invalid().is_none() && cell.rate().is_none())
            .max_by(|a, b| rate(a).total_cmp(&rate(b)));
        let Some(cell) = fastest else { continue };
        let Some(ops) = cell.ops_per_s() else {
            continue;
        };
        let mut text = Text::new()
            .code(workload.as_str())
            .plain(" ran at ")
            .strong(format!("{} op/s", count(ops.value)));
        if let Some(ends) = ops.interval {
            text = text.plain(format!(" ({})", number::interval(ends, count)));
        }
        text = text
            .plain(" on ")
            .code(cell.target)
            .plain(", ")
            .code(cell.config.as_str());
        let time = |figure: fn(&crate::row::BenchRow) -> f64| {
            cell.median(figure)
                .map_or_else(|| number::ABSENT.into(), time_us)
        };
        text = text.plain(format!(
            ", with p99 {} and {} of CPU an operation; {} repetitions.",
            time(|row| row.latency_us.p99),
            time(|row| row.cpu_us_per_op),
            cell.rows.len()
        ));
        blocks.push(Block::Finding {
            tone: Tone::Plain,
            text,
        });
    }
    blocks
}

/// What each persistence setting leaves of the throughput, a sentence for each workload and target.
fn durability(run: &Run) -> Vec<Block> {
    let compared = persistence::compared(run);
    let place = |compared: &persistence::Compared<'_>| {
        (
            compared.cell.workload.to_string(),
            compared.cell.target.to_string(),
        )
    };
    let mut blocks = Vec::new();
    let mut places: Vec<(String, String)> = Vec::new();
    for one in compared.iter().filter(|one| one.throughput.is_some()) {
        if !places.contains(&place(one)) {
            places.push(place(one));
        }
    }
    for (workload, target) in places {
        let here = (workload, target);
        let mut text = Text::new()
            .plain("With a log, ")
            .code(here.0.as_str())
            .plain(" on ")
            .code(here.1.as_str())
            .plain(" keeps ");
        let mut first = true;
        for one in compared.iter().filter(|one| place(one) == here) {
            let Some(Estimate {
                value, interval, ..
            }) = one.throughput
            else {
                continue;
            };
            text = if first { text } else { text.plain(", ") };
            text = text.strong(percent(value));
            text = text.plain(match interval {
                Some(ends) if ends.contains(1.0) => " (no difference can be told)",
                Some(_) => "",
                None => " (a single pair)",
            });
            text = text.plain(if first {
                " of its throughput at "
            } else {
                " at "
            });
            text = text.code(one.setting.as_str());
            first = false;
        }
        blocks.push(Block::Finding {
            tone: Tone::Plain,
            text: text.plain("."),
        });
    }
    blocks
}

/// The best and the worst policy of each trace.
fn policies(run: &Run) -> Vec<Block> {
    let mut blocks = Vec::new();
    for trace in traces(&run.rows) {
        let ranking = trace.ranking();
        let (Some((best, low)), Some((worst, high))) = (ranking.first(), ranking.last()) else {
            continue;
        };
        let mut text = Text::new()
            .plain("On ")
            .code(trace.name)
            .plain(", ")
            .code(best.name.as_str())
            .strong(format!(" missed least: {}", percent(*low)))
            .plain(format!(" on average over {} sizes", trace.sizes().len()));
        if let Some(over) = trace.over_floor(best) {
            text = text.plain(format!(", {} Belady's misses", ratio(over)));
        }
        if best.name != worst.name {
            text = text
                .plain("; most: ")
                .code(worst.name.as_str())
                .plain(format!(" {}", percent(*high)));
        }
        blocks.push(Block::Finding {
            tone: Tone::Plain,
            text: text.plain("."),
        });
    }
    blocks
}
