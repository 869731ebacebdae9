//! Values that have parts: save points, output limits, percentiles, event classes.

use seawall_store::log::Fsync;
use seawall_store::spec::SpecError;

use super::kind::{Refused, memory, refused};
use crate::limits::OutputLimit;

/// Save when so many keys changed within so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot.
    pub seconds: u64,
    /// Changes since then.
    pub changes: u64,
}

/// `save`: pairs of seconds and changes.
pub fn save_points(text: &str) -> Option<Vec<SavePoint>> {
    let numbers: Option<Vec<u64>> = text
        .split_ascii_whitespace()
        .map(|n| n.parse().ok())
        .collect();
    let numbers = numbers?;
    let (pairs, []) = numbers.as_chunks::<2>() else {
        return None;
    };
    let points = pairs
        .iter()
        .map(|&[seconds, changes]| SavePoint { seconds, changes });
    let points: Vec<SavePoint> = points.collect();
    points
        .iter()
        .all(|point| point.seconds >= 1)
        .then_some(points)
}

/// `appendfsync` in its canonical form.
///
/// # Errors
/// There is no such setting.
pub fn read_appendfsync(_before: &str, text: &str) -> Result<String, Refused> {
    let fsync = text.to_lowercase().parse::<Fsync>();
    fsync
        .map(|fsync| fsync.to_string())
        .map_err(|error| match error {
            // Redis's words, which its clients know; the parameter's own line tells of the others.
            SpecError::UnknownName { .. } => {
                refused("argument(s) must be one of the following: everysec, always, no")
            }
            other => refused(other.to_string()),
        })
}

/// `save` in its canonical form.
///
/// # Errors
/// It is no list of pairs.
pub fn read_save(_before: &str, text: &str) -> Result<String, Refused> {
    let points = save_points(text).ok_or_else(|| refused("Invalid save parameters"))?;
    let points = points
        .iter()
        .map(|p| format!("{} {}", p.seconds, p.changes));
    Ok(points.collect::<Vec<_>>().join(" "))
}

/// The classes of clients in `client-output-buffer-limit`, in the order in which it is shown.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// `client-output-buffer-limit` as limits of normal clients, replicas and subscribers. What is given
/// for some classes only leaves the others as they are in `before`.
///
/// # Errors
/// A class or a number is wrong.
pub fn output_limits(before: &str, text: &str) -> Result<[OutputLimit; 3], Refused> {
    let mut limits = if before.is_empty() {
        [OutputLimit {
            hard_bytes: 0,
            soft_bytes: 0,
            soft_s: 0,
        }; 3]
    } else {
        output_limits("", before)?
    };
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (classes, []) = words.as_chunks::<4>() else {
        return Err(refused(
            "Wrong number of arguments in buffer limit configuration.",
        ));
    };
    for [class, hard, soft, seconds] in classes {
        let class = if class.eq_ignore_ascii_case("replica") {
            "slave"
        } else {
            class
        };
        let Some(at) = CLASSES
            .iter()
            .position(|name| name.eq_ignore_ascii_case(class))
        else {
            return Err(refused(
                "Invalid client class specified in buffer limit configuration.",
            ));
        };
        let (Some(hard_bytes), Some(soft_bytes), Ok(soft_s)) =
            (memory(hard), memory(soft), seconds.parse())
        else {
            return Err(refused(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ));
        };
        limits[at] = OutputLimit {
            hard_bytes,
            soft_bytes,
            soft_s,
        };
    }
    Ok(limits)
}

/// `client-output-buffer-limit` in its canonical form: every class.
///
/// # Errors
/// A class or a number is wrong.
pub fn read_output_limits(before: &str, text: &str) -> Result<String, Refused> {
    let limits = output_limits(before, text)?;
    let classes = CLASSES.iter().zip(limits);
    let classes = classes.map(|(class, limit)| {
        format!(
            "{class} {} {} {}",
            limit.hard_bytes, limit.soft_bytes, limit.soft_s
        )
    });
    Ok(classes.collect::<Vec<_>>().join(" "))
}

