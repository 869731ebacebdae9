//! Bailis et al., "Probabilistically Bounded Staleness": what reads of a part of the replicas see.
//!
//! Their model WARS: a write goes to all replicas and is done when `w` have acknowledged it; a read that begins some time
//! after goes to all and is done when `r` have answered. The four messages of each replica are drawn from the
//! distributions that they fitted to what two companies had measured.

use rand::RngExt;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_least, between, exactly, near, shown};
use crate::random::{Rng, rng_of};

pub(super) static SOURCE: Source = Source {
    about: "Bailis et al., VLDB 2012 and CACM 2014",
    validations: &[
        Validation {
            id: "V14",
            what: "LNKD-SSD, N=3, R=W=1: 99.9th percentiles, and chance of a consistent read at once",
            published: "read and write 0.66 ms; 97.4 %; visible after 1.85 ms",
            tolerance: "latency ±2 %, chance ±0.5 points, visibility ±15 %",
            measure: Measure::By(ssd),
            note: MODEL,
        },
        Validation {
            id: "V15",
            what: "the same, LNKD-DISK",
            published: "0.66 and 10.99 ms; 43.9 %; 45.5 ms",
            tolerance: "as V14",
            measure: Measure::By(disk),
            note: "as V14, whose read it has; the visibility is not held to its tolerance: the published fits themselves give 15 % more than was published",
        },
        Validation {
            id: "V16",
            what: "the same, YMMR, and with W=2",
            published: "5.58 and 10.83 ms, 1364 ms; write with W=2 427 ms",
            tolerance: "as V14",
            measure: Measure::By(yammer),
            note: "as V14; the write with W=1 is not held to its tolerance: the published fits themselves give 3 % more than was published",
        },
        Validation {
            id: "V17",
            what: "stale reads where R + W > N",
            published: "none",
            tolerance: "exact",
            measure: Measure::By(overlapping),
            note: MODEL,
        },
    ],
};

const MODEL: &str =
    "the paper's own model over its published fits: the replication dynamo is not built";

const REPLICAS: usize = 3;
/// So many that the share of consistent reads is known to a tenth of a point, and latencies to a third of a percent.
const TRIALS: usize = 400_000;
const LATENCIES: usize = 8_000_000;

/// A share of Pareto's distribution, the rest exponential; in ms.
#[derive(Clone, Copy)]
struct Fit {
    pareto: f64,
    least: f64,
    shape: f64,
    rate: f64,
}

impl Fit {
    const fn new(pareto: f64, least: f64, shape: f64, rate: f64) -> Fit {
        Fit {
            pareto,
            least,
            shape,
            rate,
        }
    }

    fn draw(&self, rng: &mut Rng) -> f64 {
        let is_pareto = rng.random::<f64>() < self.pareto;
        let uniform = 1.0 - rng.random::<f64>();
        if is_pareto {
            self.least * libm::exp(-libm::log(uniform) / self.shape)
        } else {
            -libm::log(uniform) / self.rate
        }
    }
}

const SSD: Fit = Fit::new(0.9122, 0.235, 10.0, 1.66);
const DISK_WRITE: Fit = Fit::new(0.38, 1.05, 1.51, 0.183);
const YAMMER_WRITE: Fit = Fit::new(0.939, 3.0, 3.35, 0.0028);
const YAMMER: Fit = Fit::new(0.982, 1.5, 3.8, 0.0217);

/// How long after a write was done reads would have had to begin to see it, in ms; in order. `write` is how long a write
/// takes to a replica, `other` every other message.
fn visible_after(seed: u64, write: Fit, other: Fit, r: usize, w: usize) -> Vec<f64> {
    let mut rng = rng_of(seed, "wars", r * REPLICAS + w);
    let mut draw = || {
        let writes: [f64; REPLICAS] = std::array::from_fn(|_| write.draw(&mut rng));
        let mut acknowledged = writes.map(|write| write + other.draw(&mut rng));
        acknowledged.sort_unstable_by(f64::total_cmp);
        let done = acknowledged[w - 1];
        let mut answers = writes.map(|write| {
            let there = other.draw(&mut rng);
            // A read that is there when the write is sees it.
            (there + other.draw(&mut rng), write - done - there)
        });
        answers.sort_unstable_by(|one, next| one.0.total_cmp(&next.0));
        let after = answers[..r].iter().map(|(_, after)| *after);
        after.fold(f64::INFINITY, f64::min)
    };
    let mut after: Vec<f64> = (0..TRIALS).map(|_| draw()).collect();
    after.sort_unstable_by(f64::total_cmp);
    after
}

