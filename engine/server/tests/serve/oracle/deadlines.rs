//! Short times: nothing is said while one of them may be over on one server and not on the other.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::wire::Words;

/// How long before a time is over nothing is begun any more.
const BEFORE: Duration = Duration::from_millis(40);
/// How long after it things are as they will be.
const AFTER: Duration = Duration::from_millis(12);

/// Times that run.
#[derive(Default)]
pub struct Deadlines {
    /// Times that the last command began: they count from when it was answered at the latest.
    begun: Vec<(Instant, Duration)>,
    /// From when and until when each may be over.
    spans: Vec<(Instant, Instant)>,
}

impl Deadlines {
    /// The words as they are sent, with times in the place of their signs.
    pub fn note(&mut self, words: &Words) -> Words {
        let now = Instant::now();
        let mut plain = |word: &Vec<u8>| {
            let text = std::str::from_utf8(word).ok();
            let sign = text.and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
            let Some((unit, time)) = sign.and_then(|sign| sign.split_once(':')) else {
                return word.clone();
            };
            let ms = match unit {
                "ms" | "at" => time.parse().unwrap_or(0),
                "s" => (time.parse().unwrap_or(0.0) * 1000.0_f64).round() as u64,
                _ => return word.clone(),
            };
            self.begun.push((now, Duration::from_millis(ms)));
            if unit == "at" {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
                let moment = elapsed.expect("after 1970").as_millis() as u64 + ms;
                return moment.to_string().into_bytes();
            }
            time.as_bytes().to_vec()
        };
        words.iter().map(&mut plain).collect()
    }

    /// Waits while a time may be over soon or just was; whether it did.
    pub fn wait(&mut self) -> bool {
        let mut waited = false;
        loop {
            let now = Instant::now();
            let next = self.spans.iter().filter(|(start, _)| *start < now + BEFORE);
            let Some(end) = next.map(|(_, end)| *end + AFTER).max() else {
                return waited;
            };
            std::thread::sleep(end.saturating_duration_since(now));
            waited = true;
            self.spans.retain(|span| span.1 + AFTER > end);
        }
    }

    /// Whether no time may have been over while the last command ran, which was answered `now`.
    pub fn are_clear(&mut self, now: Instant) -> bool {
        let clear = self.spans.iter().all(|(start, _)| *start > now);
        let begun = self.begun.drain(..);
        let spans = begun.map(|(since, time)| (since + time, now + time));
        let before = self.spans.len();
        self.spans.extend(spans);
        clear && self.spans[before..].iter().all(|(start, _)| *start > now)
    }
}
