//! The history: what clients asked and were told, and which writes each copy of a shard holds.
//!
//! An **op** is what a client wants; an **attempt** is one request for it, and what replication calls a
//! [`RequestId`]. A **lineage** is the order of executions whose effects a copy holds: the checkers
//! compare it with what clients were told, without asking what a value means.
//!
//! ```text
//!  ops, reads    a window: forgotten when nothing can come of them any more
//!  writes        stay: any copy may hold one, and any read find it
//!  keys          what is known of each, and what clients were told of it
//!  tree          who holds which writes
//! ```
//!
//! What a check asks of a read is therefore taken down when the client has its answer.

mod held;
mod keys;
mod lineage;
mod op;
mod store;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use seawall_cluster::{Nanos, RequestId};
use seawall_store::{Millis, Op};

pub(crate) use self::held::Mark;
pub(crate) use self::keys::{Carriage, KeyId, NumberHasher};
use self::keys::{Carried, Keys, Session};
pub(crate) use self::lineage::Lineage;
use self::lineage::{Place, Tree};
pub(crate) use self::op::{Asked, Attempt, Extent, Floor, OpId, Unseen, Wanted, Write, WriteId};
use self::store::{Bytes, Chunked, Window};
use crate::check::Reads;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) ops: Window<Asked>,
    reads: Window<Attempt>,
    writes: Chunked<Write>,
    effects: Bytes,
    keys: Keys,
    tree: Tree,
    /// Whether copies hold no order of all writes in common, but of those of each key.
    by_key: bool,
    /// Where a write stands in the tree beside its first place.
    other_places: BTreeMap<WriteId, Vec<Place>>,
    /// By op: a write of the control plane.
    moved: BTreeMap<OpId, WriteId>,
    /// How many ops clients wanted.
    pub(crate) wanted_by_clients: u64,
    /// What the reads saw whose answers clients took.
    pub(crate) answered_reads: Reads,
}

impl History {
    /// One of copies that hold an order of all writes, or, where it is `by_key`, of those of each key.
    pub(crate) fn new(by_key: bool) -> History {
        History {
            by_key,
            ..History::default()
        }
    }

    /// A new op.
    pub(crate) fn ask(&mut self, op: Op, wanted: Wanted, now: Nanos) -> OpId {
        let key = op.key().map(|key| self.keys.find_or_add(key));
        let floor = match key {
            Some(key) if !op.command().flags.writes() => self.floor(wanted, key),
            _ => Floor::default(),
        };
        self.wanted_by_clients += u64::from(matches!(wanted, Wanted::By(_)));
        self.ops.push(Asked {
            op: Arc::new(op),
            wanted,
            key,
            begun: now,
            attempts: 0,
            done: false,
            floor,
            last: now,
            write: None,
        }) as OpId
    }

    fn floor(&self, wanted: Wanted, key: KeyId) -> Floor {
        let key = self.keys.get(key);
        let Session { seen, own } = match wanted {
            Wanted::By(client) => key.session(client),
            Wanted::Loaded | Wanted::Moved | Wanted::Cleared => Session::default(),
        };
        Floor {
            acked: key.newest_acked,
            seen,
            own,
        }
    }

    /// What was written to `shard` before the run, and changed this.
    pub(crate) fn load(&mut self, op: &Op, shard: u16, at: Millis, effects: &[u8]) -> WriteId {
        let id = WriteId::new(self.writes.len());
        let key = op.key().map(|key| self.keys.find_or_add(key));
        let kept = self.effects.keep(effects);
        let acked = !effects.is_empty();
        self.writes.push(Write {
            attempt: Attempt::new(OpId::MAX, shard, Nanos::default(), false),
            wanted: Wanted::Loaded,
            key,
            next: id,
            acked,
            acked_at: Nanos::default(),
            effects: Some((at, kept)),
            place: None,
            extent: Extent::BEGINNING,
        });
        if let Some(key) = key.filter(|_| acked) {
            self.keys.get_mut(key).newest_acked = Some(id);
        }
        id
    }

