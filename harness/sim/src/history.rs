//! The history: what clients asked and were told, and which writes each copy of a shard holds.
//!
//! An **op** is what a client wants; an **attempt** is one request for it, and what replication calls a
//! [`RequestId`]. A **lineage** is the order of executions whose effects a copy holds: the checkers
//! compare it with what clients were told, without asking what a value means.

use std::collections::BTreeMap;

use seawall_cluster::{Nanos, RequestId};
use seawall_store::{Millis, Op};

/// An op of a client: its place in [`History::ops`].
pub(crate) type OpId = u32;
/// A key: its place in [`History::keys`].
pub(crate) type KeyId = u32;

/// Who wants an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It was there before the run.
    Loaded,
    /// A client.
    By(u16),
    /// The control plane moves a key.
    Moved,
}

/// An op, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) op: Op,
    pub(crate) wanted: Wanted,
    pub(crate) key: Option<KeyId>,
    /// When the client wanted it.
    pub(crate) begun: Nanos,
    pub(crate) attempts: u32,
    pub(crate) done: bool,
    /// Where it was acknowledged.
    pub(crate) acked_by_shard: Option<u16>,
    /// For a read: what of its key it must see to keep what somebody was told when it began.
    pub(crate) floor: Floor,
}

/// Writes of one key that a read must see, each if the read is to keep a promise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    /// The newest that was acknowledged to anybody: else the read is stale.
    pub(crate) acked: Option<OpId>,
    /// The newest that the same client had seen: else its reads go back in time.
    pub(crate) seen: Option<OpId>,
    /// The newest that was acknowledged to the same client: else it does not read its own writes.
    pub(crate) own: Option<OpId>,
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
    /// When the client took its answer.
    pub(crate) answered: Option<Nanos>,
    /// The version of its key that its execution found; `None` where the key had none.
    pub(crate) found: Option<RequestId>,
    /// What executing it changed, by its first execution.
    pub(crate) effects: Option<(Millis, Vec<u8>)>,
    /// What it read lacks this of what it must see.
    pub(crate) unseen: Unseen,
}

impl Attempt {
    /// Whether it changed something.
    pub(crate) fn changed(&self) -> bool {
        self.effects
            .as_ref()
            .is_some_and(|(_, effects)| !effects.is_empty())
    }
}

/// A key and the newest write of it that a client knows to be done.
#[derive(Debug)]
struct Key {
    newest_acked: Option<OpId>,
    carried: Option<Carried>,
}

/// How a key came to another shard.
#[derive(Clone, Copy, Debug)]
struct Carried {
    from: u16,
    by: Option<OpId>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) ops: Vec<Asked>,
    pub(crate) attempts: Vec<Attempt>,
    keys: Vec<Key>,
    key_ids: BTreeMap<Vec<u8>, KeyId>,
    /// By client and key: what the client had of it last.
    sessions: BTreeMap<(u16, KeyId), Session>,
}

/// The newest write of a key that a client saw, and that it was told is done.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    seen: Option<OpId>,
    own: Option<OpId>,
}

impl History {
    /// A new op.
    pub(crate) fn ask(&mut self, op: Op, wanted: Wanted, now: Nanos) -> OpId {
        let key = op.key().map(|key| {
            if let Some(id) = self.key_ids.get(key) {
                return *id;
            }
            let id = self.keys.len() as KeyId;
            self.keys.push(Key {
                newest_acked: None,
                carried: None,
            });
            self.key_ids.insert(key.to_vec(), id);
            id
        });
        let floor = match key {
            Some(key) if !op.command().flags.writes() => self.floor(wanted, key),
            _ => Floor::default(),
        };
        self.ops.push(Asked {
            op,
            wanted,
            key,
            begun: now,
            attempts: 0,
            done: false,
            acked_by_shard: None,
            floor,
        });
        (self.ops.len() - 1) as OpId
    }

    fn floor(&self, wanted: Wanted, key: KeyId) -> Floor {
        let session = match wanted {
            Wanted::By(client) => self.sessions.get(&(client, key)).copied(),
            Wanted::Loaded | Wanted::Moved => None,
        };
        let Session { seen, own } = session.unwrap_or_default();
        Floor {
            acked: self.keys[key as usize].newest_acked,
            seen,
            own,
        }
    }

    /// A new attempt at an op.
    pub(crate) fn attempt(&mut self, op: OpId, shard: u16, now: Nanos) -> RequestId {
        self.ops[op as usize].attempts += 1;
        self.attempts.push(Attempt {
            op,
            shard,
            sent: now,
            open: true,
            answered: None,
            found: None,
            effects: None,
            unseen: Unseen::default(),
        });
        RequestId(self.attempts.len() as u64 - 1)
    }

    pub(crate) fn attempt_of(&self, id: RequestId) -> &Attempt {
        &self.attempts[id.0 as usize]
    }

    pub(crate) fn attempt_mut(&mut self, id: RequestId) -> &mut Attempt {
        &mut self.attempts[id.0 as usize]
    }

