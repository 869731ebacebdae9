//! Reads: at the tail, and at any copy that knows that nobody has anything newer.

use std::sync::Arc;

use seawall_store::{Millis, Op};

use super::super::{Action, Outbox, RequestId};
use super::message::Message;
use super::{Chain, Fault};

impl Chain {
    /// As tail: what it has is what all have. As in `quorum`, a read sees the time of the last write.
    pub(super) fn read(&self, id: RequestId, op: Arc<Op>, out: &mut Outbox) {
        answer(id, self.newest, op, out);
    }

    /// As a copy before the tail: answers where nothing on its way touches what is read, else lets the tail answer.
    pub(super) fn read_here(&self, id: RequestId, op: Arc<Op>, out: &mut Outbox) {
        let is_dirty = self.pending.iter().any(|write| touch(&write.op, &op));
        if !is_dirty || self.fault == Some(Fault::ReadsDirty) {
            answer(id, self.acked_at, op, out);
        } else if let Some(tail) = self.config.tail() {
            let epoch = self.config.epoch;
            out.send(tail.node, Message::Read { epoch, id, op }.encode());
        }
    }
}

fn answer(id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
    out.execute(id, at, op);
    out.push(Action::Answer { id });
}

/// Whether two ops have a key in common; one without keys may look at all of them.
fn touch(one: &Op, other: &Op) -> bool {
    let has_keys = |op: &Op| op.keys().next().is_some();
    let shared = || one.keys().any(|key| other.keys().any(|other| key == other));
    !has_keys(one) || !has_keys(other) || shared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_touch_where_they_share_a_key_or_have_none() {
        let op = |words: &[&str]| Op::parse(words.iter().map(|word| word.as_bytes())).unwrap();
        let write = op(&["DEL", "a", "b"]);
        assert!(touch(&write, &op(&["GET", "b"])));
        assert!(touch(&write, &op(&["MGET", "c", "a"])));
        assert!(!touch(&write, &op(&["GET", "c"])));
        assert!(touch(&write, &op(&["DBSIZE"])));
        assert!(touch(&op(&["FLUSHALL"]), &op(&["GET", "c"])));
    }
}
