//! Writes of a worker's own: strings, without ops; one by one, and many together, so that their waits for
//! memory overlap.

use smallvec::SmallVec;

use super::{Caller, TOGETHER, shard_of};
use crate::command::CommandError;
use crate::event::Classes;
use crate::store::core::Core;

impl Caller {
    /// Sets `key` to `value` where the worker owns its shard, nothing stands before, and nobody but the shard
    /// is to hear of it: no log, no listener, nobody who has to go.
    #[inline]
    pub(in crate::store) fn set_own(
        &self,
        core: &mut Core,
        shard: usize,
        key: &[u8],
        value: &[u8],
    ) -> Option<Result<(), CommandError>> {
        if self.inner.notify() != Classes::NONE {
            return None;
        }
        let now = core.now;
        let host = core.host(shard).filter(|host| host.sets_own())?;
        let done = host.set_own(now, (0, key), value, None);
        host.serve_after_own(now);
        core.own_op();
        Some(done)
    }

    /// Sets each of `keys` of `database`, [`TOGETHER`] at most, to its value as [`Caller::set_own`] does, in order,
    /// up to the first for which that cannot be, or fails; how many were set.
    #[inline]
    pub(in crate::store) fn set_together(
        &self,
        core: &mut Core,
        database: u8,
        pairs: &[(&[u8], &[u8])],
    ) -> usize {
        let shards = self.inner.shards;
        if self.inner.notify() != Classes::NONE {
            return 0;
        }
        let mut ahead = SmallVec::<[_; TOGETHER]>::new();
        for (key, _) in pairs {
            let shard = shard_of(key, shards);
            let Some(host) = core.host(shard).filter(|host| host.sets_own()) else {
                break;
            };
            ahead.push((shard, host.shard().keyspace().seek(database, key)));
        }
        for (shard, sought) in &mut ahead {
            if let Some(host) = core.host(*shard) {
                host.shard().keyspace().approach(sought);
            }
        }
        let now = core.now;
        let mut set = 0;
        for (&(key, value), (shard, sought)) in pairs.iter().zip(ahead) {
            // Who waited for a key and is served may change what may be.
            let Some(host) = core.host(shard).filter(|host| host.sets_own()) else {
                break;
            };
            if (host.set_own(now, (database, key), value, Some(sought))).is_err() {
                break;
            }
            host.serve_after_own(now);
            set += 1;
        }
        set
    }
}
