//! Linearizability of each key: every read and write took effect at one moment between request and answer.
//!
//! Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 26 (1997): where every write makes a version of
//! its own, the ops on one version form a cluster, and its zone lies between the first of them to end and the last
//! of them to begin. A register is linearizable if and only if no two zones that run forward overlap, and none that
//! runs backward lies within one that runs forward. Golab, Li and Shah, PODC 2011, put it so.
//!
//! A version is the execution that wrote it, whatever the value: so lists and sorted sets are checked as strings
//! are. An attempt that nobody answered may take effect at any time after it was sent, or never.

use crate::history::{Extent, Wanted};
use crate::world::World;

/// A version of a key: the attempt that wrote it, from 1 on; 0 stands for none.
type Version = u64;

/// Between what the ops of a version say that it was the key's.
#[derive(Clone, Copy, Debug)]
struct Zone {
    version: Version,
    extent: Extent,
}

impl Zone {
    fn runs_forward(&self) -> bool {
        self.extent.first_end < self.extent.last_begin
    }

    fn low(&self) -> u64 {
        self.extent.first_end.min(self.extent.last_begin)
    }

    fn high(&self) -> u64 {
        self.extent.first_end.max(self.extent.last_begin)
    }
}

/// What contradicts a single order of the ops on a key, where these are its versions.
fn anomaly(zones: &mut [Zone]) -> Option<String> {
    if let Some(zone) = zones
        .iter()
        .find(|zone| zone.extent.first_end < zone.extent.begin)
    {
        return Some(format!(
            "version {} was read before it was asked for",
            zone.version
        ));
    }
    zones.sort_unstable_by_key(|zone| (zone.low(), zone.high(), zone.version));
    // The forward zone that reaches furthest of those that began before.
    let mut furthest: Option<Zone> = None;
    for zone in zones {
        if let Some(forward) = furthest
            && forward.high() > zone.low()
            && (zone.runs_forward() || zone.high() < forward.high())
        {
            return Some(format!(
                "version {} is of between {} and {}, and version {} of between {} and {}",
                forward.version,
                forward.low(),
                forward.high(),
                zone.version,
                zone.low(),
                zone.high(),
            ));
        }
        if zone.runs_forward() && furthest.is_none_or(|forward| forward.high() < zone.high()) {
            furthest = Some(*zone);
        }
    }
    None
}

