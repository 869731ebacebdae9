//! Traces: recorded requests, read a block at a time or once and kept as dense arrays.
//!
//! ```text
//!   file ── gz, xz, zst, by content ── Format (one file each) ── Builder ── Requests ── Trace
//! ```
//!
//! Both [`Requests`] and [`Trace`] name objects by dense ids, 0 for the first object seen, so that
//! replaying them hashes no key. A file is hostile until read: what is wrong with it is told with file,
//! place and what would have been accepted.

pub mod builder;
pub mod columns;
pub mod error;
pub mod format;
mod ids;
pub mod input;
pub mod monitor;
pub mod requests;
pub mod sample;
pub mod spec;
pub mod spread;
pub mod statistics;
pub mod synthesize;
pub mod write;

use std::path::Path;

pub use columns::{Columns, Op, Request};
pub use error::{Place, TraceError};
pub use format::{Format, LIST};
pub use requests::Requests;
pub use sample::Sample;
pub use spec::FormatSpec;
pub use statistics::Statistics;
pub use synthesize::Synthesis;
pub use write::Output;

use builder::Builder;
use columns::SIZE_NONE;

/// More requests than this do not fit in memory, as a compressed file can hold any number.
pub const REQUESTS_MAX: usize = 500_000_000;
/// Progress is told once in about this many requests.
const PROGRESS_EVERY: u64 = 1 << 18;

/// A trace in memory: request `i` asks for object `objects[i]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    name: String,
    columns: Columns,
    numbers: Vec<u64>,
    object_count: u32,
    footprint_bytes: u64,
}

impl Trace {
    /// Reads the trace at `path`, as `format` or as its name settles. `progress` hears the number of
    /// requests read, every quarter of a million and at the end.
    ///
    /// # Errors
    /// The file cannot be read or is not what the format says, or it is too long for memory.
    pub fn read(
        path: &Path,
        format: Option<&FormatSpec>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Trace, TraceError> {
        let mut requests = Requests::open(path, format)?;
        let mut told = 0;
        while requests.append()? {
            if requests.requests() > REQUESTS_MAX as u64 {
                let what = format!("more than {REQUESTS_MAX} requests");
                return Err(requests.bad(what, "shorter traces; sample this one"));
            }
            if told == 0 {
                requests.reserve();
            }
            if requests.requests() - told >= PROGRESS_EVERY {
                told = requests.requests();
                progress(told);
            }
        }
        progress(requests.requests());
        let (name, builder) = requests.into_builder();
        Ok(Trace::new(name, builder))
    }

    fn new(name: String, builder: Builder) -> Trace {
        Trace {
            name,
            object_count: builder.object_count(),
            footprint_bytes: builder.footprint_bytes(),
            numbers: builder.numbers(),
            columns: builder.columns,
        }
    }

    /// A trace from memory, every object of size 1: for tests, and for synthetic traces.
    pub fn from_keys(name: &str, keys: impl IntoIterator<Item = u64>) -> Trace {
        Trace::from_sized_keys(name, keys.into_iter().map(|key| (key, 1)))
    }

    /// A trace from memory: keys with sizes.
    ///
    /// # Panics
    /// As [`Trace::from_requests`].
    pub fn from_sized_keys(name: &str, requests: impl IntoIterator<Item = (u64, u32)>) -> Trace {
        let request = |(key, size)| Request {
            key,
            size: Some(size),
            ..Request::default()
        };
        Trace::from_requests(name, requests.into_iter().map(request))
    }

    /// A trace from memory.
    ///
    /// # Panics
    /// Some requests have a column that others have not, or a size is [`SIZE_NONE`].
    pub fn from_requests(name: &str, requests: impl IntoIterator<Item = Request>) -> Trace {
        let mut builder = Builder::new();
        for request in requests {
            assert_ne!(request.size, Some(SIZE_NONE), "a size that stands for none");
            builder.push(request);
        }
        builder.settle().expect("requests with the same columns");
        Trace::new(name.to_owned(), builder)
    }

    /// The trace's name: that of its file, without suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All requests.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The dense id of each request's object: below [`Trace::object_count`].
    pub fn objects(&self) -> &[u32] {
        self.columns.objects()
    }

    /// The size in bytes of each request's object at that time; 1 where the format has no sizes.
    pub fn size(&self, request: usize) -> u32 {
        self.columns.size(request)
    }

    /// Sizes in bytes, one per request; empty where the format has none.
    pub fn sizes(&self) -> &[u32] {
        self.columns.sizes()
    }

    /// When each request came, in seconds of whatever epoch; empty where the format has no times.
    pub fn times_s(&self) -> &[u32] {
        self.columns.times_s()
    }

    /// What each request asks for; empty where all are gets.
    pub fn ops(&self) -> &[Op] {
        self.columns.ops()
    }

    /// For how many seconds each request's object lives from then on, 0: for ever; empty where none
    /// ends.
    pub fn ttls_s(&self) -> &[u32] {
        self.columns.ttls_s()
    }

    /// What a request asks for.
    pub fn op(&self, request: usize) -> Op {
        self.ops().get(request).copied().unwrap_or_default()
    }

    /// For how many seconds a request's object lives from then on; 0: for ever.
    pub fn ttl_s(&self, request: usize) -> u32 {
        self.ttls_s().get(request).copied().unwrap_or(0)
    }

    /// Whether every request is a get, and no object ends.
    pub fn is_gets_alone(&self) -> bool {
        self.ops().is_empty() && self.ttls_s().is_empty()
    }

    /// The trace with every request a get, and no object that ends.
    #[must_use]
    pub fn as_gets_alone(mut self) -> Trace {
        self.columns.ops.clear();
        self.columns.ttls_s.clear();
        self
    }

    /// The trace with other sizes: `bytes` tells what a request's object takes by its size and by whether it ends.
    #[must_use]
    pub fn with_sizes(mut self, bytes: impl Fn(u32, bool) -> u64) -> Trace {
        let room = |request| bytes(self.size(request), self.ttl_s(request) > 0);
        let sizes =
            (0..self.len()).map(|request| room(request).min(u64::from(SIZE_NONE) - 1) as u32);
        let sizes: Vec<u32> = sizes.collect();
        // Ids count objects as they are first seen.
        let (mut seen, mut footprint_bytes) = (0, 0);
        for (&object, &size) in self.objects().iter().zip(&sizes) {
            if object == seen {
                seen += 1;
                footprint_bytes += u64::from(size);
            }
        }
        self.footprint_bytes = footprint_bytes;
        self.columns.sizes = sizes;
        self
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no requests.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// How many distinct objects there are.
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
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = input::uncompressed_name(&name);
    let suffixes = LIST
        .iter()
        .flat_map(|format| format.suffixes)
        .chain(&["trace", "bin"]);
    let known = suffixes
        .filter_map(|suffix| stem.strip_suffix(suffix)?.strip_suffix('.'))
        .min_by_key(|stem| stem.len());
    known.unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests;
