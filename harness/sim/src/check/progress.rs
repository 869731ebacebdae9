//! Progress: when all faults are over, every shard answers again.

use seawall_cluster::Nanos;

use super::Phases;
use crate::fault::Schedule;
use crate::world::{Measure, Service};

/// So long after the last fault nobody asks in vain: longer than two elections of the slowest replication with a
/// node timeout of a second take.
const PATIENCE: Nanos = Nanos::from_millis(10_000);

/// How many shards nobody serves [`PATIENCE`] after the last action, when the cluster is judged, or have answered nobody since that
/// action and for as long at least, up to the end of the run; an operator who promotes copies does so in `promoted_after`, which is
/// waited for too. One that answered, only too late for those who had asked, is overloaded and not silent. None where it is judged
/// before all that.
pub(crate) fn silent_shards(
    measure: &Measure,
    schedule: &Schedule,
    phases: Phases,
    promoted_after: Nanos,
    judged: Nanos,
    is_served: impl Fn(u16) -> bool,
) -> Option<usize> {
    let end = Nanos::from_millis(phases.end_ms);
    let over = Nanos::from_millis(schedule.last_ms()) + promoted_after;
    if judged.0 < (over + PATIENCE).0 {
        return None;
    }
    let in_vain =
        |&(since, until): &(Nanos, Nanos)| until >= end && end.since(since.max(over)) >= PATIENCE;
    // Somebody has to have asked when it could have been well again.
    let late = over + Nanos(PATIENCE.0 / 2);
    let shards = measure.down(Service::All).zip(measure.last_failed());
    let shards = (0u16..).zip(shards.zip(measure.last_late()));
    let is_silent = |(shard, ((down, failed), answered)): (u16, ((&[_], Nanos), Nanos))| {
        let asked_in_vain = answered < late && failed >= late && down.iter().any(in_vain);
        asked_in_vain || !is_served(shard)
    };
    Some(shards.filter(|shard| is_silent(*shard)).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Action, Dated};

    #[test]
    fn a_shard_that_nobody_gets_an_answer_of_is_silent() {
        let schedule = Schedule::of(vec![Dated {
            at_ms: 5000,
            action: Action::Replace { shard: 0 },
        }]);
        let phases = Phases {
            warm_ms: 0,
            fault_ms: 1000,
            end_ms: 20_000,
        };
        let ms = Nanos::from_millis;
        let silent_after = |measure: &Measure, promoted_ms, judged_ms, is_served| {
            let (promoted_after, judged) = (ms(promoted_ms), ms(judged_ms));
            silent_shards(measure, &schedule, phases, promoted_after, judged, |_| {
                is_served
            })
        };
        let silent = |failed: &[u64], answered: &[u64]| {
            let mut measure = Measure::new(1);
            for at in failed {
                measure.shard_failed(ms(*at), 0, Service::Reads);
            }
            for at in answered {
                measure.shard_answered(ms(*at), 0, Service::Reads);
            }
            measure.finish(ms(phases.end_ms));
            silent_after(&measure, 0, 30_000, true).expect("it is late enough")
        };
        assert_eq!(silent(&[2000, 19_000], &[]), 1);
        assert_eq!(silent(&[2000, 19_000], &[19_500]), 0, "it answered");
        assert_eq!(silent(&[2000], &[]), 0, "nobody asked since");
        assert_eq!(silent(&[12_000], &[]), 0, "it is not long enough ago");
        let mut measure = Measure::new(1);
        measure.shard_failed(ms(2000), 0, Service::Reads);
        measure.shard_failed(ms(19_000), 0, Service::Reads);
        measure.shard_was_late(ms(19_500), 0);
        measure.finish(ms(phases.end_ms));
        let none = Some(0);
        assert_eq!(silent_after(&measure, 0, 30_000, true), none, "it was late");
        measure = Measure::new(1);
        measure.shard_failed(ms(2000), 0, Service::Reads);
        measure.shard_failed(ms(19_000), 0, Service::Reads);
        measure.finish(ms(phases.end_ms));
        let silent = |promoted_ms| silent_after(&measure, promoted_ms, 30_000, true);
        let may_still_be_promoted = (silent(5000), silent(5001), silent(15_001));
        assert_eq!(may_still_be_promoted, (Some(1), none, None));
        measure = Measure::new(1);
        measure.shard_answered(ms(19_000), 0, Service::Reads);
        measure.finish(ms(phases.end_ms));
        let judged = |at_ms| silent_after(&measure, 0, at_ms, false);
        assert_eq!(
            (judged(14_999), judged(15_000)),
            (None, Some(1)),
            "it ended"
        );
    }
}
