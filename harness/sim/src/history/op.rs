//! Ops, attempts at them, and the writes among those.

use std::num::NonZeroU32;
use std::sync::Arc;

use seawall_cluster::{Nanos, RequestId};
use seawall_store::{Millis, Op};

use super::KeyId;
use super::lineage::Place;
use super::store::Kept;

/// An op of a client: its place in [`super::History::ops`].
pub(crate) type OpId = u32;

/// An attempt at an op that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WriteId(NonZeroU32);

impl WriteId {
    pub(super) fn new(index: usize) -> WriteId {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        WriteId(number.expect("a run has fewer writes than 32 bits count"))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The write that an attempt is, if it is one: the lowest bit of its number tells.
    pub(super) fn of(id: RequestId) -> Option<WriteId> {
        (id.0 & 1 == 1).then(|| WriteId::new((id.0 >> 1) as usize))
    }

    /// A number of the version that it made, from 1 on.
    pub(crate) fn version(self) -> u64 {
        self.0.get().into()
    }

    pub(super) fn request(self) -> RequestId {
        RequestId((self.index() as u64) << 1 | 1)
    }
}

/// Who wants an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It was there before the run.
    Loaded,
    /// A client.
    By(u16),
    /// The control plane moves a key.
    Moved,
    /// The control plane deletes what a shard kept of a key that had left it: no part of what became of the key.
    Cleared,
}

impl Wanted {
    /// Whether the control plane wants it.
    pub(crate) fn is_of_control(self) -> bool {
        matches!(self, Wanted::Moved | Wanted::Cleared)
    }
}

/// An op, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) op: Arc<Op>,
    pub(crate) wanted: Wanted,
    pub(crate) key: Option<KeyId>,
    /// When the client wanted it.
    pub(crate) begun: Nanos,
    pub(crate) attempts: u32,
    pub(crate) done: bool,
    /// For a read: what of its key it must see to keep what somebody was told when it began.
    pub(crate) floor: Floor,
    /// When it was wanted, or sent last.
    pub(super) last: Nanos,
    /// An attempt at it, where it writes.
    pub(super) write: Option<WriteId>,
}

/// Writes of one key that a read must see, each if the read is to keep a promise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    /// The newest that was acknowledged to anybody: else the read is stale.
    pub(super) acked: Option<WriteId>,
    /// The newest that the same client had seen: else its reads go back in time.
    pub(super) seen: Option<WriteId>,
    /// The newest that was acknowledged to the same client: else it does not read its own writes.
    pub(super) own: Option<WriteId>,
}

/// What an execution of a read did not see of its [`Floor`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unseen {
    pub(crate) acked: bool,
    pub(crate) seen: bool,
    pub(crate) own: bool,
}

impl Asked {
    pub(crate) fn writes(&self) -> bool {
        self.op.command().flags.writes()
    }
}

/// One request for an op.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) op: OpId,
    pub(crate) shard: u16,
    pub(crate) sent: Nanos,
    /// Whether the client still waits for it.
    pub(crate) open: bool,
    /// The version of its key that its execution found; `None` where the key had none.
    pub(super) found: Option<WriteId>,
    /// What it read lacks this of what it must see.
    pub(super) unseen: Unseen,
}

/// Between which moments a version must have been its key's, as those say who wrote and read it: 0 is before all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// When it was asked for.
    pub(crate) begin: u64,
    /// When the first of those who wrote or read it had their answer.
    pub(crate) first_end: u64,
    /// When the last of them began.
    pub(crate) last_begin: u64,
}

impl Extent {
    /// Of what was there before all.
    pub(crate) const BEGINNING: Extent = Extent::new(0, 0);

    /// Of what was asked for at `begin` and acknowledged at `end`.
    pub(crate) const fn new(begin: u64, end: u64) -> Extent {
        Extent {
            begin,
            first_end: end,
            last_begin: begin,
        }
    }

    /// Somebody read it.
    pub(crate) fn read(&mut self, begin: u64, end: u64) {
        self.first_end = self.first_end.min(end);
        self.last_begin = self.last_begin.max(begin);
    }
}

/// An attempt at an op that writes.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) attempt: Attempt,
    pub(crate) wanted: Wanted,
    pub(crate) key: Option<KeyId>,
    /// The next attempt at the same op; after the last comes the first.
    pub(super) next: WriteId,
    /// Whether it was acknowledged, and changed something.
    pub(crate) acked: bool,
    /// When it was; a read may have told of it before.
    pub(crate) acked_at: Nanos,
    /// What executing it changed, by its first execution.
    pub(super) effects: Option<(Millis, Kept)>,
    /// Where it stands first in the tree of lineages.
    pub(super) place: Option<Place>,
    /// Of the version that it made.
    pub(crate) extent: Extent,
}

impl Write {
    /// The shard to which it was sent.
    pub(crate) fn shard(&self) -> u16 {
        self.attempt.shard
    }
}

impl Attempt {
    pub(super) fn new(op: OpId, shard: u16, sent: Nanos, open: bool) -> Attempt {
        Attempt {
            op,
            shard,
            sent,
            open,
            found: None,
            unseen: Unseen::default(),
        }
    }
}
