//! A model of the database behind a cache: rows with versions, a latency, and counts of what was asked.
//!
//! It holds no data: a row's value follows from its number and version. What it is for is what the
//! cache does to it: how many reads pass through, and how they crowd after a failure.

use crate::dist::{Exponential, Rng};

/// A database of one client's rows.
#[derive(Clone, Debug)]
pub struct Database {
    versions: Vec<u32>,
    latency: Latency,
    rng: Rng,
    counts: Counts,
    /// Requests of the application since the window began, and reads in it.
    window: (u64, u64),
}

/// How long a read takes: a part that is always there, and an exponential one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The least, in microseconds.
    pub floor_us: f64,
    /// What comes on top, in microseconds.
    pub beyond_us: Exponential,
}

/// What was asked of the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads, each a miss of the cache.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
    /// The most reads within one window of [`Counts::WINDOW`] requests of the application: the surge,
    /// in a measure that needs no clock.
    pub reads_peak: u64,
}

impl Counts {
    /// How many requests of the application make a window.
    pub const WINDOW: u64 = 1000;
}

/// What a read gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The row's version: how many times it was written.
    pub version: u32,
    /// How long the read takes, in microseconds.
    pub latency_us: u64,
}

impl Database {
    /// `rows` rows that can be written, at version 0. Rows beyond them are there too, read-only.
    pub fn new(rows: u64, latency: Latency, rng: Rng) -> Database {
        Database {
            versions: vec![0; rows as usize],
            latency,
            rng,
            counts: Counts::default(),
            window: (0, 0),
        }
    }

    /// The application had a request to serve, whether it reaches the database or not.
    pub fn request(&mut self) {
        self.window.0 += 1;
        if self.window.0 > Counts::WINDOW {
            self.window = (1, 0);
        }
    }

    /// Reads a row.
    pub fn read(&mut self, row: u64) -> Read {
        self.counts.reads += 1;
        self.window.1 += 1;
        self.counts.reads_peak = self.counts.reads_peak.max(self.window.1);
        Read {
            version: self.version(row),
            latency_us: self.latency.sample(&mut self.rng),
        }
    }

    /// Writes a row and gives its new version.
    ///
    /// # Panics
    /// Where the row is read-only.
    pub fn write(&mut self, row: u64) -> u32 {
        self.counts.writes += 1;
        let version = &mut self.versions[row as usize];
        *version += 1;
        *version
    }

    /// The version of a row, without asking (for checks).
    pub fn version(&self, row: u64) -> u32 {
        self.versions.get(row as usize).copied().unwrap_or(0)
    }

    /// What was asked so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

impl Latency {
    /// Draws a latency, in microseconds.
    pub fn sample(&self, rng: &mut Rng) -> u64 {
        (self.floor_us + self.beyond_us.sample(rng)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_versions() {
        let latency = Latency {
            floor_us: 100.0,
            beyond_us: Exponential::new(400.0),
        };
        let mut db = Database::new(2, latency, Rng::new(1));
        assert_eq!(db.write(1), 1);
        assert_eq!(db.write(1), 2);
        let reads: Vec<Read> = (0..1000).map(|_| db.read(1)).collect();
        assert!(reads.iter().all(|r| r.version == 2 && r.latency_us >= 100));
        let mean = reads.iter().map(|r| r.latency_us).sum::<u64>() / 1000;
        assert!((450..550).contains(&mean), "{mean}");
        assert_eq!(db.read(5).version, 0, "a row beyond the written ones");
        let counts = db.counts();
        assert_eq!((counts.reads, counts.writes), (1001, 2));
    }

    #[test]
    fn the_peak_is_of_one_window() {
        let mut db = Database::new(
            1,
            Latency {
                floor_us: 0.0,
                beyond_us: Exponential::new(0.0),
            },
            Rng::new(1),
        );
        for request in 0..10 * Counts::WINDOW {
            db.request();
            // Every tenth request misses, in the fourth window every second one.
            if request % if request / Counts::WINDOW == 3 { 2 } else { 10 } == 0 {
                db.read(0);
            }
        }
        assert_eq!(db.counts().reads_peak, 500);
    }
}
