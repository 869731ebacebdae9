//! Sorted sets: members by score, with rank.
//!
//! A small set is one buffer of bytes in the set's order, searched from its front:
//!
//! ```text
//! ┌─────────────────┬────────────┬────────┬─────────────────┬──
//! │ score, 8 bytes  │ member len │ member │ score, 8 bytes  │ …    little-endian; a length below 128 is
//! └─────────────────┴────────────┴────────┴─────────────────┴──    one byte
//! ```
//!
//! Past a number of members, or with one longer than is allowed ([`Bounds`]), it becomes an `Indexed`
//! set (a roster of members beside a counted tree), and stays one. Equal scores are ordered
//! by the members' bytes. A score is never NaN: callers refuse it where it would arise.

use std::cmp::Ordering;
use std::ops::Range;

use smallvec::SmallVec;

use super::ahead::fetch_front;
use super::indexed_set::Indexed;
use super::limits::Bounds;
use super::{Collection, Limits, Stored, allocation, in_common, length, roster};

/// The bytes of a score.
const SCORE: usize = 8;

/// The order of a set's members: by score, then by their bytes.
pub fn order(a: &(&[u8], f64), b: &(&[u8], f64)) -> Ordering {
    let scores = a.1.partial_cmp(&b.1);
    // Zeros of either sign are equal, so this is not `total_cmp`.
    scores.expect("no score is NaN").then_with(|| a.0.cmp(b.0))
}

/// A sorted set.
#[derive(Clone, Debug, Default)]
pub struct SortedSet {
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Encoding {
    Compact { bytes: Vec<u8>, len: usize },
    Indexed(Box<Indexed>),
}

impl Default for Encoding {
    fn default() -> Encoding {
        Encoding::Compact {
            bytes: Vec::new(),
            len: 0,
        }
    }
}

impl SortedSet {
    /// A set of these members, which come in order and each once.
    pub fn from_ordered<'a>(
        members: impl ExactSizeIterator<Item = (&'a [u8], f64)> + Clone,
        bounds: Bounds,
    ) -> SortedSet {
        let len = members.len();
        let total = members.clone().map(|(member, _)| entry_bytes(member)).sum();
        let fits = bounds.hold(len, total)
            && members
                .clone()
                .all(|(member, _)| member.len() <= bounds.bytes);
        let encoding = if fits {
            let mut bytes = Vec::with_capacity(total);
            for (member, score) in members {
                push_entry(&mut bytes, member, score);
            }
            Encoding::Compact { bytes, len }
        } else {
            let mut set = Indexed::new();
            members.for_each(|(member, score)| set.push(member, score));
            Encoding::Indexed(Box::new(set))
        };
        SortedSet { encoding }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match &self.encoding {
            Encoding::Compact { len, .. } => *len,
            Encoding::Indexed(set) => set.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the set is one buffer.
    pub fn is_compact(&self) -> bool {
        matches!(self.encoding, Encoding::Compact { .. })
    }

    /// The score of `member`.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => find(bytes, member).map(|(_, entry)| entry.score),
            Encoding::Indexed(set) => set.score(member),
        }
    }

    /// How many members come before `member`.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => {
                entries(bytes).position(|entry| entry.member == member)
            }
            Encoding::Indexed(set) => set.rank(member),
        }
    }

    /// Sets the score of `member`; the score that it had. An equal score changes nothing, not even
    /// the sign of a zero. A new member that `bounds` do not allow makes the set an indexed one.
    pub fn insert(&mut self, member: &[u8], score: f64, bounds: Bounds) -> Option<f64> {
        debug_assert!(!score.is_nan(), "callers refuse NaN");
        if let Encoding::Compact { bytes, len } = &mut self.encoding {
            let old = find(bytes, member).map(|(_, entry)| (entry.at, entry.end, entry.score));
            if let Some((at, end, old)) = old {
                if old != score {
                    bytes.drain(at..end);
                    insert_sorted(bytes, member, score);
                }
                return Some(old);
            }
            let total = bytes.len() + entry_bytes(member);
            if member.len() <= bounds.bytes && bounds.hold(*len + 1, total) {
                insert_sorted(bytes, member, score);
                *len += 1;
                return None;
            }
            let mut set = Indexed::new();
            entries(bytes).for_each(|entry| set.push(entry.member, entry.score));
            self.encoding = Encoding::Indexed(Box::new(set));
        }
        match &mut self.encoding {
            Encoding::Indexed(set) => set.insert(member, score),
            Encoding::Compact { .. } => unreachable!("it was just indexed"),
        }
    }

    /// Removes `member`; the score that it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.encoding {
            Encoding::Compact { bytes, len } => {
                let (_, entry) = find(bytes, member)?;
                let (range, score) = (entry.at..entry.end, entry.score);
                bytes.drain(range);
                *len -= 1;
                Some(score)
            }
            Encoding::Indexed(set) => set.remove(member),
        }
    }

    /// Removes the members with ranks in `ranks`; how many there were.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let ranks = ranks.start..ranks.end.min(self.len());
        if ranks.is_empty() {
            return 0;
        }
        match &mut self.encoding {
            Encoding::Compact { bytes, len } => {
                let at = |rank: usize| entries(bytes).nth(rank).map_or(bytes.len(), |e| e.at);
                let gone = at(ranks.start)..at(ranks.end);
                bytes.drain(gone);
                *len -= ranks.len();
            }
            Encoding::Indexed(set) => ranks.clone().for_each(|_| set.remove_rank(ranks.start)),
        }
        ranks.len()
    }

    /// The members with ranks in `ranks` and their scores, in order or from the last to the first.
    pub fn range(&self, ranks: Range<usize>, reverse: bool) -> impl Iterator<Item = (&[u8], f64)> {
        let (bytes, set): (&[u8], _) = match &self.encoding {
            Encoding::Compact { bytes, .. } => (bytes, None),
            Encoding::Indexed(set) => (&[], Some(set)),
        };
        // Entries have no length at their end, so going back needs their places first.
        let mut places: SmallVec<[usize; Bounds::SORTED_SET.entries]> = entries(bytes)
            .map(|entry| entry.at)
            .skip(ranks.start)
            .take(ranks.len())
            .collect();
        if reverse {
            places.reverse();
        }
        let compact = places.into_iter().map(|at| {
            let entry = Entry::read(bytes, at);
            (entry.member, entry.score)
        });
        compact.chain(
            set.into_iter()
                .flat_map(move |set| set.range(ranks.clone(), reverse)),
        )
    }

    /// A part of the members, about `count`, and where to go on: 0 begins and means the end.
    ///
    /// Every member that is there from the first call to the last is shown at least once, whatever
    /// changes in between; a small set is shown whole.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&'a [u8], f64),
    ) -> u64 {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => {
                entries(bytes).for_each(|entry| each(entry.member, entry.score));
                0
            }
            Encoding::Indexed(set) => set.scan(cursor, count, each),
        }
    }

    /// Every member with its score, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.range(0..self.len(), false)
    }

    /// How many members come before the first with a score for which `before` does not hold. It must hold
    /// for the beginning of the set alone.
    pub fn partition_by_score(&self, before: impl Fn(f64) -> bool) -> usize {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => {
                let entries = entries(bytes);
                entries.take_while(|entry| before(entry.score)).count()
            }
            Encoding::Indexed(set) => set.partition_by_score(before),
        }
    }

    /// As [`SortedSet::partition_by_score`], by members: of a set with equal scores.
    pub fn partition_by_member(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => {
                let entries = entries(bytes);
                entries.take_while(|entry| before(entry.member)).count()
            }
            Encoding::Indexed(set) => set.partition_by_name(before),
        }
    }
}