    /// A new attempt at an op.
    pub(crate) fn attempt(&mut self, op: OpId, shard: u16, now: Nanos) -> RequestId {
        let asked = &mut self.ops[op as usize];
        asked.attempts += 1;
        asked.last = now;
        let attempt = Attempt::new(op, shard, now, true);
        if !asked.writes() {
            return RequestId((self.reads.push(attempt) as u64) << 1);
        }
        let id = WriteId::new(self.writes.len());
        let before = asked.write.replace(id);
        let (wanted, key) = (asked.wanted, asked.key);
        let next = before.map_or(id, |before| {
            std::mem::replace(&mut self.writes[before.index()].next, id)
        });
        self.writes.push(Write {
            attempt,
            wanted,
            key,
            next,
            acked: false,
            acked_at: Nanos::default(),
            effects: None,
            place: None,
            extent: Extent::new(now.0 + 1, u64::MAX),
        });
        if wanted == Wanted::Moved {
            self.moved.insert(op, id);
        }
        id.request()
    }

    pub(crate) fn attempt_of(&self, id: RequestId) -> &Attempt {
        match WriteId::of(id) {
            Some(write) => &self.writes[write.index()].attempt,
            None => &self.reads[(id.0 >> 1) as usize],
        }
    }

    pub(crate) fn attempt_mut(&mut self, id: RequestId) -> &mut Attempt {
        match WriteId::of(id) {
            Some(write) => &mut self.writes[write.index()].attempt,
            None => &mut self.reads[(id.0 >> 1) as usize],
        }
    }

    /// Whether anything can come of an attempt still: its op is not forgotten.
    pub(crate) fn knows(&self, id: RequestId) -> bool {
        let is_kept = WriteId::of(id).is_some() || self.reads.knows((id.0 >> 1) as usize);
        // A read of an op that was sent late stands behind those of later ops.
        is_kept && self.ops.knows(self.attempt_of(id).op as usize)
    }

    /// Who wants an op, where it is not forgotten.
    pub(crate) fn wanted(&self, op: OpId) -> Option<Wanted> {
        let is_known = self.ops.knows(op as usize);
        is_known.then(|| self.ops[op as usize].wanted)
    }

    /// The newest attempt at an op that writes, where it is not forgotten.
    pub(crate) fn write_of(&self, op: OpId) -> Option<WriteId> {
        let is_known = self.ops.knows(op as usize);
        is_known.then(|| self.ops[op as usize].write).flatten()
    }

    /// An attempt goes on its way now, after it waited for a connection.
    pub(crate) fn transmitted(&mut self, id: RequestId, now: Nanos) {
        let op = self.attempt_of(id).op;
        self.ops[op as usize].last = now;
    }

    /// Whether somebody waits for an attempt.
    pub(crate) fn is_open(&self, id: RequestId) -> bool {
        self.knows(id) && self.attempt_of(id).open
    }

    /// Attempts for which somebody waits, of those sent since `since`.
    pub(crate) fn open_since(&self, since: Nanos) -> impl Iterator<Item = (RequestId, &Attempt)> {
        let writes = (0..self.writes.len()).rev().map(|index| {
            let id = WriteId::new(index).request();
            (id, &self.writes[index].attempt)
        });
        let reads = self.reads.newest_first();
        let reads = reads.map(|(index, read)| (RequestId((index as u64) << 1), read));
        let late = move |(_, attempt): &(RequestId, &Attempt)| attempt.sent >= since;
        writes
            .take_while(late)
            .chain(reads.take_while(late))
            .filter(|(_, attempt)| attempt.open)
    }

    /// Nobody waits any more for attempts at these ops of the control plane, and none of them is wanted.
    pub(crate) fn give_up(&mut self, ops: Range<OpId>) {
        for op in ops {
            if self.wanted(op).is_some_and(Wanted::is_of_control) {
                self.ops[op as usize].done = true;
                if let Some(write) = self.ops[op as usize].write {
                    self.writes[write.index()].attempt.open = false;
                }
            }
        }
    }

    /// The op that is asked for next.
    pub(crate) fn next_op(&self) -> OpId {
        self.ops.end() as OpId
    }

    /// The key that a write changed; none where it changed nothing.
    pub(crate) fn written_key(&self, id: RequestId) -> Option<&[u8]> {
        let write = WriteId::of(id).filter(|write| self.changed(*write))?;
        Some(self.key(self.writes[write.index()].key?))
    }

