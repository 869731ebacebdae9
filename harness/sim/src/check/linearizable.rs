//! Linearizability of each key: every read and write took effect at one moment between request and answer.
//!
//! Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 26 (1997): where every write makes a version of
//! its own, the ops on one version form a cluster, and its zone lies between the first of them to end and the last
//! of them to begin. A register is linearizable if and only if no two zones that run forward overlap, and none that
//! runs backward lies within one that runs forward. Golab, Li and Shah, PODC 2011, put it so.
//!
//! A version is the execution that wrote it, whatever the value: so lists and sorted sets are checked as strings
//! are. An attempt that nobody answered may take effect at any time after it was sent, or never.

use std::collections::BTreeMap;

use crate::fault::Action;
use crate::history::{KeyId, Wanted};
use crate::world::World;

/// When an op was asked for and answered, in ns from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    begin: u64,
    end: u64,
}

/// What was there before any op.
const INITIAL: Span = Span { begin: 0, end: 0 };

/// A version of a key: the attempt that wrote it; 0 stands for none.
type Version = u64;

/// All ops on a key: `None` of a version is what no client asked to write.
#[derive(Debug, Default)]
struct Register {
    writes: BTreeMap<Version, Span>,
    reads: Vec<(Version, Span)>,
}

/// Between what the ops of a version say that it was the key's.
#[derive(Clone, Copy, Debug)]
struct Zone {
    version: Version,
    first_end: u64,
    last_begin: u64,
}

impl Zone {
    fn runs_forward(&self) -> bool {
        self.first_end < self.last_begin
    }

    fn low(&self) -> u64 {
        self.first_end.min(self.last_begin)
    }

    fn high(&self) -> u64 {
        self.first_end.max(self.last_begin)
    }
}

impl Register {
    /// What contradicts a single order of the ops.
    fn anomaly(&self) -> Option<String> {
        let mut zones: BTreeMap<Version, Zone> = BTreeMap::new();
        // Where something was loaded, the key never was without a version.
        let is_loaded = self.writes.values().any(|span| *span == INITIAL);
        let none = (!is_loaded).then_some((0, INITIAL));
        for (version, span) in self.writes.iter().map(|(v, span)| (*v, *span)).chain(none) {
            let (first_end, last_begin) = (span.end, span.begin);
            zones.insert(
                version,
                Zone {
                    version,
                    first_end,
                    last_begin,
                },
            );
        }
        for (version, span) in &self.reads {
            let Some(zone) = zones.get_mut(version) else {
                return Some(format!("version {version} was read, which nobody wrote"));
            };
            if self
                .writes
                .get(version)
                .is_some_and(|write| span.end < write.begin)
            {
                return Some(format!(
                    "version {version} was read before it was asked for"
                ));
            }
            zone.first_end = zone.first_end.min(span.end);
            zone.last_begin = zone.last_begin.max(span.begin);
        }
        let mut zones: Vec<Zone> = zones.into_values().collect();
        zones.sort_unstable_by_key(|zone| (zone.low(), zone.high()));
        // The forward zone that reaches furthest of those that began before.
        let mut furthest: Option<Zone> = None;
        for zone in &zones {
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
}

/// How many keys have ops that no single order explains, and what contradicts in the first of them. `None` where keys
/// were carried between shards: a version has another name there.
pub(crate) fn not_linearizable(world: &World<'_>) -> Option<(u64, String)> {
    let resized = |dated: &crate::fault::Dated| matches!(dated.action, Action::Resize { .. });
    if world.plan.schedule.actions().iter().any(resized) {
        return None;
    }
    let mut registers: BTreeMap<KeyId, Register> = BTreeMap::new();
    for (id, attempt) in (1u64..).zip(&world.history.attempts) {
        let asked = &world.history.ops[attempt.op as usize];
        let Some(key) = asked.key else {
            continue;
        };
        let register = registers.entry(key).or_default();
        let writes = asked.writes() && attempt.changed();
        let span = match (asked.wanted, attempt.answered) {
            // What is there from the beginning was written at once.
            (Wanted::Loaded, _) => INITIAL,
            (_, Some(answered)) => Span {
                begin: attempt.sent.0 + 1,
                end: answered.0 + 1,
            },
            (_, None) if writes => Span {
                begin: attempt.sent.0 + 1,
                end: u64::MAX,
            },
            (_, None) => continue,
        };
        if writes {
            register.writes.insert(id, span);
        } else {
            let found = attempt.found.map_or(0, |version| version.0 + 1);
            register.reads.push((found, span));
        }
    }
    let mut wrong = registers
        .iter()
        .filter_map(|(key, register)| Some((key, register.anomaly()?)));
    let Some((key, first)) = wrong.next() else {
        return Some((0, String::new()));
    };
    let name = world.history.key(*key).escape_ascii();
    Some((1 + wrong.count() as u64, format!("of {name}, {first}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use todc_utils::linearizability::WGLChecker;
    use todc_utils::linearizability::history::{Action, History};
    use todc_utils::specifications::register::{RegisterOperation, RegisterSpecification};

    use super::*;

    fn span(begin: u64, end: u64) -> Span {
        Span { begin, end }
    }

    fn register(writes: &[(Version, Span)], reads: &[(Version, Span)]) -> Register {
        Register {
            writes: writes.iter().copied().collect(),
            reads: reads.to_vec(),
        }
    }

    #[test]
    fn what_overlaps_may_come_in_any_order() {
        let writes = [(1, span(1, 10)), (2, span(2, 9))];
        for reads in [
            [(1, span(20, 21)), (1, span(30, 31))],
            [(2, span(20, 21)), (2, span(30, 31))],
        ] {
            assert_eq!(register(&writes, &reads).anomaly(), None);
        }
        let back = [(1, span(20, 21)), (2, span(30, 31))];
        assert!(register(&writes, &back).anomaly().is_some());
    }

    #[test]
    fn what_was_acknowledged_is_read() {
        let writes = [(1, span(1, 10))];
        assert!(register(&writes, &[(0, span(20, 21))]).anomaly().is_some());
        assert_eq!(register(&writes, &[(0, span(5, 21))]).anomaly(), None);
        assert!(register(&writes, &[(7, span(5, 21))]).anomaly().is_some());
        assert!(
            register(&[(1, span(30, 40))], &[(1, span(5, 21))])
                .anomaly()
                .is_some()
        );
    }

    #[test]
    fn what_nobody_answered_may_come_late_or_never() {
        let writes = [(1, span(1, 10)), (2, span(2, u64::MAX))];
        for reads in [
            vec![(1, span(20, 21))],
            vec![(1, span(20, 21)), (2, span(90, 91))],
        ] {
            assert_eq!(register(&writes, &reads).anomaly(), None);
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
            let told = register(&writes, &reads).anomaly();
            prop_assert_eq!(told.is_none(), searched(&writes, &reads), "{:?}", told);
        }
    }
}
