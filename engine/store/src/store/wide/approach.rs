//! The approach: before shards stand still for a job they have at hand what it is about, so that nobody waits while they
//! load that.

use std::sync::atomic::Ordering;

use super::{Caller, Phase};
use crate::store::core::Core;
use crate::store::link::Ask;
use crate::time::Millis;

impl Caller {
    /// Lets a job that holds shards wait for the ticket, once they have its keys at hand.
    pub(super) fn approach_job(&mut self, core: Option<&mut Core>, number: u32) {
        let (inner, job) = (&self.inner, self.jobs.get(number));
        let mut asks = Vec::new();
        for &shard in &job.shards {
            // Relaxed: it orders nothing, and what is not at hand when the shard stands still is loaded then.
            if inner.loading[shard].load(Ordering::Relaxed) {
                let ops = job.plan.hold(shard, Millis(0), None).ops;
                asks.push((shard, Ask::AtHand(ops)));
            }
        }
        if asks.is_empty() {
            return self.queue_job(core, number);
        }
        job.phase = Phase::Approaching;
        self.ask_for_job(core, number, asks);
    }
}
