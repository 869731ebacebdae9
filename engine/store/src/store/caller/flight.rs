//! Flights: questions on their way to owners, by number, and what they may change until they land.

use rapidhash::v3::rapidhash_v3;
use smallvec::SmallVec;

use crate::command::Keys;
use crate::keyspace::Touched;
use crate::mem::{AHEAD_BYTES_MAX, HEADER_BYTES};
use crate::op::Op;
use crate::store::link::TOUCHES;

/// Who an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Whose {
    /// The caller's, by its tag.
    Tag(u64),
    /// The caller's, by its place in line.
    Line(u64),
    /// A part of something that goes over several shards.
    Job { job: u32, part: u32 },
}

/// What an op on its way may change, or is to be ordered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Mark {
    Nothing,
    /// Keys of this class of hashes.
    Class(u8),
    /// Any key of the shard.
    All,
}

impl Mark {
    /// Of an op: one read of a key is to be ordered with another, so reads count too.
    #[inline]
    pub(super) fn of(op: &Op) -> Mark {
        if op.command().keys == Keys::ONE
            && let Some(key) = op.get(0)
        {
            return Mark::Class(class(key));
        }
        let mut keys = op.keys();
        match (keys.next(), keys.next()) {
            (None, _) if !op.command().flags.writes() => Mark::Nothing,
            (Some(key), None) => Mark::Class(class(key)),
            _ => Mark::All,
        }
    }
}

#[inline]
fn class(key: &[u8]) -> u8 {
    rapidhash_v3(key) as u8
}

/// What a caller keeps for each shard.
pub(super) struct Side {
    /// Whether the caller's worker owns the shard.
    pub(super) is_own: bool,
    /// For each class of hashes, how many ops on their way mean such a key.
    classes: [u32; 256],
    /// How many ops on their way may mean any key.
    all: u32,
    /// How many ops on their way there are of both.
    marked: u32,
    /// How much of an item is fetched ahead: as much as the last one had, since a shard's are often alike.
    pub(super) ahead_bytes: usize,
    pub(super) touched: SmallVec<[Touched; TOUCHES]>,
    pub(super) hits: u32,
    pub(super) misses: u32,
}

impl Side {
    pub(super) fn new(is_own: bool) -> Side {
        Side {
            is_own,
            classes: [0; 256],
            all: 0,
            marked: 0,
            ahead_bytes: 1,
            touched: SmallVec::new(),
            hits: 0,
            misses: 0,
        }
    }

    /// The next item is to be fetched like one whose key and value together have so many bytes.
    #[inline]
    pub(super) fn expects(&mut self, body_bytes: usize) {
        let bytes = (HEADER_BYTES + body_bytes).min(AHEAD_BYTES_MAX);
        // Seldom another, so that who looks at it waits for no item.
        if bytes != self.ahead_bytes {
            self.ahead_bytes = bytes;
        }
    }

    /// Whether an op on its way means `key`, perhaps: then `key` is read behind it, through the ring.
    #[inline]
    pub(super) fn is_marked(&self, key: &[u8]) -> bool {
        self.marked > 0 && (self.all > 0 || self.classes[usize::from(class(key))] > 0)
    }

    pub(super) fn begin(&mut self, mark: Mark) {
        self.marked += u32::from(mark != Mark::Nothing);
        match mark {
            Mark::Nothing => {}
            Mark::Class(class) => self.classes[usize::from(class)] += 1,
            Mark::All => self.all += 1,
        }
    }

    pub(super) fn end(&mut self, mark: Mark) {
        self.marked -= u32::from(mark != Mark::Nothing);
        match mark {
            Mark::Nothing => {}
            Mark::Class(class) => self.classes[usize::from(class)] -= 1,
            Mark::All => self.all -= 1,
        }
    }
}

/// A question on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) whose: Whose,
    pub(super) shard: usize,
    pub(super) mark: Mark,
}

/// Questions by number. A number's upper half tells apart those that had the same lower half.
#[derive(Default)]
pub(super) struct Flights {
    seats: Vec<(u32, Option<Flight>)>,
    free: Vec<u32>,
}

impl Flights {
    pub(super) fn begin(&mut self, flight: Flight) -> u64 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.seats.push((0, None));
            self.seats.len() as u32 - 1
        });
        let (generation, seat) = &mut self.seats[at as usize];
        *seat = Some(flight);
        u64::from(*generation) << 32 | u64::from(at)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Flight> {
        let (generation, seat) = self.seats.get_mut(number as u32 as usize)?;
        (u64::from(*generation) == number >> 32)
            .then_some(seat.as_mut())
            .flatten()
    }

    pub(super) fn end(&mut self, number: u64) -> Option<Flight> {
        self.get_mut(number)?;
        let at = number as u32;
        let (generation, seat) = &mut self.seats[at as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(at);
        seat.take()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// The numbers of those for which `is_meant` holds.
    pub(super) fn find(&self, is_meant: impl Fn(&Flight) -> bool) -> Vec<u64> {
        let numbered = self.seats.iter().enumerate();
        let meant = numbered.filter(|(_, (_, seat))| seat.as_ref().is_some_and(&is_meant));
        meant
            .map(|(at, (generation, _))| u64::from(*generation) << 32 | at as u64)
            .collect()
    }
}
