//! Snapshots in the midst of a cell: when the target was writing one, and what one that it was asked for came to.
//!
//! The one idea: what a snapshot takes is seen from outside, by the target's files and its memory, so that it is seen in
//! the same way whoever makes it; the disk is asked for as much in the same run.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::target::{Endpoint, SaveWeight};

/// Looks while the clock runs whether the target is writing a snapshot, and asks for one where that is wanted.
pub(crate) struct Watch {
    looks: bool,
    /// When the target is to be asked for a snapshot.
    ask_at: Option<Duration>,
    /// What is seen of that one.
    asked: Option<Asked>,
    /// Since when one is being written.
    since: Option<Duration>,
    saving: Vec<(Duration, Duration)>,
}

/// What a snapshot that was asked for came to.
pub(crate) struct Weighed {
    time: Duration,
    pub(crate) bytes: u64,
    /// Memory of the target before, and what it took besides.
    resident_bytes: u64,
    extra_bytes: u64,
}

/// A snapshot that was asked for.
struct Asked {
    at: Duration,
    /// Memory of the target then, and the most since.
    resident_bytes: u64,
    most_bytes: u64,
}

impl Watch {
    /// Looks where there is a time line or a snapshot is to be asked for, `ask_at` after the start.
    pub(crate) fn new(has_timeline: bool, ask_at: Option<Duration>) -> Watch {
        Watch {
            looks: has_timeline || ask_at.is_some(),
            ask_at,
            asked: None,
            since: None,
            saving: Vec::new(),
        }
    }

    /// Looks at the target, whose clock started at `begin`.
    ///
    /// # Errors
    /// It makes no snapshot; in words for people.
    pub(crate) fn look(&mut self, endpoint: &impl Endpoint, begin: Instant) -> Result<(), String> {
        if !self.looks {
            return Ok(());
        }
        let now = begin.elapsed();
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_at = None;
            let resident_bytes = endpoint.resident_bytes().unwrap_or(0);
            endpoint.save()?;
            self.asked = Some(Asked {
                at: now,
                resident_bytes,
                most_bytes: resident_bytes,
            });
        }
        self.see(begin.elapsed(), endpoint.is_saving());
        if let Some(asked) = self.asked.as_mut().filter(|_| self.since.is_some()) {
            let bytes = endpoint.resident_bytes().unwrap_or(0);
            asked.most_bytes = asked.most_bytes.max(bytes);
        }
        Ok(())
    }

    fn see(&mut self, now: Duration, is_saving: bool) {
        match (self.since, is_saving) {
            (None, true) => {
                self.since = Some(now);
                self.saving.push((now, now));
            }
            (Some(_), is) => {
                if let Some((_, to)) = self.saving.last_mut() {
                    *to = now;
                }
                self.since = self.since.filter(|_| is);
            }
            (None, false) => {}
        }
    }

    /// When, from the start, snapshots were being written.
    pub(crate) fn saving(&self) -> &[(Duration, Duration)] {
        &self.saving
    }

    /// What the snapshot that was asked for came to, where one was.
    ///
    /// # Errors
    /// There was none, or it was not finished when the clock stopped; in words for people.
    pub(crate) fn weigh(&self, endpoint: &impl Endpoint) -> Result<Option<Weighed>, String> {
        if self.ask_at.is_some() {
            return Err("the clock stopped before `bgsave-at`: measure for longer".to_owned());
        }
        let Some(asked) = &self.asked else {
            return Ok(None);
        };
        let is_it = |(_, to): &&(Duration, Duration)| *to >= asked.at;
        let Some((_, ended)) = self
            .saving
            .iter()
            .find(is_it)
            .filter(|_| self.since.is_none())
        else {
            return Err(
                "the snapshot was not finished when the clock stopped: measure for longer, or ask earlier"
                    .to_owned(),
            );
        };
        let time = ended.saturating_sub(asked.at);
        Ok(Some(asked.weighed(time, &endpoint.weigh_save()?)))
    }
}

impl Asked {
    fn weighed(&self, time: Duration, weight: &SaveWeight) -> Weighed {
        // A child that writes the snapshot has memory of its own, which the target tells of.
        let grown = self.most_bytes.saturating_sub(self.resident_bytes);
        Weighed {
            time,
            bytes: weight.bytes,
            resident_bytes: self.resident_bytes,
            extra_bytes: grown.max(weight.extra_bytes.unwrap_or(0)),
        }
    }
}

impl Weighed {
    /// What a row should say of it, where the disk takes `disk_time` for as many bytes.
    pub(crate) fn figures(&self, disk_time: Duration) -> Map<String, Value> {
        let seconds = |time: Duration| time.as_secs_f64().max(1e-9);
        let rate = self.bytes as f64 / seconds(self.time);
        let disk = self.bytes as f64 / seconds(disk_time);
        let figures = [
            ("save_ms", seconds(self.time) * 1e3),
            ("save_bytes", self.bytes as f64),
            ("save_mb_per_s", rate / 1e6),
            ("disk_mb_per_s", disk / 1e6),
            ("save_share_of_disk", rate / disk),
            ("save_extra_bytes", self.extra_bytes as f64),
            (
                "save_extra_share",
                self.extra_bytes as f64 / self.resident_bytes.max(1) as f64,
            ),
        ];
        let figures = figures.map(|(name, figure)| (name.to_owned(), Value::from(figure)));
        figures.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_from_when_it_is_seen_to_when_it_is_not() {
        let ms = Duration::from_millis;
        let mut watch = Watch::new(true, None);
        for (now, is) in [
            (5, false),
            (10, true),
            (20, true),
            (30, false),
            (40, false),
            (50, true),
        ] {
            watch.see(ms(now), is);
        }
        assert_eq!(watch.saving(), [(ms(10), ms(30)), (ms(50), ms(50))]);
    }

    #[test]
    fn what_a_child_takes_counts_as_what_the_target_grows_by() {
        let asked = Asked {
            at: Duration::ZERO,
            resident_bytes: 1_000_000,
            most_bytes: 1_050_000,
        };
        let of = |extra_bytes| {
            let weight = SaveWeight {
                bytes: 30_000_000,
                extra_bytes,
            };
            let weighed = asked.weighed(Duration::from_secs(2), &weight);
            weighed.figures(Duration::from_secs(1))
        };
        assert_eq!(of(None)["save_extra_share"], 0.05);
        assert_eq!(of(Some(10))["save_extra_bytes"], 50_000.0);
        assert_eq!(of(Some(200_000))["save_extra_share"], 0.2);
        assert_eq!(of(None)["save_share_of_disk"], 0.5);
        assert_eq!(of(None)["save_mb_per_s"], 15.0);
    }
}
