//! Sums of floats as Redis on x86-64 makes them: in 80-bit extended precision.
//!
//! `INCRBYFLOAT` and `HINCRBYFLOAT` read C's `long double`, add, and print 17 decimals without trailing
//! zeros; with 64-bit floats `0.1 + 0.2` would read `0.30000000000000004`. Numbers here are a sign, 64
//! bits of mantissa and a power of two; reading and printing are exact but for one rounding to even.
//! No other arithmetic is offered.

use super::number::sign;

/// The longest text that is read as a number (Redis: `MAX_LONG_DOUBLE_CHARS`).
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// A finite number is below two to this power.
const TOP_MAX: i64 = 16384;
/// What is not above two to this power is rounded to zero.
const TOP_MIN: i64 = -16446;

/// A number: `±mantissa · 2^exponent`, or infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    /// The mantissa's highest bit is set, or it is zero.
    Finite {
        mantissa: u64,
        exponent: i64,
    },
    Infinite,
}

impl Extended {
    /// Zero.
    pub const ZERO: Extended = Extended {
        negative: false,
        magnitude: Magnitude::Finite {
            mantissa: 0,
            exponent: 0,
        },
    };

    /// Reads what C's `strtold` reads to the end, NaN and what is out of range excepted.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, text) = sign(text);
        let magnitude = match text {
            _ if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") => {
                Magnitude::Infinite
            }
            [b'0', b'x' | b'X', rest @ ..] => digits(rest, 16, [b'p', b'P'])?.round_binary()?,
            _ => digits(text, 10, [b'e', b'E'])?.round_decimal()?,
        };
        Some(Extended {
            negative,
            magnitude,
        })
    }

    /// Whether this is a number.
    pub fn is_finite(self) -> bool {
        self.magnitude != Magnitude::Infinite
    }

    /// The sum, `None` where it is not finite.
    pub fn sum(self, other: Extended) -> Option<Extended> {
        let (Some(a), Some(b)) = (self.parts(), other.parts()) else {
            return None;
        };
        if a.0 == 0 || b.0 == 0 {
            return Some(if a.0 == 0 { other } else { self });
        }
        let (mut large, mut small, mut sign, other_sign) = (a, b, self.negative, other.negative);
        if (b.1, b.0) > (a.1, a.0) {
            (large, small, sign) = (b, a, other.negative);
        }
        // 63 bits below the mantissas, the last of which stands for all that was shifted out.
        let shift = u32::try_from(large.1 - small.1).unwrap_or(u32::MAX);
        let wide = u128::from(small.0) << 62;
        let kept = wide.checked_shr(shift).unwrap_or(0);
        let lost = kept.checked_shl(shift).is_none_or(|back| back != wide) || shift > 127;
        let small_bits = kept | u128::from(lost);
        let large_bits = u128::from(large.0) << 62;
        let bits = if self.negative == other_sign {
            large_bits + small_bits
        } else {
            large_bits - small_bits
        };
        if bits == 0 {
            return Some(Extended::ZERO);
        }
        let sum = Extended {
            negative: sign,
            magnitude: round(bits, large.1 - 62, false)?,
        };
        sum.is_finite().then_some(sum)
    }

    /// This many seconds in milliseconds, rounded up; `None` where they are out of range.
    pub fn milliseconds(self) -> Option<i64> {
        let (mantissa, exponent) = self.parts()?;
        // As C multiplies: rounded to 64 bits before it is rounded to a whole number.
        let magnitude = round(u128::from(mantissa) * 1000, exponent, false)?;
        let Magnitude::Finite { mantissa, exponent } = magnitude else {
            return None;
        };
        let negative = self.negative;
        let whole = if exponent >= 0 {
            let shift = u32::try_from(exponent).ok().filter(|&shift| shift < 64)?;
            u128::from(mantissa) << shift
        } else {
            let shift = u32::try_from(-exponent).unwrap_or(u32::MAX);
            let down = mantissa.checked_shr(shift).unwrap_or(0);
            let exact = down.checked_shl(shift).is_some_and(|back| back == mantissa);
            u128::from(down) + u128::from(!exact && !negative)
        };
        let whole = i64::try_from(whole).ok()?;
        Some(if negative { -whole } else { whole })
    }

    /// The number with up to 17 decimals and no exponent; `inf` or `-inf`.
    pub fn text(self) -> String {
        let Some((mantissa, exponent)) = self.parts() else {
            return if self.negative { "-inf" } else { "inf" }.to_owned();
        };
        let digits = if exponent >= 0 {
            Natural::from(u128::from(mantissa))
                .shl(exponent as usize)
                .text()
        } else {
            let scaled = u128::from(mantissa) * 10_u128.pow(17);
            let text = format!(
                "{:018}",
                shift_right_to_even(scaled, exponent.unsigned_abs())
            );
            let (whole, decimals) = text.split_at(text.len() - 17);
            let decimals = decimals.trim_end_matches('0');
            let point = if decimals.is_empty() { "" } else { "." };
            format!("{whole}{point}{decimals}")
        };
        if self.negative && digits != "0" {
            format!("-{digits}")
        } else {
            digits
        }
    }

    fn parts(self) -> Option<(u64, i64)> {
        match self.magnitude {
            Magnitude::Finite { mantissa, exponent } => Some((mantissa, exponent)),
            Magnitude::Infinite => None,
        }
    }
}

