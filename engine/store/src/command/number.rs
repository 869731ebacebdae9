//! Numbers as arguments give them, read with Redis's rules.
//!
//! Integers are strict: no sign but a minus, no leading zero, no space (Redis: `string2ll`). Floats are
//! what C's `strtod` reads to the end: decimal or hexadecimal, `inf` and `infinity` in any case.

use super::CommandError;

/// Numbers of so many digits fit into 64 bits, whatever they are.
const NEVER_TOO_LARGE: usize = 18;

/// Takes the sign off a number that may have one: whether it is a minus, and the rest.
pub fn sign(text: &[u8]) -> (bool, &[u8]) {
    let rest = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+"));
    (text.starts_with(b"-"), rest.unwrap_or(text))
}

/// An integer that stands alone in its argument.
///
/// # Errors
/// [`CommandError::NOT_AN_INTEGER`]
pub fn int(text: &[u8]) -> Result<i64, CommandError> {
    parse_int(text).ok_or(CommandError::NOT_AN_INTEGER)
}

/// As [`int`], without the words.
pub fn parse_int(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let strict = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !strict {
        return None;
    }
    if digits.len() <= NEVER_TOO_LARGE {
        let number = (digits.iter()).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        return Some(if digits.len() < text.len() {
            -number
        } else {
            number
        });
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An integer that C's `int` holds: a number of a database.
///
/// # Errors
/// [`CommandError::NOT_AN_INTEGER`], or that it is too large.
pub fn small_int(text: &[u8]) -> Result<i32, CommandError> {
    i32::try_from(int(text)?).map_err(|_| {
        CommandError::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        )
    })
}

/// A count, which is not negative.
///
/// # Errors
/// The words for whatever else it is.
pub fn positive(text: &[u8]) -> Result<usize, CommandError> {
    let count = parse_int(text).and_then(|count| usize::try_from(count).ok());
    count.ok_or(CommandError::fixed(
        "ERR value is out of range, must be positive",
    ))
}

/// A float: a score, a coordinate, a distance.
///
/// # Errors
/// [`CommandError::NOT_A_FLOAT`]
pub fn float(text: &[u8]) -> Result<f64, CommandError> {
    parse_float(text).ok_or(CommandError::NOT_A_FLOAT)
}

/// As [`float`], without the words. What is too large or too small for a float is refused, not rounded
/// to infinity or zero.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    let float = Float::read(text)?;
    (!float.value.is_nan() && !float.out_of_range).then_some(float.value)
}

/// A bound of a range of scores: leading spaces, nothing at all (0) and what is out of range
/// (infinity) are taken as `strtod` takes them.
pub fn parse_bound(text: &[u8]) -> Option<f64> {
    lenient(text).map(|float| float.value)
}

/// A weight by which `SORT` sorts: as [`parse_bound`], but what is out of range is refused.
pub fn parse_weight(text: &[u8]) -> Option<f64> {
    lenient(text)
        .filter(|float| !float.out_of_range)
        .map(|float| float.value)
}

fn lenient(text: &[u8]) -> Option<Float> {
    let text = text.split(|&b| b == 0).next().unwrap_or_default();
    let spaces = text
        .iter()
        .take_while(|b| b.is_ascii_whitespace() || **b == 0x0b)
        .count();
    if text.is_empty() {
        return Some(Float {
            value: 0.0,
            out_of_range: false,
        });
    }
    Float::read(&text[spaces..]).filter(|float| !float.value.is_nan())
}

/// What `strtod` makes of a text that it reads to the end.
struct Float {
    value: f64,
    out_of_range: bool,
}

impl Float {
    fn read(text: &[u8]) -> Option<Float> {
        let (negative, digits) = sign(text);
        if let [b'0', b'x' | b'X', rest @ ..] = digits {
            return hexadecimal(rest).map(|float| Float {
                value: if negative { -float.value } else { float.value },
                ..float
            });
        }
        let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let words = digits.first()?.is_ascii_alphabetic();
        let written_zero = !digits
            .iter()
            .take_while(|b| !matches!(b, b'e' | b'E'))
            .any(|b| (b'1'..=b'9').contains(b));
        Some(Float {
            value,
            out_of_range: !words && (value.is_infinite() || value == 0.0 && !written_zero),
        })
    }
}

/// The part of a hexadecimal float after `0x`: `a.8p3`. Rounded to even as every C library does.
fn hexadecimal(text: &[u8]) -> Option<Float> {
    let mut mantissa: u64 = 0;
    let mut exponent: i64 = 0;
    let mut sticky = false;
    let (mut digits, mut point) = (0, false);
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match first {
            b'.' if !point => point = true,
            _ => {
                let Some(digit) = char::from(*first).to_digit(16) else {
                    break;
                };
                digits += 1;
                if mantissa >> 60 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= if point { 4 } else { 0 };
                } else {
                    sticky |= digit != 0;
                    exponent += if point { 0 } else { 4 };
                }
            }
        }
        rest = after;
    }
    if digits == 0 {
        return None;
    }
    if let [b'p' | b'P', after @ ..] = rest {
        let after = after.strip_prefix(b"+").unwrap_or(after);
        let text = std::str::from_utf8(after).ok()?;
        if !text
            .trim_start_matches('-')
            .bytes()
            .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let negative = text.starts_with('-');
        let limit = if negative { i64::MIN / 4 } else { i64::MAX / 4 };
        let power: i64 = match text.trim_start_matches('-') {
            "" => return None,
            _ => text.parse().unwrap_or(limit),
        };
        exponent = exponent.saturating_add(power.clamp(i64::MIN / 4, i64::MAX / 4));
    } else if !rest.is_empty() {
        return None;
    }
    if mantissa == 0 {
        return Some(Float {
            value: 0.0,
            out_of_range: false,
        });
    }
    // A bit below the last one that counts stands for all digits that were cut off.
    let mut value = (mantissa | u64::from(sticky)) as f64;
    let steps = exponent.clamp(-3000, 3000);
    let mut left = steps;
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        value *= 2f64.powi(step as i32);
        left -= step;
    }
    Some(Float {
        value,
        out_of_range: value.is_infinite() || value == 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("", None),
            ("-", None),
            ("1e3", None),
        ] {
            assert_eq!(parse_int(text.as_bytes()), wanted, "{text:?}");
        }
    }

    #[test]
    fn floats_are_what_strtod_reads() {
        for (text, wanted) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("+5", Some(5.0)),
            ("-1e3", Some(-1000.0)),
            ("InF", Some(f64::INFINITY)),
            ("-infinity", Some(f64::NEG_INFINITY)),
            ("0x1p-1", Some(0.5)),
            ("0xA.8", Some(10.5)),
            ("-0x10", Some(-16.0)),
            ("0x1p--1", None),
            ("nan", None),
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("0e-400", Some(0.0)),
            ("0x1p2000", None),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
            ("0x", None),
            ("0xp1", None),
        ] {
            assert_eq!(parse_float(text.as_bytes()), wanted, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_lenient() {
        assert_eq!(parse_bound(b""), Some(0.0));
        assert_eq!(parse_bound(b"  7"), Some(7.0));
        assert_eq!(parse_bound(b"1e400"), Some(f64::INFINITY));
        assert_eq!(parse_bound(b"x"), None);
        assert_eq!(parse_bound(b"nan"), None);
    }
}
