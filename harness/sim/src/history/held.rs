//! What a copy holds: of an order of all writes, or, where the last writer of a key wins, of an order for each key.
//!
//! Where it is for each key, a write stands behind the version on which the copy that executed it built, so that writes
//! that did not see each other are branches, and the version that a copy has tells all that went into it:
//!
//! ```text
//!  key k  ── a ── b ── d      a copy whose version is d holds a, b and d
//!                 └─── c      c did not see d, nor d c: whoever has d does not hold c
//! ```

use seawall_cluster::RequestId;

use super::lineage::Place;
use super::{Attempt, Carriage, History, Lineage, WriteId};

/// What a copy held of a key at some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Option<Place>);

impl History {
    /// All attempts at the same op.
    fn attempts_with(&self, write: WriteId) -> impl Iterator<Item = WriteId> {
        let next = move |at: &WriteId| {
            let next = self.writes[at.index()].next;
            (next != write).then_some(next)
        };
        std::iter::successors(Some(write), next)
    }

    /// The version of the key of `write` that a copy has.
    fn version_beside(&self, lineage: &Lineage, write: WriteId) -> Option<WriteId> {
        lineage.version(self.writes[write.index()].key?)
    }

    /// What a copy with this lineage holds of a key now.
    pub(crate) fn mark(&self, lineage: &Lineage, key: &[u8]) -> Mark {
        let version = || lineage.version(self.keys.find(key)?);
        Mark(if self.by_key {
            version().and_then(|version| self.writes[version.index()].place)
        } else {
            lineage.end()
        })
    }

    /// Whether a copy with this lineage holds what any attempt at the op of `write` changed.
    pub(crate) fn holds(&self, lineage: &Lineage, write: WriteId) -> bool {
        let end = if self.by_key {
            let version = self.version_beside(lineage, write);
            version.and_then(|version| self.writes[version.index()].place)
        } else {
            lineage.end()
        };
        self.was_held(Mark(end), write)
    }

    /// Whether a copy held what any attempt at the op of `write` changed, when it had this mark of its key.
    pub(crate) fn was_held(&self, Mark(end): Mark, write: WriteId) -> bool {
        let stands = |place: &Place| end.is_some_and(|end| self.tree.holds(end, *place));
        self.attempts_with(write).any(|write| {
            let first = self.writes[write.index()].place;
            first.is_some_and(|first| {
                stands(&first)
                    || self
                        .other_places
                        .get(&write)
                        .is_some_and(|others| others.iter().any(stands))
            })
        })
    }

    /// Whether a copy with this lineage has a later version of the key of `write`, which puts an end to it where the last
    /// writer wins.
    pub(crate) fn has_later(&self, lineage: &Lineage, write: WriteId) -> bool {
        let version = self.version_beside(lineage, write);
        self.by_key && version.is_some_and(|version| self.stamp(version) > self.stamp(write))
    }

    /// Whether among what led to the version that a copy with this lineage has of the key of `write`, which was
    /// acknowledged, there is a later write that overlaps it: asked for before that.
    pub(crate) fn has_later_that_overlaps(&self, lineage: &Lineage, write: WriteId) -> bool {
        let end = self.version_beside(lineage, write);
        let end = end.and_then(|version| self.writes[version.index()].place);
        let acked_at = self.writes[write.index()].acked_at;
        let is_later = |one: WriteId| self.stamp(one) > self.stamp(write);
        let overlaps = |one: WriteId| self.writes[one.index()].attempt.sent < acked_at;
        let mut entries = self.tree.entries(end.filter(|_| self.by_key));
        entries.any(|one| is_later(one) && overlaps(one))
    }

    /// Whether a copy with this lineage reflects `write`: it holds it, or what carried it there.
    pub(crate) fn reflects(&self, lineage: &Lineage, write: WriteId) -> bool {
        if self.holds(lineage, write) {
            return true;
        }
        let Some(key) = self.writes[write.index()].key else {
            return false;
        };
        let carried = &self.keys.get(key).carried;
        // The first move after it took it along, if that was from where it was acknowledged; what that move wrote was taken
        // along by the next one.
        let mut acked = self
            .attempts_with(write)
            .filter(|write| self.writes[write.index()].acked);
        acked.any(|write| {
            let Attempt {
                op, shard: from, ..
            } = self.writes[write.index()].attempt;
            let first = carried.partition_point(|carried| carried.until <= write.index());
            let mut next = carried[first..].iter();
            // What a move wrote was asked for before that move took place.
            let next = next.find(|carried| carried.how != Carriage::By(op));
            let Some(carried) = next.filter(|carried| carried.from == from) else {
                return false;
            };
            match carried.how {
                Carriage::By(op) => {
                    let write = self.moved.get(&op);
                    write.is_some_and(|write| self.reflects(lineage, *write))
                }
                Carriage::Absent => true,
                Carriage::Lost => false,
            }
        })
    }

    /// A copy takes in what an attempt changed, if it did. Reads leave nothing: what expires under one does so
    /// everywhere by itself.
    pub(crate) fn enter(&mut self, lineage: &mut Lineage, id: RequestId) {
        if let Some(write) = WriteId::of(id) {
            self.enter_write(lineage, write);
        }
    }

