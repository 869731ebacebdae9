//! What will happen, by time and then by the order in which it was decided.

use std::collections::VecDeque;

use seawall_cluster::{Nanos, NodeId, RequestId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::Outcome;
use super::application::{FlightId, TaskId};
use super::calendar::{Calendar, Date};
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
    /// What moving slots waits for is there, if nothing else was begun since.
    Move { number: u64 },
    /// Who moves slots looks who serves what they go between.
    LookAtSides,
    /// A period of the metric of auto-scaling is over.
    Scale,
    /// A client asks again who serves what.
    Refresh { client: u16 },
}

impl Happening {
    /// What the hash of events takes in: the kind and who is concerned.
    fn fingerprint(&self) -> [u64; 3] {
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
            } => [
                7,
                u64::from(from.0) << 16 | u64::from(to.0),
                xxh3_64(message),
            ],
            Happening::Alarm { node, number, .. } => [8, u64::from(node.0), *number],
            Happening::Synced { node, life } => [9, u64::from(node.0), u64::from(*life)],
            Happening::Act { number } => [10, *number as u64, 0],
            Happening::Move { number } => [11, *number, 0],
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
            Happening::Scale => [24, 0, 0],
            Happening::LookAtSides => [25, 0, 0],
        }
    }
}

/// The queue, and a hash over all that it gave out.
///
/// What is moved when it is put in order is small; what happens lies still beside it. Timeouts come in the order in
/// which they are set, as long as all are equally long: they stand in a line of their own, so that the many that
/// nobody needs in the end cost no ordering.
pub(super) struct Queue {
    calendar: Calendar,
    timeouts: VecDeque<(Date, RequestId, NodeId)>,
    happenings: Vec<Option<Happening>>,
    free: Vec<u32>,
    sequence: u64,
    hash: EventHash,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue {
            calendar: Calendar::new(),
            timeouts: VecDeque::new(),
            happenings: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            hash: EventHash::default(),
        }
    }

    /// `happening` comes at `at`, after all that was decided before for the same time.
    pub(super) fn push(&mut self, at: Nanos, happening: Happening) {
        self.sequence += 1;
        if let Happening::Timeout { id, node } = happening
            && self.timeouts.back().is_none_or(|(last, ..)| last.at <= at)
        {
            self.timeouts
                .push_back((Date::new(at, self.sequence, 0), id, node));
            return;
        }
        let place = if let Some(place) = self.free.pop() {
            self.happenings[place as usize] = Some(happening);
            place as usize
        } else {
            self.happenings.push(Some(happening));
            self.happenings.len() - 1
        };
        self.calendar.push(Date::new(at, self.sequence, place));
    }

    /// Takes what comes next, if it comes before `end`.
    pub(super) fn pop_before(&mut self, end: Nanos) -> Option<(Nanos, Happening)> {
        let first = self.calendar.first();
        let timeout = self.timeouts.front().copied();
        match (first, timeout) {
            (first, Some((date, id, node))) if first.is_none_or(|first| date < first) => {
                if date.at >= end {
                    return None;
                }
                self.timeouts.pop_front();
                let happening = Happening::Timeout { id, node };
                self.hash.take_in(date.at, happening.fingerprint());
                Some((date.at, happening))
            }
            (Some(date), _) if date.at < end => {
                self.calendar.take_first();
                let place = date.number();
                self.free.push(place as u32);
                // Before it is moved, which would have to be done first.
                self.hash
                    .take_in(date.at, self.happenings[place].as_ref()?.fingerprint());
                Some((date.at, self.happenings[place].take()?))
            }
            _ => None,
        }
    }

    /// How many things happened, and the hash over all of them.
    pub(super) fn digest(&self) -> (u64, u64) {
        (self.hash.events, self.hash.digest())
    }
}

/// Events whose fingerprints are hashed together.
const HASHED_TOGETHER: usize = 64;

/// A hash over events, which are hashed many at a time: each lot with the hash of all before it as its seed.
#[derive(Default)]
struct EventHash {
    /// How many there were.
    events: u64,
    hash: u64,
    lot: Vec<u8>,
}

impl EventHash {
    fn take_in(&mut self, at: Nanos, [kind, who, what]: [u64; 3]) {
        self.events += 1;
        let mut bytes = [0; size_of::<[u64; 4]>()];
        let (places, _) = bytes.as_chunks_mut();
        for (place, word) in places.iter_mut().zip([at.0, kind, who, what]) {
            *place = word.to_le_bytes();
        }
        self.lot.extend_from_slice(&bytes);
        if self.lot.len() >= HASHED_TOGETHER * size_of::<[u64; 4]>() {
            self.hash = self.digest();
            self.lot.clear();
        }
    }

    fn digest(&self) -> u64 {
        xxh3_64_with_seed(&self.lot, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, by its number.
    fn numbers(queue: &mut Queue, end: Nanos) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Some((_, happening)) = queue.pop_before(end) {
            numbers.push(match happening {
                Happening::Timeout { id, .. } => id.0,
                Happening::Act { number } => number as u64,
                other => panic!("{other:?}"),
            });
        }
        numbers
    }

    fn pushed(happenings: &[(u64, Happening)]) -> Queue {
        let mut queue = Queue::new();
        for (at, happening) in happenings {
            let happening = match happening {
                Happening::Timeout { id, node } => Happening::Timeout {
                    id: *id,
                    node: *node,
                },
                Happening::Act { number } => Happening::Act { number: *number },
                other => panic!("{other:?}"),
            };
            queue.push(Nanos(*at), happening);
        }
        queue
    }

    #[test]
    fn what_comes_at_one_time_comes_in_the_order_in_which_it_was_decided() {
        let node = NodeId(0);
        let timeout = |at, id| {
            let id = RequestId(id);
            (at, Happening::Timeout { id, node })
        };
        let act = |at, number| (at, Happening::Act { number });
        let mut queue = pushed(&[
            timeout(20, 0),
            act(20, 1),
            timeout(10, 2),
            timeout(20, 3),
            act(10, 4),
            act(5, 5),
            timeout(30, 6),
        ]);
        assert_eq!(numbers(&mut queue, Nanos(30)), [5, 2, 4, 0, 1, 3]);
        queue.push(Nanos(40), Happening::Act { number: 7 });
        assert_eq!(
            numbers(&mut queue, Nanos(50)),
            [6, 7],
            "places are used again"
        );
    }

    #[test]
    fn the_hash_tells_orders_apart() {
        let hash = |numbers: &[usize]| {
            let mut queue = Queue::new();
            for number in numbers {
                queue.push(Nanos(1), Happening::Act { number: *number });
            }
            while queue.pop_before(Nanos(2)).is_some() {}
            queue.digest()
        };
        let forth: Vec<usize> = (0..100).collect();
        let mut swapped = forth.clone();
        swapped.swap(3, 4);
        assert_eq!(hash(&forth), hash(&forth));
        assert_ne!(hash(&forth), hash(&swapped));
        assert_ne!(hash(&forth), hash(&forth[..99]));
    }
}
