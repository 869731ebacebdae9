//! No replication: one node per shard, which answers at once. The family's trivial member.

use super::{
    Action, Claim, Event, NodeId, Outbox, Reads, Replication, ReplicationMember, Survives,
};
use crate::time::Nanos;

pub(super) static MEMBER: ReplicationMember = ReplicationMember {
    name: "none",
    about: "one node per shard; its loss loses the shard's data",
    source: "ElastiCache user guide, Mitigating Failures: a shard without replicas starts cold",
    claim: Claim {
        about: "nothing survives the loss of a node",
        survives: Survives::Nothing,
        resumes_after: Survives::Restart,
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
    build: |setup, _| Box::new(Alone { node: setup.node }),
    describe: |_| "no message is known".to_owned(),
};

struct Alone {
    node: NodeId,
}

impl Replication for Alone {
    fn step(&mut self, _: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Request { id, at, op } => out.push(Action::Execute {
                id,
                at,
                op,
                answers: true,
            }),
            Event::Executed { id, .. } => out.push(Action::Answer { id }),
            Event::Start
            | Event::Alarm
            | Event::Message { .. }
            | Event::Exported { .. }
            | Event::KeyExported { .. }
            | Event::Persisted { .. } => {}
        }
    }

    fn primary(&self) -> Option<NodeId> {
        Some(self.node)
    }

    fn primary_since(&self) -> Option<u64> {
        Some(0)
    }
}
