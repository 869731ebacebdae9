//! Tables for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use seawall_report::block;
use seawall_report::row::Row;

use crate::family::Family;
use crate::output;
use crate::status::Outcome;

/// A table without lines, as wide as the terminal at most.
pub(crate) fn plain(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    table
}

/// The members of a family.
pub(crate) fn members(family: &Family) -> String {
    let mut table = plain(&[family.name, "", "source"]);
    for member in (family.members)() {
        table.add_row([member.name, member.about, member.source]);
    }
    format!("{table}\n")
}

/// A table of the report's.
pub(crate) fn of(data: &block::Table) -> String {
    let titles: Vec<&str> = data.columns.iter().map(|column| &*column.title).collect();
    let mut table = plain(&titles);
    for row in &data.rows {
        table.add_row(row.iter().map(|entry| &*entry.text));
    }
    for (index, column) in data.columns.iter().enumerate() {
        if let Some(shown) = table.column_mut(index).filter(|_| column.number) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n{table}\n", data.title)
}

/// Shows what rows come to.
pub(crate) fn summary(rows: &[Row]) -> Outcome {
    for table in seawall_report::summary(rows) {
        output::line(&of(&table))?;
    }
    Ok(())
}
