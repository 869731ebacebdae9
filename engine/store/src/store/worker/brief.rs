//! Brief calls of a worker's own: what a client wrote that needs no op.
//!
//! Where there is a log their answers are *withheld*: whoever has them tells nobody before the turn is settled that
//! takes what they did to the log.

use super::Worker;
use crate::command::brief::BriefCall;
use crate::store::host::{Host, Settled};

impl Worker {
    /// From now on whoever drives the worker withholds what [`Worker::run_brief`] answers, as long as it is to
    /// ([`Worker::withheld_until`]): so that brief calls can be run where there is a log, too.
    pub fn withhold(&mut self) {
        let core = self.core.as_mut().expect("it is there until the drop");
        core.withholds = true;
    }

    /// Runs `calls` in `database`, in order, up to the first that cannot be run at once, or fails, of 32 at most; how
    /// many ran. Their answers are appended to `reply`, and `ran` hears after each how many there were. They can run
    /// where nobody listens to what happens to keys, and no log has to have it first, or the answers are
    /// [withheld](Worker::withhold).
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

    /// Until which turn it is to be withheld what was answered since the last one; `None`: it may be said.
    #[inline]
    pub fn withheld_until(&self) -> Option<u64> {
        self.core().withheld_until()
    }

    /// Whether something is withheld for a sync that the next turn begins: what comes before that shares it.
    pub fn awaits_sync(&self) -> bool {
        self.core().hosts.iter().any(Host::awaits_sync)
    }

    /// The number of the last turn.
    #[inline]
    pub fn turns(&self) -> u64 {
        self.core().turns
    }

    /// What became of what was withheld until `turn` and tells of `shard`, one of this worker's.
    ///
    /// # Panics
    /// Where it is another worker's.
    pub fn settled(&self, turn: u64, shard: usize) -> Settled {
        self.core().settled(turn, shard)
    }
}
