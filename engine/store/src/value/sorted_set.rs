//! Sorted sets: members by score, with rank.

use super::{Collection, Stored};

/// A sorted set.
#[derive(Debug, Default)]
pub struct SortedSet {}

impl Collection for SortedSet {
    fn is_empty(&self) -> bool {
        true
    }
    fn bytes(&self) -> usize {
        0
    }
    fn into_stored(self) -> Stored {
        Stored::SortedSet(self)
    }
    fn of(stored: &Stored) -> Option<&SortedSet> {
        if let Stored::SortedSet(set) = stored {
            Some(set)
        } else {
            None
        }
    }
    fn of_mut(stored: &mut Stored) -> Option<&mut SortedSet> {
        if let Stored::SortedSet(set) = stored {
            Some(set)
        } else {
            None
        }
    }
}
