//! Validations: published figures beside what they came to here, each with its source.

use super::Page;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::number::{ABSENT, plain};
use crate::row::{Row, ValidationFigure, ValidationRow};
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "validations",
    title: "Published figures",
    about: "what others published, what the simulator measures of it, and what is accepted",
    source: "each line names its own",
    build,
};

fn build(run: &Run) -> Vec<Block> {
    let table = table(&run.rows);
    if table.rows.is_empty() {
        return Block::absent("published figures", "seawall run full.toml");
    }
    let of = |within| {
        let all = validations(&run.rows);
        all.filter(|row| row.within == within).count().to_string()
    };
    let (good, bad, open) = (of(Some(true)), of(Some(false)), of(None));
    let tone = if bad == "0" { Tone::Good } else { Tone::Bad };
    let text = Text::new()
        .strong(good)
        .plain(" published figures are within what is accepted, ")
        .strong(bad)
        .plain(" are not, and ")
        .strong(open)
        .plain(" are not reproduced, each for the reason beside it.");
    vec![
        Block::paragraph(
            "A simulator is worth what it gets right of what is known. Each line is measured anew by the code that \
             the comparisons run, from the seed of the row; it has no setting that was fitted to the published figure.",
        ),
        Block::Finding { tone, text },
        Block::Table(table),
    ]
}

fn validations(rows: &[Row]) -> impl Iterator<Item = &ValidationRow> {
    rows.iter().filter_map(|row| match row {
        Row::Validation(row) => Some(row),
        _ => None,
    })
}

/// The validations among `rows`: a line a figure, and one where there is none.
pub fn table(rows: &[Row]) -> Table {
    let columns = [
        "id",
        "what",
        "published",
        "tolerance",
        "figure",
        "#measured",
        "#accepted",
        "within",
        "source",
        "note",
    ];
    let mut table = Table::new("Published figures", &columns);
    for row in validations(rows) {
        if row.figures.is_empty() {
            table.push(line(row, true, None));
        }
        for (index, figure) in row.figures.iter().enumerate() {
            table.push(line(row, index == 0, Some(figure)));
        }
    }
    table.without_empty_columns()
}

/// A line; what all figures of a validation share stands in its `first` alone.
fn line(row: &ValidationRow, first: bool, figure: Option<&ValidationFigure>) -> Vec<Entry> {
    let shared = |text: &str| Entry::from(if first { text } else { "" });
    let (name, measured, accepted, within) = match figure {
        None => (
            Entry::default(),
            ABSENT.into(),
            ABSENT.into(),
            "not reproduced".into(),
        ),
        Some(figure) => (
            figure.name.as_str().into(),
            Entry::from(plain(figure.measured)),
            Entry::from(accepted(figure)),
            verdict(figure),
        ),
    };
    vec![
        shared(&row.id),
        shared(&row.what),
        shared(&row.published),
        shared(&row.tolerance),
        name,
        measured,
        accepted,
        within,
        shared(&row.source),
        shared(&row.note),
    ]
}

fn accepted(figure: &ValidationFigure) -> String {
    match (figure.least, figure.most) {
        (None, None) => "shown only".into(),
        (None, Some(most)) => format!("≤ {}", plain(most)),
        (Some(least), None) => format!("≥ {}", plain(least)),
        (Some(least), Some(most)) if least == most => plain(least),
        (Some(least), Some(most)) => format!("{} – {}", plain(least), plain(most)),
    }
}

fn verdict(figure: &ValidationFigure) -> Entry {
    match (figure.least, figure.most) {
        (None, None) => Entry::default(),
        _ if figure.is_within() => Entry::from("yes").tone(Tone::Good),
        _ => Entry::from("NO").tone(Tone::Bad),
    }
}
