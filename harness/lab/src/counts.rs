//! What a replay counts.

/// Requests and misses, in requests and in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests replayed.
    pub requests: u64,
    /// Requests that missed.
    pub misses: u64,
    /// Bytes requested: the size that each request had in the trace, whatever the unit.
    pub bytes_requested: u64,
    /// Bytes of the requests that missed.
    pub bytes_missed: u64,
}

impl Counts {
    /// Counts a request of `size` bytes.
    pub(crate) fn request(&mut self, size: u32, hit: bool) {
        self.requests += 1;
        self.bytes_requested += u64::from(size);
        if !hit {
            self.misses += 1;
            self.bytes_missed += u64::from(size);
        }
    }
}
