//! What a parameter's value may be, and Redis's words where it may not.

use seawall_store::command::number::parse_int;
use seawall_store::evict::PolicySpec;
use seawall_store::spec::SpecError;

/// Why a value is refused, in Redis's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// An integer within these bounds.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A number of bytes within these bounds: `1048576`, `1mb` (1024 × 1024), `1m` (1000 × 1000).
    Memory {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
    /// An eviction policy, with its parameters.
    Policy,
    /// Text that this function brings into its canonical form, given the form before.
    Composed(fn(before: &str, text: &str) -> Result<String, Refused>),
}

impl Kind {
    /// `text` in its canonical form, as `CONFIG GET` shows it; `before` is the value that it replaces.
    ///
    /// # Errors
    /// The value is refused.
    pub fn read(self, before: &str, text: &str) -> Result<String, Refused> {
        match self {
            Kind::YesNo => yes_no(text).map(str::to_owned),
            Kind::Number { min, max } => {
                let number = parse_int(text.as_bytes())
                    .ok_or_else(|| refused("argument couldn't be parsed into an integer"))?;
                within(number, min, max)
            }
            Kind::Memory { min, max } => {
                let bytes =
                    memory(text).ok_or_else(|| refused("argument must be a memory value"))?;
                within(bytes, min, max)
            }
            Kind::Word(words) => {
                let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
                found
                    .map(|&word| word.to_owned())
                    .ok_or_else(|| one_of(words))
            }
            Kind::Text => Ok(text.to_owned()),
            Kind::Policy => policy(text).map(|policy| match policy.to_string().as_str() {
                "none" => NOEVICTION.to_owned(),
                name => name.to_owned(),
            }),
            Kind::Composed(read) => read(before, text),
        }
    }

    /// What is accepted, for people.
    pub fn accepted(self) -> String {
        match self {
            Kind::YesNo => "yes or no".to_owned(),
            Kind::Number { min, max } if max == i64::MAX => format!("an integer from {min}"),
            Kind::Number { min, max } => format!("an integer from {min} to {max}"),
            Kind::Memory { min: 0, .. } => "bytes, or with a unit: 64kb, 100mb, 2gb".to_owned(),
            Kind::Memory { min, .. } => format!("bytes, or with a unit; at least {min}"),
            Kind::Word(words) => words.join(", "),
            Kind::Text | Kind::Composed(_) => "text".to_owned(),
            Kind::Policy => policies(),
        }
    }
}

/// Redis's name of the policy `none`.
const NOEVICTION: &str = "noeviction";

/// An eviction policy by its name, or Redis's name for it.
///
/// # Errors
/// There is none of this name, or its parameters are wrong.
pub fn policy(text: &str) -> Result<PolicySpec, Refused> {
    let name = if text.eq_ignore_ascii_case(NOEVICTION) {
        "none"
    } else {
        text
    };
    name.to_lowercase()
        .parse()
        .map_err(|error: SpecError| match error {
            SpecError::UnknownName { .. } => refused(format!(
                "argument(s) must be one of the following: {}",
                policies()
            )),
            other => refused(other.to_string()),
        })
}

fn policies() -> String {
    let names = seawall_store::evict::LIST
        .iter()
        .map(|policy| match policy.name {
            "none" => NOEVICTION,
            name => name,
        });
    names.collect::<Vec<_>>().join(", ")
}

fn yes_no(text: &str) -> Result<&'static str, Refused> {
    ["yes", "no"]
        .into_iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .ok_or_else(|| refused("argument must be 'yes' or 'no'"))
}

fn one_of(words: &[&str]) -> Refused {
    let words = words.join(", ");
    refused(format!("argument(s) must be one of the following: {words}"))
}

fn within<N: PartialOrd + Copy + std::fmt::Display>(
    n: N,
    min: N,
    max: N,
) -> Result<String, Refused> {
    if n < min || n > max {
        return Err(refused(format!(
            "argument must be between {min} and {max} inclusive"
        )));
    }
    Ok(n.to_string())
}

/// A number of bytes, with or without a unit. Digits beyond what 64 bits hold are the largest number.
pub fn memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number = match number {
        "" => 0,
        digits => digits.parse().unwrap_or(u64::MAX),
    };
    Some(number.saturating_mul(factor))
}

/// A value refused with these words.
pub fn refused(words: impl Into<String>) -> Refused {
    Refused(words.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("100mb", Some(100 << 20)),
            ("100M", Some(100_000_000)),
            ("1g", Some(1_000_000_000)),
            ("2GB", Some(2 << 30)),
            ("3k", Some(3000)),
            ("3kb", Some(3072)),
            ("7b", Some(7)),
            ("", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("99999999999999999999gb", Some(u64::MAX)),
            ("1.5mb", None),
            ("-1", None),
            ("1tb", None),
            ("x", None),
            (" 1", None),
            ("1\u{e9}", None),
        ] {
            assert_eq!(memory(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn policies_have_redis_names() {
        let read = |text| Kind::Policy.read("", text);
        assert_eq!(read("noeviction").as_deref(), Ok("noeviction"));
        assert_eq!(read("none").as_deref(), Ok("noeviction"));
        assert_eq!(read("Allkeys-LRU").as_deref(), Ok("allkeys-lru"));
        assert!(read("clock:bits=2").is_ok());
        let error = read("nosuch").unwrap_err().0;
        assert!(error.starts_with("argument(s) must be one of the following: noeviction, "));
        assert!(read("clock:bits=900").is_err());
    }
}
