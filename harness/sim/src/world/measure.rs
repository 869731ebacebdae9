//! What a run measures as it goes: windows of a tenth of a second, latencies, and when which shard
//! answered.

use std::ops::Range;

use seawall_cluster::Nanos;

use crate::history::Asked;

/// The width of a window.
pub(crate) const WINDOW_MS: u64 = 100;

/// Who answers nobody for so long although somebody asks is down, however long clients are willing to wait.
const SILENCE: Nanos = Nanos::from_millis(1000);

/// Counts of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) database_reads: u64,
}

/// What a shard is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Anything.
    All,
    /// What changes nothing.
    Reads,
    /// What changes something: a primary that hears too few of its copies refuses these, and reads go on.
    Writes,
}

impl Service {
    /// What an op asks for.
    pub(crate) fn of(asked: &Asked) -> Service {
        if asked.writes() {
            Service::Writes
        } else {
            Service::Reads
        }
    }
}

/// When one shard answered.
#[derive(Clone, Debug, Default)]
struct Availability {
    last_answer: Nanos,
    /// When the first attempt was sent since it answered.
    asked_since: Option<Nanos>,
    /// When the first attempt was sent that failed with no answer of the shard since.
    down_since: Option<Nanos>,
    /// When the last attempt was sent that failed.
    last_failed: Nanos,
    /// When it answered last what nobody waited for any more.
    last_late: Nanos,
    down: Vec<(Nanos, Nanos)>,
    /// It was removed: nobody needs its answer.
    is_gone: bool,
}

impl Availability {
    /// It answered an attempt.
    fn answered(&mut self, now: Nanos) {
        self.end_down(now);
        self.last_answer = now;
    }

    /// An attempt that was sent at `sent` failed.
    fn failed(&mut self, sent: Nanos) {
        if self.is_gone {
            return;
        }
        self.last_failed = self.last_failed.max(sent);
        if self.last_answer <= sent {
            let since = self.down_since.get_or_insert(sent);
            *since = sent.min(*since);
        }
    }

    /// It is down no longer, if it was.
    fn end_down(&mut self, now: Nanos) {
        let in_vain = |since: &Nanos| now.since(*since) >= SILENCE;
        let asked = self.asked_since.take().filter(in_vain);
        let since = self.down_since.take().into_iter().chain(asked).min();
        self.down.extend(since.map(|since| (since, now)));
    }
}

/// All measures of a run.
#[derive(Debug, Default)]
pub(crate) struct Measure {
    windows: Vec<Window>,
    /// How long each op took, in µs, in the order in which they were answered.
    latencies_us: Vec<u32>,
    /// By millisecond: how many ops were answered before it.
    answered_before: Vec<usize>,
    /// By shard: all that it is asked for, reads, and writes, as [`Service`] counts.
    shards: Vec<[Availability; 3]>,
}

impl Measure {
    pub(crate) fn new(shards: u16) -> Measure {
        Measure {
            shards: vec![Default::default(); usize::from(shards)],
            ..Measure::default()
        }
    }

    fn window(&mut self, now: Nanos) -> &mut Window {
        let index = (now.0 / Nanos::from_millis(WINDOW_MS).0) as usize;
        if self.windows.len() <= index {
            self.windows.resize(index + 1, Window::default());
        }
        &mut self.windows[index]
    }

    /// An op was answered after `latency`.
    pub(super) fn answered(&mut self, now: Nanos, latency: Nanos) {
        self.window(now).answered += 1;
        let ms = now.millis().0 as usize;
        if self.answered_before.len() <= ms {
            self.answered_before.resize(ms + 1, self.latencies_us.len());
        }
        // An hour is as long as any op takes.
        let us = u32::try_from(latency.0 / 1000).unwrap_or(u32::MAX);
        self.latencies_us.push(us);
    }

    /// An op was given up.
    pub(super) fn failed(&mut self, now: Nanos) {
        self.window(now).failed += 1;
    }

    /// A read found its key or did not.
    pub(super) fn looked_up(&mut self, now: Nanos, hit: bool) {
        let window = self.window(now);
        if hit {
            window.hits += 1;
        } else {
            window.misses += 1;
        }
    }

    /// The database was read.
    pub(super) fn database_read(&mut self, now: Nanos) {
        self.window(now).database_reads += 1;
    }

    /// Its figures of all that a shard is asked for, and of this service.
    fn both(&mut self, shard: u16, service: Service) -> [&mut Availability; 2] {
        let [all, reads, writes] = &mut self.shards[usize::from(shard)];
        [
            all,
            if service == Service::Writes {
                writes
            } else {
                reads
            },
        ]
    }

    /// An attempt is sent to a shard.
    pub(crate) fn shard_asked(&mut self, now: Nanos, shard: u16, service: Service) {
        for availability in self.both(shard, service) {
            availability.asked_since.get_or_insert(now);
        }
    }