    /// As [`History::enter`], of a write.
    pub(crate) fn enter_write(&mut self, lineage: &mut Lineage, write: WriteId) {
        if !self.changed(write) {
            return;
        }
        if self.by_key {
            self.build_on_version(lineage, write);
        } else {
            let place = self.tree.add(lineage, write);
            let write_of = &mut self.writes[write.index()];
            match place {
                Some(_) if write_of.place.is_none() => write_of.place = place,
                Some(other) => self.other_places.entry(write).or_default().push(other),
                None => {}
            }
        }
        if let Some(key) = self.writes[write.index()].key {
            lineage.set_version(key, write);
        }
    }

    /// Who takes a write in first executed it: it stands behind the version that is there.
    fn build_on_version(&mut self, lineage: &Lineage, write: WriteId) {
        if self.writes[write.index()].place.is_none() {
            let version = self.version_beside(lineage, write);
            let before = version.and_then(|version| self.writes[version.index()].place);
            self.writes[write.index()].place = Some(self.tree.add_behind(before, write));
        }
    }

    /// Everything that a copy holds, in an order in which it comes to what it is: as it took it in, or, where
    /// the last writer wins, by time.
    pub(crate) fn held(&self, lineage: &Lineage) -> Vec<WriteId> {
        if !self.by_key {
            return self.tree.entries(lineage.end()).collect();
        }
        let versions = lineage.versions();
        let mut held: Vec<WriteId> = versions
            .flat_map(|version| self.tree.entries(self.writes[version.index()].place))
            .collect();
        held.sort_unstable_by_key(|write| self.stamp(*write));
        held
    }
}

#[cfg(test)]
mod tests {
    use seawall_cluster::Nanos;
    use seawall_store::command::string;
    use seawall_store::{Millis, Op};

    use super::*;
    use crate::history::Wanted;

    /// A write to `k` that was asked for at `asked`, and that a copy with this lineage executes at `at`.
    fn executed(history: &mut History, lineage: &mut Lineage, asked: u64, at: u64) -> RequestId {
        let op = Op::new(&string::APPEND).arg("k").arg("x");
        let op = history.ask(op, Wanted::By(0), Nanos(asked));
        let id = history.attempt(op, 0, Nanos(asked));
        assert!(history.executed(id, Millis(at), b"effect"));
        history.enter(lineage, id);
        id
    }

    #[test]
    fn a_version_holds_what_it_was_built_on_and_not_what_it_put_an_end_to() {
        let mut history = History::new(true);
        let (mut one, mut other) = (Lineage::default(), Lineage::default());
        let first = executed(&mut history, &mut one, 0, 1);
        history.enter(&mut other, first);
        let mut stale = other.clone();
        // Neither copy sees what the other one does.
        let loser = executed(&mut history, &mut one, 1, 2);
        let winner = executed(&mut history, &mut other, 1, 3);
        let [first, loser_id, winner_id] =
            [first, loser, winner].map(|id| WriteId::of(id).unwrap());
        assert!(history.holds(&one, loser_id) && !history.holds(&one, winner_id));
        assert!(!one.agrees_with(&other));
        history.enter(&mut one, winner);
        assert!(one.agrees_with(&other));
        assert!(history.holds(&one, first) && history.holds(&one, winner_id));
        assert!(!history.holds(&one, loser_id) && history.has_later(&one, loser_id));
        assert!(!history.has_later(&one, winner_id));
        assert_eq!(history.held(&one), [first, winner_id]);
        // Whoever asks after it was acknowledged was to see it.
        history.acknowledge(loser, Nanos(5));
        executed(&mut history, &mut stale, 6, 9);
        assert!(history.has_later(&stale, loser_id));
        let overlaps = [&one, &stale].map(|of| history.has_later_that_overlaps(of, loser_id));
        assert_eq!(overlaps, [true, false]);
    }

    /// The control plane writes `k` into a shard, of which this is the lineage, and is told that it is done.
    fn moved(history: &mut History, lineage: &mut Lineage, to: u16, from: u16) {
        let op = Op::new(&string::APPEND).arg("k").arg("x");
        let op = history.ask(op, Wanted::Moved, Nanos(1));
        history.carry(b"k", from, Carriage::By(op));
        let id = history.attempt(op, to, Nanos(1));
        assert!(history.executed(id, Millis(1), b"effect"));
        history.enter(lineage, id);
        history.acknowledge(id, Nanos(2));
    }

    #[test]
    fn a_key_that_moves_again_and_again_takes_along_what_it_had() {
        let mut history = History::default();
        let mut shards: [Lineage; 3] = Default::default();
        let write = |history: &mut History, lineage: &mut Lineage| {
            let id = executed(history, lineage, 0, 1);
            history.acknowledge(id, Nanos(1));
            WriteId::of(id).unwrap()
        };
        let first = write(&mut history, &mut shards[0]);
        moved(&mut history, &mut shards[1], 1, 0);
        assert!(history.reflects(&shards[1], first) && !history.reflects(&shards[2], first));
        moved(&mut history, &mut shards[2], 2, 1);
        assert!(history.reflects(&shards[2], first));
        // It comes back to where it was, which has what it left behind, and one write more.
        moved(&mut history, &mut shards[0], 0, 2);
        let second = write(&mut history, &mut shards[0]);
        assert!(!history.reflects(&shards[1], second));
        // The next move finds that the newest write was lost: then it brings nothing of what was before.
        history.carry(b"k", 0, Carriage::Lost);
        let empty = Lineage::default();
        assert!(!history.reflects(&empty, first) && !history.reflects(&empty, second));
        // What was deleted is nowhere, as it should be.
        let third = write(&mut history, &mut shards[0]);
        history.carry(b"k", 0, Carriage::Absent);
        assert!(history.reflects(&empty, third) && !history.reflects(&empty, second));
    }
}
