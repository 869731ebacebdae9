//! Numbers and times as Memcached writes them.

use crate::time::Millis;

/// Expiry times above this many seconds (30 days) are moments, not durations.
const RELATIVE_SECONDS_MAX: i64 = 60 * 60 * 24 * 30;

/// When an item expires, as a client says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Never.
    Never,
    /// At this time, which is to come.
    At(Millis),
    /// It has expired already.
    Past,
}

impl Expiry {
    /// Reads seconds: 0 is never, up to 30 days count from `now`, more are a Unix time, and what is
    /// negative has passed.
    pub(super) fn parse(text: &[u8], now: Millis) -> Option<Expiry> {
        number(text).map(|seconds| Expiry::of(seconds, now))
    }

    /// As [`Expiry::parse`], of a number.
    pub(super) fn of(seconds: i64, now: Millis) -> Expiry {
        match seconds {
            0 => Expiry::Never,
            ..0 => Expiry::Past,
            1..=RELATIVE_SECONDS_MAX => Expiry::At(Millis(now.0 + seconds as u64 * 1000)),
            _ => {
                let at = Millis((seconds as u64).saturating_mul(1000));
                if at > now {
                    Expiry::At(at)
                } else {
                    Expiry::Past
                }
            }
        }
    }

    /// The time, where there is one to come.
    pub(super) fn at(self) -> Option<Millis> {
        match self {
            Expiry::At(at) => Some(at),
            Expiry::Never | Expiry::Past => None,
        }
    }
}

/// A number; unlike in Redis's commands it may begin with zeros or a plus.
pub fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number that is not negative.
pub fn unsigned(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds until `expires`, begun ones counted as whole; -1 where that is never.
pub(super) fn seconds_left(expires: Option<Millis>, now: Millis) -> i64 {
    expires.map_or(-1, |at| at.since(now).div_ceil(1000) as i64)
}

/// `now` in whole seconds, as a tag keeps it.
pub(super) fn seconds(now: Millis) -> u32 {
    u32::try_from(now.0 / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_durations_moments_or_past() {
        let now = Millis(1_700_000_000_000);
        let parse = |text: &str| Expiry::parse(text.as_bytes(), now);
        assert_eq!(parse("0"), Some(Expiry::Never));
        assert_eq!(parse("-1"), Some(Expiry::Past));
        assert_eq!(parse("1"), Some(Expiry::At(Millis(1_700_000_001_000))));
        assert_eq!(
            parse("2592000"),
            Some(Expiry::At(Millis(1_702_592_000_000)))
        );
        assert_eq!(parse("2592001"), Some(Expiry::Past));
        assert_eq!(
            parse("1700000001"),
            Some(Expiry::At(Millis(1_700_000_001_000)))
        );
        assert_eq!(parse("9223372036854775807"), {
            Some(Expiry::At(Millis(u64::MAX)))
        });
        for wrong in ["", "x", "1x", "9223372036854775808"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(unsigned(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!((unsigned(b"+07"), number(b"-07")), (Some(7), Some(-7)));
        for wrong in ["", "-1", "18446744073709551616", "1 "] {
            assert_eq!(unsigned(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}