    /// A shard answered an attempt.
    pub(crate) fn shard_answered(&mut self, now: Nanos, shard: u16, service: Service) {
        for availability in self.both(shard, service) {
            availability.answered(now);
        }
    }

    /// An attempt that was sent at `sent` timed out or was refused.
    pub(crate) fn shard_failed(&mut self, sent: Nanos, shard: u16, service: Service) {
        for availability in self.both(shard, service) {
            availability.failed(sent);
        }
    }

    /// From now on there are so many shards of those that there were or will be.
    pub(crate) fn resized(&mut self, now: Nanos, shards: Range<u16>, count: u16) {
        for number in shards {
            for availability in &mut self.shards[usize::from(number)] {
                availability.is_gone = number >= count;
                if availability.is_gone {
                    availability.end_down(now);
                }
            }
        }
    }

    /// A shard answered too late: it works, and has too much to do.
    pub(crate) fn shard_was_late(&mut self, now: Nanos, shard: u16) {
        self.shards[usize::from(shard)][Service::All as usize].last_late = now;
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, now: Nanos) {
        for availability in self.shards.iter_mut().flatten() {
            availability.end_down(now);
        }
    }

    /// The windows from the beginning.
    pub(crate) fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// How long each op took that was answered in these milliseconds, in µs.
    pub(crate) fn latencies_us(&self, ms: Range<u64>) -> &[u32] {
        let before = |ms: u64| {
            let known = self.answered_before.get(ms as usize);
            known.copied().unwrap_or(self.latencies_us.len())
        };
        &self.latencies_us[before(ms.start)..before(ms.end.max(ms.start))]
    }

    fn by_shard(&self, service: Service) -> impl Iterator<Item = &Availability> {
        self.shards
            .iter()
            .map(move |shard| &shard[service as usize])
    }

    /// By shard: when an attempt was sent last that failed.
    pub(crate) fn last_failed(&self) -> impl Iterator<Item = Nanos> {
        self.by_shard(Service::All).map(|shard| shard.last_failed)
    }

    /// By shard: when it answered last what nobody waited for any more.
    pub(crate) fn last_late(&self) -> impl Iterator<Item = Nanos> {
        self.by_shard(Service::All).map(|shard| shard.last_late)
    }

    /// By shard: when it answered nobody although somebody asked for this service.
    pub(crate) fn down(&self, service: Service) -> impl Iterator<Item = &[(Nanos, Nanos)]> {
        self.by_shard(service).map(|shard| shard.down.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::Service::{All, Reads, Writes};
    use super::*;

    #[test]
    fn a_shard_is_down_from_the_first_unanswered_attempt_to_the_next_answer() {
        let mut measure = Measure::new(2);
        measure.shard_answered(Nanos(10), 0, Reads);
        measure.shard_failed(Nanos(5), 0, Reads);
        assert_eq!(
            measure.down(All).next(),
            Some(&[][..]),
            "it answered after that was sent"
        );
        measure.shard_failed(Nanos(30), 0, Reads);
        measure.shard_failed(Nanos(20), 0, Reads);
        measure.shard_answered(Nanos(50), 0, Reads);
        measure.shard_failed(Nanos(70), 1, Reads);
        measure.finish(Nanos(90));
        let down: Vec<_> = measure.down(All).collect();
        assert_eq!(
            down,
            [&[(Nanos(20), Nanos(50))][..], &[(Nanos(70), Nanos(90))]]
        );
    }

    #[test]
    fn a_shard_that_is_asked_and_silent_is_down_though_nobody_gives_up() {
        let ms = Nanos::from_millis;
        let mut measure = Measure::new(2);
        measure.shard_asked(ms(100), 0, Reads);
        measure.shard_asked(ms(300), 0, Reads);
        measure.shard_answered(ms(1099), 0, Reads);
        assert_eq!(measure.down(All).next(), Some(&[][..]), "it was slow");
        measure.shard_asked(ms(2000), 0, Reads);
        measure.shard_answered(ms(3000), 0, Reads);
        measure.shard_asked(ms(4000), 1, Reads);
        measure.finish(ms(9000));
        let down: Vec<_> = measure.down(All).collect();
        assert_eq!(down, [&[(ms(2000), ms(3000))][..], &[(ms(4000), ms(9000))]]);
    }

    #[test]
    fn a_shard_that_only_reads_is_down_to_those_who_write() {
        let ms = Nanos::from_millis;
        let mut measure = Measure::new(1);
        measure.shard_answered(ms(10), 0, Writes);
        measure.shard_failed(ms(20), 0, Writes);
        measure.shard_answered(ms(25), 0, Reads);
        measure.shard_failed(ms(30), 0, Writes);
        measure.shard_answered(ms(50), 0, Writes);
        let down = |service| measure.down(service).next().expect("a shard");
        assert_eq!(down(Writes), [(ms(20), ms(50))]);
        assert_eq!(down(All), [(ms(20), ms(25)), (ms(30), ms(50))]);
        assert_eq!(down(Reads), []);
    }
}
