//! Axes: where a value stands between 0 and 1, and which values get a tick.
//!
//! The ticks are ours and not plotters' own, which know neither units nor a percentile axis.

use crate::number::Format;

/// How values spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By powers; values at or below zero stand at the low end.
    Log,
    /// By powers, with room for zero at the low end.
    LogWithZero,
    /// By nines, as HDR histograms are drawn: 0, 90 %, 99 %, 99.9 %, … stand evenly. Values are
    /// shares of one.
    Percentile,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub title: String,
    /// The ticks: value and label.
    pub ticks: Vec<(f64, String)>,
    scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis that begins at zero and holds all `values`.
    pub fn from_zero(title: &str, values: impl IntoIterator<Item = f64>, format: Format) -> Self {
        let high = finite(values).fold(0.0, f64::max);
        Self::linear(title, 0.0, if high > 0.0 { high } else { 1.0 }, format)
    }

    /// An axis that holds all `values`, and not much more.
    pub fn around(title: &str, values: impl IntoIterator<Item = f64>, format: Format) -> Self {
        let (low, high) = ends(values).unwrap_or((0.0, 1.0));
        let margin = ((high - low) * 0.06)
            .max(high.abs() * 1e-3)
            .max(f64::MIN_POSITIVE);
        Self::linear(title, low - margin, high + margin, format)
    }

    /// A logarithmic axis that holds all positive `values`.
    pub fn log(title: &str, values: impl IntoIterator<Item = f64>, format: Format) -> Self {
        let positive = finite(values).filter(|value| *value > 0.0);
        let (low, high) = ends(positive).unwrap_or((1.0, 10.0));
        // Ends at powers of ten or twice or five times one, whichever is near.
        let steps = decade_steps(low, high);
        let low = steps
            .iter()
            .copied()
            .rev()
            .find(|step| *step <= low)
            .unwrap_or(low);
        let high = steps
            .iter()
            .copied()
            .find(|step| *step >= high)
            .unwrap_or(high);
        let high = if high > low { high } else { low * 10.0 };
        let decades = (high / low).log10();
        let keep = |step: &f64| match decades {
            ..1.5 => true,
            ..3.5 => mantissa(*step) != 2,
            _ => mantissa(*step) == 1,
        };
        let within = |step: &f64| (low..=high).contains(step);
        let mut ticks: Vec<f64> = steps.iter().copied().filter(within).filter(keep).collect();
        let every = ticks.len().div_ceil(8).max(1);
        ticks = ticks.into_iter().step_by(every).collect();
        let ticks = ticks
            .into_iter()
            .map(|tick| (tick, label(tick, format)))
            .collect();
        Self {
            title: title.into(),
            ticks,
            scale: Scale::Log,
            low,
            high,
        }
    }

    /// A logarithmic axis with room for zero.
    pub fn log_with_zero(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        format: Format,
    ) -> Self {
        let values: Vec<f64> = finite(values).collect();
        let mut axis = Self::log(title, values.iter().copied(), format);
        if values.iter().all(|value| *value > 0.0) {
            return axis;
        }
        // A sixth of the axis stands for what is below the smallest positive value.
        let room = (axis.high / axis.low).powf(0.2);
        if room.is_finite() && axis.low / room > 0.0 {
            axis.low /= room;
        }
        axis.scale = Scale::LogWithZero;
        axis.ticks.insert(0, (0.0, label(0.0, format)));
        axis
    }

    /// A logarithmic axis with a tick at each of `values`, where these are few.
    pub fn log_at(title: &str, values: &[f64], format: Format) -> Self {
        let mut axis = Self::log(title, values.iter().copied(), format);
        let Some((low, high)) = ends(values.iter().copied().filter(|value| *value > 0.0)) else {
            return axis;
        };
        if low < high {
            let margin = (high / low).powf(0.02);
            (axis.low, axis.high) = (low / margin, high * margin);
        }
        if values.len() <= 12 {
            axis.ticks = values
                .iter()
                .map(|value| (*value, label(*value, format)))
                .collect();
        } else {
            let within = axis.low..=axis.high;
            axis.ticks.retain(|(value, _)| within.contains(value));
        }
        axis
    }

    /// The percentile axis, up to `nines` nines.
    pub fn percentile(title: &str, nines: u32) -> Self {
        let ticks = (0..=nines).map(|count| match count {
            0 => (0.0, "0".to_string()),
            1 => (0.9, "90".to_string()),
            2 => (0.99, "99".to_string()),
            _ => (
                1.0 - 0.1_f64.powi(count as i32),
                format!("99.{}", "9".repeat(count as usize - 2)),
            ),
        });
        let high = f64::from(nines);
        Self {
            title: title.into(),
            ticks: ticks.collect(),
            scale: Scale::Percentile,
            low: 0.0,
            high,
        }
    }

    /// Where `value` stands: 0 at the low end, 1 at the high end, and never beyond.
    pub fn position(&self, value: f64) -> f64 {
        let (low, high) = (self.low, self.high);
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Log | Scale::LogWithZero if value <= 0.0 => 0.0,
            Scale::Log | Scale::LogWithZero => (value / low).ln() / (high / low).ln(),
            Scale::Percentile => -(1.0 - value).max(1e-12).log10() / high,
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn linear(title: &str, low: f64, high: f64, format: Format) -> Self {
        let step = nice_step((high - low) / 5.0);
        // Where zero is the low end, the high end is a tick, so that the longest bar ends before it.
        let high = if low == 0.0 {
            (high / step).ceil() * step
        } else {
            high
        };
        let first = (low / step).ceil();
        let ticks = (0..=12)
            .map(|index| (first + f64::from(index)) * step)
            .filter(|tick| *tick <= high + step * 1e-6)
            .map(|tick| (tick, label(tick, format)))
            .collect();
        Self {
            title: title.into(),
            ticks,
            scale: Scale::Linear,
            low,
            high,
        }
    }
}

