//! Brief calls of a worker's own: what a client wrote that needs no op.

use super::Worker;
use crate::command::brief::BriefCall;

impl Worker {
    /// Runs `calls` in `database`, in order, up to the first that cannot be run at once, or fails, of 32 at most; how
    /// many ran. Their answers are appended to `reply`, and `ran` hears after each how many there were. They can run
    /// where nobody listens to what happens to keys, and no log has to have it first.
    #[inline]
    pub fn run_brief(
        &mut self,
        database: u8,
        calls: &[BriefCall<'_>],
        reply: &mut Vec<u8>,
        ran: impl FnMut(usize),
    ) -> usize {
        let core = self.core.as_mut().expect("it is there until the drop");
        let caller = &self.session.caller;
        caller.run_together(core, database, calls, reply, ran)
    }
}
