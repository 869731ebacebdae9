//! Writes of a worker's own: a string, without an op.

use super::Caller;
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
        let host = core.host(shard).filter(|host| host.is_free(true))?;
        if host.shard().keyspace().is_bounded() {
            return None;
        }
        let done = host.set_own(now, key, value);
        host.serve_after_own(now);
        core.own_op();
        Some(done)
    }
}
