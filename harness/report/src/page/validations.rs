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
    if validations(&run.rows).next().is_none() {
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
    let mut blocks = vec![
        Block::paragraph(
            "A simulator is worth what it gets right of what is known. Each line is measured anew by the code that \
             the comparisons run, from the seed of the row; it has no setting that was fitted to the published figure.",
        ),
        Block::Finding { tone, text },
    ];
    blocks.extend(tables(&run.rows).map(Block::Table));
    blocks
}

fn validations(rows: &[Row]) -> impl Iterator<Item = &ValidationRow> {
    rows.iter().filter_map(|row| match row {
        Row::Validation(row) => Some(row),
        _ => None,
    })
}

/// The tables of the validations among `rows`: what each came to, and figure by figure.
pub fn tables(rows: &[Row]) -> [Table; 2] {
    [verdicts(rows), figures(rows)]
}

fn verdicts(rows: &[Row]) -> Table {
    let columns = [
        "id",
        "what",
        "published",
        "tolerance",
        "#measured",
        "within",
        "source",
        "note",
    ];
    let mut table = Table::new("Published figures", &columns);
    for row in validations(rows) {
        let within = match row.within {
            None => "not reproduced".into(),
            Some(within) => verdict(within),
        };
        table.push(vec![
            row.id.as_str().into(),
            row.what.as_str().into(),
            row.published.as_str().into(),
            row.tolerance.as_str().into(),
            measured(row).into(),
            within,
            row.source.as_str().into(),
            row.note.as_str().into(),
        ]);
    }
    table.without_empty_columns()
}

/// The figure that is held to something, or how many are.
fn measured(row: &ValidationRow) -> String {
    let held: Vec<_> = row
        .figures
        .iter()
        .filter(|figure| figure.is_held())
        .collect();
    match held.as_slice() {
        [] => ABSENT.into(),
        [one] => plain(one.measured),
        several => format!("{} figures", several.len()),
    }
}

fn figures(rows: &[Row]) -> Table {
    let columns = ["id", "figure", "#measured", "#accepted", "within"];
    let mut table = Table::new("What was measured", &columns);
    for row in validations(rows) {
        for figure in &row.figures {
            let within = if figure.is_held() {
                verdict(figure.is_within())
            } else {
                Entry::default()
            };
            table.push(vec![
                row.id.as_str().into(),
                figure.name.as_str().into(),
                plain(figure.measured).into(),
                accepted(figure).into(),
                within,
            ]);
        }
    }
    table
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

fn verdict(within: bool) -> Entry {
    if within {
        Entry::from("yes").tone(Tone::Good)
    } else {
        Entry::from("NO").tone(Tone::Bad)
    }
}
