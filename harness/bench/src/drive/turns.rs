//! Turns: who of several open targets is opened or measured now.
//!
//! The one idea: what is compared shares one machine, so one target at a time does anything, and the others
//! rest. A target does not know whether there are others.

use super::Measured;

/// A target's place among others.
pub(crate) trait Turns {
    /// Waits for the next turn; `false` where there is none any more. The first turn is for opening and
    /// loading, each later one for measuring.
    fn wait(&mut self) -> bool;

    /// Ends the turn, with what was measured in it.
    fn end(&mut self, measured: Option<Measured>);
}

/// The only target, measured once.
#[derive(Default)]
pub(crate) struct Once {
    measured: Option<Measured>,
}

impl Once {
    /// What was measured.
    pub(crate) fn measured(self) -> Option<Measured> {
        self.measured
    }
}

impl Turns for Once {
    fn wait(&mut self) -> bool {
        self.measured.is_none()
    }

    fn end(&mut self, measured: Option<Measured>) {
        self.measured = measured;
    }
}
