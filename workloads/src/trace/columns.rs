//! Requests as columns: an array for what each of them asks, empty where the format does not tell.

use std::collections::TryReserveError;

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Reads the object.
    #[default]
    Get = 0,
    /// Writes the object.
    Set = 1,
    /// Removes the object.
    Delete = 2,
}

/// The words of traces for ops, in lower case: Memcached's, Twitter's, `CacheLib`'s,
/// libCacheSim's.
const WORDS: [(Op, &[&str]); 3] = [
    (Op::Get, &["get", "gets", "get_lease", "read"]),
    (
        Op::Set,
        &[
            "set",
            "set_lease",
            "add",
            "replace",
            "cas",
            "append",
            "prepend",
            "incr",
            "decr",
            "write",
            "update",
        ],
    ),
    (Op::Delete, &["delete", "del"]),
];

impl Op {
    /// Every op, by its number.
    pub const ALL: [Op; 3] = [Op::Get, Op::Set, Op::Delete];
    /// What [`Op::parse`] takes, for messages.
    pub const ACCEPTED: &str = "get, gets, get_lease, read; set, set_lease, add, replace, cas, append, \
                                prepend, incr, decr, write, update; delete, del";

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Op::Get => "get",
            Op::Set => "set",
            Op::Delete => "delete",
        }
    }

    /// The op that a trace calls `word`, in capitals or not.
    pub fn parse(word: &[u8]) -> Option<Op> {
        let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(word);
        let found = WORDS.iter().find(|(_, words)| words.iter().any(is));
        found.map(|(op, _)| *op)
    }
}

/// A request, by a key that is no dense id yet. A format tells sizes with all requests or with none,
/// and so with times, ops and TTLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The number of the object asked for, or a hash of its key.
    pub key: u64,
    /// Bytes, below [`SIZE_NONE`]. 0 (a reply without a body) counts as 1: the object takes a place.
    pub size: Option<u32>,
    /// When it came, in seconds of whatever epoch.
    pub time_s: Option<u32>,
    /// What it asks for.
    pub op: Option<Op>,
    /// For how long the object lives from then on, in seconds; 0 where it has no end.
    pub ttl_s: Option<u32>,
}

/// The size that no object has: it stands for none.
pub const SIZE_NONE: u32 = u32::MAX;

/// Requests by dense ids. Every column but the objects' is as long as theirs, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub(super) objects: Vec<u32>,
    pub(super) sizes: Vec<u32>,
    pub(super) times_s: Vec<u32>,
    pub(super) ops: Vec<Op>,
    pub(super) ttls_s: Vec<u32>,
}

impl Columns {
    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are no requests.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The dense id of each request's object, 0 for the first object of the trace.
    pub fn objects(&self) -> &[u32] {
        &self.objects
    }

    /// Sizes in bytes, from 1; empty where the format has none.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// When each request came, in seconds of whatever epoch; empty where the format has no times.
    pub fn times_s(&self) -> &[u32] {
        &self.times_s
    }

    /// What each request asks for; empty where all are gets.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// For how many seconds each request's object lives from then on, 0: for ever; empty where none
    /// ends.
    pub fn ttls_s(&self) -> &[u32] {
        &self.ttls_s
    }

    /// The size of a request's object in bytes; 1 where the format has no sizes.
    pub fn size(&self, request: usize) -> u32 {
        self.sizes.get(request).copied().unwrap_or(1)
    }

    /// What a request asks for.
    pub fn op(&self, request: usize) -> Op {
        self.ops.get(request).copied().unwrap_or_default()
    }

    /// The seconds that a request gives its object to live, 0: for ever.
    pub fn ttl_s(&self, request: usize) -> u32 {
        self.ttls_s.get(request).copied().unwrap_or(0)
    }

    /// Makes room for so many more requests in the columns that there are, as long as there is memory.
    pub(super) fn try_reserve(&mut self, more: usize) -> Result<(), TryReserveError> {
        fn room<T>(column: &mut Vec<T>, more: usize) -> Result<(), TryReserveError> {
            if column.is_empty() {
                return Ok(());
            }
            column.try_reserve(more)
        }
        room(&mut self.objects, more)?;
        room(&mut self.sizes, more)?;
        room(&mut self.times_s, more)?;
        room(&mut self.ops, more)?;
        room(&mut self.ttls_s, more)
    }

    /// Appends a request of `from`, its object by another id.
    pub(super) fn copy(&mut self, from: &Columns, request: usize, object: u32) {
        self.objects.push(object);
        self.sizes.extend(from.sizes.get(request));
        self.times_s.extend(from.times_s.get(request));
        self.ops.extend(from.ops.get(request));
        self.ttls_s.extend(from.ttls_s.get(request));
    }

    /// Makes every request a get of an object that does not end.
    pub(super) fn keep_gets_alone(&mut self) {
        self.ops.clear();
        self.ttls_s.clear();
    }

    /// Gives each request's object another size: `bytes` tells it by the size that it has and by whether it ends.
    pub(super) fn resize(&mut self, bytes: &dyn Fn(u32, bool) -> u64) {
        let room = |request| bytes(self.size(request), self.ttl_s(request) > 0);
        let most = u64::from(SIZE_NONE) - 1;
        self.sizes = (0..self.len())
            .map(|request| room(request).min(most) as u32)
            .collect();
    }

    pub(super) fn clear(&mut self) {
        self.objects.clear();
        self.sizes.clear();
        self.times_s.clear();
        self.ops.clear();
        self.ttls_s.clear();
    }

    /// The column that some requests have and others have not, where there is one. `requests` is how
    /// many there are.
    pub(super) fn uneven(&self, requests: usize) -> Option<&'static str> {
        let lengths = [
            ("size", self.sizes.len()),
            ("time", self.times_s.len()),
            ("op", self.ops.len()),
            ("ttl", self.ttls_s.len()),
        ];
        let odd = lengths
            .into_iter()
            .find(|&(_, length)| length != 0 && length != requests);
        odd.map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_are_known_by_their_words_in_any_case() {
        assert_eq!(Op::parse(b"GET_LEASE"), Some(Op::Get));
        assert_eq!(Op::parse(b"incr"), Some(Op::Set));
        assert_eq!(Op::parse(b"Delete"), Some(Op::Delete));
        assert_eq!(Op::parse(b"flush"), None);
        let words = WORDS.map(|(_, words)| words.join(", ")).join("; ");
        assert_eq!(words, Op::ACCEPTED);
    }
}
