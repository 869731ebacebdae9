//! The table of one cell: every store's rates, ours beside the best of them, and the bars.

use super::contest::{Outcome, Rounds, median};
use super::run::PACES;

/// Ratios to reach: one by one to the best peer, dependent latency to its, batches to its one by one or
/// batches, whichever is better, and to the floor's batches.
pub struct Bars {
    pub one: f64,
    pub latency: f64,
    pub batch: f64,
    pub floor: f64,
}

/// Uniform draws from what is far larger than the caches.
pub const LARGE: Bars = Bars {
    one: 1.8,
    latency: 0.6,
    batch: 3.5,
    floor: 0.45,
};
/// Hot keys, or few.
pub const SMALL: Bars = Bars { one: 1.4, ..LARGE };

const ONE: usize = 0;
const DEPENDENT: usize = 1;
const BATCH: usize = 2;

/// Prints the cell called `title`: what each peer's contest came to.
pub fn print(title: &str, outcomes: &[(&str, Outcome)], threads: usize, bars: &Bars) {
    println!("\n## {title}\n");
    println!(
        "| store | one by one, M op/s | dependent, ns | batches of 32, M op/s | ours to it: one by one | dependent | batches |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let of_all = |get: fn(&Rounds) -> &Vec<f64>| {
        [ONE, DEPENDENT, BATCH].map(|pace| {
            let all = outcomes.iter().flat_map(|(_, rounds)| get(&rounds[pace]));
            median(all.copied())
        })
    };
    let to_floor: Vec<f64> = (0..PACES.len())
        .map(|pace| median(outcomes.iter().map(|(_, rounds)| rounds[pace].to_floor())))
        .collect();
    line("Seawall", of_all(|rounds| &rounds.ours), threads, [1.0; 3]);
    for (name, rounds) in outcomes {
        let rates = [ONE, DEPENDENT, BATCH].map(|pace| median(rounds[pace].peer.iter().copied()));
        let ratios = [ONE, DEPENDENT, BATCH].map(|pace| rounds[pace].to_peer());
        line(name, rates, threads, ratios);
    }
    let ratios = [to_floor[ONE], to_floor[DEPENDENT], to_floor[BATCH]];
    line("floor", of_all(|rounds| &rounds.floor), threads, ratios);
    let worst = |pace: usize| {
        let ratios = outcomes.iter().map(|(_, rounds)| rounds[pace].to_peer());
        ratios.fold(f64::INFINITY, f64::min)
    };
    println!();
    bar("one by one to the best peer", worst(ONE), bars.one, false);
    bar(
        "dependent latency to the best peer's",
        1.0 / worst(DEPENDENT),
        bars.latency,
        true,
    );
    bar(
        "batches of 32 to the best peer",
        worst(BATCH),
        bars.batch,
        false,
    );
    bar(
        "batches of 32 to the floor",
        to_floor[BATCH],
        bars.floor,
        false,
    );
}

fn line(name: &str, rates: [f64; 3], threads: usize, ratios: [f64; 3]) {
    println!(
        "| {name} | {:.2} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} |",
        rates[ONE] / 1e6,
        1e9 * threads as f64 / rates[DEPENDENT],
        rates[BATCH] / 1e6,
        ratios[ONE],
        1.0 / ratios[DEPENDENT],
        ratios[BATCH],
    );
}

fn bar(what: &str, is: f64, to_be: f64, at_most: bool) {
    let met = if at_most { is <= to_be } else { is >= to_be };
    let (sign, word) = (
        if at_most { '≤' } else { '≥' },
        if met { "met" } else { "missed" },
    );
    println!("- {what}: {is:.2} (to reach: {sign} {to_be:.2}): {word}");
}
