//! Numbers for people: three significant digits, a unit, and a dash where there is no figure.

use crate::stats::{Estimate, Interval};

/// Shown where there is no figure.
pub const ABSENT: &str = "–";

/// How a kind of number is written.
pub type Format = fn(f64) -> String;

/// `value` with three significant digits, never in exponent form below 10^15.
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    // Rounded to three digits first, so that 9.996 becomes 10.0 and not 10.00.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let magnitude = rounded.abs().log10().floor() as i32;
    match magnitude {
        15.. => format!("{value:.2e}"),
        -6..15 => format!("{rounded:.*}", usize::try_from(2 - magnitude).unwrap_or(0)),
        _ => format!("{value:.1e}"),
    }
}

/// A count or a rate: `950`, `12.3 k`, `1.20 M`.
pub fn count(value: f64) -> String {
    scaled(
        value,
        &[(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")],
        "",
    )
}

/// A whole number with its thousands apart: `1 234 567`.
pub fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A time given in microseconds.
pub fn time_us(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        return scaled(value * 1e3, &[], " ns");
    }
    scaled(value, &[(3.6e9, " h"), (1e6, " s"), (1e3, " ms")], " µs")
}

/// A time given in milliseconds.
pub fn time_ms(value: f64) -> String {
    if value == 0.0 {
        "0 ms".into()
    } else {
        time_us(value * 1e3)
    }
}

/// A latency in µs where there is one: nothing takes no time.
pub fn latency_us(value: f64) -> String {
    if value == 0.0 {
        ABSENT.into()
    } else {
        time_us(value)
    }
}

/// Bytes, in powers of 1024.
pub fn bytes(value: f64) -> String {
    const KIB: f64 = 1024.0;
    let units = [
        (KIB.powi(4), " TiB"),
        (KIB.powi(3), " GiB"),
        (KIB.powi(2), " MiB"),
        (KIB, " KiB"),
    ];
    scaled(value, &units, " B")
}

/// A share of one, in percent: `34.2 %`.
pub fn percent(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.into();
    }
    let percent = value * 100.0;
    match percent.abs() {
        1000.0.. => format!("{} %", plain(percent)),
        99.95.. => format!("{percent:.0} %"),
        0.0 => "0 %".into(),
        0.1.. => format!("{percent:.1} %"),
        _ => format!("{} %", plain(percent)),
    }
}

/// A ratio: `0.823×`.
pub fn ratio(value: f64) -> String {
    match value {
        value if !value.is_finite() => ABSENT.into(),
        0.1..0.9995 => format!("{value:.3}×"),
        0.9995..10.0 => format!("{value:.2}×"),
        _ => format!("{}×", plain(value)),
    }
}

/// Money a month: `$1,234`.
pub fn usd(value: f64) -> String {
    match value {
        value if !value.is_finite() => ABSENT.into(),
        0.0..100.0 => format!("${value:.2}"),
        0.0..1e15 => format!("${}", whole(value.round() as u64)),
        _ => format!("${}", plain(value)),
    }
}

/// An interval: `1.19 – 1.27 M`, with the unit once where both ends share it.
pub fn interval(interval: Interval, format: Format) -> String {
    let (low, high) = (format(interval.low), format(interval.high));
    match (split(&low), split(&high)) {
        ((number, low_unit), (_, high_unit)) if low_unit == high_unit => {
            format!("{number} – {high}")
        }
        _ => format!("{low} – {high}"),
    }
}

/// A value with an interval in parentheses: `1.23 M (1.19 – 1.27)`, with the unit once where all share
/// it.
pub fn within(value: f64, ends: Interval, format: Format) -> String {
    let (value, low, high) = (format(value), format(ends.low), format(ends.high));
    let unit = split(&value).1;
    match (split(&low), split(&high)) {
        ((low, of_low), (high, of_high)) if of_low == unit && of_high == unit => {
            format!("{value} ({low} – {high})")
        }
        _ => format!("{value} ({})", interval(ends, format)),
    }
}

