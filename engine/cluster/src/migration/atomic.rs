//! Atomic: all slots that go between two shards go as one.
//!
//! ```text
//!  copy what is there       beside requests, which the source goes on to answer
//!  copy what changed        again and again, until little is left
//!  hold writes back         what is under way comes to its end
//!  copy what changed
//!  the slots are the target's
//! ```
//!
//! Where another node comes to serve either shard, the target drops what it has, and all begins anew: nothing was its own yet.
//! Murphy, "Resharding, Reimagined: Introducing Atomic Slot Migration", valkey.io, 2025. There changes travel as the
//! commands that made them; here a changed key travels as it is when its turn comes, which leads to the same.

use std::collections::BTreeSet;

use super::{Action, Event, Held, Migration, MigrationMember, Side};

pub(super) static MEMBER: MigrationMember = MigrationMember {
    name: "atomic",
    about: "all slots between two shards at once: a copy beside service, then what changed, then a short pause of writes",
    source: "Valkey 9, CLUSTER MIGRATESLOTS; Murphy, Resharding, Reimagined, valkey.io, 2025-10",
    build: |slots, _| build_whole(slots),
};

/// Makes it for these slots.
pub(crate) fn build_whole(slots: Vec<u16>) -> Box<dyn Migration> {
    Box::new(Atomic::new(slots))
}

/// Writes are held back when no more keys than this are left: they are copied in one round trip.
const FEW: usize = 64;

struct Atomic {
    slots: Vec<u16>,
    phase: Phase,
    /// Keys that changed since they were copied, or listed to be.
    changed: BTreeSet<Vec<u8>>,
    /// Broken on purpose: it takes over without what changed.
    forgets: bool,
}

/// What is being waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The source is told what it is to send.
    Asking,
    /// The target drops what it has from before.
    Clearing,
    /// The source sees which keys there are.
    Listing,
    /// They are copied, or what changed since.
    Copying,
    /// Writes wait, and what is under way comes to its end.
    Draining,
    /// What is left is copied.
    Finishing,
    /// The target takes over.
    Taking,
}

/// One that is broken on purpose: it takes over without what changed since it copied.
pub(crate) fn build_forgetful(slots: Vec<u16>) -> Box<dyn Migration> {
    Box::new(Atomic {
        forgets: true,
        ..Atomic::new(slots)
    })
}

impl Atomic {
    fn new(slots: Vec<u16>) -> Atomic {
        Atomic {
            slots,
            phase: Phase::Asking,
            changed: BTreeSet::new(),
            forgets: false,
        }
    }

    fn copy_changed(&mut self, out: &mut Vec<Action>) {
        let keys = std::mem::take(&mut self.changed).into_iter().collect();
        out.push(Action::Copy { keys });
    }
}

impl Migration for Atomic {
    fn step(&mut self, event: Event, out: &mut Vec<Action>) {
        self.phase = match (event, self.phase) {
            (Event::Start | Event::Interrupted, _) => {
                self.changed.clear();
                out.push(Action::Tell(Side::Source));
                Phase::Asking
            }
            (Event::Told, Phase::Asking) => {
                out.push(Action::Clear);
                Phase::Clearing
            }
            (Event::Cleared, Phase::Clearing) => {
                out.push(Action::List {
                    slots: self.slots.clone(),
                    most: usize::MAX,
                });
                Phase::Listing
            }
            (Event::Listed { keys }, Phase::Listing) => {
                out.push(Action::Copy { keys });
                Phase::Copying
            }
            (Event::Copied, Phase::Copying) if self.changed.len() > FEW => {
                self.copy_changed(out);
                Phase::Copying
            }
            (Event::Copied, Phase::Copying) => {
                out.extend([Action::Hold(Held::Writes), Action::Drain]);
                Phase::Draining
            }
            (Event::Drained, Phase::Draining) => {
                self.copy_changed(out);
                Phase::Finishing
            }
            // What clients had given up may have been done still.
            (Event::Copied, Phase::Finishing) | (Event::Told, Phase::Taking)
                if !self.changed.is_empty() =>
            {
                self.copy_changed(out);
                Phase::Finishing
            }
            (Event::Copied, Phase::Finishing) => {
                out.push(Action::Tell(Side::Target));
                Phase::Taking
            }
            (Event::Told, Phase::Taking) => {
                let slots = self.slots.clone();
                out.extend([Action::Assign { slots }, Action::Release, Action::Done]);
                Phase::Taking
            }
            (Event::Changed { key, .. }, phase) => {
                if !self.forgets {
                    self.changed.insert(key);
                }
                phase
            }
            (
                Event::Told
                | Event::Cleared
                | Event::Listed { .. }
                | Event::Copied
                | Event::Drained,
                phase,
            ) => phase,
        };
    }
}