fn shift_right_to_even(x: u128, by: u64) -> u128 {
    if by > 127 {
        return 0;
    }
    let (kept, half) = (x >> by, 1_u128 << (by - 1));
    let rest = x & (half * 2 - 1);
    kept + u128::from(rest > half || rest == half && kept % 2 == 1)
}

/// `bits · 2^exponent`, and a little more where `sticky`, rounded to 64 bits.
/// `None` where it is out of range.
fn round(bits: u128, exponent: i64, sticky: bool) -> Option<Magnitude> {
    if bits == 0 {
        return Some(Extended::ZERO.magnitude);
    }
    let length = 128 - bits.leading_zeros();
    let (mantissa, exponent) = if length <= 64 {
        let shift = 64 - length;
        ((bits as u64) << shift, exponent - i64::from(shift))
    } else {
        let shift = length - 64;
        let (kept, rest) = ((bits >> shift) as u64, bits & ((1 << shift) - 1));
        let half = 1_u128 << (shift - 1);
        let up = rest > half || rest == half && (sticky || kept % 2 == 1);
        let exponent = exponent + i64::from(shift);
        match kept.checked_add(u64::from(up)) {
            Some(mantissa) => (mantissa, exponent),
            None => (1 << 63, exponent + 1),
        }
    };
    if exponent + 64 > TOP_MAX || exponent + 64 <= TOP_MIN {
        return None;
    }
    Some(Magnitude::Finite { mantissa, exponent })
}

/// A number as it is written: `digits · base^exponent`, for base 16 the exponent is of two.
struct Written {
    digits: Vec<u8>,
    exponent: i64,
}

/// Reads digits with at most one point and an exponent after one of `marks`.
fn digits(text: &[u8], base: u32, marks: [u8; 2]) -> Option<Written> {
    let end = text
        .iter()
        .position(|b| marks.contains(b))
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let point = number.iter().position(|&b| b == b'.');
    let (whole, decimals) = match point {
        Some(point) => (&number[..point], &number[point + 1..]),
        None => (number, &[][..]),
    };
    let digits = whole.iter().chain(decimals);
    let digits: Option<Vec<u8>> = digits
        .map(|&b| char::from(b).to_digit(base).map(|digit| digit as u8))
        .collect();
    let mut digits = digits.filter(|digits| !digits.is_empty())?;
    let per_digit = if base == 16 { 4 } else { 1 };
    let mut exponent = -(decimals.len() as i64) * per_digit;
    if let [_, power @ ..] = rest {
        exponent = exponent.saturating_add(parse_power(power)?);
    }
    // Zeros at either end say nothing, and would make exact arithmetic long.
    let zeros = digits.iter().rev().take_while(|&&digit| digit == 0).count();
    digits.truncate(digits.len() - zeros);
    exponent = exponent.saturating_add(zeros as i64 * per_digit);
    let leading = digits.iter().take_while(|&&digit| digit == 0).count();
    digits.drain(..leading);
    Some(Written { digits, exponent })
}

/// The power after `e` or `p`; beyond any range it stays beyond.
fn parse_power(text: &[u8]) -> Option<i64> {
    let (negative, text) = sign(text);
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let power = text.iter().fold(0_i64, |power, digit| {
        (power * 10 + i64::from(digit - b'0')).min(1 << 40)
    });
    Some(if negative { -power } else { power })
}

impl Written {
    fn round_binary(&self) -> Option<Magnitude> {
        let (kept, cut) = self.digits.split_at(self.digits.len().min(32));
        let bits = kept
            .iter()
            .fold(0, |bits, &digit| bits << 4 | u128::from(digit));
        let exponent = self.exponent.saturating_add(4 * cut.len() as i64);
        // Trailing zeros are gone, so whatever was cut is not zero.
        round(bits, exponent, !cut.is_empty())
    }

    fn round_decimal(&self) -> Option<Magnitude> {
        if self.digits.is_empty() {
            return Some(Extended::ZERO.magnitude);
        }
        // 2^16384 has 4933 digits; the least number above zero begins 4950 places after the point.
        let top = self.exponent.saturating_add(self.digits.len() as i64);
        if !(-4960..=4940).contains(&top) {
            return None;
        }
        let mut number = Natural::default();
        for &digit in &self.digits {
            number.mul_add(10, u32::from(digit));
        }
        if self.exponent >= 0 {
            (0..self.exponent).for_each(|_| number.mul_add(10, 0));
            let (bits, exponent, sticky) = number.top();
            return round(bits, exponent, sticky);
        }
        // So many bits more that the quotient has at least 128.
        let tens = self.exponent.unsigned_abs() as usize;
        let extra = 130 + tens * 10 / 3;
        number = number.shl(extra);
        let mut remainder = false;
        for _ in 0..tens {
            remainder |= number.div(10) != 0;
        }
        let (bits, exponent, sticky) = number.top();
        round(bits, exponent - extra as i64, sticky || remainder)
    }
}

