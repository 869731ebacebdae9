//! Traces: recorded requests, read a block at a time or once and kept as dense arrays.
//!
//! ```text
//!   file ── gz, xz, zst, by content ── Format (one file each) ── Builder ── Requests ──┬── Trace: in memory
//!                                                                                      └── Stream: read anew each time
//! ```
//!
//! All of [`Requests`], [`Trace`] and [`Stream`] name objects by dense ids, 0 for the first object seen, so that
//! replaying them hashes no key. A file is hostile until read: what is wrong with it is told with file,
//! place and what would have been accepted.

pub mod builder;
pub mod columns;
pub mod error;
pub mod format;
mod ids;
pub mod input;
pub mod monitor;
pub mod outline;
pub mod requests;
pub mod sample;
pub mod spec;
pub mod spread;
pub mod statistics;
pub mod stream;
pub mod synthesize;
pub mod write;

use std::path::Path;

pub use columns::{Columns, Op, Request};
pub use error::{Place, TraceError};
pub use format::{Format, LIST};
use outline::Footprint;
pub use outline::{Outline, Seconds};
pub use requests::Requests;
pub use sample::Sample;
pub use spec::FormatSpec;
pub use statistics::Statistics;
pub use stream::Stream;
pub use synthesize::Synthesis;
pub use write::Output;

use builder::Builder;
use columns::SIZE_NONE;

/// More requests than this are not kept in memory, as a compressed file can hold any number.
pub const REQUESTS_HELD_MAX: usize = 500_000_000;
/// More requests than this are not counted.
pub const REQUESTS_MAX: usize = u32::MAX as usize;
/// Progress is told once in about this many requests.
const PROGRESS_EVERY: u64 = 1 << 18;

/// A trace in memory: request `i` asks for object `objects[i]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    outline: Outline,
    columns: Columns,
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
            requests.must_be_at_most(REQUESTS_HELD_MAX)?;
            if told == 0 {
                requests.reserve();
            }
            requests.make_room()?;
            if requests.requests() - told >= PROGRESS_EVERY {
                told = requests.requests();
                progress(told);
            }
        }
        progress(requests.requests());
        let (outline, columns) = requests.into_parts();
        Ok(Trace { outline, columns })
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
        let (outline, columns) = builder.into_parts(name.to_owned());
        Trace { outline, columns }
    }

    /// What is known of it as a whole.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The trace's name: that of its file, without suffixes.
    pub fn name(&self) -> &str {
        self.outline.name()
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
        self.outline.is_gets_alone()
    }

    /// The trace with every request a get, and no object that ends.
    #[must_use]
    pub fn as_gets_alone(mut self) -> Trace {
        self.columns.keep_gets_alone();
        self.outline.is_gets_alone = true;
        self
    }

    /// The trace with other sizes: `bytes` tells what a request's object takes by its size and by whether it ends.
    #[must_use]
    pub fn with_sizes(mut self, bytes: impl Fn(u32, bool) -> u64) -> Trace {
        self.columns.resize(&bytes);
        let mut footprint = Footprint::default();
        footprint.add(&self.columns);
        self.outline.footprint_bytes = footprint.bytes;
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
        self.outline.object_count()
    }

    /// The number by which the file calls each object; none where that is its id, or where some are called by texts,
    /// for which their ids stand.
    pub fn numbers(&self) -> &[u64] {
        self.outline.numbers()
    }

    /// The bytes of all distinct objects, each as large as when it was first seen.
    pub fn footprint_bytes(&self) -> u64 {
        self.outline.footprint_bytes()
    }
}

/// The name of the trace in a file: the file's, without what tells format and compression.
pub fn name_of(path: &Path) -> String {
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
