//! What goes over the network: counts, and rates over the last moments.
//!
//! Workers count; one of them samples the sums a few times a second, and a rate is the mean of the last
//! samples, as Redis has it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use seawall_store::Millis;

/// Samples that a rate is the mean of.
const SAMPLES: usize = 16;
/// Between two samples.
const SAMPLE_MS: u64 = 100;

/// Counts of one kind of event.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts so many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Counts of one worker, or of all.
#[derive(Debug, Default)]
pub struct Counts {
    /// Clients that came.
    pub accepted: Counter,
    /// Clients that were turned away.
    pub rejected: Counter,
    /// Clients that were closed since all together took too much memory.
    pub evicted: Counter,
    /// Times that bytes came.
    pub reads: Counter,
    /// Bytes that came.
    pub input_bytes: Counter,
    /// Times that bytes were sent.
    pub writes: Counter,
    /// Bytes that were sent.
    pub output_bytes: Counter,
}

impl Counts {
    fn each(&self) -> [&Counter; 7] {
        [
            &self.accepted,
            &self.rejected,
            &self.evicted,
            &self.reads,
            &self.input_bytes,
            &self.writes,
            &self.output_bytes,
        ]
    }
}

/// How much a second, over the last moments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Commands.
    pub commands: f64,
    /// Bytes that came.
    pub input_bytes: f64,
    /// Bytes that were sent.
    pub output_bytes: f64,
}

#[derive(Debug, Default)]
struct Samples {
    at: Option<Millis>,
    last: [u64; 3],
    rates: [[f64; SAMPLES]; 3],
    next: usize,
}

/// What goes over the network.
#[derive(Debug)]
pub struct Traffic {
    workers: Vec<Counts>,
    samples: Mutex<Samples>,
}

impl Traffic {
    /// Nothing yet.
    pub fn new(workers: usize) -> Traffic {
        Traffic {
            workers: (0..workers).map(|_| Counts::default()).collect(),
            samples: Mutex::default(),
        }
    }

    /// The counts of a worker.
    pub fn of(&self, worker: usize) -> &Counts {
        &self.workers[worker]
    }

    /// The counts of all.
    pub fn sum(&self) -> Counts {
        let sum = Counts::default();
        for counts in &self.workers {
            for (all, own) in sum.each().into_iter().zip(counts.each()) {
                all.add(own.get());
            }
        }
        sum
    }

    /// Takes a sample, where it is time for one; `commands` were called so far.
    pub fn sample(&self, commands: u64, now: Millis) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed_ms = match samples.at {
            Some(at) if now.since(at) < SAMPLE_MS => return,
            Some(at) => now.since(at),
            None => 0,
        };
        let sum = self.sum();
        let counts = [commands, sum.input_bytes.get(), sum.output_bytes.get()];
        if elapsed_ms > 0 {
            let next = samples.next;
            for (kind, count) in counts.into_iter().enumerate() {
                let more = count.saturating_sub(samples.last[kind]);
                samples.rates[kind][next] = more as f64 * 1000.0 / elapsed_ms as f64;
            }
            samples.next = (next + 1) % SAMPLES;
        }
        samples.last = counts;
        samples.at = Some(now);
    }

    /// How much a second.
    pub fn rates(&self) -> Rates {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = |kind: usize| samples.rates[kind].iter().sum::<f64>() / SAMPLES as f64;
        Rates {
            commands: mean(0),
            input_bytes: mean(1),
            output_bytes: mean(2),
        }
    }

    /// Counts from nothing again.
    pub fn reset(&self) {
        let counters = self.workers.iter().flat_map(Counts::each);
        counters.for_each(Counter::clear);
        *self.samples.lock().unwrap_or_else(PoisonError::into_inner) = Samples::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_the_last_samples() {
        let traffic = Traffic::new(2);
        traffic.sample(0, Millis(1000));
        for tick in 1..=SAMPLES as u64 {
            traffic.of(tick as usize % 2).input_bytes.add(100);
            traffic.sample(tick * 10, Millis(1000 + tick * SAMPLE_MS));
            // Too early for another.
            traffic.sample(tick * 20, Millis(1001 + tick * SAMPLE_MS));
        }
        let rates = traffic.rates();
        assert_eq!((rates.commands, rates.input_bytes), (100.0, 1000.0));
        assert_eq!(traffic.sum().input_bytes.get(), 1600);
        traffic.reset();
        assert_eq!(traffic.rates(), Rates::default());
        assert_eq!(traffic.sum().input_bytes.get(), 0);
    }
}
