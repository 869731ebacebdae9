//! Calls that wait for their answer: what they are, and when they began.

use std::collections::VecDeque;

use super::Place;
use crate::calls::Begun;

/// Calls by their places, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Timing {
    calls: VecDeque<(Place, Begun)>,
}

impl Timing {
    /// A call begins.
    pub(super) fn begin(&mut self, place: Place, begun: Begun) {
        self.calls.push_back((place, begun));
    }

    /// The call of this place waits for a key: that is not its time.
    pub(super) fn park(&mut self, place: Place) {
        if let Some((_, begun)) = self.calls.iter_mut().find(|(own, _)| *own == place) {
            begun.park();
        }
    }

    /// The call of this place is answered.
    pub(super) fn end(&mut self, place: Place) -> Option<Begun> {
        // Nearly always it is the first.
        let at = self.calls.iter().position(|(own, _)| *own == place)?;
        self.calls.remove(at).map(|(_, begun)| begun)
    }

    /// Nothing will be answered.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }
}
