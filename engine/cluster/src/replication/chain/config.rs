//! Who forms the chain: what the Raft group agrees on, and how it changes.
//!
//! A member that is added is not **ready** until it has the shard's data. It is added before the tail, so that reads
//! go on at the same node, and writes wait for the data to pass.

use super::super::NodeId;
use crate::codec::{Reader, Writer};

/// The version of the layout: tag, the epoch that it follows, then per member: node, life, whether it is ready.
const TAG: u8 = 1;

/// A node in one of its lives: memory does not outlive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) node: NodeId,
    pub(super) life: u64,
    pub(super) ready: bool,
}

impl Member {
    pub(super) fn is(&self, node: NodeId, life: u64) -> bool {
        self.node == node && self.life == life
    }
}

/// A chain, head first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    /// Names it: the place in the log of the entry that made it, 0 of the first.
    pub(super) epoch: u64,
    pub(super) members: Vec<Member>,
}

impl Config {
    pub(super) fn head(&self) -> Option<&Member> {
        self.members.first()
    }

    pub(super) fn tail(&self) -> Option<&Member> {
        self.members.last()
    }

    pub(super) fn member(&self, node: NodeId, life: u64) -> Option<&Member> {
        self.members.iter().find(|member| member.is(node, life))
    }

    /// Whether a member of another chain is none of this one.
    pub(super) fn lacks_one_of(&self, other: &Config) -> bool {
        let stays = |member: &Member| self.member(member.node, member.life).is_some();
        !other.members.iter().all(stays)
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        self.members.iter().position(|member| member.node == node)
    }

    /// Who comes before a node.
    pub(super) fn before(&self, node: NodeId) -> Option<NodeId> {
        let place = self.place(node)?.checked_sub(1)?;
        Some(self.members[place].node)
    }

    /// Who comes after a node.
    pub(super) fn after(&self, node: NodeId) -> Option<NodeId> {
        let place = self.place(node)? + 1;
        self.members.get(place).map(|member| member.node)
    }

    /// The entry that puts `members` in place of this chain.
    pub(super) fn entry_for(&self, members: &[Member]) -> Vec<u8> {
        let writer = Writer::new(TAG).u64(self.epoch);
        let each = |writer: Writer, member: &Member| {
            writer
                .u16(member.node.0)
                .u64(member.life)
                .u8(u8::from(member.ready))
        };
        members.iter().fold(writer, each).finish()
    }

    /// The chain after the entry at `index`; `None` where it follows another one than this, or is damaged.
    pub(super) fn next(&self, index: u64, entry: &[u8]) -> Option<Config> {
        let mut reader = Reader::new(entry);
        if reader.u8()? != TAG || reader.u64()? != self.epoch {
            return None;
        }
        let mut members = Vec::new();
        while reader.end().is_none() {
            members.push(Member {
                node: NodeId(reader.u16()?),
                life: reader.u64()?,
                ready: reader.u8()? == 1,
            });
        }
        let epoch = index;
        (!members.is_empty()).then_some(Config { epoch, members })
    }

    /// The members without those that are `gone`; `None` where all stay, or nobody would be left who has the data.
    pub(super) fn without(&self, gone: impl Fn(&Member) -> bool) -> Option<Vec<Member>> {
        let mut left: Vec<Member> = self.members.iter().filter(|m| !gone(m)).copied().collect();
        // Who takes over at the end must have the data.
        while left.last().is_some_and(|member| !member.ready) {
            left.pop();
        }
        (!left.is_empty() && left.len() < self.members.len()).then_some(left)
    }

    /// The members with those that have the data by now marked as ready; `None` where nothing changes.
    pub(super) fn with_ready(&self, has_data: impl Fn(&Member) -> bool) -> Option<Vec<Member>> {
        let mut members = self.members.clone();
        for member in &mut members {
            member.ready |= has_data(member);
        }
        (members != self.members).then_some(members)
    }

    /// The members with one more; `None` while another one waits for the data, or where the node is there already.
    pub(super) fn with(&self, node: NodeId, life: u64) -> Option<Vec<Member>> {
        if self.members.iter().any(|member| !member.ready) || self.place(node).is_some() {
            return None;
        }
        let mut members = self.members.clone();
        let ready = false;
        members.insert(members.len() - 1, Member { node, life, ready });
        Some(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(ready: &[bool]) -> Config {
        let member = |(node, ready): (u16, &bool)| Member {
            node: NodeId(node),
            life: 0,
            ready: *ready,
        };
        Config {
            epoch: 7,
            members: (0..).zip(ready).map(member).collect(),
        }
    }

    #[test]
    fn an_entry_is_taken_where_it_follows_and_is_whole() {
        let before = chain(&[true, false, true]);
        let bytes = before.entry_for(&before.members);
        let after = before.next(9, &bytes).unwrap();
        assert_eq!((after.epoch, &after.members), (9, &before.members));
        assert_eq!(after.next(10, &bytes), None, "it follows epoch 7");
        assert_eq!(before.next(9, &bytes[..bytes.len() - 1]), None);
        assert_eq!(before.next(9, &bytes[..9]), None, "nobody is left");
    }

    #[test]
    fn who_has_no_data_is_never_the_tail_and_never_alone() {
        let two = chain(&[true, false, true]);
        let left = two.without(|member| member.node == NodeId(2)).unwrap();
        assert_eq!(left, chain(&[true]).members);
        assert_eq!(two.without(|member| member.ready), None);
        assert_eq!(two.without(|_| false), None);
        assert_eq!(two.with(NodeId(3), 1), None, "one at a time");
        let three = chain(&[true, true]).with(NodeId(3), 1).unwrap();
        assert!(three[1].is(NodeId(3), 1) && !three[1].ready);
        let ready = chain(&[true, true]).with_ready(|_| true);
        assert_eq!(ready, None);
    }
}
