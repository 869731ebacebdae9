//! Requests in, [`Columns`] out: keys become dense ids in the order in which they are first seen.

use std::cell::Cell;

use super::columns::{Columns, Request, SIZE_NONE};
use super::ids::{Ids, OBJECTS_MAX};
use super::outline::{Outline, Seconds};

/// A block has about this many requests; a line that stands for several may lengthen it.
pub const BLOCK_REQUESTS: usize = 1 << 16;

/// Collects requests, a block at a time.
pub struct Builder {
    ids: Ids,
    /// Some keys are hashes of texts.
    has_texts: Cell<bool>,
    /// The keys of requests that have no id yet.
    keys: Vec<u64>,
    pub(super) columns: Columns,
    /// How the trace was made, as JSON, where its format tells.
    pub(super) made: Option<String>,
    /// How many requests of the columns are counted below.
    counted: usize,
    requests: usize,
    object_count: u32,
    footprint_bytes: u64,
    /// Some requests are no gets, or end their object.
    tells_more: bool,
    seconds: Seconds,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            ids: Ids::new(),
            has_texts: Cell::new(false),
            keys: Vec::new(),
            columns: Columns::default(),
            made: None,
            counted: 0,
            requests: 0,
            object_count: 0,
            footprint_bytes: 0,
            tells_more: false,
            seconds: Seconds::default(),
        }
    }

    /// A request.
    #[inline]
    pub fn push(&mut self, request: Request) {
        debug_assert_ne!(request.size, Some(SIZE_NONE), "the formats refuse it");
        self.keys.push(request.key);
        self.columns
            .sizes
            .extend(request.size.map(|size| size.max(1)));
        self.columns.times_s.extend(request.time_s);
        self.columns.ops.extend(request.op);
        self.columns.ttls_s.extend(request.ttl_s);
    }

    /// Requests with sizes and times, a column after the other: what binary formats are fast by.
    pub fn extend(
        &mut self,
        keys: impl Iterator<Item = u64>,
        sizes: impl Iterator<Item = u32>,
        times_s: impl Iterator<Item = u32>,
    ) {
        self.keys.extend(keys);
        self.columns.sizes.extend(sizes.map(|size| size.max(1)));
        self.columns.times_s.extend(times_s);
    }

    /// What tells keys that are texts apart: the number that the text is, or its 64-bit xxh3. Among ten
    /// million keys two fall together with a probability of three in a million.
    pub fn text_key(&self, text: &[u8]) -> u64 {
        let is_plain = text.first().is_some_and(|&digit| digit != b'0') || text == b"0";
        let digits = text.iter().all(u8::is_ascii_digit) && is_plain;
        let number = digits.then(|| std::str::from_utf8(text).ok()?.parse().ok());
        number.flatten().unwrap_or_else(|| {
            self.has_texts.set(true);
            xxhash_rust::xxh3::xxh3_64(text)
        })
    }

    /// What is known of all requests so far, and those that were not cleared.
    pub(super) fn into_parts(self, name: String) -> (Outline, Columns) {
        let outline = Outline {
            name,
            requests: self.requests,
            object_count: self.object_count,
            numbers: self.numbers(),
            footprint_bytes: self.footprint_bytes,
            is_gets_alone: !self.tells_more,
            seconds: self.seconds,
        };
        (outline, self.columns)
    }

    /// The key of each object where all are numbers; none where some are texts, or where each key is the id.
    fn numbers(&self) -> Vec<u64> {
        if self.has_texts.get() {
            return Vec::new();
        }
        let keys = self.ids.keys();
        let is_id = |(id, &key): (usize, &u64)| key == id as u64;
        if keys.iter().enumerate().all(is_id) {
            return Vec::new();
        }
        keys
    }

    /// Whether a block is full.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.keys.len() >= BLOCK_REQUESTS
    }

    /// How many requests came so far.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    pub(super) fn object_count(&self) -> u32 {
        self.object_count
    }

    /// Bytes of all objects, each as large as when it was first seen.
    pub(super) fn footprint_bytes(&self) -> u64 {
        self.footprint_bytes
    }

    /// Gives ids to the requests that have none.
    ///
    /// # Errors
    /// There are too many objects, or some requests have a column that others have not; in words.
    pub(super) fn settle(&mut self) -> Result<(), (String, &'static str)> {
        if !self.ids.append(&self.keys, &mut self.columns.objects) {
            let what = format!("more than {OBJECTS_MAX} objects");
            return Err((what, "fewer objects; sample the trace"));
        }
        self.keys.clear();
        self.count();
        match self.columns.uneven(self.columns.objects.len()) {
            Some(column) => {
                let what = format!("some requests have a {column}, others have none");
                Err((what, "the same columns with every request"))
            }
            None => Ok(()),
        }
    }

    /// Forgets the requests, and keeps the ids.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
        self.counted = 0;
    }

    /// Counts the latest requests, and the objects that they bring.
    fn count(&mut self) {
        let start = std::mem::replace(&mut self.counted, self.columns.len());
        self.requests += self.columns.len() - start;
        self.tells_more |= !self.columns.ops.is_empty() || !self.columns.ttls_s.is_empty();
        self.seconds
            .extend(self.columns.times_s.get(start..).unwrap_or_default());
        for request in start..self.columns.len() {
            if self.columns.objects[request] == self.object_count {
                self.object_count += 1;
                self.footprint_bytes += u64::from(self.columns.size(request));
            }
        }
    }
}
