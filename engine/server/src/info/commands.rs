//! Calls of commands: `# Commandstats`, `# Errorstats`, `# Latencystats`.

use super::{Facts, Lines};
use crate::calls::Count;
use crate::command::callable;
use crate::config::composed::percentiles;

/// `# Commandstats`: the commands that were called.
pub(super) fn commandstats(facts: &Facts<'_>, lines: &mut Lines) {
    for entry in callable() {
        let count = facts.server.calls.count(entry.number);
        if count == Count::default() {
            continue;
        }
        let mean = if count.calls == 0 {
            0.0
        } else {
            count.us as f64 / count.calls as f64
        };
        lines.field(
            &format!("cmdstat_{}", entry.name()),
            format_args!(
                "calls={},usec={},usec_per_call={mean:.2},rejected_calls={},failed_calls={}",
                count.calls, count.us, count.rejected, count.failed
            ),
        );
    }
}

/// `# Errorstats`
pub(super) fn errorstats(facts: &Facts<'_>, lines: &mut Lines) {
    for (word, count) in facts.server.calls.errors_by_word() {
        lines.field(&format!("errorstat_{word}"), format_args!("count={count}"));
    }
}

/// `# Latencystats`
pub(super) fn latencystats(facts: &Facts<'_>, lines: &mut Lines) {
    let shares = percentiles(facts.settings.text("latency-tracking-info-percentiles"));
    let shares = shares.unwrap_or_default();
    for entry in callable() {
        let Some(times) = facts.server.calls.times(entry.number) else {
            continue;
        };
        let shown: Vec<String> = (shares.iter())
            .map(|&share| format!("p{share}={:.3}", times.percentile(share) as f64 / 1000.0))
            .collect();
        lines.field(
            &format!("latency_percentiles_usec_{}", entry.name()),
            shown.join(","),
        );
    }
}
