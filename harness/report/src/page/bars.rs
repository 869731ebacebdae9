//! Bars: every figure that a suite holds to something, whether it meets it, and how sure that is.
//!
//! Its one idea: a bar is met where the worse end of the interval meets it, so that a lucky median meets none.
//! It shows nothing that the other pages do not; it says what was wanted.

use super::Page;
use crate::bar::{Held, Verdict, figure, held};
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, cells};
use crate::number;
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "bars",
    title: "Bars",
    about: "what a suite holds its figures to: met or missed, with the interval that says so",
    source: "the suite's own [[bench.bar]]; paired ratios over interleaved repetitions",
    build,
};

fn build(run: &Run) -> Vec<Block> {
    let cells = cells(&run.rows);
    let all = held(&cells);
    if all.is_empty() {
        return Block::absent("figures that are held to bars", "just bench-speed");
    }
    let count = |verdict| all.iter().filter(|held| held.verdict == verdict).count();
    let (met, missed) = (count(Verdict::Met), count(Verdict::Missed));
    let tone = if met == all.len() {
        Tone::Good
    } else {
        Tone::Bad
    };
    let mut text = Text::new()
        .strong(format!("{met} of {} bars are met", all.len()))
        .plain(format!(", {missed} are missed"));
    if met + missed < all.len() {
        text = text.plain(format!(
            "; of {} nothing can be said: one repetition, or nothing to compare with",
            all.len() - met - missed
        ));
    }
    let mut blocks = vec![
        Block::Finding {
            tone,
            text: text.plain("."),
        },
        Block::paragraph(
            "A ratio is that of repetitions that ran beside each other, with its 95 % bootstrap interval. A bar is \
             met where the worse end of the interval meets it. Figures are medians.",
        ),
    ];
    blocks.extend(gap(&cells));
    blocks.push(Block::Table(table(&all)));
    blocks
}

/// What the machine adds to a longest turn.
fn gap(cells: &[Cell<'_>]) -> Option<Block> {
    let gaps = cells
        .iter()
        .flat_map(|cell| cell.values(|row| figure(row, "clock_gap_us")));
    let longest = gaps.filter(|gap| gap.is_finite()).reduce(f64::max)?;
    let text = format!(
        "A longest turn is CPU time of a thread, in which is what the machine itself took meanwhile. A thread that did \
         nothing but read its CPU clock for five seconds after each of these cells saw it jump by up to {}: so much of \
         a turn may be the machine's.",
        number::time_us(longest)
    );
    Some(Block::paragraph(text.as_str()))
}

/// A line for each bar.
pub(crate) fn table(all: &[Held<'_>]) -> Table {
    let columns = [
        "comparison",
        "workload",
        "configuration",
        "target",
        "figure",
        "#median",
        "bar",
        "#measured",
        "#runs",
        "verdict",
    ];
    let mut table = Table::new("What was wanted, and what was measured", &columns);
    for held in all {
        let tone = match held.verdict {
            Verdict::Met => Tone::Good,
            Verdict::Missed => Tone::Bad,
            Verdict::Unknown => Tone::Plain,
        };
        table.push(vec![
            held.cell.comparison.into(),
            held.cell.workload.into(),
            held.cell.config.as_str().into(),
            held.cell.target.into(),
            held.bar.figure.as_str().into(),
            held.absolute().into(),
            held.bar.words().into(),
            held.measured().into(),
            held.cell.rows.len().to_string().into(),
            Entry::from(held.verdict.word())
                .tone(tone)
                .strong_if(tone == Tone::Bad),
        ]);
    }
    table
}
