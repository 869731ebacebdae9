//! Memcached's writes of a worker's own: many together, without ops, so that their waits for memory overlap.

use super::{Caller, TOGETHER, shard_of};
use crate::command::memcached::Storing;
use crate::event::Classes;
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
        for one in asked {
            if let Some(host) = core.host(shard_of(one.key(), shards)) {
                host.shard().keyspace().prefetch(0, one.key());
            }
        }
        for one in asked {
            if let Some(host) = core.host(shard_of(one.key(), shards)) {
                host.shard().keyspace().prefetch_item(0, one.key());
            }
        }
        let now = core.now;
        let (mut ran, mut refused) = (0, 0);
        for one in asked {
            // Who waited for a key and is served may change what may be.
            let host = core.host(shard_of(one.key(), shards));
            let Some(host) = host.filter(|host| host.sets_own()) else {
                break;
            };
            if one.is_over(now) {
                break;
            }
            let Ok(is_stored) = host.store_own(now, one, reply) else {
                break;
            };
            host.serve_after_own(now);
            ran += 1;
            refused += usize::from(!is_stored);
        }
        (ran, refused)
    }
}
