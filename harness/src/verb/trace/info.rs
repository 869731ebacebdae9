//! `seawall trace info`: what a trace is like.

use std::fmt::Write;

use clap::Args;
use seawall_workloads::trace::spread::Spread;
use seawall_workloads::trace::{Op, Statistics};
use serde_json::{Value, json};

use super::From;
use crate::output;
use crate::progress::Tally;
use crate::status::{Failure, Outcome};
use crate::table;

/// What a trace is like: objects, sizes, reuse, popularity, rate, ops, TTLs.
///
/// `reuse` counts the requests from one for an object back to the one before for it. Quantiles are exact
/// below 64, and to 3 % from below above that. The exponent of popularity is that of a line through
/// logarithms of counts by rank (least squares at 20 ranks a decade, of objects that were asked for more
/// than once), with the standard error of its slope.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall trace info dev-session
  seawall trace info requests.csv.zst --format csv:object=2:time=1:size=3 --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    from: From,
    /// One JSON object on standard output, and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut requests = arguments.from.open()?;
    let name = requests.name().to_owned();
    let mut tally = Tally::new(&name);
    let statistics = Statistics::of(&mut requests, &mut |done| tally.set(done));
    let statistics = statistics.map_err(Failure::usage)?;
    drop(tally);
    let mut facts = facts(&name, &statistics);
    let made = requests
        .made()
        .and_then(|text| serde_json::from_str(text).ok());
    if let Some(made) = made {
        facts.push(("made".to_owned(), made));
    }
    if arguments.json {
        return output::line(&Value::Object(facts.into_iter().collect()).to_string());
    }
    let mut table = table::plain(&[]);
    for (name, value) in facts {
        let value = value.as_str().map_or_else(|| plain(&value), str::to_owned);
        table.add_row([name.replace('_', " "), value]);
    }
    output::line(&format!("{table}\n\n{}", picture(&statistics)))
}

fn facts(name: &str, of: &Statistics) -> Vec<(String, Value)> {
    let mut facts = vec![
        ("trace", json!(name)),
        ("requests", json!(of.requests)),
        ("objects", json!(of.objects())),
        ("objects_requested_once", json!(of.once())),
        (
            "requests_for_top_percent",
            json!(rounded(of.share_of_top(of.objects().div_ceil(100)))),
        ),
    ];
    if let Some(fit) = of.popularity() {
        facts.push(("popularity_exponent", json!(rounded(fit.exponent))));
        facts.push(("popularity_exponent_error", json!(rounded(fit.error))));
        facts.push(("popularity_r_squared", json!(rounded(fit.r_squared))));
    }
    facts.push(("reuse_requests", quantiles(&of.reuse)));
    if of.has_sizes {
        facts.push(("bytes_requested", json!(of.bytes_requested)));
        facts.push(("footprint_bytes", json!(of.footprint_bytes)));
        facts.push(("request_bytes", quantiles(&of.sizes)));
        facts.push(("object_bytes", quantiles(&of.object_sizes)));
    }
    if let Some((first, last)) = of.seconds {
        facts.push(("seconds", json!(last - first)));
    }
    if let Some(rate) = of.rate() {
        facts.push(("requests_per_s", json!(rounded(rate))));
    }
    let ops = Op::ALL.map(|op| (op.name().to_owned(), json!(of.of_op(op))));
    facts.push(("ops", Value::Object(ops.into_iter().collect())));
    if of.ttls_s.count() > 0 {
        facts.push(("requests_with_ttl", json!(of.ttls_s.count())));
        facts.push(("ttl_s", quantiles(&of.ttls_s)));
    }
    let owned = facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    owned.collect()
}

/// Mean, quantiles and the most of some numbers.
fn quantiles(of: &Spread) -> Value {
    let mut found = serde_json::Map::new();
    if let Some(mean) = of.mean() {
        found.insert("mean".to_owned(), json!(rounded(mean)));
    }
    for (name, quantile) in [
        ("p1", 0.01),
        ("p10", 0.1),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p99", 0.99),
    ] {
        if let Some(number) = of.quantile(quantile) {
            found.insert(name.to_owned(), json!(number));
        }
    }
    Value::Object(found)
}

/// An object as words: `mean 3.2, p50 2`.
fn plain(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return value.to_string();
    };
    if fields.is_empty() {
        return "none".to_owned();
    }
    let fields = fields.iter().map(|(name, value)| format!("{name} {value}"));
    fields.collect::<Vec<_>>().join(", ")
}

fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// How requests are spread over objects, and over the time since the last one for the same.
fn picture(of: &Statistics) -> String {
    let mut bars = Vec::new();
    let mut top = 1;
    while top < of.objects() {
        bars.push((format!("top {top}"), of.share_of_top(top)));
        top *= 10;
    }
    bars.push((format!("all {}", of.objects()), 1.0));
    let mut text = drawn("share of requests for the most popular objects", &bars);
    let total = of.requests as f64;
    let mut bars = vec![("first".to_owned(), of.objects() as f64 / total)];
    for (from, count) in of.reuse.by_fours() {
        bars.push((format!("{from}.."), count as f64 / total));
    }
    text.push('\n');
    text + drawn(
        "share of requests by how many requests ago the last one was",
        &bars,
    )
    .trim_end()
}

fn drawn(title: &str, bars: &[(String, f64)]) -> String {
    const WIDTH: f64 = 50.0;
    let label = bars.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = format!("{title}\n");
    for (name, share) in bars {
        let bar = "█".repeat((share * WIDTH).round() as usize);
        let _ = writeln!(text, "  {name:>label$}  {:>5.1} %  {bar}", share * 100.0);
    }
    text
}
