//! `LATENCY`: events that took long, and how long commands take.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use seawall_store::command::{CommandError, Flag};

use super::catalog::named;
use super::{Command, Context, Entry, callable, help};
use crate::calls::histogram::Histogram;
use crate::calls::latency::Series;

const FLAGS: &[Flag] = &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale];
/// Columns of a graph.
const GRAPH_COLUMNS: usize = 80;
/// Rows of a graph.
const GRAPH_ROWS: u64 = 4;

/// `LATENCY`
pub static LATENCY: Command = Command {
    subcommands: &[
        &DOCTOR, &GRAPH, &HELP, &HISTOGRAM, &HISTORY, &LATEST, &RESET,
    ],
    ..Command::new("latency", -2, &[], "tell how long things take", |_| Ok(()))
};
static DOCTOR: Command = Command::new("latency|doctor", 2, FLAGS, "a report for people", doctor);
static GRAPH: Command = Command::new(
    "latency|graph",
    3,
    FLAGS,
    "draw the times of an event",
    graph,
);
static HELP: Command = help::command("latency|help");
static HISTOGRAM: Command = Command::new(
    "latency|histogram",
    -2,
    FLAGS,
    "how many calls of each command took at most how long",
    histogram,
);
static HISTORY: Command = Command::new(
    "latency|history",
    3,
    FLAGS,
    "the times of an event",
    history,
);
static LATEST: Command = Command::new(
    "latency|latest",
    2,
    FLAGS,
    "the last time of each event",
    latest,
);
static RESET: Command = Command::new("latency|reset", -2, FLAGS, "forget events", |context| {
    let events: Vec<&[u8]> = context.args.iter().skip(1).collect();
    let forgotten = context.server.calls.latency.reset(events.into_iter());
    context.reply.int(forgotten as i64);
    Ok(())
});

fn latest(context: &mut Context<'_>) -> Result<(), CommandError> {
    let events = context.server.calls.latency.all();
    context.reply.array(events.len());
    for (event, series) in &events {
        let last = series.samples.back().copied();
        context.reply.array(4);
        context.reply.bulk(event.as_bytes());
        context.reply.int(last.map_or(0, |last| last.at_s as i64));
        context
            .reply
            .int(last.map_or(0, |last| last.took_ms as i64));
        context.reply.int(series.longest_ms as i64);
    }
    Ok(())
}

fn history(context: &mut Context<'_>) -> Result<(), CommandError> {
    let known = context.server.calls.latency.of(&context.args[1]);
    let samples = known.map(|(_, series)| series.samples).unwrap_or_default();
    context.reply.array(samples.len());
    for sample in &samples {
        context.reply.array(2);
        context.reply.int(sample.at_s as i64);
        context.reply.int(sample.took_ms as i64);
    }
    Ok(())
}

fn graph(context: &mut Context<'_>) -> Result<(), CommandError> {
    let event = &context.args[1];
    let Some((name, series)) = context.server.calls.latency.of(event) else {
        let shown = String::from_utf8_lossy(event);
        return Err(CommandError::new(format!(
            "ERR No samples available for event '{shown}'"
        )));
    };
    let text = drawn(name, &series, context.now.0 / 1000);
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// The times as columns of different heights, and under each how long ago it was.
fn drawn(name: &str, series: &Series, now_s: u64) -> String {
    let skipped = series.samples.len().saturating_sub(GRAPH_COLUMNS);
    let samples: Vec<_> = series.samples.iter().skip(skipped).collect();
    let times = samples.iter().map(|sample| sample.took_ms);
    let (low, high) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
    let mut text = format!(
        "{name} - high {high} ms, low {low} ms (all time high {} ms)\n",
        series.longest_ms
    );
    text.push_str(&"-".repeat(GRAPH_COLUMNS));
    text.push('\n');
    // Heights in halves of a row, so that the highest fills all rows.
    let halves = |took: u64| {
        let span = (high - low).max(1);
        ((took - low) * (GRAPH_ROWS * 2 - 1)).div_ceil(span) + 1
    };
    for row in (0..GRAPH_ROWS).rev() {
        for sample in &samples {
            text.push(match halves(sample.took_ms).saturating_sub(row * 2) {
                0 => ' ',
                1 => '_',
                _ if halves(sample.took_ms) > row * 2 + 2 => '|',
                _ => '#',
            });
        }
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<Vec<u8>> = samples
        .iter()
        .map(|s| age(now_s.saturating_sub(s.at_s)))
        .collect();
    let longest = ages.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..longest {
        text.extend(
            ages.iter()
                .map(|age| age.get(row).map_or(' ', |&byte| char::from(byte))),
        );
        text.push('\n');
    }
    text
}

/// How long ago, with its unit: `12s`, `5m`, `3h`, `2d`.
fn age(seconds: u64) -> Vec<u8> {
    let (number, unit) = match seconds {
        0..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..86_400 => (seconds / 3600, 'h'),
        _ => (seconds / 86_400, 'd'),
    };
    format!("{number}{unit}").into_bytes()
}

fn doctor(context: &mut Context<'_>) -> Result<(), CommandError> {
    use std::fmt::Write;
    let latency = &context.server.calls.latency;
    let events = latency.all();
    let mut text = String::new();
    if latency.threshold_ms() == 0 && events.is_empty() {
        text.push_str(
            "Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n",
        );
    } else if events.is_empty() {
        text.push_str("Nothing took longer than latency-monitor-threshold.\n");
    }
    for (event, series) in &events {
        let samples = series.samples.len() as u64;
        let sum: u64 = series.samples.iter().map(|sample| sample.took_ms).sum();
        let mean = sum.checked_div(samples).unwrap_or(0);
        let _ = writeln!(
            text,
            "{event}: {samples} seconds with slow ones, {mean} ms on average, {} ms at most.",
            series.longest_ms
        );
    }
    if events.iter().any(|(event, _)| event.ends_with("command")) {
        text.push_str("SLOWLOG GET shows which commands were slow.\n");
    }
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn histogram(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wanted: Vec<&Entry> = if context.args.len() == 1 {
        callable().iter().collect()
    } else {
        let asked = context.args.iter().skip(1).filter_map(named);
        // A container's name means its subcommands.
        asked
            .flat_map(|entry| std::iter::once(entry).chain(entry.subcommands()))
            .collect()
    };
    let calls = &context.server.calls;
    let known: Vec<(&Entry, Histogram)> = (wanted.into_iter())
        .filter_map(|entry| Some((entry, calls.times(entry.number)?)))
        .collect();
    context.reply.map(known.len());
    for (entry, times) in &known {
        let steps = times.cumulative();
        context.reply.bulk(entry.name().as_bytes());
        context.reply.map(2);
        context.reply.bulk(b"calls");
        context.reply.int(times.total() as i64);
        context.reply.bulk(b"histogram_usec");
        context.reply.map(steps.len());
        for (us, calls) in steps {
            context.reply.int(us as i64);
            context.reply.int(calls as i64);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::calls::latency::Sample;

    #[test]
    fn a_graph_shows_high_and_low() {
        let samples = [(100, 10), (101, 20), (4000, 30)];
        let samples = samples.map(|(at_s, took_ms)| Sample { at_s, took_ms });
        let series = Series {
            samples: VecDeque::from(samples),
            longest_ms: 40,
        };
        let text = drawn("command", &series, 4005);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "command - high 30 ms, low 10 ms (all time high 40 ms)"
        );
        assert_eq!(&lines[2..7], ["  #", " _|", " ||", "_||", ""]);
        assert_eq!(&lines[7..], ["115", "hhs"]);
    }
}
