//! The test that a sample fits a distribution, for this folder's tests.

/// Asserts that `counts` could have been drawn with probabilities proportional to `weights`.
///
/// Pearson's statistic, cells below 10 expected draws merged, against the 1 - 10⁻⁶ quantile of the χ²
/// distribution in Wilson and Hilferty's approximation. The samples are seeded, so this never flickers.
pub(crate) fn assert_fits(counts: &[u64], weights: &[f64]) {
    assert_eq!(counts.len(), weights.len());
    let draws = counts.iter().sum::<u64>() as f64;
    let total: f64 = weights.iter().sum();
    let (mut statistic, mut cells) = (0.0, 0u32);
    let (mut merged_count, mut merged_expected) = (0.0, 0.0);
    for (&count, weight) in counts.iter().zip(weights) {
        let expected = weight / total * draws;
        assert!(expected > 0.0 || count == 0, "drew what has no weight");
        merged_count += count as f64;
        merged_expected += expected;
        if merged_expected >= 10.0 {
            statistic += (merged_count - merged_expected).powi(2) / merged_expected;
            cells += 1;
            (merged_count, merged_expected) = (0.0, 0.0);
        }
    }
    if merged_expected > 0.0 {
        statistic += (merged_count - merged_expected).powi(2) / merged_expected;
        cells += 1;
    }
    let freedom = f64::from(cells.saturating_sub(1));
    if freedom == 0.0 {
        return;
    }
    let spread = 2.0 / (9.0 * freedom);
    let limit = freedom * (1.0 - spread + 4.753 * spread.sqrt()).powi(3);
    assert!(
        statistic <= limit,
        "χ² = {statistic:.1} over {limit:.1}, {freedom} degrees"
    );
}
