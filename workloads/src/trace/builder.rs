//! Requests in, a [`Trace`] out: keys become dense ids in the order in which they are first seen.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Trace;
use super::error::TraceError;
use super::input::Input;

/// More requests than this are refused: 12 bytes each, and a compressed file can hold any number.
pub const REQUESTS_MAX: usize = 500_000_000;
/// Progress is told once in this many requests.
const PROGRESS_EVERY: usize = 1 << 18;

/// Collects requests.
pub struct Builder<'p> {
    /// The standard library's keyed hash: a file cannot be made to collide.
    ids: HashMap<u64, u32>,
    objects: Vec<u32>,
    sizes: Vec<u32>,
    times_s: Vec<u32>,
    footprint_bytes: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl<'p> Builder<'p> {
    pub(super) fn new(progress: &'p mut dyn FnMut(u64)) -> Builder<'p> {
        Builder {
            ids: HashMap::new(),
            objects: Vec::new(),
            sizes: Vec::new(),
            times_s: Vec::new(),
            footprint_bytes: 0,
            progress,
        }
    }

    /// A request for the object numbered `key`. A format gives sizes with all requests or with none,
    /// and likewise times. A size of 0 (a reply without a body) becomes 1: the object takes a place.
    ///
    /// # Errors
    /// There are too many requests, or the size is the largest number, which stands for none.
    pub fn number(
        &mut self,
        input: &Input,
        key: u64,
        size: Option<u32>,
        time_s: Option<u32>,
    ) -> Result<(), TraceError> {
        if self.objects.len() == REQUESTS_MAX {
            let what = format!("more than {REQUESTS_MAX} requests");
            return Err(input.bad_record(0, what, "shorter traces; sample this one"));
        }
        if size == Some(u32::MAX) {
            let what = format!("the size is {}", u32::MAX);
            return Err(input.bad_record(0, what, "sizes below that"));
        }
        let size = size.map(|size| size.max(1));
        let next = self.ids.len() as u32;
        let id = match self.ids.entry(key) {
            Entry::Occupied(id) => *id.get(),
            Entry::Vacant(slot) => {
                self.footprint_bytes += u64::from(size.unwrap_or(1));
                *slot.insert(next)
            }
        };
        self.objects.push(id);
        self.sizes.extend(size);
        self.times_s.extend(time_s);
        if self.objects.len().is_multiple_of(PROGRESS_EVERY) {
            (self.progress)(self.objects.len() as u64);
        }
        Ok(())
    }

    /// A request for the object whose key is `text`, told apart by the text's 64-bit xxh3: among ten
    /// million keys two fall together with a probability of three in a million.
    ///
    /// # Errors
    /// There are too many requests.
    pub fn text(
        &mut self,
        input: &Input,
        text: &[u8],
        size: Option<u32>,
        time_s: Option<u32>,
    ) -> Result<(), TraceError> {
        self.number(input, xxhash_rust::xxh3::xxh3_64(text), size, time_s)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn finish(self, name: String) -> Trace {
        (self.progress)(self.objects.len() as u64);
        Trace {
            name,
            object_count: self.ids.len() as u32,
            objects: self.objects,
            sizes: self.sizes,
            times_s: self.times_s,
            footprint_bytes: self.footprint_bytes,
        }
    }
}
