//! What will happen, by time and then by the order in which it was decided.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use seawall_cluster::{Nanos, NodeId, RequestId};
use xxhash_rust::xxh3::Xxh3;

use super::Outcome;
use super::application::{FlightId, TaskId};
use super::database::Served;
use crate::history::OpId;

/// One thing that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A client begins an op.
    Arrival { client: u16 },
    /// A client sends an attempt at an op.
    Send { op: OpId },
    /// A request reaches a node.
    Request { id: RequestId, node: NodeId },
    /// The answer reaches the client.
    Reply {
        id: RequestId,
        node: NodeId,
        outcome: Outcome,
    },
    /// The client stops waiting.
    Timeout { id: RequestId, node: NodeId },
    /// A client asks a node who serves its shard.
    Lookup { client: u16, node: NodeId },
    /// It hears.
    Found {
        client: u16,
        shard: u16,
        primary: NodeId,
    },
    /// A message between nodes arrives, at the life of the node for which it was sent.
    Message {
        from: NodeId,
        to: NodeId,
        life: u32,
        bytes: Vec<u8>,
    },
    /// An alarm that a machine set.
    Alarm {
        node: NodeId,
        life: u32,
        number: u64,
    },
    /// What a node's disk was syncing is durable.
    Synced { node: NodeId, life: u32 },
    /// A client wants a connection.
    Connect {
        client: u16,
        node: NodeId,
        number: u64,
    },
    /// It is open.
    Connected {
        client: u16,
        node: NodeId,
        number: u64,
    },
    /// It was not opened in time.
    ConnectLate {
        client: u16,
        node: NodeId,
        number: u64,
    },
    /// Somebody looks at who serves.
    Watch,
    /// The database has done a query.
    Served { served: Served },
    /// A reading looks again.
    Look { task: TaskId },
    /// A flight asks the database again.
    Fetch { flight: FlightId },
    /// The database has not answered this attempt of a flight in time.
    FetchLate { flight: FlightId, number: u32 },
    /// A writing asks the database again.
    WriteAgain { task: TaskId },
    /// The database has not answered this attempt of a writing in time.
    WriteLate { task: TaskId, number: u32 },
    /// A row that was written goes to the database.
    Flush { row: u64 },
    /// The scheduled action with this number.
    Act { number: usize },
    /// The control plane goes on with moving slots.
    Move,
    /// A client asks again who serves what.
    Refresh { client: u16 },
}

impl Happening {
    /// What the hash of events takes in: the kind and who is concerned.
    fn fingerprint(&self) -> [u64; 3] {
        let bytes = |bytes: &[u8]| xxhash_rust::xxh3::xxh3_64(bytes);
        match self {
            Happening::Arrival { client } => [0, u64::from(*client), 0],
            Happening::Send { op } => [1, u64::from(*op), 0],
            Happening::Request { id, node } => [2, id.0, u64::from(node.0)],
            Happening::Reply { id, outcome, .. } => [3, id.0, outcome.fingerprint()],
            Happening::Timeout { id, .. } => [4, id.0, 0],
            Happening::Lookup { client, node } => [5, u64::from(*client), u64::from(node.0)],
            Happening::Found {
                client, primary, ..
            } => [6, u64::from(*client), u64::from(primary.0)],
            Happening::Message {
                from,
                to,
                bytes: message,
                ..
            } => [7, u64::from(from.0) << 16 | u64::from(to.0), bytes(message)],
            Happening::Alarm { node, number, .. } => [8, u64::from(node.0), *number],
            Happening::Synced { node, life } => [9, u64::from(node.0), u64::from(*life)],
            Happening::Act { number } => [10, *number as u64, 0],
            Happening::Move => [11, 0, 0],
            Happening::Served { served } => [12, u64::from(served.version), 0],
            Happening::Look { task } => [13, *task, 0],
            Happening::Fetch { flight } => [14, *flight, 0],
            Happening::FetchLate { flight, number } => [15, *flight, u64::from(*number)],
            Happening::WriteAgain { task } => [16, *task, 0],
            Happening::WriteLate { task, number } => [17, *task, u64::from(*number)],
            Happening::Flush { row } => [18, *row, 0],
            Happening::Connect { node, number, .. } => [19, *number, u64::from(node.0)],
            Happening::Connected { node, number, .. } => [20, *number, u64::from(node.0)],
            Happening::ConnectLate { node, number, .. } => [21, *number, u64::from(node.0)],
            Happening::Watch => [22, 0, 0],
            Happening::Refresh { client } => [23, u64::from(*client), 0],
        }
    }
}

struct Dated {
    at: Nanos,
    sequence: u64,
    happening: Happening,
}

impl PartialEq for Dated {
    fn eq(&self, other: &Dated) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}

impl Eq for Dated {}

impl PartialOrd for Dated {
    fn partial_cmp(&self, other: &Dated) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dated {
    fn cmp(&self, other: &Dated) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// The queue, and a hash over all that it gave out.
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Dated>>,
    sequence: u64,
    taken: u64,
    hash: Xxh3,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue {
            heap: BinaryHeap::new(),
            sequence: 0,
            taken: 0,
            hash: Xxh3::new(),
        }
    }

    /// `happening` comes at `at`, after all that was decided before for the same time.
    pub(super) fn push(&mut self, at: Nanos, happening: Happening) {
        self.sequence += 1;
        self.heap.push(Reverse(Dated {
            at,
            sequence: self.sequence,
            happening,
        }));
    }

    /// Takes what comes next, if it comes before `end`.
    pub(super) fn pop_before(&mut self, end: Nanos) -> Option<(Nanos, Happening)> {
        if self.heap.peek()?.0.at >= end {
            return None;
        }
        let Reverse(Dated { at, happening, .. }) = self.heap.pop()?;
        self.taken += 1;
        self.hash.update(&at.0.to_le_bytes());
        for word in happening.fingerprint() {
            self.hash.update(&word.to_le_bytes());
        }
        Some((at, happening))
    }

    /// How many things happened, and the hash over all of them.
    pub(super) fn digest(&self) -> (u64, u64) {
        (self.taken, self.hash.digest())
    }
}
