//! Anti-entropy: two copies find where they differ, and each gets what is newer in the other.
//!
//! ```text
//!  one ──roots──► other
//!      ◄─digest── what it has in the buckets that differ
//!      ──values──► what is newer here        ──want──► what is newer there
//!      ◄─values──
//! ```

use std::collections::BTreeMap;

use super::super::{NodeId, Outbox};
use super::join::Joining;
use super::message::Message;
use super::versions::{Entry, Version};
use super::{Fault, Leaderless, export};
use crate::time::Nanos;

impl Leaderless {
    /// The others in turn.
    pub(super) fn next_other(&mut self) -> NodeId {
        self.turn += 1;
        self.others[self.turn % self.others.len()]
    }

    /// Begins to compare what it has with another copy, and asks for what it lacks where it is new.
    pub(super) fn sync(&mut self, now: Nanos, out: &mut Outbox) {
        if self.others.is_empty() {
            return;
        }
        self.sync_at = now + self.rules.sync_every;
        let roots = Message::Roots {
            roots: self.versions.roots(),
        };
        match &mut self.joining {
            Some(Joining::Empty { nothing }) => {
                *nothing = 0;
                self.ask_to_join(out);
            }
            // What was on its way from one that stopped meanwhile does not come any more.
            Some(Joining::CatchingUp { heard, wanted }) => {
                heard.clear();
                wanted.clear();
                self.tell_others(&roots, out);
            }
            None if self.rules.fault == Some(Fault::NeverSyncs) => {}
            None => {
                let other = self.next_other();
                out.send(other, roots.encode());
            }
        }
    }

    pub(super) fn on_roots(&self, from: NodeId, roots: &[u64], out: &mut Outbox) {
        let mask = self.versions.differing(roots);
        let entries = self.versions.within(mask).collect();
        out.send(from, Message::Digest { mask, entries }.encode());
    }

    pub(super) fn on_digest(
        &mut self,
        from: NodeId,
        mask: u64,
        entries: Vec<Entry>,
        out: &mut Outbox,
    ) {
        let theirs: BTreeMap<&[u8], Version> = entries
            .iter()
            .map(|(key, version)| (&key[..], *version))
            .collect();
        for (key, own) in self.versions.within(mask) {
            if theirs.get(&key[..]).is_none_or(|version| *version < own) {
                export(from, key, out);
            }
        }
        let is_newer = |(key, version): &Entry| *version > self.versions.get(key);
        let newer: Vec<Entry> = entries.into_iter().filter(is_newer).collect();
        if !newer.is_empty() {
            let keys = newer.iter().map(|(key, _)| key.clone()).collect();
            out.send(from, Message::Want { keys }.encode());
        }
        self.heard(from, &newer);
    }
}