/// `maxmemory-clients`: bytes, or a share of `whole` (`5%`).
pub fn share(text: &str, whole: u64) -> Option<u64> {
    match text.strip_suffix('%') {
        None => memory(text),
        Some(percent) => {
            let percent: u64 = percent.parse().ok()?;
            Some((u128::from(whole) * u128::from(percent) / 100) as u64)
        }
    }
}

/// `maxmemory-clients` in its canonical form.
///
/// # Errors
/// It is neither a size nor a percentage, or more than all.
pub fn read_share(_before: &str, text: &str) -> Result<String, Refused> {
    let wrong = || refused("argument must be a memory or percent value");
    let Some(percent) = text.strip_suffix('%') else {
        return memory(text)
            .map(|bytes| bytes.to_string())
            .ok_or_else(wrong);
    };
    let percent: u64 = percent.parse().map_err(|_| wrong())?;
    if percent > 100 {
        return Err(refused("percentage argument must be less or equal to 100"));
    }
    Ok(text.to_owned())
}

/// `latency-tracking-info-percentiles`: shares of a hundred.
pub fn percentiles(text: &str) -> Option<Vec<f64>> {
    let shares = text.split_ascii_whitespace().map(|word| word.parse().ok());
    shares.collect()
}

/// `latency-tracking-info-percentiles` in its canonical form.
///
/// # Errors
/// A word is no number, or not between 0 and 100.
pub fn read_percentiles(_before: &str, text: &str) -> Result<String, Refused> {
    const NAME: &str = "latency-tracking-info-percentiles";
    let shares = percentiles(text).ok_or_else(|| refused(format!("Invalid {NAME} parameters")))?;
    if !shares.iter().all(|share| (0.0..=100.0).contains(share)) {
        return Err(refused(format!(
            "{NAME} parameters should sit between [0.0,100.0]"
        )));
    }
    let shares: Vec<String> = shares.iter().map(f64::to_string).collect();
    Ok(shares.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn save_points_are_pairs() {
        assert_eq!(
            read_save("", "900 1  300 10").as_deref(),
            Ok("900 1 300 10")
        );
        assert_eq!(read_save("900 1", "").as_deref(), Ok(""));
        for bad in ["900", "a b", "900 1 300", "0 1", "900 -1"] {
            assert_eq!(
                read_save("", bad),
                Err(refused("Invalid save parameters")),
                "{bad}"
            );
        }
    }

    #[test]
    fn output_limits_keep_the_other_classes() {
        let all = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        assert_eq!(
            read_output_limits(all, "pubsub 1mb 2mb 60 NORMAL 1 2 3").as_deref(),
            Ok("normal 1 2 3 slave 268435456 67108864 60 pubsub 1048576 2097152 60")
        );
        assert_eq!(
            read_output_limits(all, "replica 1 2 3").as_deref(),
            Ok("normal 0 0 0 slave 1 2 3 pubsub 33554432 8388608 60")
        );
        for bad in ["normal 1 2", "foo 1 2 3", "normal x 1 1", "normal 1 1 -1"] {
            assert!(read_output_limits(all, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_bytes_or_percentages() {
        assert_eq!(read_share("", "1mb").as_deref(), Ok("1048576"));
        assert_eq!(read_share("", "5%").as_deref(), Ok("5%"));
        for bad in ["101%", "%", "-1%", "x", "5%%"] {
            assert!(read_share("", bad).is_err(), "{bad}");
        }
        assert_eq!((share("5%", 200), share("7", 200)), (Some(10), Some(7)));
        assert_eq!(share("100%", u64::MAX), Some(u64::MAX));
    }

    #[test]
    fn percentiles_are_shares_of_a_hundred() {
        assert_eq!(
            read_percentiles("", "50 99.9 100").as_deref(),
            Ok("50 99.9 100")
        );
        assert_eq!(read_percentiles("", "").as_deref(), Ok(""));
        for bad in ["101", "-1", "x", "nan"] {
            assert!(read_percentiles("", bad).is_err(), "{bad}");
        }
    }
}
