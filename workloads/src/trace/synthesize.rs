//! Traces that nobody recorded: a stationary twin of a recorded one, or Zipf's law alone.
//!
//! Both are independent references: what is asked for next does not depend on what was asked before. Of a
//! recorded trace the twin keeps popularity by rank, and with each object its sizes, ops and TTLs, since a
//! request of the twin is one of the trace's, drawn at random; and the mean rate. It loses all order:
//! reuse beyond what popularity makes, scans, loops, drift, daily rhythm. In as many requests fewer objects
//! come up, as many an object that was asked for once is not drawn.

use super::Trace;
use super::builder::BLOCK_REQUESTS;
use super::columns::Columns;
use crate::dist::{Rng, Zipf};

/// Draws requests, a block at a time, in the memory that the source takes.
pub struct Synthesis {
    source: Source,
    rng: Rng,
    /// The dense id of each object of the source and 1; 0 where it did not come up yet.
    ids: Vec<u32>,
    seen: u32,
    requests: u64,
    drawn: u64,
    block: Columns,
}

enum Source {
    Twin { trace: Trace, seconds: f64 },
    Zipf { ranks: Zipf, size: u32 },
}

impl Synthesis {
    /// A twin of `trace`, of `requests` requests.
    ///
    /// # Panics
    /// The trace is empty.
    pub fn twin(trace: Trace, requests: u64, seed: u64) -> Synthesis {
        assert!(!trace.is_empty(), "a trace without requests has no twin");
        let times = trace.times_s();
        let span = times.iter().max().zip(times.iter().min());
        let span = span.map_or(0, |(last, first)| last - first);
        let objects = trace.object_count();
        // A request's share of the time that the trace took.
        let seconds = f64::from(span) / trace.len() as f64;
        Synthesis::new(Source::Twin { trace, seconds }, objects, requests, seed)
    }

    /// Objects of `size` bytes, the k-th most popular with a probability proportional to 1 / k to the
    /// power of `exponent`.
    ///
    /// # Panics
    /// There is no object, or the exponent is negative or not finite.
    pub fn zipf(objects: u32, exponent: f64, size: u32, requests: u64, seed: u64) -> Synthesis {
        let ranks = Zipf::new(u64::from(objects), exponent);
        Synthesis::new(Source::Zipf { ranks, size }, objects, requests, seed)
    }

    fn new(source: Source, objects: u32, requests: u64, seed: u64) -> Synthesis {
        Synthesis {
            source,
            rng: Rng::stream(seed, 0, "trace synthesize"),
            ids: vec![0; objects as usize],
            seen: 0,
            requests,
            drawn: 0,
            block: Columns::default(),
        }
    }

    /// How many objects came up so far.
    pub fn objects(&self) -> u32 {
        self.seen
    }

    /// The next requests; `None` when all are drawn.
    pub fn next_block(&mut self) -> Option<&Columns> {
        self.block.clear();
        let count = (self.requests - self.drawn).min(BLOCK_REQUESTS as u64);
        for _ in 0..count {
            self.draw();
            self.drawn += 1;
        }
        (count > 0).then_some(&self.block)
    }

    fn draw(&mut self) {
        match &self.source {
            Source::Twin { trace, seconds } => {
                let request = self.rng.below(trace.len() as u64) as usize;
                let object = trace.objects()[request];
                let id = dense(&mut self.ids, &mut self.seen, object);
                self.block.copy(trace.columns(), request, id);
                if let Some(time) = self.block.times_s.last_mut() {
                    *time = (self.drawn as f64 * seconds) as u32;
                }
            }
            Source::Zipf { ranks, size } => {
                let object = ranks.sample(&mut self.rng) as u32;
                let id = dense(&mut self.ids, &mut self.seen, object);
                self.block.objects.push(id);
                self.block.sizes.push(*size);
            }
        }
    }
}

fn dense(ids: &mut [u32], seen: &mut u32, object: u32) -> u32 {
    let id = &mut ids[object as usize];
    if *id == 0 {
        *seen += 1;
        *id = *seen;
    }
    *id - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Op, Request};

    fn all(mut synthesis: Synthesis) -> Columns {
        let mut whole = Columns::default();
        while let Some(block) = synthesis.next_block() {
            for (request, &object) in block.objects().iter().enumerate() {
                whole.copy(block, request, object);
            }
        }
        whole
    }

    #[test]
    fn a_twin_keeps_popularity_sizes_ops_and_rate() {
        // Half of the requests are for object 0, which is set and large.
        let request = |i: u64| Request {
            key: if i.is_multiple_of(2) { 0 } else { i % 1000 },
            size: Some(if i.is_multiple_of(2) { 500 } else { 10 }),
            time_s: Some(1_000_000 + (i / 100) as u32),
            op: Some(if i.is_multiple_of(2) {
                Op::Set
            } else {
                Op::Get
            }),
            ttl_s: None,
        };
        let trace = Trace::from_requests("t", (0..50_000).map(request));
        let twin = all(Synthesis::twin(trace.clone(), 100_000, 5));
        let large = twin.sizes().iter().filter(|&&size| size == 500).count();
        assert!(large.abs_diff(50_000) < 1000, "{large}");
        for (op, size) in twin.ops().iter().zip(twin.sizes()) {
            assert_eq!(*op == Op::Set, *size == 500);
        }
        assert_eq!(
            twin.times_s().last(),
            Some(&997),
            "twice as long at the same rate"
        );
        assert_eq!(twin, all(Synthesis::twin(trace.clone(), 100_000, 5)));
        assert_ne!(twin, all(Synthesis::twin(trace, 100_000, 6)));
    }

    #[test]
    fn zipf_has_its_law_and_dense_ids() {
        let columns = all(Synthesis::zipf(1000, 1.0, 7, 200_000, 1));
        let mut counts = vec![0u32; 1000];
        let mut next = 0;
        for &object in columns.objects() {
            assert!(object <= next, "ids are dense");
            next = next.max(object + 1);
            counts[object as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // The first rank has 1 / H(1000) of all: 0.1336.
        let first = f64::from(counts[0]) / 200_000.0;
        assert!((first - 0.1336).abs() < 0.005, "{first}");
        assert_eq!(columns.size(0), 7);
    }
}
