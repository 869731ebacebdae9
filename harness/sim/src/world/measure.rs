//! What a run measures as it goes: windows of a tenth of a second, latencies, and when which shard
//! answered.

use std::ops::Range;

use seawall_cluster::Nanos;

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
    shards: Vec<Availability>,
}

impl Measure {
    pub(crate) fn new(shards: u16) -> Measure {
        Measure {
            shards: vec![Availability::default(); usize::from(shards)],
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

    /// An attempt is sent to a shard.
    pub(crate) fn shard_asked(&mut self, now: Nanos, shard: u16) {
        let shard = &mut self.shards[usize::from(shard)];
        shard.asked_since.get_or_insert(now);
    }

    /// A shard answered an attempt.
    pub(crate) fn shard_answered(&mut self, now: Nanos, shard: u16) {
        let shard = &mut self.shards[usize::from(shard)];
        shard.end_down(now);
        shard.last_answer = now;
    }

    /// An attempt that was sent at `sent` timed out or was refused.
    pub(crate) fn shard_failed(&mut self, sent: Nanos, shard: u16) {
        let shard = &mut self.shards[usize::from(shard)];
        if shard.is_gone {
            return;
        }
        shard.last_failed = shard.last_failed.max(sent);
        if shard.last_answer <= sent {
            let since = shard.down_since.get_or_insert(sent);
            *since = sent.min(*since);
        }
    }

    /// From now on there are so many shards of those that there were or will be.
    pub(crate) fn resized(&mut self, now: Nanos, shards: Range<u16>, count: u16) {
        for number in shards {
            let shard = &mut self.shards[usize::from(number)];
            shard.is_gone = number >= count;
            if shard.is_gone {
                shard.end_down(now);
            }
        }
    }

    /// A shard answered too late: it works, and has too much to do.
    pub(crate) fn shard_was_late(&mut self, now: Nanos, shard: u16) {
        self.shards[usize::from(shard)].last_late = now;
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, now: Nanos) {
        for shard in &mut self.shards {
            shard.end_down(now);
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

    /// By shard: when an attempt was sent last that failed.
    pub(crate) fn last_failed(&self) -> impl Iterator<Item = Nanos> {
        self.shards.iter().map(|shard| shard.last_failed)
    }

    /// By shard: when it answered last what nobody waited for any more.
    pub(crate) fn last_late(&self) -> impl Iterator<Item = Nanos> {
        self.shards.iter().map(|shard| shard.last_late)
    }

    /// By shard: when it answered nobody although somebody asked.
    pub(crate) fn down(&self) -> impl Iterator<Item = &[(Nanos, Nanos)]> {
        self.shards.iter().map(|shard| shard.down.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_down_from_the_first_unanswered_attempt_to_the_next_answer() {
        let mut measure = Measure::new(2);
        measure.shard_answered(Nanos(10), 0);
        measure.shard_failed(Nanos(5), 0);
        assert_eq!(
            measure.down().next(),
            Some(&[][..]),
            "it answered after that was sent"
        );
        measure.shard_failed(Nanos(30), 0);
        measure.shard_failed(Nanos(20), 0);
        measure.shard_answered(Nanos(50), 0);
        measure.shard_failed(Nanos(70), 1);
        measure.finish(Nanos(90));
        let down: Vec<_> = measure.down().collect();
        assert_eq!(
            down,
            [&[(Nanos(20), Nanos(50))][..], &[(Nanos(70), Nanos(90))]]
        );
    }
    #[test]
    fn a_shard_that_is_asked_and_silent_is_down_though_nobody_gives_up() {
        let ms = Nanos::from_millis;
        let mut measure = Measure::new(2);
        measure.shard_asked(ms(100), 0);
        measure.shard_asked(ms(300), 0);
        measure.shard_answered(ms(1099), 0);
        assert_eq!(measure.down().next(), Some(&[][..]), "it was slow");
        measure.shard_asked(ms(2000), 0);
        measure.shard_answered(ms(3000), 0);
        measure.shard_asked(ms(4000), 1);
        measure.finish(ms(9000));
        let down: Vec<_> = measure.down().collect();
        assert_eq!(down, [&[(ms(2000), ms(3000))][..], &[(ms(4000), ms(9000))]]);
    }
}