    /// Forgets ops of which nothing can come any more: who wanted them has given up or has its answer, `idle` is the
    /// longest that a client does nothing about one that it still wants, and no request is on its way for longer than `longest`.
    pub(crate) fn forget(&mut self, now: Nanos, idle: Nanos, longest: Nanos) {
        while let Some(asked) = self.ops.front() {
            let quiet_for = now.since(asked.last);
            let is_over = quiet_for > longest
                && match asked.wanted {
                    _ if asked.done => true,
                    Wanted::By(_) => quiet_for > longest + idle,
                    Wanted::Loaded | Wanted::Moved | Wanted::Cleared => false,
                };
            if !is_over {
                break;
            }
            self.ops.forget_front();
        }
        let ops = &self.ops;
        let is_over = |attempt: &Attempt| !ops.knows(attempt.op as usize);
        while self.reads.front().is_some_and(is_over) {
            self.reads.forget_front();
        }
    }

    /// A client was told that an attempt is done.
    pub(crate) fn acknowledge(&mut self, id: RequestId, now: Nanos) {
        let &Attempt {
            op,
            sent,
            found,
            unseen,
            ..
        } = self.attempt_of(id);
        let changed = WriteId::of(id).filter(|write| self.changed(*write));
        let asked = &mut self.ops[op as usize];
        asked.done = true;
        if asked.wanted == Wanted::Cleared {
            return;
        }
        let (begin, end) = (sent.0 + 1, now.0 + 1);
        if !asked.writes() && matches!(asked.wanted, Wanted::By(_)) {
            self.answered_reads.count(unseen);
        }
        if let (Wanted::By(client), Some(key)) = (asked.wanted, asked.key) {
            let session = self.keys.get_mut(key).session_mut(client);
            if changed.is_some() {
                session.own = changed;
            } else if found.is_some() {
                session.seen = found;
            }
        }
        match (changed, found, asked.key) {
            // A write that changed nothing (a key that was not there) leaves nothing to lose.
            (Some(write), _, key) => {
                let write_of = &mut self.writes[write.index()];
                (write_of.acked, write_of.acked_at) = (true, now);
                write_of.extent.first_end = write_of.extent.first_end.min(end);
                if let Some(key) = key {
                    self.keys.get_mut(key).newest_acked = changed;
                }
            }
            (None, Some(version), _) => self.writes[version.index()].extent.read(begin, end),
            (None, None, Some(key)) => self.keys.get_mut(key).without.read(begin, end),
            (None, None, None) => {}
        }
    }

    /// An attempt was executed for who waits for it, on a copy with this lineage, before that takes it in.
    pub(crate) fn read(&mut self, lineage: &Lineage, id: RequestId) {
        let asked = &self.ops[self.attempt_of(id).op as usize];
        let found = asked.key.and_then(|key| lineage.version(key));
        let lacks = |write: Option<WriteId>| {
            write.is_some_and(|write| found != Some(write) && !self.reflects(lineage, write))
        };
        let Floor { acked, seen, own } = asked.floor;
        let unseen = Unseen {
            acked: lacks(acked),
            seen: lacks(seen),
            own: lacks(own),
        };
        let attempt = self.attempt_mut(id);
        (attempt.unseen, attempt.found) = (unseen, found);
    }

    /// An attempt was executed; whether it changed what it changed wherever it was executed before. What a read
    /// changes (what expires under it) does so everywhere by itself.
    pub(crate) fn executed(&mut self, id: RequestId, at: Millis, effects: &[u8]) -> bool {
        let Some(write) = WriteId::of(id) else {
            return true;
        };
        let known = &mut self.writes[write.index()].effects;
        if let Some((known_at, kept)) = known {
            return *known_at == at && self.effects.get(*kept) == effects;
        }
        *known = Some((at, self.effects.keep(effects)));
        true
    }

    /// A copy applied these effects of a write. Where the one that executed it had nothing to change, others may have
    /// had (a key to delete): then this is what the write changes.
    pub(crate) fn applied(&mut self, id: RequestId, at: Millis, effects: &[u8]) {
        let Some(write) = WriteId::of(id) else {
            return;
        };
        let known = &mut self.writes[write.index()].effects;
        if let Some((_, kept)) = known
            && self.effects.get(*kept).is_empty()
        {
            *known = Some((at, self.effects.keep(effects)));
        }
    }

    /// What executing a write changed.
    pub(crate) fn effects(&self, write: WriteId) -> Option<(Millis, &[u8])> {
        let (at, kept) = self.writes[write.index()].effects?;
        Some((at, self.effects.get(kept)))
    }