/// How many keys have ops that no single order explains, and what contradicts in the first of them. `None` where keys
/// were carried between shards: a version has another name there.
pub(crate) fn not_linearizable(world: &World<'_>) -> Option<(u64, String)> {
    if world.resizes() > 0 {
        return None;
    }
    let history = &world.history;
    let mut versions: Vec<_> = history.versions().collect();
    versions.sort_by_key(|(key, ..)| *key);
    let (mut wrong, mut first) = (0, String::new());
    let mut zones = Vec::new();
    for of_key in versions.chunk_by(|(one, ..), (other, ..)| one == other) {
        let key = of_key[0].0;
        zones.clear();
        zones.extend(of_key.iter().map(|(_, id, write)| Zone {
            version: id.version(),
            extent: write.extent,
        }));
        // Where something was loaded, the key never was without a version.
        let without = Zone {
            version: 0,
            extent: history.without_version(key),
        };
        let is_loaded = of_key
            .iter()
            .any(|(.., write)| write.wanted == Wanted::Loaded);
        let told = if is_loaded && without.extent != Extent::BEGINNING {
            Some("version 0 was read, which nobody wrote".to_owned())
        } else {
            zones.extend((!is_loaded).then_some(without));
            anomaly(&mut zones)
        };
        if let Some(words) = told {
            if wrong == 0 {
                first = format!("of {}, {words}", history.key(key).escape_ascii());
            }
            wrong += 1;
        }
    }
    Some((wrong, first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use todc_utils::linearizability::WGLChecker;
    use todc_utils::linearizability::history::{Action, History};
    use todc_utils::specifications::register::{RegisterOperation, RegisterSpecification};

    use super::*;

    /// When an op was asked for and answered.
    #[derive(Clone, Copy, Debug)]
    struct Span {
        begin: u64,
        end: u64,
    }

    fn span(begin: u64, end: u64) -> Span {
        Span { begin, end }
    }

    /// What contradicts in a key that was written and read so.
    fn told(writes: &[(Version, Span)], reads: &[(Version, Span)]) -> Option<String> {
        let none = (0, span(0, 0));
        let mut zones: Vec<Zone> = writes
            .iter()
            .chain([&none])
            .map(|&(version, Span { begin, end })| Zone {
                version,
                extent: Extent::new(begin, end),
            })
            .collect();
        for (version, span) in reads {
            let zone = zones.iter_mut().find(|zone| zone.version == *version);
            zone.expect("it was written")
                .extent
                .read(span.begin, span.end);
        }
        anomaly(&mut zones)
    }

    #[test]
    fn what_overlaps_may_come_in_any_order() {
        let writes = [(1, span(1, 10)), (2, span(2, 9))];
        for reads in [
            [(1, span(20, 21)), (1, span(30, 31))],
            [(2, span(20, 21)), (2, span(30, 31))],
        ] {
            assert_eq!(told(&writes, &reads), None);
        }
        let back = [(1, span(20, 21)), (2, span(30, 31))];
        assert!(told(&writes, &back).is_some());
    }

    #[test]
    fn what_was_acknowledged_is_read() {
        let writes = [(1, span(1, 10))];
        assert!(told(&writes, &[(0, span(20, 21))]).is_some());
        assert_eq!(told(&writes, &[(0, span(5, 21))]), None);
        assert!(told(&[(1, span(30, 40))], &[(1, span(5, 21))]).is_some());
    }

    #[test]
    fn what_nobody_answered_may_come_late_or_never() {
        let writes = [(1, span(1, 10)), (2, span(2, u64::MAX))];
        for reads in [
            vec![(1, span(20, 21))],
            vec![(1, span(20, 21)), (2, span(90, 91))],
        ] {
            assert_eq!(told(&writes, &reads), None);
        }
    }

    /// What the checker of Wing and Gong, as Lowe improved it, says of the same ops.
    fn searched(writes: &[(Version, Span)], reads: &[(Version, Span)]) -> bool {
        let mut actions = Vec::new();
        let ops = writes
            .iter()
            .map(|(version, span)| (RegisterOperation::Write(*version), *span))
            .chain(
                reads
                    .iter()
                    .map(|(found, span)| (RegisterOperation::Read(Some(*found)), *span)),
            );
        for (process, (op, span)) in ops.enumerate() {
            // What begins when another ends overlaps it.
            actions.push(((span.begin, 0), process, Action::Call(op)));
            actions.push(((span.end, 1), process, Action::Response(op)));
        }
        actions.sort_by_key(|(at, process, _)| (*at, *process));
        let actions = actions
            .into_iter()
            .map(|(_, process, action)| (process, action));
        WGLChecker::<RegisterSpecification<u64>>::is_linearizable(History::from_actions(
            actions.collect(),
        ))
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (1u64..40, 0u64..12).prop_map(|(begin, length)| span(begin, begin + length))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_with_a_search_of_all_orders(
            writes in prop::collection::vec(any_span(), 0..5),
            reads in prop::collection::vec((0u64..5, any_span()), 0..6),
        ) {
            prop_assume!(!(writes.is_empty() && reads.is_empty()));
            let writes: Vec<(Version, Span)> = (1..).zip(writes).collect();
            let reads: Vec<(Version, Span)> = reads
                .into_iter()
                .map(|(version, span)| (version.min(writes.len() as u64), span))
                .collect();
            let told = told(&writes, &reads);
            prop_assert_eq!(told.is_none(), searched(&writes, &reads), "{:?}", told);
        }
    }
}
