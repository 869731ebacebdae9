//! What the rows of a replay say, in words: who misses least at which size, by how much, and whether that is more than
//! chance.

use std::fmt::Write;

use crate::curve::{is_bound, is_live};
use crate::number;
use crate::row::LabRow;

/// Ends of a normal interval that holds 95 of 100 cases, in standard deviations.
const SIGMAS: f64 = 1.96;

/// What memory costs: `ElastiCache` for Valkey, us-east-1, on demand (AWS Price List, read 2026-10-02).
const NODE_TYPE: &str = "cache.r7g.large";
const NODE_USD_PER_HOUR: f64 = 0.1752;
const NODE_GIB: f64 = 13.07;
/// Hours of a month, as AWS's calculator counts.
const HOURS: f64 = 730.0;

/// The answer of the rows of one trace: a sentence or two per size, and what memory costs.
pub fn of_trace(rows: &[&LabRow]) -> Vec<String> {
    let mut sizes: Vec<u64> = rows.iter().map(|row| row.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut lines = Vec::new();
    for size in sizes {
        let is_at = |row: &&LabRow| row.size == size && !is_live(row);
        let at: Vec<&LabRow> = rows.iter().copied().filter(is_at).collect();
        lines.extend(of_size(&at));
    }
    let in_bytes = rows.first().is_some_and(|row| row.unit == "bytes");
    if in_bytes && !lines.is_empty() {
        lines.push(format!(
            "Memory at {} per GiB and month is that of a {NODE_TYPE}, all of its {NODE_GIB} GiB used: ElastiCache for \
             Valkey, us-east-1, on demand, read 2026-10-02.",
            number::usd(usd_per_month(1 << 30))
        ));
    }
    lines
}

/// What so much memory costs in a month, as a part of a node.
fn usd_per_month(bytes: u64) -> f64 {
    let gib = bytes as f64 / f64::from(1 << 30);
    NODE_USD_PER_HOUR * HOURS / NODE_GIB * gib
}

/// The policies that are compared: bounds are none, and with `none` and the volatile forms a cache fills once.
pub(crate) fn contends(policy: &str) -> bool {
    !is_bound(policy) && policy != "none" && !policy.starts_with("volatile-")
}

fn of_size(rows: &[&LabRow]) -> Option<String> {
    let mut contenders: Vec<&LabRow> = rows
        .iter()
        .copied()
        .filter(|row| contends(&row.policy) && row.misses <= row.requests)
        .collect();
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
        given(best, "size").unwrap_or("size"),
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
    if best.unit == "bytes" {
        let usd = match usd_per_month(best.size) {
            usd if usd < 0.01 => "less than a cent".to_owned(),
            usd => number::usd(usd),
        };
        let _ = write!(line, ". So much memory costs {usd} a month");
    }
    Some(line + ".")
}

/// The policy as it was given, with its admission.
fn name(row: &LabRow) -> &str {
    given(row, "policy").unwrap_or(&row.policy)
}

/// What was set by that name, where rows tell.
pub fn given<'r>(row: &'r LabRow, name: &str) -> Option<&'r str> {
    row.config.get(name)?.as_str()
}

/// Misses per request.
pub fn ratio(row: &LabRow) -> f64 {
    row.misses as f64 / row.requests.max(1) as f64
}

/// The rows of the running store, each behind that of the lab which foretold it.
pub fn driven<'r>(rows: &[&'r LabRow]) -> Vec<(&'r LabRow, &'r LabRow)> {
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
    use serde_json::Map;

    use super::*;
    use crate::row::SCHEMA;

    fn row(policy: &str, size: u64, unit: &str, misses: u64) -> LabRow {
        LabRow {
            schema: SCHEMA,
            run: format!("{policy} {size}"),
            seed: 1,
            config: Map::from_iter([
                ("policy".to_owned(), policy.into()),
                ("size".to_owned(), "1%".into()),
            ]),
            trace: "t".to_owned(),
            policy: policy.to_owned(),
            params: Map::new(),
            size,
            unit: unit.to_owned(),
            requests: 10_000,
            misses,
            bytes_requested: 0,
            bytes_missed: 0,
            extra: Map::new(),
        }
    }

    fn answer(rows: &[LabRow]) -> Vec<String> {
        of_trace(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_winner_is_told_with_its_margin() {
        let rows = [
            ("lru", 5_000),
            ("lfu", 4_000),
            ("none", 100),
            ("belady", 3_000),
        ];
        let rows = rows.map(|(policy, misses)| row(policy, 40, "objects", misses));
        assert_eq!(
            answer(&rows),
            [
                "At 1% (40 objects) lfu misses least: 40.00 %, 10.00 points less than lru; chance makes up to 1.37, so \
              that is more than chance, and spares the database 100.0 reads of 1,000. Belady's would miss 30.00 %."
            ]
        );
    }

    #[test]
    fn equals_are_told_as_equals_and_one_alone_not_at_all() {
        let rows = [
            row("lru", 40, "objects", 5_000),
            row("fifo", 40, "objects", 5_010),
        ];
        let told = answer(&rows).concat();
        assert!(told.contains("0.10 points less than fifo"), "{told}");
        assert!(told.ends_with("so that is no more than chance."), "{told}");
        assert!(answer(&rows[..1]).is_empty());
    }

    #[test]
    fn memory_in_bytes_has_a_price() {
        let rows = [
            row("lru", 1 << 31, "bytes", 5_000),
            row("fifo", 1 << 31, "bytes", 6_000),
        ];
        let told = answer(&rows);
        assert!(
            told[0].ends_with("So much memory costs $19.57 a month."),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("Memory at $9.79 per GiB and month"),
            "{told:?}"
        );
    }
}
