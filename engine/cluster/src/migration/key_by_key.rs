//! Key by key: an operator's tool takes the keys of a slot over, some at a time, and then says whose the slot is.
//!
//! ```text
//!  of each slot   target: importing · source: migrating
//!    of its keys    source: which have you? · source: migrate these   (it does nothing else until the target has them)
//!                 target: it is yours · source: it is the target's
//! ```
//!
//! So a slot costs four round trips, and some keys three: two to the source, and one from there to the target. Between two
//! batches the source answers for the keys that it has and sends clients to the target for all others (`ASK`).
//! Redis Cluster specification, "Live resharding"; the commands and their order are those of `redis-cli --cluster`.

use super::{Action, Event, Held, Migration, MigrationMember, Side};

pub(super) static MEMBER: MigrationMember = MigrationMember {
    name: "key-by-key",
    about: "an operator moves some keys at a time; the source blocks meanwhile, and sends clients on for what it has not",
    source: "Redis Cluster specification, live resharding; redis-cli --cluster reshard",
    build: |slots, batch| {
        Box::new(KeyByKey {
            slots,
            batch,
            next: 0,
            phase: Phase::Importing,
        })
    },
};

struct KeyByKey {
    slots: Vec<u16>,
    /// How many keys a request takes along.
    batch: usize,
    /// Which of the slots is next.
    next: usize,
    phase: Phase,
}

/// What is being waited for.
enum Phase {
    /// The target is told that a slot comes.
    Importing,
    /// The source is told that it goes.
    Migrating,
    /// The source says which keys it has.
    Listing,
    /// The source is told to migrate these.
    Asking(Vec<Vec<u8>>),
    /// It does, and nothing else: the keys, and those of them that changed nevertheless.
    Moving(Vec<Vec<u8>>, Vec<Vec<u8>>),
    /// The target is told that the slot is its own; whether a key appeared at the source since it had none.
    Taking(bool),
    /// What the source has under way for the slot comes to its end; whether a key appeared.
    Closing(bool),
    /// The source is told so.
    Leaving,
}

impl KeyByKey {
    fn slot(&self) -> u16 {
        self.slots[self.next]
    }

    fn list(&mut self, out: &mut Vec<Action>) {
        self.phase = Phase::Listing;
        out.push(Action::List {
            slots: vec![self.slot()],
            most: self.batch,
        });
    }

    /// Begins with the slot that is next.
    fn begin(&mut self, out: &mut Vec<Action>) {
        if self.next == self.slots.len() {
            out.push(Action::Done);
            return;
        }
        self.phase = Phase::Importing;
        out.push(Action::Tell(Side::Target));
    }
}

impl Migration for KeyByKey {
    fn step(&mut self, event: Event, out: &mut Vec<Action>) {
        match (event, &mut self.phase) {
            (Event::Start, _) => self.begin(out),
            (Event::Told, Phase::Importing) => {
                self.phase = Phase::Migrating;
                out.push(Action::Tell(Side::Source));
            }
            (Event::Told, Phase::Migrating) => {
                out.push(Action::Open { slot: self.slot() });
                self.list(out);
            }
            (Event::Listed { keys }, Phase::Listing) if keys.is_empty() => {
                self.phase = Phase::Taking(false);
                out.push(Action::Tell(Side::Target));
            }
            (Event::Listed { keys }, Phase::Listing) => {
                self.phase = Phase::Asking(keys);
                out.push(Action::Tell(Side::Source));
            }
            (Event::Told, Phase::Asking(keys)) => {
                let keys = std::mem::take(keys);
                self.phase = Phase::Moving(keys.clone(), Vec::new());
                out.extend([Action::Hold(Held::All { keys }), Action::Drain]);
            }
            (Event::Drained, Phase::Moving(keys, changed)) => {
                changed.clear();
                out.push(Action::Copy { keys: keys.clone() });
            }
            // What clients had given up may be done still.
            (Event::Changed { key, .. }, Phase::Moving(keys, changed)) if keys.contains(&key) => {
                changed.push(key);
            }
            (Event::Copied, Phase::Moving(_, changed)) if !changed.is_empty() => {
                let keys = std::mem::take(changed);
                out.push(Action::Copy { keys });
            }
            (Event::Copied, Phase::Moving(keys, _)) => {
                let keys = std::mem::take(keys);
                out.extend([Action::Give { keys }, Action::Release]);
                self.list(out);
            }
            // A request that came before the slot was open may be done still.
            (Event::Told, Phase::Taking(appeared)) => {
                self.phase = Phase::Closing(*appeared);
                out.extend([Action::Hold(Held::Writes), Action::Drain]);
            }
            (Event::Changed { slot, .. }, Phase::Taking(appeared) | Phase::Closing(appeared)) => {
                *appeared |= slot == self.slots[self.next];
            }
            (Event::Drained, Phase::Closing(true)) => {
                out.push(Action::Release);
                self.list(out);
            }
            (Event::Drained, Phase::Closing(false)) => {
                let slots = vec![self.slot()];
                self.phase = Phase::Leaving;
                out.extend([
                    Action::Assign { slots },
                    Action::Release,
                    Action::Tell(Side::Source),
                ]);
            }
            (Event::Told, Phase::Leaving) => {
                self.next += 1;
                self.begin(out);
            }
            // The operator asks again, whoever answers now: what was not given is with the source still.
            (Event::Interrupted, Phase::Importing) => out.push(Action::Tell(Side::Target)),
            (Event::Interrupted, Phase::Migrating | Phase::Leaving) => {
                out.push(Action::Tell(Side::Source));
            }
            (
                Event::Interrupted,
                Phase::Listing
                | Phase::Asking(_)
                | Phase::Moving(..)
                | Phase::Taking(_)
                | Phase::Closing(_),
            ) => {
                self.list(out);
            }
            // What changes before goes as it is then; no other event is awaited.
            (
                Event::Told
                | Event::Cleared
                | Event::Listed { .. }
                | Event::Copied
                | Event::Drained
                | Event::Changed { .. },
                _,
            ) => {}
        }
    }
}
