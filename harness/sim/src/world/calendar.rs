//! A calendar: what is dated, given out in order, at a cost that does not grow with how much there is.
//!
//! ```text
//!  today (in order) │ day │ day │ … 1024 days │ week │ week │ … 1024 weeks │ later (a heap)
//! ```
//!
//! Brown, "Calendar queues", CACM 31 (1988), with two wheels as of Varghese and Lauck, "Hashed and hierarchical timing
//! wheels", SOSP 1987. A day's dates are put in order when it comes, and a week's are spread over its days. Messages come
//! within a few milliseconds and so find their day at once; timeouts find their week; the rest waits in a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use seawall_cluster::Nanos;

/// When something comes, and which. Ordered by time, then by the order in which it was decided, which is why the number
/// of what comes stands in the lowest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub(super) at: Nanos,
    sequence_and_number: u64,
}

/// Bits of the number of what comes: no more than 268 million things wait at once, and 68 billion happen in a run.
const NUMBER_BITS: u32 = 28;

impl Date {
    pub(super) fn new(at: Nanos, sequence: u64, number: usize) -> Date {
        assert!(number < 1 << NUMBER_BITS, "too much waits at once");
        Date {
            at,
            sequence_and_number: sequence << NUMBER_BITS | number as u64,
        }
    }

    pub(super) fn number(self) -> usize {
        (self.sequence_and_number & ((1 << NUMBER_BITS) - 1)) as usize
    }

    fn day(self) -> u64 {
        self.at.0 >> DAY_BITS
    }
}

/// A day has 4096 ns, a week 1024 days: 4 ms.
const DAY_BITS: u32 = 12;
/// Slots of a wheel: days of a week, and weeks until what comes is too far off: 4 s.
const SLOTS: u64 = 1024;

/// Dates in order.
pub(super) struct Calendar {
    /// Today's and those of days before, the next one last.
    today: Vec<Date>,
    /// The day after today.
    tomorrow: u64,
    /// The days from tomorrow on.
    days: Wheel,
    /// The weeks that begin tomorrow or later, with what comes after those days.
    weeks: Wheel,
    /// What comes after those weeks.
    later: BinaryHeap<Reverse<Date>>,
}

impl Calendar {
    pub(super) fn new() -> Calendar {
        Calendar {
            today: Vec::new(),
            tomorrow: 0,
            days: Wheel::new(),
            weeks: Wheel::new(),
            later: BinaryHeap::new(),
        }
    }

    pub(super) fn push(&mut self, date: Date) {
        let day = date.day();
        if day < self.tomorrow {
            let place = self.today.partition_point(|other| *other > date);
            self.today.insert(place, date);
        } else if day < self.tomorrow + SLOTS {
            self.days.put(day, date);
        } else if day / SLOTS < self.tomorrow / SLOTS + SLOTS {
            self.weeks.put(day / SLOTS, date);
        } else {
            self.later.push(Reverse(date));
        }
    }

    /// What comes next.
    pub(super) fn first(&mut self) -> Option<Date> {
        if self.today.is_empty() {
            self.turn_page()?;
        }
        self.today.last().copied()
    }

    /// Takes what [`Calendar::first`] gave.
    pub(super) fn take_first(&mut self) {
        self.today.pop();
    }

    /// Goes on to the next day that has dates.
    fn turn_page(&mut self) -> Option<()> {
        let later = self.later.peek().map(|Reverse(date)| date.day());
        let mut day = earlier(self.days.next(self.tomorrow), later);
        let first_week = self.tomorrow.div_ceil(SLOTS);
        if day.is_none_or(|day| first_week * SLOTS <= day)
            && let Some(week) = self.weeks.next(first_week)
            && day.is_none_or(|day| week * SLOTS <= day)
        {
            self.tomorrow = week * SLOTS;
            for date in self.weeks.take(week) {
                self.days.put(date.day(), date);
            }
            day = earlier(self.days.next(self.tomorrow), later);
        }
        let day = day?;
        self.tomorrow = day + 1;
        self.days.swap(day, &mut self.today);
        while let Some(Reverse(date)) = self.later.peek()
            && date.day() == day
        {
            self.today.push(*date);
            self.later.pop();
        }
        self.today.sort_unstable_by(|one, other| other.cmp(one));
        Some(())
    }
}

/// The earlier of two days, where there is one.
fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Dates by the number of their day or week, of which [`SLOTS`] that follow each other have room.
struct Wheel {
    slots: Vec<Vec<Date>>,
    /// Which of them have dates.
    busy: [u64; (SLOTS / 64) as usize],
}

impl Wheel {
    fn new() -> Wheel {
        Wheel {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            busy: [0; (SLOTS / 64) as usize],
        }
    }

    fn put(&mut self, number: u64, date: Date) {
        let place = (number % SLOTS) as usize;
        self.slots[place].push(date);
        self.busy[place / 64] |= 1 << (place % 64);
    }

    /// Takes the dates of a slot, in no order, and leaves `empty`.
    fn swap(&mut self, number: u64, empty: &mut Vec<Date>) {
        let place = (number % SLOTS) as usize;
        self.busy[place / 64] &= !(1 << (place % 64));
        std::mem::swap(empty, &mut self.slots[place]);
    }

    fn take(&mut self, number: u64) -> Vec<Date> {
        let mut dates = Vec::new();
        self.swap(number, &mut dates);
        dates
    }

    /// The first number from `first` on that has dates.
    fn next(&self, first: u64) -> Option<u64> {
        let words = self.busy.len();
        let from = (first % SLOTS) as usize;
        // The first word twice: its slots from the first on, and at last those that come round again.
        (0..=words).find_map(|step| {
            let word = (from / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (from % 64),
                _ if step == words => !(u64::MAX << (from % 64)),
                _ => u64::MAX,
            };
            let busy = self.busy[word] & mask;
            let place = word as u64 * 64 + u64::from(busy.trailing_zeros());
            let ahead = (place + SLOTS - from as u64) % SLOTS;
            (busy != 0).then(|| first + ahead)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_come_in_order(
            steps in prop::collection::vec(prop_oneof![
                3 => (0u64..3 << DAY_BITS).prop_map(Some),
                2 => (0u64..(2 * SLOTS) << DAY_BITS).prop_map(Some),
                1 => (0u64..(100 * SLOTS) << DAY_BITS).prop_map(Some),
                1 => (0u64..(3 * SLOTS * SLOTS) << DAY_BITS).prop_map(Some),
                6 => Just(None),
            ], 1..300)
        ) {
            let (mut calendar, mut heap) = (Calendar::new(), BinaryHeap::new());
            let mut now = 0;
            for (sequence, step) in (0u64..).zip(steps) {
                if let Some(ahead) = step {
                    let date = Date::new(Nanos(now + ahead), sequence, sequence as usize % 7);
                    calendar.push(date);
                    heap.push(Reverse(date));
                } else {
                    let expected = heap.pop().map(|Reverse(date)| date);
                    prop_assert_eq!(calendar.first(), expected);
                    calendar.take_first();
                    now = expected.map_or(now, |date| date.at.0);
                }
            }
            while let Some(Reverse(expected)) = heap.pop() {
                prop_assert_eq!(calendar.first(), Some(expected));
                calendar.take_first();
            }
            prop_assert_eq!(calendar.first(), None);
        }
    }
}
