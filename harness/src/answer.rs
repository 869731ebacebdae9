//! What the rows of a replay say, in words: who misses least at which size, by how much, and whether that is more than
//! chance.

use std::fmt::Write;

use seawall_report::row::LabRow;

/// Ends of a normal interval that holds 95 of 100 cases, in standard deviations.
const SIGMAS: f64 = 1.96;

/// The answer of the rows of one trace: a line per size.
pub(crate) fn of_trace(rows: &[&LabRow]) -> String {
    let mut sizes: Vec<u64> = rows.iter().map(|row| row.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut text = String::new();
    for size in sizes {
        let at: Vec<&LabRow> = rows
            .iter()
            .copied()
            .filter(|row| row.size == size)
            .collect();
        if let Some(line) = of_size(&at) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The policies that are compared: bounds are none, and with `none` and the volatile forms a cache fills once.
fn contends(row: &LabRow) -> bool {
    let is_bound = seawall_lab::bound::LIST
        .iter()
        .any(|bound| bound.name == row.policy);
    !is_bound && row.policy != "none" && !row.policy.starts_with("volatile-")
}

fn of_size(rows: &[&LabRow]) -> Option<String> {
    let mut contenders: Vec<&LabRow> = rows.iter().copied().filter(|row| contends(row)).collect();
    contenders.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let (&best, others) = contenders.split_first()?;
    let rival = others
        .iter()
        .find(|row| name(row) == "lru")
        .or(others.first())?;
    let gain = ratio(rival) - ratio(best);
    let noise = noise(best, rival);
    let mut line = format!(
        "At {} ({} {}) {} misses least: {:.2} %",
        best.config["size"].as_str().unwrap_or_default(),
        best.size,
        best.unit,
        name(best),
        100.0 * ratio(best)
    );
    let verdict = if gain > noise {
        "more than"
    } else {
        "no more than"
    };
    let _ = write!(
        line,
        ", {:.2} points less than {}; chance makes up to {:.2}, so that is {verdict} chance",
        100.0 * gain,
        name(rival),
        100.0 * noise
    );
    if gain > noise {
        let _ = write!(
            line,
            ", and spares the database {:.1} reads of 1,000",
            1000.0 * gain
        );
    }
    if let Some(belady) = rows.iter().find(|row| row.policy == "belady") {
        let _ = write!(line, ". Belady's would miss {:.2} %", 100.0 * ratio(belady));
    }
    Some(line + ".")
}

/// The policy as it was given, with its admission.
fn name(row: &LabRow) -> &str {
    row.config["policy"].as_str().unwrap_or(&row.policy)
}

/// Misses per request.
pub(crate) fn ratio(row: &LabRow) -> f64 {
    row.misses as f64 / row.requests.max(1) as f64
}

/// The rows of the running store, each behind that of the lab which foretold it.
pub(crate) fn driven<'r>(rows: &[&'r LabRow]) -> Vec<(&'r LabRow, &'r LabRow)> {
    let is_live = |row: &LabRow| row.config.contains_key("live");
    let live = rows.iter().copied().filter(|row| is_live(row));
    let foretold = |live: &LabRow| {
        let is_same =
            |row: &&&LabRow| !is_live(row) && (name(row), row.size) == (name(live), live.size);
        rows.iter().find(is_same).copied()
    };
    live.filter_map(|live| Some((foretold(live)?, live)))
        .collect()
}

/// By how much two ratios may differ by chance: of the samples where there are samples, else as if each request hit or
/// missed by itself. Both saw the same requests, so the truth is narrower.
fn noise(a: &LabRow, b: &LabRow) -> f64 {
    let half = |row: &LabRow| {
        let end = |name: &str| row.extra.get(name).and_then(serde_json::Value::as_f64);
        match (end("miss_ratio_low"), end("miss_ratio_high")) {
            (Some(low), Some(high)) => (high - low) / 2.0,
            _ => SIGMAS * (ratio(row) * (1.0 - ratio(row)) / row.requests.max(1) as f64).sqrt(),
        }
    };
    half(a).hypot(half(b))
}

#[cfg(test)]
mod tests {
    use seawall_lab::{Grid, Size, Subject, Unit};
    use seawall_workloads::trace::Trace;

    use super::*;

    fn answer(policies: &str, size: &str) -> String {
        // Three objects are asked for again and again, at first alone, then among others asked for once.
        let alone = (0..150u64).map(|i| i % 3);
        let among = (0..3_000u64).map(|i| if i % 2 == 0 { i % 3 } else { 100 + i });
        let trace = Trace::from_keys("t", alone.chain(among));
        let subjects = Subject::parse_list(policies).expect("a list");
        let sizes = Size::parse_list(size).expect("sizes");
        let grid = Grid::new(&trace, &subjects, &sizes, Unit::Objects, 1).expect("a grid");
        let mut rows = Vec::new();
        grid.run(1, &mut |row| rows.push(row))
            .expect("nothing is live");
        of_trace(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_winner_is_told_with_its_margin() {
        let text = answer("lru,lfu,belady", "4");
        assert!(
            text.starts_with("At 4 (4 objects) lfu misses least: 4"),
            "{text}"
        );
        assert!(
            text.contains("points less than lru; chance makes up to"),
            "{text}"
        );
        assert!(
            text.contains("so that is more than chance, and spares the database"),
            "{text}"
        );
        assert!(text.contains(". Belady's would miss 4"), "{text}");
    }

    #[test]
    fn equals_are_told_as_equals() {
        let text = answer("lru,fifo", "3000");
        assert!(text.contains("0.00 points less than"), "{text}");
        assert!(text.contains("no more than chance."), "{text}");
        assert_eq!(answer("lru", "4"), "", "nobody to compare with");
    }
}
