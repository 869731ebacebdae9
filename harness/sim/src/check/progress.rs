//! Progress: when all faults are over, every shard answers again.

use seawall_cluster::Nanos;

use super::Phases;
use crate::fault::Schedule;
use crate::world::Measure;

/// So long after the last fault nobody asks in vain: longer than two elections of the slowest replication with a
/// node timeout of a second take.
const PATIENCE: Nanos = Nanos::from_millis(10_000);

/// How many shards have answered nobody since the last action and for [`PATIENCE`] at least, up to the end of the
/// run; an operator who promotes copies does so in `promoted_after`, which is waited for too. One that answered, only too late for those who had asked, is overloaded and not silent.
pub(crate) fn silent_shards(
    measure: &Measure,
    schedule: &Schedule,
    phases: Phases,
    promoted_after: Nanos,
) -> usize {
    let end = Nanos::from_millis(phases.end_ms);
    let last = schedule.actions().iter().map(|dated| dated.at_ms).max();
    let over = Nanos::from_millis(last.unwrap_or(0)) + promoted_after;
    let in_vain =
        |&(since, until): &(Nanos, Nanos)| until >= end && end.since(since.max(over)) >= PATIENCE;
    // Somebody has to have asked when it could have been well again.
    let late = over + Nanos(PATIENCE.0 / 2);
    let shards = measure.down().zip(measure.last_failed());
    shards
        .zip(measure.last_late())
        .filter(|(_, answered)| *answered < late)
        .filter(|((down, failed), _)| *failed >= late && down.iter().any(in_vain))
        .count()
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
        let silent = |failed: &[u64], answered: &[u64]| {
            let mut measure = Measure::new(1);
            for at in failed {
                measure.shard_failed(ms(*at), 0);
            }
            for at in answered {
                measure.shard_answered(ms(*at), 0);
            }
            measure.finish(ms(phases.end_ms));
            silent_shards(&measure, &schedule, phases, Nanos::default())
        };
        assert_eq!(silent(&[2000, 19_000], &[]), 1);
        assert_eq!(silent(&[2000, 19_000], &[19_500]), 0, "it answered");
        assert_eq!(silent(&[2000], &[]), 0, "nobody asked since");
        assert_eq!(silent(&[12_000], &[]), 0, "it is not long enough ago");
        let mut measure = Measure::new(1);
        measure.shard_failed(ms(2000), 0);
        measure.shard_failed(ms(19_000), 0);
        measure.shard_was_late(ms(19_500), 0);
        measure.finish(ms(phases.end_ms));
        assert_eq!(
            silent_shards(&measure, &schedule, phases, Nanos::default()),
            0,
            "it was late"
        );
        measure = Measure::new(1);
        measure.shard_failed(ms(2000), 0);
        measure.shard_failed(ms(19_000), 0);
        measure.finish(ms(phases.end_ms));
        let silent =
            |promoted_after| silent_shards(&measure, &schedule, phases, ms(promoted_after));
        assert_eq!(
            (silent(5000), silent(5001)),
            (1, 0),
            "an operator may still promote a copy"
        );
    }
}
