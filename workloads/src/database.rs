//! A model of the database behind a cache: rows with versions, and counts of what was asked.
//!
//! It holds no data: a row's value follows from its number and version. What it is for is what the
//! cache does to it: how many reads pass through, and how they crowd after a failure.

/// A database of one client's rows.
#[derive(Clone, Debug)]
pub struct Database {
    versions: Vec<u32>,
    counts: Counts,
    /// Requests of the application since the window began, and reads in it.
    window: (u64, u64),
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

impl Database {
    /// `rows` rows that can be written, at version 0. Rows beyond them are there too, read-only.
    pub fn new(rows: u64) -> Database {
        Database {
            versions: vec![0; rows as usize],
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

    /// Reads a row: gives its version, how many times it was written.
    pub fn read(&mut self, row: u64) -> u32 {
        self.counts.reads += 1;
        self.window.1 += 1;
        self.counts.reads_peak = self.counts.reads_peak.max(self.window.1);
        self.version(row)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_versions() {
        let mut db = Database::new(2);
        assert_eq!(db.write(1), 1);
        assert_eq!(db.write(1), 2);
        assert!((0..1000).all(|_| db.read(1) == 2));
        assert_eq!(db.read(5), 0, "a row beyond the written ones");
        let counts = db.counts();
        assert_eq!((counts.reads, counts.writes), (1001, 2));
    }

    #[test]
    fn the_peak_is_of_one_window() {
        let mut db = Database::new(1);
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
