//! Proportions: what a count of failures in n seeds says about the seeds that were not run.

use statrs::distribution::{Beta, ContinuousCDF as _};

use super::CONFIDENCE;

/// The highest share of failing seeds that is consistent with `failed` of `n`: the one-sided upper
/// bound of Clopper and Pearson ("The use of confidence or fiducial limits", Biometrika 26, 1934).
pub fn upper_bound(failed: usize, n: usize) -> f64 {
    if failed >= n {
        return 1.0;
    }
    Beta::new(failed as f64 + 1.0, (n - failed) as f64)
        .expect("both shapes are at least one")
        .inverse_cdf(CONFIDENCE)
}