/// How many of these reads see a write that was done when they began.
fn consistent(visible_after: &[f64]) -> usize {
    visible_after.partition_point(|after| *after <= 0.0)
}

fn consistent_percent(visible_after: &[f64]) -> f64 {
    consistent(visible_after) as f64 * 100.0 / TRIALS as f64
}

/// The 99.9th percentile of the time until `n` replicas have answered, in ms.
///
/// Replicas are alike and independent, so it is a lower percentile of the time of one, which fewer draws tell well.
fn latency(seed: u64, there: Fit, back: Fit, n: usize) -> f64 {
    let mut rng = rng_of(seed, "latency", n);
    let draw = |_| there.draw(&mut rng) + back.draw(&mut rng);
    let mut took: Vec<f64> = (0..LATENCIES).map(draw).collect();
    let at = (share_of_one(n) * LATENCIES as f64) as usize;
    *took.select_nth_unstable_by(at, f64::total_cmp).1
}

/// The chance with which each replica must have answered for `n` of them to have done so with one of 99.9 %.
fn share_of_one(n: usize) -> f64 {
    let chance = |share: f64| match n {
        1 => 1.0 - (1.0 - share).powi(3),
        2 => share.powi(2) * (3.0 - 2.0 * share),
        _ => share.powi(3),
    };
    let (mut least, mut most) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(least, most);
        if chance(middle) < 0.999 {
            least = middle;
        } else {
            most = middle;
        }
    }
    most
}

fn p999(sorted: &[f64]) -> f64 {
    sorted[TRIALS - TRIALS / 1000]
}

fn ssd(seed: u64) -> Vec<ValidationFigure> {
    let after = visible_after(seed, SSD, SSD, 1, 1);
    vec![
        near("read or write, ms", latency(seed, SSD, SSD, 1), 0.66, 0.02),
        between(
            "consistent at once, %",
            consistent_percent(&after),
            96.9,
            97.9,
        ),
        near("visible after, ms", p999(&after), 1.85, 0.15),
    ]
}

fn disk(seed: u64) -> Vec<ValidationFigure> {
    let after = visible_after(seed, DISK_WRITE, SSD, 1, 1);
    vec![
        near("write, ms", latency(seed, DISK_WRITE, SSD, 1), 10.99, 0.02),
        between(
            "consistent at once, %",
            consistent_percent(&after),
            43.4,
            44.4,
        ),
        shown("visible after, ms", p999(&after)),
    ]
}

fn yammer(seed: u64) -> Vec<ValidationFigure> {
    let after = visible_after(seed, YAMMER_WRITE, YAMMER, 1, 1);
    let write = |w| latency(seed, YAMMER_WRITE, YAMMER, w);
    vec![
        near("read, ms", latency(seed, YAMMER, YAMMER, 1), 5.58, 0.02),
        shown("write, ms", write(1)),
        near("visible after, ms", p999(&after), 1364.0, 0.15),
        near("write with W=2, ms", write(2), 427.0, 0.02),
    ]
}

fn overlapping(seed: u64) -> Vec<ValidationFigure> {
    let stale = |r, w| TRIALS - consistent(&visible_after(seed, DISK_WRITE, SSD, r, w));
    let overlapping = [(2, 2), (1, 3), (3, 1)];
    let overlapping =
        overlapping.map(|(r, w)| exactly(format!("R={r}, W={w}, stale"), stale(r, w) as f64, 0.0));
    let apart = at_least("for comparison R=1, W=2, stale", stale(1, 2) as f64, 1.0);
    overlapping.into_iter().chain([apart]).collect()
}
