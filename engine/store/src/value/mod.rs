//! What a key may hold.
//!
//! Strings live in the item itself. A collection (hash, list, set, sorted set) is a Rust value that the shard
//! owns; the item holds its number. Each keeps its own count of bytes, so that `maxmemory` sees it.

mod ahead;
pub mod hash;
pub mod hyperloglog;
mod indexed_set;
mod length;
pub mod limits;
pub mod list;
mod rank_tree;
mod roster;
pub mod set;
pub mod sorted_set;

pub use hash::Hash;
pub use limits::Limits;
pub use list::List;
pub(crate) use roster::Ahead;
pub(crate) use roster::names::seed as seed_names;
pub use set::Set;
pub use sorted_set::SortedSet;

/// The kinds of value, as `TYPE` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// A hash.
    Hash,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    SortedSet,
}

impl Kind {
    /// Its name in `TYPE`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Hash => "hash",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
        }
    }
}

/// What a key holds, to read.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A string.
    String(&'a [u8]),
    /// A hash.
    Hash(&'a Hash),
    /// A list.
    List(&'a List),
    /// A set.
    Set(&'a Set),
    /// A sorted set.
    SortedSet(&'a SortedSet),
}

impl Value<'_> {
    /// Its kind.
    pub fn kind(self) -> Kind {
        match self {
            Value::String(_) => Kind::String,
            Value::Hash(_) => Kind::Hash,
            Value::List(_) => Kind::List,
            Value::Set(_) => Kind::Set,
            Value::SortedSet(_) => Kind::SortedSet,
        }
    }
}

/// Any collection, owned.
#[derive(Clone, Debug)]
pub enum Stored {
    /// A hash.
    Hash(Hash),
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A sorted set.
    SortedSet(SortedSet),
}

impl Stored {
    /// The bytes that it takes on the heap.
    pub fn bytes(&self) -> usize {
        match self {
            Stored::Hash(hash) => hash.bytes(),
            Stored::List(list) => list.bytes(),
            Stored::Set(set) => set.bytes(),
            Stored::SortedSet(set) => set.bytes(),
        }
    }

    /// Frees a part of a collection that nobody reads any more: see [`Collection::dismantle`].
    pub fn dismantle(&mut self, allocations: usize) -> bool {
        match self {
            Stored::Hash(hash) => hash.dismantle(allocations),
            Stored::List(list) => list.dismantle(allocations),
            Stored::Set(set) => set.dismantle(allocations),
            Stored::SortedSet(set) => set.dismantle(allocations),
        }
    }

    /// The collection, to read.
    pub fn value(&self) -> Value<'_> {
        match self {
            Stored::Hash(hash) => Value::Hash(hash),
            Stored::List(list) => Value::List(list),
            Stored::Set(set) => Value::Set(set),
            Stored::SortedSet(set) => Value::SortedSet(set),
        }
    }
}

/// A collection that a key may hold.
pub trait Collection: Sized {
    /// An empty one, that is made under these limits.
    fn new(limits: &Limits) -> Self;
    /// Whether nothing is left: an empty collection is removed with its key.
    fn is_empty(&self) -> bool;
    /// The bytes that it takes on the heap, in constant time.
    fn bytes(&self) -> usize;
    /// Frees a part of a collection that nobody reads any more, so that it needs not be dropped at once: about
    /// so many allocations, or a few large ones. Whether more than that many remain; what is left otherwise is
    /// to be dropped.
    fn dismantle(&mut self, allocations: usize) -> bool {
        let _ = allocations;
        false
    }
    /// This collection in the common type.
    fn into_stored(self) -> Stored;
    /// The common type as this collection, where it is one.
    fn of(stored: &Stored) -> Option<&Self>;
    /// As [`Collection::of`], to change.
    fn of_mut(stored: &mut Stored) -> Option<&mut Self>;
}

/// What a collection says of its place in the common type.
macro_rules! in_common {
    ($kind:ident) => {
        fn into_stored(self) -> Stored {
            Stored::$kind(self)
        }
        fn of(stored: &Stored) -> Option<&Self> {
            match stored {
                Stored::$kind(collection) => Some(collection),
                _ => None,
            }
        }
        fn of_mut(stored: &mut Stored) -> Option<&mut Self> {
            match stored {
                Stored::$kind(collection) => Some(collection),
                _ => None,
            }
        }
    };
}
use in_common;

/// What the allocator takes for `len` bytes: four sizes between a power of two and the next one, and multiples
/// of 16. (mimalloc's and jemalloc's size classes; what is larger than a page of memory or two is taken in pages.)
#[inline]
fn allocation(len: usize) -> usize {
    if len <= 64 {
        return len.next_multiple_of(16);
    }
    let step = 1 << ((len - 1).ilog2() - 2);
    len.next_multiple_of(step.min(PAGE_BYTES))
}

/// The unit in which memory is taken from the system.
const PAGE_BYTES: usize = 4096;
