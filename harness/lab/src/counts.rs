//! What a replay counts, and of which parts of the trace apart.

use std::ops::Range;

use seawall_workloads::trace::Columns;

use crate::source::Source;

/// Gets and misses, in requests and in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Gets replayed.
    pub requests: u64,
    /// Gets that missed.
    pub misses: u64,
    /// Bytes requested: the size that each request had in the trace, whatever the unit.
    pub bytes_requested: u64,
    /// Bytes of the requests that missed.
    pub bytes_missed: u64,
}

impl Counts {
    /// All requests of a part of `columns`, none of them missed yet.
    pub(crate) fn of(columns: &Columns, part: Range<usize>) -> Counts {
        let requests = part.len() as u64;
        let sizes = columns.sizes().get(part);
        Counts {
            requests,
            bytes_requested: sizes.map_or(requests, |sizes| {
                sizes.iter().map(|&size| u64::from(size)).sum()
            }),
            ..Counts::default()
        }
    }

    /// Misses per request; none where nothing was requested.
    pub fn miss_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.misses as f64 / self.requests as f64)
    }

    /// Counts a get of `size` bytes.
    pub(crate) fn get(&mut self, size: u32) {
        self.requests += 1;
        self.bytes_requested += u64::from(size);
    }

    /// Counts a miss of `size` bytes.
    pub(crate) fn miss(&mut self, size: u32) {
        self.misses += 1;
        self.bytes_missed += u64::from(size);
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.requests += more.requests;
        self.misses += more.misses;
        self.bytes_requested += more.bytes_requested;
        self.bytes_missed += more.bytes_missed;
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(counts: I) -> Counts {
        let mut sum = Counts::default();
        counts.for_each(|part| sum += part);
        sum
    }
}

/// Parts of a trace, one behind the other, that are counted apart: together all of it.
#[derive(Clone, Debug)]
pub struct Parts {
    ends: Vec<usize>,
    /// What each part of a trace in memory counts where all are gets, none of them missed yet.
    requested: Vec<Counts>,
}

impl Parts {
    /// The whole trace.
    pub fn whole<'t>(trace: impl Into<Source<'t>>) -> Parts {
        let source = trace.into();
        Parts::ending(source, vec![source.outline().requests()])
    }

    /// The first `warmup` requests, and the others in `count` parts as long as each other, but for one.
    pub fn new<'t>(trace: impl Into<Source<'t>>, warmup: usize, count: usize) -> Parts {
        let source = trace.into();
        let requests = source.outline().requests();
        let warmup = warmup.min(requests);
        let rest = requests - warmup;
        let count = count.clamp(1, rest.max(1));
        let end = |part: usize| warmup + (rest as u128 * part as u128 / count as u128) as usize;
        Parts::ending(source, (0..=count).map(end).collect())
    }

    fn ending(source: Source<'_>, ends: Vec<usize>) -> Parts {
        let requested = match source {
            Source::Held(trace) => {
                let of_part = |part| Counts::of(trace.columns(), part);
                ranges(&ends).map(of_part).collect()
            }
            Source::Streamed(_) => Vec::new(),
        };
        Parts { ends, requested }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Which requests each part has.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        ranges(&self.ends)
    }

    /// Which of `requests` each part has that has any of them.
    pub(crate) fn within(
        &self,
        requests: Range<usize>,
    ) -> impl Iterator<Item = (usize, Range<usize>)> {
        let overlap =
            move |part: Range<usize>| part.start.max(requests.start)..part.end.min(requests.end);
        let parts = self.ranges().map(overlap).enumerate();
        parts.filter(|(_, range)| !range.is_empty())
    }

    /// Which requests each part of a trace in memory has, and what it counts where all are gets, none of them missed
    /// yet: the same for every cell of a grid, so that it is summed once.
    pub(crate) fn of_gets(&self) -> impl Iterator<Item = (Range<usize>, Counts)> {
        self.ranges().zip(self.requested.iter().copied())
    }
}

fn ranges(ends: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let begins = std::iter::once(0).chain(ends.iter().copied());
    begins.zip(ends).map(|(begin, &end)| begin..end)
}

#[cfg(test)]
mod tests {
    use seawall_workloads::trace::Trace;

    use super::*;

    #[test]
    fn parts_are_the_whole_trace() {
        let trace = Trace::from_keys("t", 0..10);
        let ranges = |parts: Parts| parts.ranges().collect::<Vec<_>>();
        assert_eq!(ranges(Parts::whole(&trace)).first(), Some(&(0..10)));
        assert_eq!(ranges(Parts::new(&trace, 3, 3)), [0..3, 3..5, 5..7, 7..10]);
        assert_eq!(ranges(Parts::new(&trace, 99, 3)), [0..10, 10..10]);
        assert_eq!(ranges(Parts::new(&trace, 9, 5)), [0..9, 9..10]);
    }
}
