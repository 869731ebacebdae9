//! Writes of a worker's own: strings, without ops; one by one, and many together, so that their waits for
//! memory overlap. They can be where nothing stands before, and nobody but the shard is to hear of them: no
//! log, no listener, nobody who has to go.

use smallvec::SmallVec;

use super::{Caller, Mark, TOGETHER, Whose, shard_of};
use crate::command::CommandError;
use crate::command::memcached::Storing;
use crate::command::set::SET;
use crate::event::Classes;
use crate::keyspace::{Keyspace, Sought};
use crate::op::Op;
use crate::store::core::Core;
use crate::store::host::Host;
use crate::store::link::Ask;
use crate::time::Millis;

impl Caller {
    /// Sets `key` to `value` where the worker owns its shard, and where it can be.
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
        let host = core.host_for(shard).filter(|host| host.writes_own())?;
        let done = host.set_own(now, (0, key), value, None);
        host.serve_after_own(now);
        core.own_op();
        Some(done)
    }

    /// Sets each of `pairs` of `database`, [`TOGETHER`] at most, as [`Caller::set_own`] does, in order, up to the
    /// first for which that cannot be, or fails; how many were set.
    #[inline]
    pub(in crate::store) fn set_together(
        &self,
        core: &mut Core,
        database: u8,
        pairs: &[(&[u8], &[u8])],
    ) -> usize {
        let keys = pairs.iter().map(|(key, _)| *key);
        self.write_together(core, database, keys, |at, host, now, sought| {
            let (key, value) = pairs[at];
            host.set_own(now, (database, key), value, Some(sought))
                .is_ok()
        })
    }

    /// Sets each of `pairs` of `database`, [`TOGETHER`] at most, in order, as plain `SET`s of one client: what the worker
    /// owns at once, as [`Caller::set_together`], and what another does by asking it. `each` hears of each by its
    /// place, with the shard where its owner is asked, and then says by which tag that is answered. Up to the first
    /// that cannot be set at once, or would have to wait for those that are asked for; how many were begun.
    pub(in crate::store) fn set_in_order(
        &mut self,
        core: &mut Core,
        database: u8,
        pairs: &[(&[u8], &[u8])],
        mut each: impl FnMut(usize, Option<usize>) -> u64,
    ) -> usize {
        if self.inner.notify() != Classes::NONE {
            return 0;
        }
        if core.has_seen {
            core.catch_up();
        }
        let mut ahead = SmallVec::<[(usize, Option<Sought>); TOGETHER]>::new();
        for (key, _) in pairs.iter().take(TOGETHER) {
            let shard = shard_of(key, self.inner.shards);
            let sought = match core.host(shard) {
                Some(host) if !host.writes_own() => break,
                Some(host) => Some(host.shard().keyspace().seek(database, key)),
                None => None,
            };
            ahead.push((shard, sought));
        }
        for (shard, sought) in &mut ahead {
            if let Some((host, sought)) = core.host(*shard).zip(sought.as_mut()) {
                host.shard().keyspace().approach(sought);
            }
        }
        let now = core.now;
        let mut asked_of = None;
        for (at, ((shard, sought), (key, value))) in ahead.iter().zip(pairs).enumerate() {
            if asked_of.is_some_and(|asked_of| asked_of != *shard) {
                if !self.keeps_order(core) {
                    return at;
                }
                asked_of = None;
            }
            let Some(sought) = sought else {
                let op = Op::new(&SET).arg(key).arg(value).within(database);
                let whose = Whose::Tag(each(at, Some(*shard)));
                self.ask(Some(core), *shard, Mark::of(&op), whose, Ask::Apply(op));
                asked_of = Some(*shard);
                continue;
            };
            // Who waited for a key and is served may change what may be.
            let host = core.host(*shard).filter(|host| host.writes_own());
            let Some(host) = host else {
                return at;
            };
            if (host.set_own(now, (database, key), value, Some(*sought))).is_err() {
                return at;
            }
            host.serve_after_own(now);
            each(at, None);
        }
        ahead.len()
    }

    /// Runs `asked`, Memcached's, [`TOGETHER`] at most, in order, as far as it can be done here. Their answers are
    /// appended to `reply`. How many ran, and how many of them were refused for what was there.
    #[inline]
    pub(in crate::store) fn store_together(
        &self,
        core: &mut Core,
        asked: &[Storing<'_>],
        reply: &mut Vec<u8>,
    ) -> (usize, usize) {
        let mut refused = 0;
        let keys = asked.iter().map(Storing::key);
        let ran = self.write_together(core, 0, keys, |at, host, now, sought| {
            let one = &asked[at];
            if one.is_over(now) {
                return false;
            }
            let run = |keyspace: &mut Keyspace| one.run(keyspace, now, reply);
            let stored = host.write_own(now, (0, one.key()), Some(sought), run);
            refused += usize::from(stored == Ok(false));
            stored.is_ok()
        });
        (ran, refused)
    }

    /// Lets `write` write at each of `keys` of `database`, [`TOGETHER`] at most, in order, up to the first for which
    /// that cannot be, or `write` says that it was not done; how many were.
    #[inline]
    fn write_together<'k>(
        &self,
        core: &mut Core,
        database: u8,
        keys: impl Iterator<Item = &'k [u8]>,
        mut write: impl FnMut(usize, &mut Host, Millis, Sought) -> bool,
    ) -> usize {
        if self.inner.notify() != Classes::NONE {
            return 0;
        }
        let shards = self.inner.shards;
        let mut ahead = SmallVec::<[(usize, Sought); TOGETHER]>::new();
        for key in keys.take(TOGETHER) {
            let shard = shard_of(key, shards);
            let Some(host) = core.host_for(shard).filter(|host| host.writes_own()) else {
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
        let mut written = 0;
        for (shard, sought) in ahead {
            // Who waited for a key and is served may change what may be.
            let Some(host) = core.host(shard).filter(|host| host.writes_own()) else {
                break;
            };
            if !write(written, host, now, sought) {
                break;
            }
            host.serve_after_own(now);
            written += 1;
        }
        written
    }
}
