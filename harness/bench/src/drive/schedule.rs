//! When ops of an open loop are meant to be sent: a sequence of moments that no server can delay.
//!
//! The one idea: latency is counted from the moment at which an op was *meant* to be sent. A server that
//! stalls delays the sending of later ops too; counted from their sending, its stall would be seen once
//! and not by everyone who would have waited (G. Tene, "How NOT to Measure Latency", 2013: coordinated
//! omission).

use std::time::{Duration, Instant};

use seawall_workloads::dist::{Exponential, Rng};

/// How gaps between ops are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// As independent users come: exponential gaps.
    #[default]
    Poisson,
    /// As a clock ticks.
    Constant,
}

/// One lane's moments.
#[derive(Debug)]
pub(super) struct Schedule {
    next: Instant,
    gap: Gap,
}

#[derive(Debug)]
enum Gap {
    Poisson(Exponential, Rng),
    Constant(Duration),
}

impl Schedule {
    /// The moments of lane `lane` of `lanes`, which together make `rate` ops a second from `begin`.
    pub(super) fn new(
        arrivals: Arrivals,
        rate: u64,
        (lane, lanes): (usize, usize),
        seed: u64,
        begin: Instant,
    ) -> Schedule {
        let mean_s = lanes as f64 / rate as f64;
        match arrivals {
            Arrivals::Poisson => {
                // Lanes that are Poisson are Poisson together.
                let mut rng = Rng::stream(seed, lane as u32, "arrivals");
                let gaps = Exponential::new(mean_s);
                Schedule {
                    next: begin + Duration::from_secs_f64(gaps.sample(&mut rng)),
                    gap: Gap::Poisson(gaps, rng),
                }
            }
            Arrivals::Constant => Schedule {
                // Lanes take turns.
                next: begin + Duration::from_secs_f64(lane as f64 / rate as f64),
                gap: Gap::Constant(Duration::from_secs_f64(mean_s)),
            },
        }
    }

    /// The next moment.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// The next moment where it is not after `now`; the one after it becomes the next.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next;
        if due > now {
            return None;
        }
        self.next += match &mut self.gap {
            Gap::Poisson(gaps, rng) => Duration::from_secs_f64(gaps.sample(rng)),
            Gap::Constant(gap) => *gap,
        };
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(arrivals: Arrivals, lanes: usize) -> Vec<Duration> {
        let begin = Instant::now();
        let mut all = Vec::new();
        for lane in 0..lanes {
            let mut schedule = Schedule::new(arrivals, 10_000, (lane, lanes), 7, begin);
            while let Some(due) = schedule.take(begin + Duration::from_secs(4)) {
                all.push(due - begin);
            }
            assert!(schedule.next() > begin + Duration::from_secs(4));
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn lanes_make_the_rate_together() {
        let ticks = moments(Arrivals::Constant, 4);
        assert!((39_999..=40_001).contains(&ticks.len()), "{}", ticks.len());
        for pair in ticks.windows(2) {
            let gap_us = pair[1].saturating_sub(pair[0]).as_micros();
            assert!((99..=101).contains(&gap_us), "{gap_us}");
        }
        for lanes in [1, 4] {
            // A Poisson count of mean 40,000: five standard deviations are 1,000.
            let count = moments(Arrivals::Poisson, lanes).len();
            assert!((39_000..=41_000).contains(&count), "{count}");
        }
    }

    #[test]
    fn poisson_gaps_vary_as_their_mean() {
        let all = moments(Arrivals::Poisson, 4);
        let gaps: Vec<f64> = all
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]).as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let variation = variance.sqrt() / mean;
        assert!((0.97..1.03).contains(&variation), "{variation}");
    }
}
