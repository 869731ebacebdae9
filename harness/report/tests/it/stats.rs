//! The statistics against values computed with numpy 2 and scipy 1: quantiles by `numpy.quantile`,
//! small bootstraps by enumerating all n^n resamples, a larger one by `scipy.stats.bootstrap` with
//! 400 000 resamples, proportions by `scipy.stats.beta.ppf`.

use seawall_report::stats::order::{median, quantile, sorted, variation};
use seawall_report::stats::proportion::upper_bound;
use seawall_report::stats::{Estimate, paired_ratio};

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected} ± {tolerance}"
    );
}

#[test]
fn quantiles_are_numpys() {
    let values = sorted(&[12.0, 15.5, 11.0, 19.25, 13.0, 14.0, 30.0]);
    for (q, expected) in [
        (0.0, 11.0),
        (0.1, 11.6),
        (0.25, 12.5),
        (0.5, 14.0),
        (0.9, 23.55),
        (0.99, 29.355),
        (1.0, 30.0),
    ] {
        near(quantile(&values, q).unwrap(), expected, 1e-9);
    }
    near(variation(&values).unwrap(), 0.401_358_597_009_980_3, 1e-12);
}

#[test]
fn values_that_are_not_finite_are_not_counted() {
    assert_eq!(median(&[f64::NAN, 3.0, f64::INFINITY, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[f64::NAN]), None);
    assert_eq!(Estimate::median(&[]), None);
    assert_eq!(Estimate::median(&[f64::NAN, 7.0]).unwrap().n, 1);
    assert_eq!(
        median(&[f64::MAX, f64::MAX, f64::MAX, f64::MAX]),
        Some(f64::MAX)
    );
    assert_eq!(
        paired_ratio(&[(0.0, 1.0), (1.0, f64::NAN), (-1.0, 1.0)]),
        None
    );
}

#[test]
fn a_single_value_has_no_interval() {
    let estimate = Estimate::median(&[5.0]).unwrap();
    assert_eq!(
        (estimate.value, estimate.interval, estimate.n),
        (5.0, None, 1)
    );
}

#[test]
fn the_interval_of_a_median_is_that_of_all_resamples() {
    let estimate = Estimate::median(&[101.0, 97.0, 108.0, 93.0, 104.0]).unwrap();
    assert_eq!(estimate.value, 101.0);
    let interval = estimate.interval.unwrap();
    assert_eq!((interval.low, interval.high), (93.0, 108.0));
}

#[test]
fn the_interval_of_a_mean_is_that_of_all_resamples() {
    let interval = Estimate::mean(&[101.0, 97.0, 108.0, 93.0, 104.0])
        .unwrap()
        .interval
        .unwrap();
    near(interval.low, 93.8, 0.6);
    near(interval.high, 107.2, 0.6);
}

#[test]
fn the_interval_of_a_larger_sample_is_scipys() {
    let values = [
        60.2, 37.22, 52.09, 47.16, 47.74, 48.92, 39.9, 48.84, 45.67, 66.61, 51.13, 48.24, 48.59,
        46.66, 44.72, 48.05, 52.41, 48.81, 54.79, 49.0,
    ];
    let estimate = Estimate::mean(&values).unwrap();
    near(estimate.value, 49.3375, 1e-9);
    let interval = estimate.interval.unwrap();
    near(interval.low, 46.537, 0.15);
    near(interval.high, 52.4525, 0.15);
}

#[test]
fn a_paired_ratio_is_a_geometric_mean_with_the_interval_of_all_resamples() {
    let base = [100.0, 120.0, 90.0, 110.0, 105.0];
    let new = [80.0, 102.0, 70.0, 91.0, 80.0];
    let pairs: Vec<_> = base.into_iter().zip(new).collect();
    let ratio = paired_ratio(&pairs).unwrap();
    near(ratio.value, 0.802_754_534_941_900_4, 1e-12);
    let interval = ratio.interval.unwrap();
    near(interval.low, 0.765_053, 0.004);
    near(interval.high, 0.845_405, 0.004);
    let swapped: Vec<_> = pairs.iter().map(|&(base, new)| (new, base)).collect();
    near(
        paired_ratio(&swapped).unwrap().value,
        1.0 / ratio.value,
        1e-12,
    );
}

#[test]
fn pairing_removes_what_both_members_share() {
    // The machine halves its speed between pairs; the second is always 10 % slower.
    let pairs: Vec<_> = [1.0, 0.5, 0.9, 0.45, 0.7]
        .map(|speed| (speed, speed * 0.9))
        .into();
    let interval = paired_ratio(&pairs).unwrap().interval.unwrap();
    near(interval.low, 0.9, 1e-9);
    near(interval.high, 0.9, 1e-9);
}

#[test]
fn proportions_are_those_of_clopper_and_pearson() {
    near(upper_bound(0, 5), 0.450_719_728, 1e-6);
    near(upper_bound(0, 200), 0.014_867_039, 1e-6);
    near(upper_bound(1, 10), 0.394_163_302, 1e-6);
    near(upper_bound(3, 40), 0.182_586_850, 1e-6);
    near(upper_bound(7, 7), 1.0, 0.0);
}
