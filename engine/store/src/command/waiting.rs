//! Commands that wait for a key: how long, for which, and what they look at when one may be ready.

use smallvec::SmallVec;

use super::extended::Extended;
use super::{Call, CommandError};
use crate::shard::Parked;
use crate::time::Millis;
use crate::value::Kind;

impl<'a> Call<'a> {
    /// Waits until one of the op's keys may be ready, or for `timeout_ms` milliseconds (`None`: for
    /// ever). Whether it may: inside a transaction it may not, and the handler answers as if the time
    /// were up; else it writes no reply and has changed nothing.
    pub fn park(&mut self, timeout_ms: Option<u64>) -> bool {
        self.park_for(self.op.keys().count(), timeout_ms)
    }

    /// As [`Call::park`], for the first `keys` of the op's keys alone.
    pub fn park_for(&mut self, keys: usize, timeout_ms: Option<u64>) -> bool {
        if self.may_park {
            let until = timeout_ms.map(|ms| Millis(self.now.0.saturating_add(ms)));
            self.out.parked = Some(Parked { until, keys });
        }
        self.may_park
    }

    /// The keys that an op that may wait looks at: all of its own, or, where it waited, the one that may
    /// be ready, if it holds a value of `kind` now: an op that waits meets no wrong kind.
    pub fn candidates(&mut self, kind: Kind) -> SmallVec<[&'a [u8]; 4]> {
        match self.ready {
            None => self.op.keys().collect(),
            Some(key) => (self.keyspace.kind(key) == Some(kind))
                .then_some(key)
                .into_iter()
                .collect(),
        }
    }
}

/// How long to wait, given in seconds: milliseconds, `None` for ever.
///
/// # Errors
/// No number, a negative one, or one that is out of range.
pub fn timeout_ms(text: &[u8]) -> Result<Option<u64>, CommandError> {
    let seconds = Extended::parse(text).ok_or(CommandError::fixed(
        "ERR timeout is not a float or out of range",
    ))?;
    // Redis 7.0 finds what is out of range negative.
    let ms = seconds.milliseconds().and_then(|ms| u64::try_from(ms).ok());
    let ms = ms.ok_or(CommandError::fixed("ERR timeout is negative"))?;
    Ok((ms > 0).then_some(ms))
}

#[cfg(test)]
mod tests {
    use super::timeout_ms;

    #[test]
    fn timeouts_are_rounded_up_as_redis_rounds_them() {
        for (text, wanted) in [
            ("0", Ok(None)),
            ("-0", Ok(None)),
            ("1", Ok(Some(1000))),
            ("0.0001", Ok(Some(1))),
            ("1.001", Ok(Some(1001))),
            ("0x1p-5", Ok(Some(32))),
            ("-0.0001", Ok(None)),
            ("-1", Err("negative")),
            ("inf", Err("negative")),
            ("-inf", Err("negative")),
            ("1e400", Err("negative")),
            ("9223372036854775", Ok(Some(9_223_372_036_854_775_000))),
            ("9223372036854775807", Err("negative")),
            ("nan", Err("float")),
            ("", Err("float")),
            ("1s", Err("float")),
        ] {
            let got = timeout_ms(text.as_bytes());
            match (&got, wanted) {
                (Ok(got), Ok(wanted)) => assert_eq!(*got, wanted, "{text:?}"),
                (Err(got), Err(word)) => assert!(got.to_string().contains(word), "{text:?}"),
                _ => panic!("{text:?}: {got:?}"),
            }
        }
    }
}
