//! What a shard did together with others, and is not known to be durable on all of them.
//!
//! The one idea: parts stand as they stand in the log, and come to be given and durable one after the other, since what
//! is behind one that others lose is lost with it. A part without effects waits for nobody: others hang on it, and it on
//! none of them ([`joint`](super::joint)).

use std::collections::VecDeque;
use std::sync::Arc;

use super::joint::Joint;
use crate::time::Millis;

/// A part in what is not known to be durable on all shards.
struct Part {
    sequence: u64,
    joint: Arc<Joint>,
    since: Millis,
    /// Whether it has effects.
    changes: bool,
    /// Whether the others know that it was given here, and that it is durable here.
    tells_given: bool,
    tells_durable: bool,
}

/// The parts of one log.
#[derive(Default)]
pub(super) struct Unsettled {
    parts: VecDeque<Part>,
    /// How many of them, from the first on, the devices of all their shards were given.
    given: usize,
}

impl Unsettled {
    /// The part of sequence `sequence` in `joint` was appended, at `since`; whether it has effects.
    pub fn push(&mut self, sequence: u64, joint: &Arc<Joint>, changes: bool, since: Millis) {
        self.parts.push_back(Part {
            sequence,
            joint: Arc::clone(joint),
            since,
            changes,
            tells_given: false,
            tells_durable: false,
        });
    }

    /// All of them were appended at `now`.
    pub fn begin_at(&mut self, now: Millis) {
        self.parts.iter_mut().for_each(|part| part.since = now);
    }

    /// When the first was appended.
    pub fn since(&self) -> Option<Millis> {
        self.parts.front().map(|part| part.since)
    }

    /// How many stand behind `sequence`.
    pub fn behind(&self, sequence: u64) -> usize {
        let before = self.parts.partition_point(|part| part.sequence <= sequence);
        self.parts.len() - before
    }

    /// The sequence of the first one.
    pub fn first(&self) -> Option<u64> {
        self.parts.front().map(|part| part.sequence)
    }

    /// The sequence of the first one that not all shards' devices were given.
    pub fn first_not_given(&self) -> Option<u64> {
        self.parts.get(self.given).map(|part| part.sequence)
    }

    /// Tells other shards of parts that the system has up to `written`, and the disk up to `synced`, and sees which are
    /// there everywhere.
    pub fn settle(&mut self, written: u64, synced: u64) {
        while let Some(part) = self.parts.front_mut()
            && part.sequence <= synced
        {
            if !std::mem::replace(&mut part.tells_durable, true) {
                part.joint.note_durable();
            }
            if part.changes && !part.joint.is_durable() {
                break;
            }
            if !part.tells_given {
                part.joint.note_given();
            }
            self.parts.pop_front();
            self.given = self.given.saturating_sub(1);
        }
        while let Some(part) = self.parts.get_mut(self.given)
            && part.sequence <= written
        {
            if !std::mem::replace(&mut part.tells_given, true) {
                part.joint.note_given();
            }
            if part.changes && !part.joint.is_given() {
                break;
            }
            self.given += 1;
        }
    }

    /// Whether what it waits for of other shards will never come.
    pub fn is_lost(&self) -> bool {
        let mut waits = [self.parts.front(), self.parts.get(self.given)]
            .into_iter()
            .flatten();
        waits.any(|part| part.changes && part.joint.has_failed())
    }

    /// Nothing more comes of them: lets the shards know that have a part in what is lost by it.
    pub fn fail(&mut self) {
        self.given = 0;
        for part in self.parts.drain(..).filter(|part| !part.tells_durable) {
            part.joint.fail();
        }
    }
}
