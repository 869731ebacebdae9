//! What is known of a trace as a whole, without its requests.

use super::columns::Columns;

/// A trace's outline: its name, how much there is of it, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    pub(super) name: String,
    pub(super) requests: usize,
    pub(super) object_count: u32,
    pub(super) numbers: Vec<u64>,
    pub(super) footprint_bytes: u64,
    pub(super) is_gets_alone: bool,
    pub(super) seconds: Seconds,
}

impl Outline {
    /// The trace's name: that of its file, without suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many requests there are.
    pub fn requests(&self) -> usize {
        self.requests
    }

    /// How many distinct objects there are: ids are below it.
    pub fn object_count(&self) -> u32 {
        self.object_count
    }

    /// The number by which the file calls each object; none where that is its id, or where some are called by texts,
    /// for which their ids stand.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The bytes of all distinct objects, each as large as when it was first seen.
    pub fn footprint_bytes(&self) -> u64 {
        self.footprint_bytes
    }

    /// Whether every request is a get, and no object ends.
    pub fn is_gets_alone(&self) -> bool {
        self.is_gets_alone
    }

    /// When its requests came.
    pub fn seconds(&self) -> &Seconds {
        &self.seconds
    }
}

/// The bytes of distinct objects, each as large as when it was first seen.
#[derive(Default)]
pub(super) struct Footprint {
    /// How many objects were seen.
    seen: u32,
    pub(super) bytes: u64,
}

impl Footprint {
    /// Requests that come behind those that were added.
    pub(super) fn add(&mut self, columns: &Columns) {
        for (request, &object) in columns.objects().iter().enumerate() {
            // Ids count objects as they are first seen.
            if object == self.seen {
                self.seen += 1;
                self.bytes += u64::from(columns.size(request));
            }
        }
    }
}

/// The second of each request, where time never goes back: a word or two for each second of the trace, not for each
/// request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// Each second that has requests, and how many there were by its end.
    runs: Vec<(u32, u32)>,
}

impl Seconds {
    /// Requests of these seconds come behind those that are known.
    pub(super) fn extend(&mut self, times_s: &[u32]) {
        for &time in times_s {
            match self.runs.last_mut() {
                Some((second, end)) if time <= *second => *end += 1,
                last => {
                    let end = last.map_or(0, |last| last.1);
                    self.runs.push((time, end + 1));
                }
            }
        }
    }

    /// Each second that has requests, and how many there were by its end; none where the trace has no times.
    pub fn runs(&self) -> &[(u32, u32)] {
        &self.runs
    }
}
