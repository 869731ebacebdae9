//! What is found out of ops ahead of their run: which shard owns the key, and where it is sought there.

use super::{Caller, shard_of};
use crate::command::Keys;
use crate::keyspace::{Keyspace, Sought};
use crate::op::Op;
use crate::store::core::Core;
use crate::store::wide::only_shard;

/// What was found out of an op, by [`Worker::ahead`](crate::Worker::ahead).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead {
    /// The shard of its one key.
    pub(super) shard: Option<usize>,
    /// Whether another worker owns that.
    is_far: bool,
    /// Where the worker that asked seeks it, where that owns the shard.
    pub(super) sought: Option<Sought>,
}

impl Ahead {
    /// The shard that it goes to, where it is of a command that has one key.
    #[inline]
    pub fn shard(&self) -> Option<usize> {
        self.shard
    }

    /// Whether another worker owns that shard.
    #[inline]
    pub fn is_far(&self) -> bool {
        self.is_far
    }
}

impl Caller {
    /// Which shard `op` goes to, where it is of a command that has one key.
    #[inline]
    pub(in crate::store) fn ahead(&self, op: &Op) -> Ahead {
        let shard = match op.command().keys {
            Keys::ONE => only_shard(op, self.inner.shards),
            _ => None,
        };
        Ahead {
            shard,
            is_far: shard.is_some_and(|shard| self.own != Some(self.inner.worker_of[shard])),
            sought: None,
        }
    }

    /// Asks the processor to fetch where the keys of `op` are searched, where the caller's worker has them.
    #[inline]
    pub(in crate::store) fn seek(&self, core: &mut Core, op: &Op, ahead: &mut Ahead) {
        match op.command().keys {
            Keys::ONE => {
                let host = ahead.shard.and_then(|shard| core.host(shard));
                if let Some((host, key)) = host.zip(op.get(0)) {
                    ahead.sought = Some(host.shard().keyspace().seek(op.database(), key));
                }
            }
            // Keys that are many, and each with a value, are fetched by the command itself.
            Keys::PAIRS => {}
            _ => self.for_own_keys(core, op, |keyspace, key| {
                keyspace.seek(op.database(), key);
            }),
        }
    }

    /// Asks the processor to fetch what the keys of `op` most likely name; after [`Caller::seek`].
    #[inline]
    pub(in crate::store) fn approach(&self, core: &mut Core, op: &Op, ahead: &mut Ahead) {
        match op.command().keys {
            Keys::ONE => {
                let host = ahead.shard.and_then(|shard| core.host(shard));
                if let Some((host, sought)) = host.zip(ahead.sought.as_mut()) {
                    host.shard().keyspace().approach(sought);
                }
            }
            Keys::PAIRS => {}
            _ => self.for_own_keys(core, op, |keyspace, key| {
                keyspace.approach(&mut keyspace.seek(op.database(), key));
            }),
        }
    }

    fn for_own_keys(&self, core: &mut Core, op: &Op, each: impl Fn(&Keyspace, &[u8])) {
        for key in op.keys() {
            if let Some(host) = core.host(shard_of(key, self.inner.shards)) {
                each(host.shard().keyspace(), key);
            }
        }
    }
}