    /// A client was told that an attempt is done.
    pub(crate) fn acknowledge(&mut self, id: RequestId, now: Nanos) {
        let attempt = &mut self.attempts[id.0 as usize];
        attempt.answered = Some(now);
        let changed = attempt.changed();
        let (op, shard) = (attempt.op, attempt.shard);
        let found = attempt
            .found
            .map(|version| self.attempts[version.0 as usize].op);
        let asked = &mut self.ops[op as usize];
        asked.done = true;
        if let (Wanted::By(client), Some(key)) = (asked.wanted, asked.key) {
            let session = self.sessions.entry((client, key)).or_default();
            if asked.writes() && changed {
                session.own = Some(op);
            } else if found.is_some() {
                session.seen = found;
            }
        }
        // A write that changed nothing (a key that was not there) leaves nothing to lose.
        if asked.writes() && changed {
            asked.acked_by_shard = Some(shard);
            if let Some(key) = asked.key {
                self.keys[key as usize].newest_acked = Some(op);
            }
        }
    }

    /// The newest acknowledged write of a key, and the shard that acknowledged it.
    pub(crate) fn newest_acked(&self, key: &[u8]) -> Option<(OpId, u16)> {
        let write = self.keys[*self.key_ids.get(key)? as usize].newest_acked?;
        Some((write, self.ops[write as usize].acked_by_shard?))
    }

    /// A key leaves the shard `from`; `by` writes it into its new one, if it is there at all.
    pub(crate) fn carry(&mut self, key: &[u8], from: u16, by: Option<OpId>) {
        if let Some(id) = self.key_ids.get(key) {
            self.keys[*id as usize].carried = Some(Carried { from, by });
        }
    }

    /// Whether a copy with this lineage reflects `write`: it holds it, or what carried it there.
    pub(crate) fn reflects(&self, lineage: &Lineage, write: OpId) -> bool {
        let asked = &self.ops[write as usize];
        let carried = asked.key.and_then(|key| self.keys[key as usize].carried);
        lineage.holds(write)
            || carried.is_some_and(|carried| {
                asked.acked_by_shard == Some(carried.from)
                    && carried.by.is_none_or(|by| lineage.holds(by))
            })
    }

    /// A copy takes in what an attempt changed, if it did. Reads leave nothing: what expires under one does so
    /// everywhere by itself.
    pub(crate) fn enter(&self, lineage: &mut Lineage, id: RequestId) {
        let attempt = self.attempt_of(id);
        let asked = &self.ops[attempt.op as usize];
        if !asked.writes() || !attempt.changed() {
            return;
        }
        lineage.add(id, attempt.op);
        if let Some(key) = asked.key {
            lineage.set_version(key, id);
        }
    }

    /// What a read of a copy with this lineage does not see of what it must.
    pub(crate) fn unseen(&self, lineage: &Lineage, asked: &Asked) -> Unseen {
        let lacks = |write: Option<OpId>| write.is_some_and(|write| !self.reflects(lineage, write));
        let Floor { acked, seen, own } = asked.floor;
        Unseen {
            acked: lacks(acked),
            seen: lacks(seen),
            own: lacks(own),
        }
    }

    /// The name of a key.
    pub(crate) fn key(&self, id: KeyId) -> &[u8] {
        let named = self.key_ids.iter().find(|(_, of)| **of == id);
        named.map_or(&[], |(name, _)| name)
    }

    /// All keys that were ever asked for.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.key_ids.keys().map(Vec::as_slice)
    }
}

/// Which executions' effects a copy of a shard holds, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lineage {
    pub(crate) executions: Vec<RequestId>,
    ops: Vec<u64>,
    /// By key: the execution that gave it what it has.
    versions: BTreeMap<KeyId, RequestId>,
}

impl Lineage {
    /// The copy took in what `attempt` of `op` changed.
    pub(crate) fn add(&mut self, attempt: RequestId, op: OpId) {
        self.executions.push(attempt);
        let word = op as usize / 64;
        if self.ops.len() <= word {
            self.ops.resize(word + 1, 0);
        }
        self.ops[word] |= 1 << (op % 64);
    }

    /// The copy has this version of a key from now on.
    pub(crate) fn set_version(&mut self, key: KeyId, version: RequestId) {
        self.versions.insert(key, version);
    }

    /// The version of a key that the copy has.
    pub(crate) fn version(&self, key: KeyId) -> Option<RequestId> {
        self.versions.get(&key).copied()
    }

    /// Whether two copies hold what the same executions changed, in the same order.
    pub(crate) fn agrees_with(&self, other: &Lineage) -> bool {
        self.executions == other.executions
    }

    /// Whether the copy holds what `op` changed.
    pub(crate) fn holds(&self, op: OpId) -> bool {
        self.ops
            .get(op as usize / 64)
            .is_some_and(|word| word >> (op % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_holds_what_was_added() {
        let mut lineage = Lineage::default();
        for op in [0, 63, 64, 1000] {
            lineage.add(RequestId(u64::from(op)), op);
        }
        for op in 0..1100 {
            assert_eq!(lineage.holds(op), [0, 63, 64, 1000].contains(&op));
        }
    }
}
