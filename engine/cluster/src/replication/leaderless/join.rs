//! How a copy that has nothing comes to have what the others have.
//!
//! ```text
//!  empty ──join──► one of the others, in turn
//!    │     ◄─state──┘                              or nothing: all that was asked in a row have nothing, and all is lost
//!    ▼
//!  catching up ──roots──► all others; serves when enough of them were heard, and what was newer there is here
//! ```
//!
//! With quorums it must hear so many that whatever was acknowledged is at one of them: had it the state of one alone that
//! lacks a write, that and the new copy would be a quorum that has not seen it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Action, NodeId, Outbox};
use super::Leaderless;
use super::message::Message;
use super::versions::{Entry, Version};
use crate::time::Nanos;

/// What is missing until a new copy serves.
pub(super) enum Joining {
    /// The data; so many of the others in a row have said that they have nothing.
    Empty { nothing: usize },
    /// What is newer in these others, which told where they differ, and that enough of them do.
    CatchingUp {
        heard: BTreeSet<NodeId>,
        wanted: BTreeMap<Vec<u8>, Version>,
    },
}

impl Default for Joining {
    fn default() -> Joining {
        Joining::Empty { nothing: 0 }
    }
}

impl Leaderless {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.joining, Some(Joining::Empty { .. }))
    }

    /// Asks the next of the others for all that it has.
    pub(super) fn ask_to_join(&mut self, out: &mut Outbox) {
        out.send(self.next_other(), Message::Join.encode());
    }

    pub(super) fn on_join(&mut self, from: NodeId, out: &mut Outbox) {
        if self.is_empty() {
            out.send(from, Message::Nothing.encode());
        } else {
            out.push(Action::Export { to: from });
        }
    }

    pub(super) fn send_state(&self, to: NodeId, image: &[u8], out: &mut Outbox) {
        let entries = self.versions.within(u64::MAX).collect();
        out.send(to, Message::State { entries, image }.encode());
    }

    pub(super) fn on_nothing(&mut self, now: Nanos, out: &mut Outbox) {
        let Some(Joining::Empty { nothing }) = &mut self.joining else {
            return;
        };
        *nothing += 1;
        if *nothing < self.others.len() {
            self.ask_to_join(out);
        } else {
            self.begin_to_catch_up(now, out);
        }
    }

    pub(super) fn on_state(
        &mut self,
        now: Nanos,
        entries: Vec<Entry>,
        image: &[u8],
        out: &mut Outbox,
    ) {
        if self.is_empty() {
            self.versions = entries.into_iter().collect();
            let image = image.to_vec();
            out.push(Action::Install { image });
            self.begin_to_catch_up(now, out);
        }
    }

    fn begin_to_catch_up(&mut self, now: Nanos, out: &mut Outbox) {
        self.joining = Some(Joining::CatchingUp {
            heard: BTreeSet::new(),
            wanted: BTreeMap::new(),
        });
        self.sync(now, out);
    }

    /// Another copy has told where it differs, and what of that is newer there.
    pub(super) fn heard(&mut self, from: NodeId, newer: &[Entry]) {
        if let Some(Joining::CatchingUp { heard, wanted }) = &mut self.joining {
            heard.insert(from);
            wanted.extend(newer.iter().cloned());
            self.join_if_whole();
        }
    }

    /// Another version of a key is here.
    pub(super) fn catch_up_with(&mut self, key: &[u8]) {
        if let Some(Joining::CatchingUp { wanted, .. }) = &mut self.joining {
            let own = self.versions.get(key);
            if wanted.get(key).is_some_and(|version| *version <= own) {
                wanted.remove(key);
            }
            self.join_if_whole();
        }
    }

    fn join_if_whole(&mut self) {
        if let Some(Joining::CatchingUp { heard, wanted }) = &self.joining
            && heard.len() >= self.rules.joins_after
            && wanted.is_empty()
        {
            self.joining = None;
        }
    }
}
