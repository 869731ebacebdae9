//! Doubly linked lists of entries, as indices into one dense array: eight bytes an entry.
//!
//! ```text
//!   nodes: [ list 0 | list 1 | .. | entry 0 | entry 1 | .. ]      a list is a ring that begins and ends
//!                                                                  at its own node
//! ```
//!
//! "Newer" is the side on which entries are put, "older" the side from which they usually leave. That every list
//! is a ring spares each change the question whether it is at an end, and an entry leaves without a word
//! about which list it is in.

use crate::evict::EntryId;

/// In the newer link of an entry that is in no list.
const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

/// The lists, numbered from 0, and the links of all entries.
pub struct Links {
    nodes: Vec<Link>,
    lists: u32,
}

impl Links {
    /// `lists` empty lists.
    pub fn new(lists: u32) -> Links {
        let empty = |list| Link {
            newer: list,
            older: list,
        };
        Links {
            nodes: (0..lists).map(empty).collect(),
            lists,
        }
    }

    /// Whether `entry` is in a list.
    #[inline]
    pub fn contains(&self, entry: EntryId) -> bool {
        self.nodes
            .get(entry as usize + self.lists as usize)
            .is_some_and(|link| link.newer != ABSENT)
    }

    /// The entry that has been in `list` longest.
    #[inline]
    pub fn oldest(&self, list: u32) -> Option<EntryId> {
        self.entry(self.nodes[list as usize].newer)
    }

    /// The entry put in `list` last.
    #[inline]
    pub fn newest(&self, list: u32) -> Option<EntryId> {
        self.entry(self.nodes[list as usize].older)
    }

    /// The entry put just after `entry`, which is in a list.
    #[inline]
    pub fn newer(&self, entry: EntryId) -> Option<EntryId> {
        self.entry(self.nodes[(entry + self.lists) as usize].newer)
    }

    /// Puts `entry`, which is in no list, at the newest end of `list`.
    #[inline]
    pub fn push(&mut self, list: u32, entry: EntryId) {
        debug_assert!(!self.contains(entry), "an entry is in one list at most");
        let node = entry as usize + self.lists as usize;
        if node >= self.nodes.len() {
            self.grow(node);
        }
        self.put(list, node as u32);
    }

    /// Takes `entry` out of the list that it is in.
    #[inline]
    pub fn remove(&mut self, entry: EntryId) {
        let node = entry + self.lists;
        self.take(node);
        self.nodes[node as usize].newer = ABSENT;
    }

    /// Moves `entry`, which is in a list, to the newest end of `list`, that one or another.
    #[inline]
    pub fn renew(&mut self, list: u32, entry: EntryId) {
        let nodes = self.nodes.as_mut_slice();
        let node = entry + self.lists;
        let Link { newer, older } = nodes[node as usize];
        debug_assert_ne!(newer, ABSENT, "the entry is in a list");
        nodes[newer as usize].older = older;
        nodes[older as usize].newer = newer;
        let newest = std::mem::replace(&mut nodes[list as usize].older, node);
        nodes[newest as usize].newer = node;
        nodes[node as usize] = Link {
            newer: list,
            older: newest,
        };
    }

    /// Takes the entry that has been in `list` longest.
    #[inline]
    pub fn pop_oldest(&mut self, list: u32) -> Option<EntryId> {
        let oldest = self.oldest(list)?;
        self.remove(oldest);
        Some(oldest)
    }

    #[inline]
    fn entry(&self, node: u32) -> Option<EntryId> {
        node.checked_sub(self.lists)
    }

    #[cold]
    fn grow(&mut self, node: usize) {
        assert!(
            node < ABSENT as usize,
            "entries and lists are fewer than 2^32 - 1"
        );
        let absent = Link {
            newer: ABSENT,
            older: ABSENT,
        };
        self.nodes.resize((node + 1).next_power_of_two(), absent);
    }

    /// Between the newest entry of `list` and the list's own node.
    #[inline]
    fn put(&mut self, list: u32, node: u32) {
        let newest = std::mem::replace(&mut self.nodes[list as usize].older, node);
        self.nodes[newest as usize].newer = node;
        self.nodes[node as usize] = Link {
            newer: list,
            older: newest,
        };
    }

    /// Joins the neighbours of `node`, whose own links stay as they were.
    #[inline]
    fn take(&mut self, node: u32) {
        let Link { newer, older } = self.nodes[node as usize];
        debug_assert_ne!(newer, ABSENT, "the entry is in a list");
        self.nodes[newer as usize].older = older;
        self.nodes[older as usize].newer = newer;
    }
}