    /// When a write executed, and its number: of the writes of a key where the last one wins, the greatest stays.
    fn stamp(&self, write: WriteId) -> Option<(Millis, WriteId)> {
        Some((self.writes[write.index()].effects?.0, write))
    }

    fn changed(&self, write: WriteId) -> bool {
        self.effects(write)
            .is_some_and(|(_, effects)| !effects.is_empty())
    }

    /// The newest acknowledged write of a key, and the shard that acknowledged it.
    pub(crate) fn newest_acked(&self, key: &[u8]) -> Option<(WriteId, u16)> {
        let write = self.keys.get(self.keys.find(key)?).newest_acked?;
        Some((write, self.writes[write.index()].shard()))
    }

    /// A key leaves the shard `from`.
    pub(crate) fn carry(&mut self, key: &[u8], from: u16, how: Carriage) {
        let until = self.writes.len();
        if let Some(id) = self.keys.find(key) {
            let carried = &mut self.keys.get_mut(id).carried;
            carried.push(Carried { from, until, how });
        }
    }

    /// All attempts at ops that write.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (WriteId, &Write)> {
        (0..).map(WriteId::new).zip(self.writes.iter())
    }

    /// All versions: what writes changed something, of which key.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (KeyId, WriteId, &Write)> {
        self.writes()
            .filter(|(id, _)| self.changed(*id))
            .filter_map(|(id, write)| Some((write.key?, id, write)))
    }

    /// When a key was seen without any version.
    pub(crate) fn without_version(&self, key: KeyId) -> Extent {
        self.keys.get(key).without
    }

    /// The name of a key.
    pub(crate) fn key(&self, id: KeyId) -> &[u8] {
        self.keys.name(id)
    }

    /// All keys that were ever asked for.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.names()
    }
}

#[cfg(test)]
mod tests {
    use seawall_store::command::{key, string};

    use super::*;

    const MS: u64 = 1_000_000;

    fn asked(history: &mut History, op: Op, at: u64) -> (OpId, RequestId) {
        let op = history.ask(op, Wanted::By(0), Nanos(at));
        (op, history.attempt(op, 0, Nanos(at)))
    }

    #[test]
    fn an_op_is_forgotten_when_nothing_can_come_of_it() {
        let (mut history, longest, idle) = (History::default(), Nanos(MS), Nanos(10 * MS));
        let get = || Op::new(&string::GET).arg("k");
        let (slow, first) = asked(&mut history, get(), 0);
        let (_, second) = asked(&mut history, get(), 0);
        // The op that was asked for first is sent again, after the other one.
        let third = history.attempt(slow, 0, Nanos(2 * MS));
        history.acknowledge(third, Nanos(3 * MS));
        history.forget(Nanos(3 * MS), idle, longest);
        assert!(history.knows(third), "its request may be on its way");
        history.forget(Nanos(3 * MS + 1), idle, longest);
        let known = [first, second, third].map(|id| history.knows(id));
        assert_eq!(known, [false, true, false], "one op is done");
        history.acknowledge(second, Nanos(4 * MS));
        history.forget(Nanos(4 * MS), idle, longest);
        assert!(!history.knows(second));
        let (_, never) = asked(&mut history, get(), 4 * MS);
        history.forget(Nanos(15 * MS), idle, longest);
        assert!(history.knows(never), "its client may try again");
        history.forget(Nanos(15 * MS + 1), idle, longest);
        assert!(!history.knows(never));
    }

    #[test]
    fn a_copy_holds_an_op_by_any_attempt_at_it() {
        let mut history = History::default();
        let (op, first) = asked(&mut history, Op::new(&key::DEL).arg("k"), 0);
        let second = history.attempt(op, 0, Nanos(1));
        let (mut one, mut other) = (Lineage::default(), Lineage::default());
        for (id, lineage) in [(first, &mut one), (second, &mut other)] {
            assert!(history.executed(id, Millis(0), b"effect"));
            history.enter(lineage, id);
        }
        assert!(
            !history.executed(first, Millis(0), b"another"),
            "it diverges"
        );
        let [first, second] = [first, second].map(|id| WriteId::of(id).expect("it writes"));
        for lineage in [&one, &other] {
            assert!(history.holds(lineage, first) && history.holds(lineage, second));
        }
        assert!(!one.agrees_with(&other));
        assert!(!history.holds(&Lineage::default(), first));
    }
}
