//! Auto-scaling: how many shards a cluster should have, by `ElastiCache`'s rule.
//!
//! `ElastiCache` user guide, "Target tracking scaling policies", criteria for shards: from the target on, shards are added by
//! the larger of the share by which the metric is above the target and a fifth of them; none is removed before the metric is
//! a quarter below the target. How many go then is not told: as many as bring the metric back to the target, which is
//! what target tracking is for.

/// The share of the shards that is added at least.
const STEP_PERCENT: u128 = 20;

/// Below this share of the target shards are removed.
const SCALE_IN_PERCENT: u128 = 75;

/// How many shards there should be where `shards` of them have `metric` of what `target` is wanted of, in any unit
/// that both share; from 1 on.
pub fn shards_wanted(shards: u16, metric: u64, target: u64) -> u16 {
    let (now, metric, target) = (
        u128::from(shards),
        u128::from(metric),
        u128::from(target.max(1)),
    );
    let wanted = if metric >= target {
        let above = (now * (metric - target)).div_ceil(target);
        now + above.max((now * STEP_PERCENT).div_ceil(100))
    } else if metric * 100 < target * SCALE_IN_PERCENT {
        (now * metric).div_ceil(target)
    } else {
        now
    };
    u16::try_from(wanted).unwrap_or(u16::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_wants_meets_the_target() {
        for shards in 1..200 {
            for metric in 1..150 {
                let wanted = u64::from(shards_wanted(shards, metric, 60));
                // The load is spread over as many shards as there will be.
                let after = u64::from(shards) * metric / wanted;
                assert!(
                    after <= 60,
                    "{shards} shards at {metric}: {wanted}, {after}"
                );
                assert!(wanted >= u64::from(shards) || metric < 45);
            }
        }
        assert_eq!(shards_wanted(3, 0, 60), 1);
    }
}
