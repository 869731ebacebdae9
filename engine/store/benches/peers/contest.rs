//! A contest: ours, one peer and the floor run the same work by turns, so that what else the machine does
//! hits all alike; medians of rates, and of ratios within a round.

use super::run::{PACES, Pace, Runs, Slice, Timer};
use super::work::OPS;

/// How long one slice is to take.
const SLICE_S: f64 = 0.12;
const WARM_UP_OPS: usize = 1 << 16;

/// A peer's rates in one pace and ours beside it, and the floor's, each in ops a second, round by round.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    pub ours: Vec<f64>,
    pub peer: Vec<f64>,
    pub floor: Vec<f64>,
}

/// What a contest came to, by pace.
pub type Outcome = [Rounds; PACES.len()];

/// Lets them run by turns, in the order A B C, then C B A.
pub fn contest(
    [ours, peer, floor]: [&dyn Runs; 3],
    sequences: &[Vec<u32>],
    timer: Timer,
    rounds: usize,
) -> Outcome {
    PACES.map(|pace| {
        let mut result = Rounds::default();
        let everybody = [ours, peer, floor];
        let ops = everybody.map(|store| ops_of_slice(store, pace, timer, sequences));
        for round in 0..rounds {
            let mut rates = [0.0; 3];
            let mut order = [0, 1, 2];
            if round % 2 == 1 {
                order.reverse();
            }
            for who in order {
                // Another place of the sequence in every round, the same for all.
                let from = round * (OPS / rounds) / 32 * 32;
                rates[who] = rate(everybody[who], pace, timer, sequences, ops[who], from);
            }
            result.ours.push(rates[0]);
            result.peer.push(rates[1]);
            result.floor.push(rates[2]);
        }
        result
    })
}

fn rate(
    store: &dyn Runs,
    pace: Pace,
    timer: Timer,
    sequences: &[Vec<u32>],
    ops: usize,
    from: usize,
) -> f64 {
    let slice = Slice {
        pace,
        timer,
        sequences,
        ops,
        from,
    };
    let all = ops * sequences.len();
    all as f64 / store.run(&slice).as_secs_f64()
}

fn ops_of_slice(store: &dyn Runs, pace: Pace, timer: Timer, sequences: &[Vec<u32>]) -> usize {
    let rate = rate(store, pace, timer, sequences, WARM_UP_OPS, OPS / 2);
    let ops = (rate / sequences.len() as f64 * SLICE_S) as usize;
    ops.clamp(WARM_UP_OPS, OPS / 2) / 32 * 32
}

impl Rounds {
    /// Median ratio of our rate to the peer's, within rounds.
    pub fn to_peer(&self) -> f64 {
        median(self.ours.iter().zip(&self.peer).map(|(a, b)| a / b))
    }

    /// Median ratio of our rate to the floor's, within rounds.
    pub fn to_floor(&self) -> f64 {
        median(self.ours.iter().zip(&self.floor).map(|(a, b)| a / b))
    }
}

/// The median; `NaN` of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
