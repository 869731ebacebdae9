//! A share of a trace's objects with all their requests: what a smaller cache of the same share sees.
//!
//! An object stays where a hash of its id and the seed falls below the share. So what is told per object
//! (requests, sizes, reuse among its own requests) stays as it is, and distances in distinct objects
//! shrink by the share. Waldspurger et al., FAST 2015, SHARDS, section 3: spatially hashed sampling.
//!
//! The paper hashes keys. What is hashed here is the dense id, the number in order of first sight: a trace is sampled
//! also where it has no keys. The hash is as even over consecutive numbers as over keys, so who stays depends
//! neither on when an object was first seen nor on how often. What is lost: two traces of the same keys do not
//! keep the same ones.

use super::columns::Columns;

/// Chooses objects, and gives those that stay dense ids again.
pub struct Sample {
    seed: u64,
    /// Hashes below it stay.
    threshold: u64,
    /// The new id of each object of the trace and 1; 0 where it does not stay.
    ids: Vec<u32>,
    kept: u32,
    block: Columns,
}

impl Sample {
    /// Keeps about `share` of the objects.
    ///
    /// # Panics
    /// The share is not above 0 and below 1.
    pub fn new(share: f64, seed: u64) -> Sample {
        assert!(share > 0.0 && share < 1.0, "a share of {share}");
        Sample {
            seed,
            threshold: (share * 2f64.powi(64)) as u64,
            ids: Vec::new(),
            kept: 0,
            block: Columns::default(),
        }
    }

    /// How many objects stayed so far.
    pub fn kept(&self) -> u32 {
        self.kept
    }

    /// The requests of a block whose objects stay. Blocks come in the trace's order.
    pub fn of(&mut self, block: &Columns) -> &Columns {
        self.block.clear();
        for (request, &object) in block.objects().iter().enumerate() {
            if object as usize == self.ids.len() {
                let stays = self.stays(object);
                self.kept += u32::from(stays);
                self.ids.push(if stays { self.kept } else { 0 });
            }
            if let Some(id) = self.ids[object as usize].checked_sub(1) {
                self.block.copy(block, request, id);
            }
        }
        &self.block
    }

    fn stays(&self, object: u32) -> bool {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&object.to_le_bytes(), self.seed);
        hash < self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Request, Trace};

    /// Of ten thousand objects at a time, in order of first sight, a tenth stays. Five standard deviations are 150.
    #[test]
    fn when_an_object_was_first_seen_does_not_matter() {
        let trace = Trace::from_keys("t", 0..100_000);
        for seed in 0..20 {
            let mut sample = Sample::new(0.1, seed);
            sample.of(trace.columns());
            for (part, ids) in sample.ids.chunks(10_000).enumerate() {
                let kept = ids.iter().filter(|&&id| id > 0).count();
                assert!(
                    kept.abs_diff(1_000) < 150,
                    "seed {seed}, part {part}: {kept}"
                );
            }
        }
    }

    #[test]
    fn objects_stay_whole_and_in_their_share() {
        let request = |i: u64| Request {
            key: i * i % 9973,
            size: Some(1 + (i * i % 9973) as u32),
            ..Request::default()
        };
        let trace = Trace::from_requests("t", (0..60_000).map(request));
        let mut sample = Sample::new(0.25, 3);
        let kept = sample.of(trace.columns()).clone();
        let share = f64::from(sample.kept()) / f64::from(trace.object_count());
        assert!((share - 0.25).abs() < 0.03, "{share}");
        // An object's size tells which one it is: each that stays has all its requests.
        let count = |sizes: &[u32], size| sizes.iter().filter(|&&found| found == size).count();
        for &size in kept.sizes().iter().take(100) {
            assert_eq!(count(kept.sizes(), size), count(trace.sizes(), size));
        }
        let mut next = 0;
        for &object in kept.objects() {
            assert!(object <= next, "ids are dense");
            next = next.max(object + 1);
        }
        assert_eq!(Sample::new(0.25, 3).of(trace.columns()), &kept);
        assert_ne!(Sample::new(0.25, 4).of(trace.columns()), &kept);
    }
}
