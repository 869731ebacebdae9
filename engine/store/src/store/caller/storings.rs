//! Memcached's writes of a worker's own: many together, without ops, so that their waits for memory overlap.

use smallvec::SmallVec;

use super::{Caller, TOGETHER, shard_of};
use crate::command::memcached::Storing;
use crate::event::Classes;
use crate::keyspace::Sought;
use crate::store::core::Core;

impl Caller {
    /// Runs `asked`, [`TOGETHER`] at most, in order, as far as it can be done where the caller stands: its worker
    /// owns the shard, nothing stands before, and nobody but the shard is to hear of it. Their answers are
    /// appended to `reply`. How many ran, and how many of them were refused for what was there.
    #[inline]
    pub(in crate::store) fn store_together(
        &self,
        core: &mut Core,
        asked: &[Storing<'_>],
        reply: &mut Vec<u8>,
    ) -> (usize, usize) {
        if self.inner.notify() != Classes::NONE {
            return (0, 0);
        }
        let shards = self.inner.shards;
        let asked = &asked[..asked.len().min(TOGETHER)];
        let mut ahead: SmallVec<[(usize, Sought); TOGETHER]> = SmallVec::new();
        for one in asked {
            let shard = shard_of(one.key(), shards);
            let Some(host) = core.host(shard).filter(|host| host.sets_own()) else {
                break;
            };
            ahead.push((shard, host.shard().keyspace().seek(0, one.key())));
        }
        for (shard, sought) in &mut ahead {
            if let Some(host) = core.host(*shard) {
                host.shard().keyspace().approach(sought);
            }
        }
        let now = core.now;
        let (mut ran, mut refused) = (0, 0);
        for (one, (shard, sought)) in asked.iter().zip(ahead) {
            // Who waited for a key and is served may change what may be.
            let Some(host) = core.host(shard).filter(|host| host.sets_own()) else {
                break;
            };
            if one.is_over(now) {
                break;
            }
            let Ok(is_stored) = host.store_own(now, one, sought, reply) else {
                break;
            };
            host.serve_after_own(now);
            ran += 1;
            refused += usize::from(!is_stored);
        }
        (ran, refused)
    }
}
