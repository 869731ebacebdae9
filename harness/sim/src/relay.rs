//! Nodes that only pass messages on: what the world itself costs, apart from what nodes do in it.

use seawall_cluster::replication::Reads;
use seawall_cluster::{
    Action, Claim, Event, Nanos, NodeId, Outbox, Replication, ReplicationMember, Setup, Survives,
};

use crate::fault::Schedule;
use crate::scenario::{Scenario, check_caching, check_sharding};
use crate::world::{Plan, World};

/// Messages that each node sends at first, and that are under way from then on.
const MESSAGES: u64 = 4;

static MEMBER: ReplicationMember = ReplicationMember {
    name: "relay",
    about: "passes every message on to the next node",
    source: "none: it measures the simulator",
    claim: Claim {
        about: "nothing",
        survives: Survives::Nothing,
        resumes_after: Survives::Nothing,
        linearizable: false,
    },
    params: &[],
    keeps_copies: false,
    keeps_disk: false,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: false,
    last_writer_wins: false,
    reads_at: Reads::Primary,
    build: |setup, _| Box::new(Relay::new(setup)),
    describe: |_| "a message".to_owned(),
};

struct Relay {
    node: NodeId,
    next: NodeId,
}

impl Relay {
    fn new(setup: &Setup<'_>) -> Relay {
        let nodes = setup.seats.len() as u16;
        Relay {
            node: setup.node,
            next: NodeId((setup.node.0 + 1) % nodes),
        }
    }
}

impl Replication for Relay {
    fn step(&mut self, _: Nanos, event: Event, out: &mut Outbox) {
        let to = self.next;
        match event {
            Event::Start => {
                for number in 0..MESSAGES {
                    let bytes = number.to_le_bytes().to_vec();
                    out.push(Action::Send { to, bytes });
                }
            }
            Event::Message { bytes, .. } => out.push(Action::Send { to, bytes }),
            _ => {}
        }
    }

    fn primary(&self) -> Option<NodeId> {
        Some(self.node)
    }

    fn primary_since(&self) -> Option<u64> {
        Some(0)
    }
}

/// Runs `scenario` with nodes that do nothing but pass messages on, one node a shard; gives how many events there
/// were and the hash over all of them.
pub fn relay(scenario: &Scenario, seed: u64) -> (u64, u64) {
    let sharding = check_sharding("modulo").expect("it is listed");
    let schedule = Schedule::of(Vec::new());
    let replication = (&MEMBER, Vec::new());
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
    world.digest()
}
