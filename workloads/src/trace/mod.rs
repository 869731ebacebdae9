//! Traces: recorded requests, read once and kept as dense arrays.
//!
//! ```text
//!   file ── gz, xz, zst, by content ── Format (one file each) ── Builder ── Trace
//! ```
//!
//! A [`Trace`] names objects by dense ids, 0 for the first object seen, so that replaying it hashes no
//! key. A file is hostile until read: what is wrong with it is told with file, place and what would
//! have been accepted.

pub mod builder;
pub mod error;
pub mod format;
pub mod input;
pub mod spec;

use std::path::Path;

pub use error::{Place, TraceError};
pub use format::{Format, LIST};
pub use spec::FormatSpec;

use input::Input;

/// A trace in memory: request `i` asks for object `objects[i]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    name: String,
    objects: Vec<u32>,
    /// One per request, or none where the format has no sizes.
    sizes: Vec<u32>,
    times_s: Vec<u32>,
    object_count: u32,
    footprint_bytes: u64,
}

impl Trace {
    /// Reads the trace at `path`, as `format` or as its name settles. `progress` hears the number of
    /// requests read, every quarter of a million and at the end.
    ///
    /// # Errors
    /// The file cannot be read or is not what the format says.
    pub fn read(
        path: &Path,
        format: Option<&FormatSpec>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Trace, TraceError> {
        let spec = match format {
            Some(spec) => spec.clone(),
            None => FormatSpec::of_file(path)?,
        };
        let mut input = Input::open(path)?;
        let mut builder = builder::Builder::new(progress);
        (spec.format().read)(&mut input, spec.options(), &mut builder)?;
        if builder.is_empty() {
            return Err(TraceError::Empty {
                file: input.file().to_owned(),
                accepted: spec.format().about,
            });
        }
        Ok(builder.finish(name_of(path)))
    }

    /// A trace from memory, every object of size 1: for tests, and for synthetic traces.
    pub fn from_keys(name: &str, keys: impl IntoIterator<Item = u64>) -> Trace {
        Trace::from_sized_keys(name, keys.into_iter().map(|key| (key, 1)))
    }

    /// A trace from memory: keys with sizes.
    ///
    /// # Panics
    /// There are more requests than [`builder::REQUESTS_MAX`].
    pub fn from_sized_keys(name: &str, requests: impl IntoIterator<Item = (u64, u32)>) -> Trace {
        let mut silent = |_| {};
        let mut builder = builder::Builder::new(&mut silent);
        let input = Input::in_memory(name);
        for (key, size) in requests {
            let pushed = builder.number(&input, key, Some(size), None);
            pushed.expect("a trace from memory is not too long");
        }
        builder.finish(name.to_owned())
    }

    /// The trace's name: that of its file, without suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dense id of each request's object: below [`Trace::object_count`].
    pub fn objects(&self) -> &[u32] {
        &self.objects
    }

    /// The size in bytes of each request's object at that time; 1 where the format has no sizes.
    pub fn size(&self, request: usize) -> u32 {
        self.sizes.get(request).copied().unwrap_or(1)
    }

    /// Sizes in bytes, one per request; empty where the format has none.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// When each request came, in seconds of whatever epoch; empty where the format has no times.
    pub fn times_s(&self) -> &[u32] {
        &self.times_s
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are no requests.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// How many distinct objects there are.
    pub fn object_count(&self) -> u32 {
        self.object_count
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
