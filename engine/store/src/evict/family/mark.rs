//! Marks: what a hit leaves behind, as data.
//!
//! A mark is a 32-bit word beside an item. Whoever serves a hit, on whatever core, computes the next
//! mark with [`MarkRule::next`] and stores it; a lost update is a hit that was not counted, never a
//! wrong answer.

use crate::evict::EntryId;
use crate::time::Millis;

/// What a hit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkRule {
    /// Nothing.
    Nothing,
    /// Sets the mark to 1.
    Bit,
    /// Counts up to a limit.
    Count {
        /// The highest mark.
        max: u32,
    },
    /// Buffers the touch for the owner, who calls [`Policy::touch`](crate::evict::Policy::touch).
    Touch,
    /// Stores the time in milliseconds (its low 32 bits).
    Stamp,
    /// Stores the time in seconds, so at most once in a second: for `OBJECT IDLETIME`, where the policy
    /// itself wants nothing.
    Second,
    /// Redis's logarithmic counter: 8 bits of count (`lfu-log-factor` 10) above 16 bits of minutes.
    LogCount,
}

/// The marks of resident objects, wherever the caller keeps them.
pub trait Marks {
    /// The mark of `entry`.
    fn get(&self, entry: EntryId) -> u32;
    /// Sets the mark of `entry`.
    fn set(&self, entry: EntryId, mark: u32);
}

/// The marks of nobody: for a policy that is only asked about itself.
pub(super) struct NoMarks;

impl Marks for NoMarks {
    fn get(&self, _entry: EntryId) -> u32 {
        0
    }

    fn set(&self, _entry: EntryId, _mark: u32) {}
}

impl MarkRule {
    /// Whether marks tell the time. Only then does a policy look at the time that it is told.
    pub fn is_timed(self) -> bool {
        matches!(
            self,
            MarkRule::Stamp | MarkRule::Second | MarkRule::LogCount
        )
    }

    /// The mark after a hit on an object whose mark is `mark`. `random` is any evenly spread word (a
    /// generator's, or a hash of key and time); only [`MarkRule::LogCount`] looks at it.
    #[inline]
    pub fn next(self, mark: u32, now: Millis, random: u32) -> u32 {
        match self {
            MarkRule::Nothing | MarkRule::Touch => mark,
            MarkRule::Bit => 1,
            MarkRule::Count { max } => mark.saturating_add(1).min(max),
            MarkRule::Stamp => now.0 as u32,
            MarkRule::Second => (now.0 / 1000) as u32,
            MarkRule::LogCount => log_count::hit(mark, now, random),
        }
    }
}

/// Redis's counter of `allkeys-lfu` (`evict.c`: `LFULogIncr`, `LFUDecrAndReturn`), in one word.
pub mod log_count {
    use crate::time::Millis;

    /// The count of an object that was just inserted (`LFU_INIT_VAL`).
    pub const INITIAL: u32 = 5;
    const MAX: u32 = 255;
    const LOG_FACTOR: u64 = 10;
    const DECAY_MINUTES: u32 = 1;

    /// The mark of an object that was just inserted.
    pub fn new(now: Millis) -> u32 {
        pack(INITIAL, now)
    }

    /// The count now: one less for every minute since the last hit.
    pub fn decayed(mark: u32, now: Millis) -> u32 {
        let idle_minutes = (minutes(now).wrapping_sub(mark) & 0xffff) / DECAY_MINUTES;
        (mark >> 16).saturating_sub(idle_minutes)
    }

    /// The mark after a hit: one more with probability 1 / (factor × (count − initial) + 1).
    pub(super) fn hit(mark: u32, now: Millis, random: u32) -> u32 {
        let count = decayed(mark, now);
        let base = u64::from(count.saturating_sub(INITIAL));
        let counts = u64::from(random) * (base * LOG_FACTOR + 1) < 1 << 32;
        pack((count + u32::from(counts)).min(MAX), now)
    }

    /// The mark of an object whose count is `count` now.
    pub fn pack(count: u32, now: Millis) -> u32 {
        count << 16 | minutes(now)
    }

    fn minutes(now: Millis) -> u32 {
        (now.0 / 60_000) as u32 & 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_their_rule() {
        let now = Millis(0x1_0000_0007);
        assert_eq!(MarkRule::Nothing.next(3, now, 0), 3);
        assert_eq!(MarkRule::Touch.next(3, now, 0), 3);
        assert_eq!(MarkRule::Bit.next(0, now, 0), 1);
        assert_eq!(MarkRule::Count { max: 3 }.next(2, now, 0), 3);
        assert_eq!(MarkRule::Count { max: 3 }.next(3, now, 0), 3);
        assert_eq!(MarkRule::Stamp.next(0, now, 0), 7);
        assert_eq!(MarkRule::Second.next(0, Millis(7_999), 0), 7);
    }

    #[test]
    fn a_logarithmic_count_rises_by_chance_and_falls_by_the_minute() {
        let start = Millis(0);
        let mark = log_count::new(start);
        assert_eq!(log_count::decayed(mark, start), 5);
        let six = MarkRule::LogCount.next(mark, start, u32::MAX);
        assert_eq!(
            log_count::decayed(six, start),
            6,
            "the first hit always counts"
        );
        let still_six = MarkRule::LogCount.next(six, start, u32::MAX);
        assert_eq!(log_count::decayed(still_six, start), 6);
        let seven = MarkRule::LogCount.next(six, start, u32::MAX / 11);
        assert_eq!(log_count::decayed(seven, start), 7, "one in eleven counts");
        assert_eq!(log_count::decayed(seven, Millis(4 * 60_000)), 3);
        assert_eq!(log_count::decayed(seven, Millis(400 * 60_000)), 0);
        let last_minute = Millis(0xffff * 60_000);
        let mark = log_count::new(last_minute);
        assert_eq!(
            log_count::decayed(mark, last_minute + 120_000),
            3,
            "minutes wrap"
        );
    }
}