fn label(value: f64, format: Format) -> String {
    // Zero is zero in every unit.
    if value == 0.0 {
        "0".into()
    } else {
        crate::number::tick(&format(value))
    }
}

fn finite(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    values.into_iter().filter(|value| value.is_finite())
}

fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    finite(values).fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `step`.
fn nice_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let multiple = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|m| m * power >= step * 0.999);
    multiple.unwrap_or(10.0) * power
}

/// 1, 2 and 5 times the powers of ten around `low` to `high`.
fn decade_steps(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    (first..=last)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|m| m * 10_f64.powi(power)))
        .filter(|step| step.is_finite() && *step > 0.0)
        .collect()
}

fn mantissa(step: f64) -> i32 {
    (step / 10_f64.powf((step.log10() + 1e-9).floor())).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::plain;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        let axis = Axis::from_zero("", [3.0, 870.0], crate::number::count);
        assert_eq!(labels(&axis), ["0", "200", "400", "600", "800", "1 k"]);
        let axis = Axis::log("", [3.0, 870.0], crate::number::count);
        assert_eq!(labels(&axis), ["5", "10", "50", "100", "500", "1 k"]);
    }

    #[test]
    fn nines_stand_evenly() {
        let axis = Axis::percentile("", 4);
        assert_eq!(labels(&axis), ["0", "90", "99", "99.9", "99.99"]);
        for (value, expected) in [
            (0.0, 0.0),
            (0.9, 0.25),
            (0.99, 0.5),
            (0.9999, 1.0),
            (1.0, 1.0),
        ] {
            assert!((axis.position(value) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn hostile_values_stay_on_the_axis() {
        let values = [f64::NAN, f64::INFINITY, -1e308, 1e308, 0.0, 1e-308];
        for axis in [
            Axis::from_zero("", values, plain),
            Axis::around("", values, plain),
            Axis::log("", values, plain),
            Axis::log_with_zero("", values, plain),
            Axis::log_at("", &values, plain),
        ] {
            assert!(axis.ticks.len() < 20, "{axis:?}");
            for value in values {
                assert!(
                    (0.0..=1.0).contains(&axis.position(value)),
                    "{value} on {axis:?}"
                );
            }
        }
    }
}
