//! What a replay counts.

use seawall_workloads::trace::Trace;

/// Gets and misses, in requests and in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Gets replayed.
    pub requests: u64,
    /// Gets that missed.
    pub misses: u64,
    /// Bytes requested: the size that each request had in the trace, whatever the unit.
    pub bytes_requested: u64,
    /// Bytes of the requests that missed.
    pub bytes_missed: u64,
}

impl Counts {
    /// All requests of `trace`, none of them missed yet.
    pub(crate) fn of(trace: &Trace) -> Counts {
        let sizes = trace.sizes();
        Counts {
            requests: trace.len() as u64,
            bytes_requested: match sizes.len() {
                0 => trace.len() as u64,
                _ => sizes.iter().map(|&size| u64::from(size)).sum(),
            },
            ..Counts::default()
        }
    }

    /// Counts a get of `size` bytes.
    pub(crate) fn get(&mut self, size: u32) {
        self.requests += 1;
        self.bytes_requested += u64::from(size);
    }

    /// Counts a miss of `size` bytes.
    pub(crate) fn miss(&mut self, size: u32) {
        self.misses += 1;
        self.bytes_missed += u64::from(size);
    }
}
