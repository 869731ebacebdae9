//! Kingsbury, "Jepsen: Redis": what is lost when a primary that nobody stops is split from its replicas.

use std::collections::BTreeSet;

use seawall_cluster::Nanos;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_least, between, exactly, shown};
use crate::fault::Schedule;
use crate::history::Wanted;
use crate::scenario::{Scenario, check_caching, check_replication, check_sharding};
use crate::world::{Plan, World};

pub(super) static SOURCE: Source = Source {
    about: "Kingsbury, Jepsen: Redis, aphyr.com/posts/283 (2013)",
    validations: &[Validation {
        id: "V24",
        what: "async whose primary serves without a majority (Sentinel), nodes split 2 and 3, five clients add to one set",
        published: "1998 of 2000 writes acknowledged, 1126 of them (56.4 %) lost: at first all clients', then those of two in five",
        tolerance: "order and mechanism: a loss between that of a failover at once (32.7 %) and of none (81.8 %)",
        measure: Measure::By(split),
        note: "when the failover came is not published, so the share hangs on the node timeout; the scenario is split-brain.toml",
    }],
};

const SCENARIO: &str = include_str!("../../scenarios/split-brain.toml");

/// The clients on the side of the old primary: as many as zones there.
const MINORITY: u16 = 2;

/// An acknowledged write.
struct Write {
    client: u16,
    /// When it was sent.
    at: Nanos,
    survives: bool,
}

fn split(seed: u64) -> Vec<ValidationFigure> {
    let scenario = Scenario::parse("split-brain.toml", SCENARIO).expect("it is a scenario");
    let [begin, end] = [0, 1].map(|action| Nanos::from_millis(scenario.schedule[action].at_ms));
    let (writes, wanted) = writes(&scenario, seed);
    let lost: Vec<&Write> = writes.iter().filter(|write| !write.survives).collect();
    // From the first write of theirs that survives the clients of the majority have a primary of their own.
    let theirs = |write: &&Write| write.client >= MINORITY && write.at > begin;
    let new_primary = writes.iter().filter(theirs).filter(|write| write.survives);
    let failover = new_primary.map(|write| write.at).min().unwrap_or(end);
    let at_first: BTreeSet<u16> = lost
        .iter()
        .filter(|write| write.at < failover)
        .map(|write| write.client)
        .collect();
    // A client asks who is primary ten times a second: one that has not yet is not counted.
    let settled = failover + Nanos::from_millis(2 * scenario.refresh_ms);
    let theirs_lost = lost
        .iter()
        .filter(|write| write.client >= MINORITY && write.at > settled);
    let ours = |write: &&Write| write.client < MINORITY && write.at > settled && write.at < end;
    let ours_kept = writes.iter().filter(ours).filter(|write| write.survives);
    vec![
        at_least(
            "share acknowledged",
            writes.len() as f64 / wanted as f64,
            0.99,
        ),
        between(
            "share of those lost",
            lost.len() as f64 / writes.len() as f64,
            0.327,
            0.818,
        ),
        exactly("clients that lose at first", at_first.len() as f64, 5.0),
        exactly(
            "later lost by the majority's clients",
            theirs_lost.count() as f64,
            0.0,
        ),
        exactly(
            "later kept of the minority's",
            ours_kept.count() as f64,
            0.0,
        ),
        shown("new primary after, s", failover.since(begin).0 as f64 / 1e9),
    ]
}

/// All acknowledged writes, and how many were wanted.
fn writes(scenario: &Scenario, seed: u64) -> (Vec<Write>, usize) {
    let replication = check_replication(&scenario.base_replication).expect("it was checked");
    let sharding = check_sharding(&scenario.base_sharding).expect("it was checked");
    let schedule = Schedule::of(scenario.schedule.clone());
    let mut world = World::new(Plan {
        scenario,
        replication: &replication,
        sharding: &sharding,
        workload: &scenario.workloads[0],
        caching: check_caching(&scenario.cachings[0]).expect("it was checked"),
        schedule: &schedule,
        seed,
    });
    world.run();
    let mut writes = Vec::new();
    for (id, write) in world.history.writes().filter(|(_, write)| write.acked) {
        let Wanted::By(client) = write.wanted else {
            continue;
        };
        let primary = world.primary_of(write.shard());
        writes.push(Write {
            client,
            at: write.attempt.sent,
            survives: primary.is_some_and(|node| world.history.holds(&node.lineage, id)),
        });
    }
    (writes, world.history.wanted_by_clients as usize)
}
