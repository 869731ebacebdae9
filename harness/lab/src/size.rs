//! How large a cache is: a count, bytes, or a share of the trace.
//!
//! ```text
//!   4096       objects with --ignore-size, bytes without
//!   64mib      bytes: kb mb gb tb and kib mib gib tib are powers of 1024, k m g t of 1000
//!   0.1%       of the trace's distinct objects with --ignore-size, of their bytes without
//! ```

use std::fmt;
use std::str::FromStr;

use seawall_store::evict::Capacity;
use seawall_workloads::trace::Outline;

/// What sizes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Objects: every object has size 1 (`--ignore-size`).
    Objects,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// The word in rows.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Objects => "objects",
            Unit::Bytes => "bytes",
        }
    }

    /// A capacity of `amount` in this unit.
    pub fn capacity(self, amount: u64) -> Capacity {
        match self {
            Unit::Objects => Capacity::Objects(amount),
            Unit::Bytes => Capacity::Bytes(amount),
        }
    }
}

/// A size as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    text: String,
    amount: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Plain(u64),
    Bytes(u64),
    /// In millionths of a percent.
    Share(u64),
}

/// Why a text is not a size, or a size not one for this trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It cannot be read.
    #[error("'{text}' is not a size; accepted: {ACCEPTED}")]
    Unreadable {
        /// What was written.
        text: String,
    },
    /// Bytes where objects are counted.
    #[error("'{text}' is in bytes, but sizes are ignored; accepted: a count of objects, or 1%")]
    BytesOfObjects {
        /// What was written.
        text: String,
    },
    /// The share of this trace comes to nothing.
    #[error("'{text}' of trace '{trace}' is less than 1 ({total} {unit}); accepted: larger shares")]
    Nothing {
        /// What was written.
        text: String,
        /// The trace.
        trace: String,
        /// All of it.
        total: u64,
        /// In this unit.
        unit: &'static str,
    },
}

const ACCEPTED: &str = "1 to 2^60 (4096), bytes with a suffix (64mib), a share up to 1000% with at \
                        most 6 decimals (0.1%)";
const AMOUNT_MAX: u64 = 1 << 60;
const SHARE_ONE_PERCENT: u64 = 1_000_000;
const SHARE_MAX: u64 = 1000 * SHARE_ONE_PERCENT;

const SUFFIXES: [(&str, u64); 13] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("gb", 1 << 30),
    ("tb", 1 << 40),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("t", 1_000_000_000_000),
    ("b", 1),
];

impl Size {
    /// A comma list of sizes.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn parse_list(text: &str) -> Result<Vec<Size>, SizeError> {
        text.split(',').map(str::parse).collect()
    }

    /// The size in `unit`, for `trace`.
    ///
    /// # Errors
    /// It is in another unit, or a share that comes to nothing.
    pub fn resolve(&self, trace: &Outline, unit: Unit) -> Result<u64, SizeError> {
        match (self.amount, unit) {
            (Amount::Plain(amount), _) | (Amount::Bytes(amount), Unit::Bytes) => Ok(amount),
            (Amount::Bytes(_), Unit::Objects) => Err(SizeError::BytesOfObjects {
                text: self.text.clone(),
            }),
            (Amount::Share(share), unit) => {
                let total = match unit {
                    Unit::Objects => u64::from(trace.object_count()),
                    Unit::Bytes => trace.footprint_bytes(),
                };
                let all = u128::from(100 * SHARE_ONE_PERCENT);
                let amount = u128::from(total) * u128::from(share) / all;
                match u64::try_from(amount) {
                    Ok(amount) if amount > 0 => Ok(amount),
                    _ => Err(SizeError::Nothing {
                        text: self.text.clone(),
                        trace: trace.name().to_owned(),
                        total,
                        unit: unit.name(),
                    }),
                }
            }
        }
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Size, SizeError> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let amount = if let Some(share) = lower.strip_suffix('%') {
            parse_share(share).map(Amount::Share)
        } else if let Some((number, scale)) = SUFFIXES
            .iter()
            .find_map(|(suffix, scale)| Some((lower.strip_suffix(suffix)?, scale)))
        {
            digits(number)
                .and_then(|number| number.checked_mul(*scale))
                .filter(|bytes| (1..=AMOUNT_MAX).contains(bytes))
                .map(Amount::Bytes)
        } else {
            digits(&lower)
                .filter(|count| (1..=AMOUNT_MAX).contains(count))
                .map(Amount::Plain)
        };
        let text = text.to_owned();
        match amount {
            Some(amount) => Ok(Size { text, amount }),
            None => Err(SizeError::Unreadable { text }),
        }
    }
}

/// A whole number without sign.
fn digits(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok())?
}

/// A decimal, exactly, in millionths.
fn parse_share(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let millionths = digits(&format!("{fraction:0<6}"))?;
    let share = digits(whole)?
        .checked_mul(SHARE_ONE_PERCENT)?
        .checked_add(millionths)?;
    (1..=SHARE_MAX).contains(&share).then_some(share)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use seawall_workloads::trace::Trace;

    use super::*;

    fn trace() -> Trace {
        Trace::from_sized_keys("t", (0..2000).map(|key| (key, 10)))
    }

    fn resolve(text: &str, unit: Unit) -> Result<u64, String> {
        let size = text.parse::<Size>().map_err(|error| error.to_string())?;
        size.resolve(trace().outline(), unit)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn counts_bytes_and_shares() {
        for (text, objects, bytes) in [("4096", 4096, 4096), ("0.1%", 2, 20), ("12.5%", 250, 2500)]
        {
            assert_eq!(resolve(text, Unit::Objects), Ok(objects), "{text}");
            assert_eq!(resolve(text, Unit::Bytes), Ok(bytes), "{text}");
        }
        for (text, bytes) in [("64MiB", 64 << 20), ("3kb", 3072), ("3k", 3000), ("7b", 7)] {
            assert_eq!(resolve(text, Unit::Bytes), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told() {
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "1.5",
            "64 mib",
            "mib",
            "%",
            "0%",
            "1001%",
            "1.%",
            "0.0000001%",
            "18446744073709551616",
            "9999999999t",
            "0x10",
            "nan%",
        ] {
            let found = resolve(text, Unit::Bytes).expect_err(text);
            assert!(found.starts_with(&format!("'{text}' is not a size; accepted: 1 to 2^60")));
        }
        let bytes = resolve("64mib", Unit::Objects).expect_err("bytes");
        assert!(bytes.contains("is in bytes, but sizes are ignored"));
        let nothing = resolve("0.01%", Unit::Objects).expect_err("a fifth of an object");
        assert_eq!(
            nothing,
            "'0.01%' of trace 't' is less than 1 (2000 objects); accepted: larger shares"
        );
    }
}