/// An entry of the compact encoding, where it begins and where the next one does.
struct Entry<'a> {
    score: f64,
    member: &'a [u8],
    at: usize,
    end: usize,
}

impl Entry<'_> {
    #[inline]
    fn read(bytes: &[u8], at: usize) -> Entry<'_> {
        let (score, rest) = bytes[at..]
            .split_first_chunk::<SCORE>()
            .expect("an entry begins with its score");
        let (len, before) = length::read(rest.iter());
        let member = at + SCORE + before;
        let end = member + len;
        Entry {
            score: f64::from_le_bytes(*score),
            member: &bytes[member..end],
            at,
            end,
        }
    }
}

fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < bytes.len()).then(|| {
            let entry = Entry::read(bytes, at);
            at = entry.end;
            entry
        })
    })
}

/// The rank of `member` and its entry.
fn find<'a>(bytes: &'a [u8], member: &[u8]) -> Option<(usize, Entry<'a>)> {
    entries(bytes)
        .enumerate()
        .find(|(_, entry)| entry.member == member)
}

/// A score as the compact encoding keeps it: Redis has whole ones as integers there, so a negative zero
/// loses its sign.
fn kept(score: f64) -> f64 {
    score + 0.0
}

/// The bytes that an entry takes.
fn entry_bytes(member: &[u8]) -> usize {
    SCORE + length::size(member.len()) + member.len()
}

fn push_entry(bytes: &mut Vec<u8>, member: &[u8], score: f64) {
    bytes.extend_from_slice(&kept(score).to_le_bytes());
    bytes.extend(length::bytes(member.len()));
    bytes.extend_from_slice(member);
}

fn insert_sorted(bytes: &mut Vec<u8>, member: &[u8], score: f64) {
    let score = kept(score);
    let at = entries(bytes)
        .find(|entry| (entry.score, entry.member) > (score, member))
        .map_or(bytes.len(), |entry| entry.at);
    let groups = length::size(member.len());
    let added = entry_bytes(member);
    let old = bytes.len();
    bytes.resize(old + added, 0);
    bytes.copy_within(at..old, at + added);
    let entry = &mut bytes[at..at + added];
    entry[..SCORE].copy_from_slice(&score.to_le_bytes());
    for i in 0..groups {
        entry[SCORE + i] = length::group(member.len(), i);
    }
    entry[SCORE + groups..].copy_from_slice(member);
}

impl SortedSet {
    /// Asks the processor to fetch what a search reads first.
    pub(super) fn fetch(&self) {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => fetch_front(bytes),
            Encoding::Indexed(set) => set.fetch(),
        }
    }

    /// Begins to look for `member` in a large set.
    pub(super) fn ahead(&self, member: &[u8]) -> Option<roster::Ahead<'_>> {
        match &self.encoding {
            Encoding::Compact { .. } => None,
            Encoding::Indexed(set) => Some(set.ahead(member)),
        }
    }
}

impl Collection for SortedSet {
    fn new(_limits: &Limits) -> SortedSet {
        SortedSet::default()
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn bytes(&self) -> usize {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => allocation(bytes.capacity()),
            Encoding::Indexed(set) => set.bytes(),
        }
    }
    fn dismantle(&mut self, allocations: usize) -> bool {
        match &mut self.encoding {
            Encoding::Compact { .. } => false,
            Encoding::Indexed(set) => set.dismantle(allocations),
        }
    }
    in_common!(SortedSet);
}
