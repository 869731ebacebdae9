//! `lfu`: who was used least often goes; among equals, who has been at that count longest.
//!
//! ```text
//!   classes, rising:   [count 1] ── [count 2] ── [count 7]
//!                       a, b         c            d, e, f      each a line, oldest first
//! ```
//!
//! Counts are of the time in the cache alone: an object that comes back starts at 1. All is O(1): a
//! class knows its neighbours, an entry its class.

use super::order::links::{END, Links, List};
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// The entries of one count.
struct Class {
    count: u64,
    line: List,
    rarer: u32,
    commoner: u32,
}

/// Exact least frequently used.
pub struct Lfu {
    links: Links,
    /// The class of each entry.
    class_of: Vec<u32>,
    classes: Vec<Class>,
    free: Vec<u32>,
    rarest: u32,
}

impl Member for Lfu {
    const DESCRIPTION: Description = Description {
        name: "lfu",
        about: "evicts the object used least often while in the cache; of equals, the one longest so",
        source: "folklore; Shah, Mitra, Matani 2010, An O(1) algorithm for the LFU cache eviction scheme",
        params: &[],
        cost: "hit: moves the entry, by the owner; insertion and eviction: O(1)",
        bytes_per_item: 12,
        bad_at: "changing popularity: what was popular once stays for ever",
        live: true,
    };

    fn build(_params: Params<'_>, _setup: Setup) -> Lfu {
        Lfu {
            links: Links::default(),
            class_of: Vec::new(),
            classes: Vec::new(),
            free: Vec::new(),
            rarest: END,
        }
    }
}

impl Lfu {
    /// The class of `count`, which comes right after `rarer` ([`END`]: comes first), made if need be.
    fn class_after(&mut self, rarer: u32, count: u64) -> u32 {
        let commoner = match rarer {
            END => self.rarest,
            rarer => self.classes[rarer as usize].commoner,
        };
        if commoner != END && self.classes[commoner as usize].count == count {
            return commoner;
        }
        let class = Class {
            count,
            line: List::default(),
            rarer,
            commoner,
        };
        let id = if let Some(id) = self.free.pop() {
            self.classes[id as usize] = class;
            id
        } else {
            self.classes.push(class);
            (self.classes.len() - 1) as u32
        };
        self.join(rarer, id);
        self.join(id, commoner);
        id
    }

    fn join(&mut self, rarer: u32, commoner: u32) {
        match rarer {
            END => self.rarest = commoner,
            rarer => self.classes[rarer as usize].commoner = commoner,
        }
        if commoner != END {
            self.classes[commoner as usize].rarer = rarer;
        }
    }

    fn put(&mut self, class: u32, entry: EntryId) {
        self.class_of[entry as usize] = class;
        self.links
            .push(&mut self.classes[class as usize].line, entry);
    }

    /// Takes `entry` out of its class, and the class away where that leaves it empty.
    fn take(&mut self, entry: EntryId) {
        let id = self.class_of[entry as usize];
        let class = &mut self.classes[id as usize];
        self.links.remove(&mut class.line, entry);
        if class.line.oldest == END {
            let (rarer, commoner) = (class.rarer, class.commoner);
            self.join(rarer, commoner);
            self.free.push(id);
        }
    }
}

impl<M: Marks> Policy<M> for Lfu {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.class_of.len() {
            self.class_of.resize(index + 1, END);
        }
        let class = self.class_after(END, 1);
        self.put(class, entry);
    }

    fn touch(&mut self, entry: EntryId) {
        if !self.links.contains(entry) {
            return;
        }
        let class = self.class_of[entry as usize];
        let count = self.classes[class as usize].count + 1;
        let next = self.class_after(class, count);
        self.take(entry);
        self.put(next, entry);
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        let rarest = self.classes.get(self.rarest as usize)?;
        let entry = rarest.line.oldest;
        self.take(entry);
        Some(entry)
    }

    fn remove(&mut self, entry: EntryId) {
        self.take(entry);
    }
}