/// A natural number of any size: 32 bits a limb, the lowest first, no zeros at the top.
#[derive(Clone, Debug, Default)]
struct Natural {
    limbs: Vec<u32>,
}

impl From<u128> for Natural {
    fn from(x: u128) -> Natural {
        let mut number = Natural {
            limbs: (0..4).map(|i| (x >> (32 * i)) as u32).collect(),
        };
        number.trim();
        number
    }
}

impl Natural {
    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    /// `self · factor + more`
    fn mul_add(&mut self, factor: u32, more: u32) {
        let mut carry = u64::from(more);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    /// Divides; the remainder.
    fn div(&mut self, by: u32) -> u32 {
        let mut rest = 0;
        for limb in self.limbs.iter_mut().rev() {
            let wide = rest << 32 | u64::from(*limb);
            *limb = (wide / u64::from(by)) as u32;
            rest = wide % u64::from(by);
        }
        self.trim();
        rest as u32
    }

    fn shl(mut self, by: usize) -> Natural {
        if self.limbs.is_empty() {
            return self;
        }
        self.mul_add(1 << (by % 32), 0);
        self.limbs.splice(0..0, std::iter::repeat_n(0, by / 32));
        self
    }

    /// The highest limbs as `bits · 2^exponent`, and whether anything is below them.
    fn top(&self) -> (u128, i64, bool) {
        let cut = self.limbs.len().saturating_sub(4);
        let kept = self.limbs[cut..].iter().rev();
        let bits = kept.fold(0, |bits, &limb| bits << 32 | u128::from(limb));
        let sticky = self.limbs[..cut].iter().any(|&limb| limb != 0);
        (bits, 32 * cut as i64, sticky)
    }

    /// In decimal digits.
    fn text(mut self) -> String {
        let mut groups = Vec::new();
        while !self.limbs.is_empty() {
            groups.push(self.div(1_000_000_000));
        }
        let mut text = groups.pop().unwrap_or(0).to_string();
        for group in groups.iter().rev() {
            use std::fmt::Write;
            let _ = write!(text, "{group:09}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let parse = |text: &str| Extended::parse(text.as_bytes()).expect(text);
        parse(a).sum(parse(b)).map(Extended::text)
    }

    #[test]
    fn sums_print_as_those_of_redis() {
        // The right column is what redis-server 7.0.15 answered on x86-64.
        for (a, b, wanted) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("0", "-40.6", "-40.6"),
            ("16", "0.9607645223584647", "16.9607645223584647"),
            ("9223372036854775807", "0", "9223372036854775807"),
            ("1e30", "1", "1000000000000000000024696061952"),
            ("0x1p-3", "0", "0.125"),
            ("1", "-1", "0"),
            ("-1e-30", "0", "0"),
            ("3", "1e-30", "3"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(wanted), "{a} + {b}");
        }
        assert_eq!(sum("1e4932", "1e4932"), None);
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("1e4932", "0").expect("finite").len(), 4933);
    }

    #[test]
    fn reads_what_strtold_reads() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "nan", "1x", "0x", "0x.p1", "1e5000", "1e-5000", "1 ",
        ] {
            assert_eq!(Extended::parse(text.as_bytes()), None, "{text:?}");
        }
        for (text, wanted) in [
            (".5", "0.5"),
            ("5.", "5"),
            ("+7", "7"),
            ("0e9999999999999999999", "0"),
            ("0x1.8P1", "3"),
            ("0x123456789abcdef01", "20988295479420645120"),
            ("-Infinity", "-inf"),
            ("100000000000000000000000000000e-29", "1"),
        ] {
            let number = Extended::parse(text.as_bytes()).expect(text);
            assert_eq!(number.text(), wanted, "{text}");
        }
        let long = format!("0.{}", "3".repeat(5000));
        assert_eq!(
            Extended::parse(long.as_bytes())
                .expect("short enough")
                .text(),
            "0.33333333333333333"
        );
        assert!(Extended::parse("1".repeat(6000).as_bytes()).is_none());
    }

    #[test]
    fn equals_exact_integers() {
        let mut x: i64 = 1;
        for i in 0..60 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i) >> (i % 40 + 2);
            let y = x.rotate_left(17) >> 3;
            assert_eq!(
                sum(&x.to_string(), &y.to_string()),
                Some((x + y).to_string())
            );
        }
    }
}
