//! Order statistics: quantiles and the median.

/// The finite values, in order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    finite.sort_unstable_by(f64::total_cmp);
    finite
}

/// The quantile `q` (0 to 1) of values in order, linear between neighbours (Hyndman and Fan's type 7,
/// as numpy, R and Excel have it). `None` without values.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    if low == high {
        return Some(low);
    }
    // Weighted sum, not low + fraction × (high − low): the difference of two huge values overflows.
    let fraction = at.fract();
    Some(low * (1.0 - fraction) + high * fraction)
}

/// The median of values in any order. `None` without finite values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// Coefficient of variation: standard deviation (n − 1) over mean. `None` below two finite values or
/// where the mean is zero.
pub fn variation(values: &[f64]) -> Option<f64> {
    let finite = sorted(values);
    let n = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / n;
    if finite.len() < 2 || mean == 0.0 {
        return None;
    }
    let squares: f64 = finite.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt() / mean.abs()).filter(|variation| variation.is_finite())
}
