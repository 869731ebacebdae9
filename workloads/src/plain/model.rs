//! What a client knows of its things: nothing, whether each is there, or how often each was counted.
//!
//! The one idea: as little as verifies an answer, so that keeping it costs less than the answer. After an op
//! that nobody answered a thing is in doubt until the next answer tells; one in doubt is no error.

use std::collections::HashSet;

/// How much is known of each thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: every answer is the same.
    Nothing,
    /// Whether it is there.
    There,
    /// How often it was counted.
    Count,
}

/// What is known of each of a client's things.
pub(super) struct Model {
    things: u64,
    /// A bit each, set for those that are there.
    there: Vec<u64>,
    counts: Vec<u32>,
    doubted: HashSet<u64>,
}

impl Model {
    /// Of so many things, none of which is there.
    pub(super) fn new(known: Known, things: u64) -> Model {
        let len = |wanted: Known, len: u64| if known == wanted { len as usize } else { 0 };
        Model {
            things,
            there: vec![0; len(Known::There, things.div_ceil(64))],
            counts: vec![0; len(Known::Count, things)],
            doubted: HashSet::new(),
        }
    }

    /// How many things there are.
    #[inline]
    pub(super) fn things(&self) -> u64 {
        self.things
    }

    /// Whether a thing is there.
    #[inline]
    pub(super) fn is_there(&self, thing: u64) -> bool {
        self.there[thing as usize / 64] >> (thing % 64) & 1 == 1
    }

    /// Whether a thing is not there, or may not be.
    pub(super) fn may_be_absent(&self, thing: u64) -> bool {
        !self.is_there(thing) || self.doubted.contains(&thing)
    }

    /// A thing is there from now on.
    #[inline]
    pub(super) fn add(&mut self, thing: u64) {
        self.there[thing as usize / 64] |= 1 << (thing % 64);
    }

    /// A thing was added, and `added` were new.
    ///
    /// # Errors
    /// What would have been right.
    #[inline]
    pub(super) fn added(&mut self, thing: u64, added: i64) -> Result<(), String> {
        let right = i64::from(!self.is_there(thing));
        self.add(thing);
        let doubted = !self.doubted.is_empty() && self.doubted.remove(&thing);
        if added == right || doubted && (0..=1).contains(&added) {
            return Ok(());
        }
        Err(format!("{right} is right"))
    }

    /// A thing was counted, and is now at `count`.
    ///
    /// # Errors
    /// What would have been right.
    #[inline]
    pub(super) fn counted(&mut self, thing: u64, count: i64) -> Result<(), String> {
        let known = &mut self.counts[thing as usize];
        let right = i64::from(*known) + 1;
        *known = known.saturating_add(1);
        if count == right {
            return Ok(());
        }
        // Ops that nobody answered may have counted.
        if !self.doubted.is_empty() && self.doubted.remove(&thing) && count > right {
            *known = u32::try_from(count).unwrap_or(u32::MAX);
            return Ok(());
        }
        Err(format!("{right} is right"))
    }

    /// An op on a thing was not answered.
    pub(super) fn lost(&mut self, thing: u64) {
        self.doubted.insert(thing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_known() {
        let mut model = Model::new(Known::There, 130);
        assert!(model.may_be_absent(129));
        assert_eq!(model.added(129, 1), Ok(()));
        assert!(model.is_there(129) && !model.is_there(128));
        assert!(model.added(129, 1).is_err());
        assert!(model.added(128, 0).is_err());
        model.lost(5);
        assert_eq!(model.added(5, 0), Ok(()));
        assert!(model.added(5, 1).is_err(), "it is known again");
    }

    #[test]
    fn counts_are_exact_but_for_lost_ops() {
        let mut model = Model::new(Known::Count, 3);
        assert_eq!(model.counted(2, 1), Ok(()));
        assert!(model.counted(2, 3).is_err());
        assert!(model.counted(1, 0).is_err());
        model.lost(0);
        model.lost(0);
        assert_eq!(model.counted(0, 3), Ok(()));
        assert_eq!(model.counted(0, 4), Ok(()));
        assert!(model.counted(0, 4).is_err());
    }
}
