//! Hashes: fields and their values.

use super::{Collection, Stored};

/// A hash.
#[derive(Debug, Default)]
pub struct Hash {}

impl Collection for Hash {
    fn is_empty(&self) -> bool {
        true
    }
    fn bytes(&self) -> usize {
        0
    }
    fn into_stored(self) -> Stored {
        Stored::Hash(self)
    }
    fn of(stored: &Stored) -> Option<&Hash> {
        if let Stored::Hash(hash) = stored {
            Some(hash)
        } else {
            None
        }
    }
    fn of_mut(stored: &mut Stored) -> Option<&mut Hash> {
        if let Stored::Hash(hash) = stored {
            Some(hash)
        } else {
            None
        }
    }
}
