//! The running store beside the lab that foretells it.

use crate::answer::{driven, given, ratio};
use crate::block::{Block, Table};
use crate::row::LabRow;

/// A line for each cell that was driven; nothing where none was.
pub(super) fn table(rows: &[&LabRow]) -> Option<Block> {
    let driven = driven(rows);
    if driven.is_empty() {
        return None;
    }
    let title = "Hit ratio of the running store, beside what the lab foretells";
    let columns = ["policy", "#size", "#foretold", "#live", "#points apart"];
    let mut table = Table::new(title, &columns);
    for (foretold, live) in driven {
        let given = |name: &str| given(live, name).unwrap_or_default().to_owned();
        let hits = |row: &LabRow| format!("{:.2} %", 100.0 * (1.0 - ratio(row)));
        let apart = 100.0 * (ratio(foretold) - ratio(live));
        table.push(vec![
            given("policy").into(),
            format!("{} ({})", given("size"), live.size).into(),
            hits(foretold).into(),
            hits(live).into(),
            format!("{apart:+.2}").into(),
        ]);
    }
    Some(Block::Table(table))
}