/// Number and unit of a formatted value.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .rfind(|c: char| c.is_ascii_digit())
        .map_or(0, |index| index + 1);
    text.split_at(end)
}

/// An estimate with its interval in parentheses.
pub fn estimate(estimate: Option<Estimate>, format: Format) -> String {
    match estimate {
        None => ABSENT.into(),
        Some(Estimate {
            value,
            interval: None,
            ..
        }) => format(value),
        Some(Estimate {
            value,
            interval: Some(ends),
            ..
        }) => within(value, ends, format),
    }
}

/// A label for a tick: `text` without zeros that end its fraction (`1.00 k` is `1 k`).
pub fn tick(text: &str) -> String {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || ".-$".contains(c)))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if !number.contains('.') || unit.starts_with('e') {
        return text.into();
    }
    format!(
        "{}{unit}",
        number.trim_end_matches('0').trim_end_matches('.')
    )
}

fn scaled(value: f64, units: &[(f64, &str)], unit: &str) -> String {
    if !value.is_finite() {
        return ABSENT.into();
    }
    // A value that three digits would round up to the next unit is shown in that unit.
    let unit_of = units
        .iter()
        .find(|(factor, _)| value.abs() >= factor * 0.9995);
    match unit_of {
        Some((factor, unit)) => format!("{}{unit}", plain(value / factor)),
        None if value.fract() == 0.0 => format!("{value:.0}{unit}"),
        None => format!("{}{unit}", plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_once_where_they_are_shared() {
        let ends = |low, high| Interval { low, high };
        assert_eq!(interval(ends(1.19e6, 1.27e6), count), "1.19 – 1.27 M");
        assert_eq!(interval(ends(990e3, 1.27e6), count), "990 k – 1.27 M");
        assert_eq!(
            within(1.2e6, ends(1.19e6, 1.27e6), count),
            "1.20 M (1.19 – 1.27)"
        );
        assert_eq!(
            within(1.2e6, ends(990e3, 1.27e6), count),
            "1.20 M (990 k – 1.27 M)"
        );
        assert_eq!(
            within(990e3, ends(980e3, 1.27e6), count),
            "990 k (980 k – 1.27 M)"
        );
        assert_eq!(within(5.0, ends(2.0, 9.0), count), "5 (2 – 9)");
        assert_eq!(
            within(2000.0, ends(384.0, 2710.0), count),
            "2.00 k (384 – 2.71 k)"
        );
        assert_eq!(within(5.0, ends(2.0, 9000.0), count), "5 (2 – 9.00 k)");
        assert_eq!(
            within(0.82, ends(0.8, 0.85), ratio),
            "0.820× (0.800 – 0.850)"
        );
    }

    #[test]
    fn three_digits_and_a_unit() {
        let cases: [(String, &str); 25] = [
            (tick("1.00 k"), "1 k"),
            (tick("20.50"), "20.5"),
            (tick("1.00e300"), "1.00e300"),
            (plain(9.996), "10.0"),
            (plain(0.012_345), "0.0123"),
            (plain(1234.0), "1230"),
            (plain(1e300), "1.00e300"),
            (plain(1e-12), "1.0e-12"),
            (plain(f64::NAN), ABSENT),
            (count(999_900.0), "1.00 M"),
            (count(12_345.0), "12.3 k"),
            (count(7.0), "7"),
            (whole(1_234_567), "1\u{202f}234\u{202f}567"),
            (time_us(0.25), "250 ns"),
            (time_us(1234.0), "1.23 ms"),
            (time_ms(20_500.0), "20.5 s"),
            (time_ms(0.0), "0 ms"),
            (bytes(64.0 * 1024.0 * 1024.0), "64.0 MiB"),
            (bytes(100.0), "100 B"),
            (percent(0.342_1), "34.2 %"),
            (percent(1.0), "100 %"),
            (percent(0.000_012), "0.00120 %"),
            (ratio(0.823), "0.823×"),
            (usd(1234.4), "$1\u{202f}234"),
            (usd(-1.0), "$-1.00"),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }
}
