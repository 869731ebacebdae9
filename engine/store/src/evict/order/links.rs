//! Doubly linked lists of entries, as indices into one dense array: eight bytes an entry.
//!
//! Several lists can share one array (an entry is in one of them at most). "Newer" is the side on
//! which entries are put, "older" the side from which they usually leave.

use crate::evict::EntryId;

/// No entry: the end of a list.
pub const END: u32 = u32::MAX;
/// In both links of an entry that is in no list.
const ABSENT: u32 = u32::MAX - 1;

#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

/// The links of all entries.
#[derive(Default)]
pub struct Links {
    links: Vec<Link>,
}

/// One list: its two ends.
#[derive(Clone, Copy)]
pub struct List {
    /// The entry put last, [`END`] where the list is empty.
    pub newest: u32,
    /// The entry that has been in the list longest, [`END`] where the list is empty.
    pub oldest: u32,
}

impl Default for List {
    fn default() -> List {
        List {
            newest: END,
            oldest: END,
        }
    }
}

impl Links {
    /// Whether `entry` is in a list.
    pub fn contains(&self, entry: EntryId) -> bool {
        self.links
            .get(entry as usize)
            .is_some_and(|link| link.newer != ABSENT)
    }

    /// The entry put just after `entry`, or [`END`].
    pub fn newer(&self, entry: EntryId) -> u32 {
        self.links[entry as usize].newer
    }

    /// Puts `entry`, which is in no list, at the newest end of `list`.
    pub fn push(&mut self, list: &mut List, entry: EntryId) {
        debug_assert!(entry < ABSENT, "the last two ids are marks");
        debug_assert!(!self.contains(entry), "an entry is in one list at most");
        let index = entry as usize;
        if index >= self.links.len() {
            let absent = Link {
                newer: ABSENT,
                older: ABSENT,
            };
            self.links.resize(index + 1, absent);
        }
        self.links[index] = Link {
            newer: END,
            older: list.newest,
        };
        match list.newest {
            END => list.oldest = entry,
            newest => self.links[newest as usize].newer = entry,
        }
        list.newest = entry;
    }

    /// Takes `entry` out of `list`, which it is in.
    pub fn remove(&mut self, list: &mut List, entry: EntryId) {
        let absent = Link {
            newer: ABSENT,
            older: ABSENT,
        };
        let link = std::mem::replace(&mut self.links[entry as usize], absent);
        debug_assert_ne!(link.newer, ABSENT, "the entry is in the list");
        match link.newer {
            END => list.newest = link.older,
            newer => self.links[newer as usize].older = link.older,
        }
        match link.older {
            END => list.oldest = link.newer,
            older => self.links[older as usize].newer = link.newer,
        }
    }

    /// Takes the entry that has been in `list` longest.
    pub fn pop_oldest(&mut self, list: &mut List) -> Option<EntryId> {
        let oldest = list.oldest;
        (oldest != END).then(|| {
            self.remove(list, oldest);
            oldest
        })
    }
}
