//! What is found out of ops ahead of their run: which shard owns the key, and where it is sought there.

use super::{Caller, shard_of};
use crate::command::Keys;
use crate::keyspace::{Keyspace, Sought};
use crate::op::Op;
use crate::store::core::Core;
use crate::store::wide::only_shard;

/// What was found out of an op, by [`Worker::seek`](crate::Worker::seek).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead {
    /// The shard of its one key.
    pub(super) shard: Option<usize>,
    /// Where the worker that asked seeks it, where that owns the shard.
    pub(super) sought: Option<Sought>,
}

impl Caller {
    /// Asks the processor to fetch where the keys of `op` are searched, where the caller's worker has them.
    #[inline]
    pub(in crate::store) fn seek(&self, core: &mut Core, op: &Op) -> Ahead {
        match op.command().keys {
            Keys::ONE => {
                let shard = only_shard(op, self.inner.shards);
                let host = shard.and_then(|shard| core.host(shard));
                let sought = host.zip(op.get(0));
                let sought =
                    sought.map(|(host, key)| host.shard().keyspace().seek(op.database(), key));
                Ahead { shard, sought }
            }
            // Keys that are many, and each with a value, are fetched by the command itself.
            Keys::PAIRS => Ahead::default(),
            _ => {
                self.for_own_keys(core, op, |keyspace, key| {
                    keyspace.seek(op.database(), key);
                });
                Ahead::default()
            }
        }
    }

    /// Asks the processor to fetch what the keys of `op` most likely name; after [`Caller::seek`], which found
    /// `ahead`.
    #[inline]
    pub(in crate::store) fn approach(&self, core: &mut Core, op: &Op, ahead: Ahead) {
        match (ahead, op.command().keys) {
            (
                Ahead {
                    shard: Some(shard),
                    sought: Some(sought),
                },
                _,
            ) => {
                if let Some(host) = core.host(shard) {
                    host.shard().keyspace().approach(sought);
                }
            }
            (_, Keys::ONE | Keys::PAIRS) => {}
            _ => self.for_own_keys(core, op, |keyspace, key| {
                keyspace.approach(keyspace.seek(op.database(), key));
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
