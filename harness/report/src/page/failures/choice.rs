//! What to choose for which need, in sentences that carry their figures.
//!
//! A sentence says only what the rows show: a difference is told where the spreads over seeds do not meet, and each
//! names what it rests on, how many runs and what the member claims.

use super::Family;
use super::standing::{self, Standing};
use crate::block::{Block, Text, Tone};
use crate::number::{self, count, percent, ratio, time_ms, time_us, usd};
use crate::stats::proportion;
use crate::trial::Spread;

/// Figures by which a member may be better than another; less is better in all.
type FigureOf = fn(&Standing<'_>) -> Option<Spread>;

/// The sentences; none for cachings, whose needs the tables show.
pub fn words(family: Family, standings: &[Standing<'_>]) -> Vec<Block> {
    let texts = match family {
        Family::Replication => replications(standings),
        Family::Sharding => shardings(standings),
        Family::Caching => Vec::new(),
    };
    if texts.is_empty() {
        return texts_to_blocks(texts);
    }
    let mut blocks = vec![Block::heading(
        format!("Which {} for which need", family.word()).as_str(),
    )];
    blocks.extend(texts_to_blocks(texts));
    blocks
}

fn texts_to_blocks(texts: Vec<Text>) -> Vec<Block> {
    let tone = Tone::Plain;
    let finding = |text| Block::Finding { tone, text };
    texts.into_iter().map(finding).collect()
}

fn replications(standings: &[Standing<'_>]) -> Vec<Text> {
    let kept: Vec<&Standing<'_>> = standings.iter().filter(|of| of.broken() == 0).collect();
    let lossless: Vec<&Standing<'_>> = kept.iter().copied().filter(|of| of.losing() == 0).collect();
    // Who promises it is meant, where anybody does: what was not lost by luck may be lost tomorrow.
    let promised: Vec<&Standing<'_>> = lossless
        .iter()
        .copied()
        .filter(|of| of.promises_to_keep())
        .collect();
    let safe = least(
        if promised.is_empty() {
            &lossless
        } else {
            &promised
        },
        &[standing::usd, standing::down, standing::p99_before],
    );
    let mut texts = vec![match safe {
        Some(safe) => without_loss(safe, &lossless),
        None => with_least_loss(&kept),
    }];
    if let Some(safe) = safe {
        texts.extend(with_loss(safe, &kept));
    }
    texts.extend(fastest(&kept));
    texts.extend(kindest(&kept));
    texts
}

/// The cheapest of those that lost nothing, and promise so where anybody does.
fn without_loss(safe: &Standing<'_>, lossless: &[&Standing<'_>]) -> Text {
    let bound = percent(proportion::upper_bound(0, safe.runs()));
    let others = |promise: bool| {
        let others = lossless
            .iter()
            .filter(|of| of.name != safe.name && of.promises_to_keep() == promise);
        others.map(|of| of.name).collect::<Vec<_>>().join(", ")
    };
    let mut text = Text::new()
        .strong("If no acknowledged write may be lost: ")
        .code(safe.name)
        .plain(format!(
            ", which {} lose none and lost none in {} runs (with 95 % confidence fewer than {bound} of runs lose any)",
            if safe.promises_to_keep() {
                "promises to"
            } else {
                "is not known to promise to"
            },
            safe.runs(),
        ))
        .plain(format!(
            ": {} a month, {} down in the worst failure, p99 {} before it.",
            shown(standing::usd(safe), usd),
            shown(standing::down(safe), time_ms),
            shown(standing::p99_before(safe), time_us),
        ));
    for (promise, words) in [
        (true, " promise the same, kept it, and are no cheaper."),
        (false, " lost none either, without a promise."),
    ] {
        let others = others(promise);
        if !others.is_empty() {
            text = text.plain(" ").code(others).plain(words);
        }
    }
    claimed(text, safe)
}

/// What lost least, where all lost something.
fn with_least_loss(kept: &[&Standing<'_>]) -> Text {
    let lead = Text::new().strong("If no acknowledged write may be lost: none of these. ");
    match least(kept, &[standing::lost, standing::usd]) {
        None => lead.plain("No claim held throughout."),
        Some(best) => {
            let text = lead
                .plain("Least was lost by ")
                .code(best.name)
                .plain(format!(
                    ", {} in the worst failure, in {} of {} runs.",
                    shown(standing::lost(best), count),
                    best.losing(),
                    best.runs()
                ));
            claimed(text, best)
        }
    }
}

/// Those that lose writes and are for that cheaper, down for less, or faster than `safe`; each once, the best in any.
fn with_loss(safe: &Standing<'_>, kept: &[&Standing<'_>]) -> Vec<Text> {
    let gains: [(FigureOf, number::Format, &str, &str); 3] = [
        (standing::usd, usd, "costs ", " a month"),
        (standing::down, time_ms, "is down for ", ""),
        (
            standing::p99_before,
            time_us,
            "has before a failure a p99 of ",
            "",
        ),
    ];
    let losing: Vec<&Standing<'_>> = kept.iter().copied().filter(|of| of.losing() > 0).collect();
    let mut named: Vec<&str> = Vec::new();
    let mut texts = Vec::new();
    for (figure, ..) in gains {
        let better: Vec<&Standing<'_>> = losing
            .iter()
            .copied()
            .filter(|of| is_less(of, safe, figure))
            .collect();
        let Some(best) = least(&better, &[figure, standing::lost]) else {
            continue;
        };
        if named.contains(&best.name) {
            continue;
        }
        named.push(best.name);
        let mut text = Text::new()
            .strong(format!(
                "If a failure may take {} acknowledged writes: ",
                shown(standing::lost(best), count)
            ))
            .code(best.name)
            .plain(" ");
        let mut is_first = true;
        for (figure, format, before, after) in gains {
            if is_less(best, safe, figure) {
                text = text.plain(format!(
                    "{}{before}{}{after}, not {}",
                    if is_first { "" } else { "; it " },
                    shown(figure(best), format),
                    shown(figure(safe), format),
                ));
                is_first = false;
            }
        }
        text = text.plain(format!(
            ". It lost writes in {} of {} runs.",
            best.losing(),
            best.runs()
        ));
        texts.push(claimed(text, best));
    }
    texts
}

/// The fastest before a failure, and those that cannot be told from it.
fn fastest(kept: &[&Standing<'_>]) -> Option<Text> {
    let best = least(kept, &[standing::p99_before, standing::usd])?;
    let text = Text::new()
        .strong("Where only speed on a good day counts: ")
        .code(best.name)
        .plain(format!(
            ", p99 {}",
            shown(standing::p99_before(best), time_us)
        ));
    Some(with_equals(text, best, kept, standing::p99_before))
}

/// The one that spares the database, and those that cannot be told from it.
fn kindest(kept: &[&Standing<'_>]) -> Option<Text> {
    let best = least(kept, &[standing::surge, standing::usd])?;
    let text = Text::new()
        .strong("Where the database behind must be spared: ")
        .code(best.name)
        .plain(format!(
            ", whose worst second is {} the mean before the fault",
            shown(standing::surge(best), ratio)
        ));
    Some(with_equals(text, best, kept, standing::surge))
}

/// The one that leaves the fewest acknowledged writes where nobody looks when shards are added, and moves the least.
fn shardings(standings: &[Standing<'_>]) -> Vec<Text> {
    let moving: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|of| standing::moved(of).is_some())
        .collect();
    let Some(best) = least(&moving, &[standing::misplaced, standing::moved]) else {
        return Vec::new();
    };
    let text = Text::new()
        .strong("If shards are added while clients work: ")
        .code(best.name)
        .plain(format!(
            ", which leaves {} acknowledged writes where nobody looks any more, and moves {} of the keys",
            shown(standing::misplaced(best), count),
            shown(standing::moved(best), percent)
        ));
    vec![with_equals(text, best, &moving, standing::misplaced)]
}

/// Ends a sentence with the members whose spread meets that of the best.
fn with_equals(text: Text, best: &Standing<'_>, all: &[&Standing<'_>], figure: FigureOf) -> Text {
    let equals: Vec<&str> = all
        .iter()
        .filter(|of| of.name != best.name && figure(of).is_some() && !is_less(best, of, figure))
        .map(|of| of.name)
        .collect();
    let seeds = best
        .trials
        .iter()
        .map(crate::trial::Trial::seeds)
        .max()
        .unwrap_or(0);
    if equals.is_empty() {
        return text.plain(format!("; over {seeds} seeds no other comes near."));
    }
    text.plain(format!("; over {seeds} seeds it cannot be told from "))
        .code(equals.join(", "))
        .plain(".")
}

fn claimed(text: Text, standing: &Standing<'_>) -> Text {
    text.plain(" ")
        .code(standing.name)
        .plain(format!(" claims: “{}”.", standing.claim()))
}

fn shown(spread: Option<Spread>, format: number::Format) -> String {
    Spread::show(spread, format)
}

/// Whether a figure of `a` is less than that of `b` with every seed.
fn is_less(a: &Standing<'_>, b: &Standing<'_>, figure: FigureOf) -> bool {
    matches!((figure(a), figure(b)), (Some(a), Some(b)) if a.most < b.least)
}

/// The member whose median is the least by the first figure, and by the next where medians are the same; none where no
/// member has the first.
fn least<'a, 'b>(of: &[&'b Standing<'a>], figures: &[FigureOf]) -> Option<&'b Standing<'a>> {
    let median = |standing: &Standing<'_>, figure: &FigureOf| {
        figure(standing).map_or(f64::INFINITY, |spread| spread.median)
    };
    let compare = |a: &&&Standing<'_>, b: &&&Standing<'_>| {
        let order = |figure| median(a, figure).total_cmp(&median(b, figure));
        figures
            .iter()
            .map(order)
            .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    };
    let best = of.iter().min_by(compare).copied()?;
    figures.first().and_then(|figure| figure(best))?;
    Some(best)
}
