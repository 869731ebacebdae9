//! Auto-scaling: how many shards a cluster should have, by `ElastiCache`'s rule, and when it is changed.
//!
//! `ElastiCache` user guide, "Target tracking scaling policies", criteria for shards: from the target on, shards are added by
//! the larger of the share by which the metric is above the target and a fifth of them; none is removed before the metric is
//! a quarter below the target. How many go then is not told: as many as bring the metric back to the target, which is
//! what target tracking is for. A change waits until the metric was so in several periods one after the other, as an alarm
//! of `CloudWatch` does, and until a cooldown is over since the change before was complete.

use crate::Nanos;

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

/// When to scale, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What the metric should be, in percent.
    pub target_percent: u64,
    /// The fewest shards.
    pub capacity_min: u16,
    /// The most shards.
    pub capacity_max: u16,
    /// So many periods in a row the metric is at the target or above before shards are added.
    pub scale_out_periods: u64,
    /// So many periods in a row it is a quarter below the target before shards are removed.
    pub scale_in_periods: u64,
    /// From the end of a change until shards may be added.
    pub scale_out_cooldown: Nanos,
    /// From the end of a change until shards may be removed.
    pub scale_in_cooldown: Nanos,
}

/// What one percent is in the unit of the metric.
pub const PERCENT: u64 = 100;

/// Target tracking: takes the metric once a period and says when the number of shards is to change.
#[derive(Clone, Debug)]
pub struct TargetTracking {
    policy: Policy,
    /// Periods in a row in which the metric asked for more shards, and for fewer.
    more: u64,
    fewer: u64,
    /// When the last change was complete.
    changed: Option<Nanos>,
}

impl TargetTracking {
    /// One that has seen nothing yet.
    pub fn new(policy: Policy) -> TargetTracking {
        TargetTracking {
            policy,
            more: 0,
            fewer: 0,
            changed: None,
        }
    }

    /// The metric of a period that ends `now`, in hundredths of a percent, with so many shards; how many there should be where
    /// that is to change.
    pub fn observe(&mut self, now: Nanos, shards: u16, metric: u64) -> Option<u16> {
        let policy = self.policy;
        let wanted = shards_wanted(shards, metric, policy.target_percent * PERCENT);
        let is_more = wanted > shards;
        let is_fewer = wanted < shards;
        self.more = if is_more { self.more + 1 } else { 0 };
        self.fewer = if is_fewer { self.fewer + 1 } else { 0 };
        let is_over =
            |cooldown: Nanos| self.changed.is_none_or(|changed| now >= changed + cooldown);
        let acts = (is_more
            && self.more >= policy.scale_out_periods
            && is_over(policy.scale_out_cooldown))
            || (is_fewer
                && self.fewer >= policy.scale_in_periods
                && is_over(policy.scale_in_cooldown));
        let wanted = wanted.clamp(policy.capacity_min, policy.capacity_max);
        (acts && wanted != shards).then_some(wanted)
    }

    /// A change is complete: the metric of before says nothing of the cluster as it is now.
    pub fn changed(&mut self, now: Nanos) {
        (self.more, self.fewer, self.changed) = (0, 0, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for in each period of ten, by the metric in percent; a change is complete at once.
    fn asked(policy: Policy, mut shards: u16, metrics: &[u64]) -> Vec<u16> {
        let mut tracking = TargetTracking::new(policy);
        let mut asked = Vec::new();
        for (period, metric) in (1..).zip(metrics) {
            let now = Nanos(period * 10);
            if let Some(wanted) = tracking.observe(now, shards, metric * PERCENT) {
                tracking.changed(now);
                shards = wanted;
            }
            asked.push(shards);
        }
        asked
    }

    const POLICY: Policy = Policy {
        target_percent: 60,
        capacity_min: 3,
        capacity_max: 8,
        scale_out_periods: 2,
        scale_in_periods: 3,
        scale_out_cooldown: Nanos(30),
        scale_in_cooldown: Nanos(50),
    };

    #[test]
    fn a_change_waits_for_an_alarm_and_a_cooldown() {
        // One period above the target is no alarm; two in a row are, and so are three below three quarters of it.
        assert_eq!(asked(POLICY, 4, &[70, 50, 70, 60]), [4, 4, 4, 5]);
        assert_eq!(
            asked(POLICY, 4, &[40, 40, 50, 40, 40, 40]),
            [4, 4, 4, 4, 4, 3]
        );
        // The alarm is there again after two periods, the cooldown over after three.
        assert_eq!(asked(POLICY, 4, &[60; 5]), [4, 5, 5, 5, 6]);
        assert_eq!(
            asked(POLICY, 4, &[60, 60, 20, 20, 20, 20, 20]),
            [4, 5, 5, 5, 5, 5, 3]
        );
    }

    #[test]
    fn there_are_never_more_shards_nor_fewer_than_the_policy_says() {
        assert_eq!(asked(POLICY, 6, &[100, 100]), [6, 8]);
        assert_eq!(asked(POLICY, 4, &[0, 0, 0]), [4, 4, 3]);
        assert_eq!(asked(POLICY, 8, &[100, 100, 100]), [8, 8, 8]);
    }

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
