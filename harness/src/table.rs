//! Tables for a terminal.

use comfy_table::{ContentArrangement, Table, TableStyle};

use crate::family::Family;

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
