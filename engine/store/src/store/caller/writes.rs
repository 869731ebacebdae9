//! Writes of a worker's own: strings, without ops; one by one, and many together, so that their waits for
//! memory overlap. They can be where nothing stands before, and nobody but the shard is to hear of them: no
//! listener, and no log, unless whoever drives the worker withholds the answers until the log has them.

use smallvec::SmallVec;

use super::{Caller, TOGETHER, shard_of};
use crate::command::CommandError;
use crate::command::brief::BriefCall;
use crate::command::memcached::Storing;
use crate::event::Classes;
use crate::keyspace::{Expire, Keyspace, Sought};
use crate::store::core::Core;
use crate::store::host::Host;
use crate::time::Millis;
use crate::value::Ahead;

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
        let host = core.host_for(shard).filter(|host| host.is_free(true))?;
        let done = set(host, now, (0, key), value, None);
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
        let free = |host: &Host| host.is_free(true);
        let each = (keys, free);
        self.write_together(core, database, each, no_more, |at, host, now, sought| {
            let (key, value) = pairs[at];
            set(host, now, (database, key), value, Some(sought)).is_ok()
        })
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
        let free = |host: &Host| host.is_free(true);
        let ran = self.write_together(core, 0, (keys, free), no_more, |at, host, now, sought| {
            let one = &asked[at];
            if one.is_over(now) {
                return false;
            }
            let run = |keyspace: &mut Keyspace| one.run(keyspace, now, reply);
            let stored = host.write_own(now, (0, one.key()), one.beside(), Some(sought), run);
            refused += usize::from(stored == Ok(false));
            stored.is_ok()
        });
        (ran, refused)
    }

    /// Runs `calls` in `database`, [`TOGETHER`] at most, in order, up to the first that cannot be run here, or fails.
    /// Their answers are appended to `reply`; `ran` hears after each of them how many ran. How many did.
    #[inline]
    pub(in crate::store) fn run_together(
        &self,
        core: &mut Core,
        database: u8,
        calls: &[BriefCall<'_>],
        reply: &mut Vec<u8>,
        mut ran: impl FnMut(usize),
    ) -> usize {
        let keys = calls.iter().map(BriefCall::key);
        let beyond = |core: &Core, sought: &[(usize, Sought)]| {
            fetch_beyond(core, sought, |at| calls[at].entry());
        };
        let withholds = core.withholds;
        let free = |host: &Host| host.is_free(true) || withholds && host.is_passable();
        let each = (keys, free);
        let written = self.write_together(core, database, each, beyond, |at, host, now, sought| {
            let call = &calls[at];
            let run = |keyspace: &mut Keyspace| call.run(keyspace, reply);
            let (key, beside) = (call.key(), call.beside());
            let done = host.write_own(now, (database, key), beside, Some(sought), run);
            let Ok(changed) = done else { return false };
            // What changed nothing tells of what is there, which the log may not have yet.
            host.log_withheld(|effects| {
                if changed {
                    call.effect(database, effects);
                }
            });
            ran(at + 1);
            true
        });
        core.order.owes_turn |= core.withheld_until().is_some();
        written
    }

    /// Lets `write` write at each of `keys` of `database`, [`TOGETHER`] at most, in order, up to the first for which
    /// that cannot be, since its shard is not `free`, or `write` says that it was not done; how many were. Of several,
    /// what lies `beyond` the keys may be fetched before the first is written.
    #[inline]
    fn write_together<'k>(
        &self,
        core: &mut Core,
        database: u8,
        (keys, free): (impl Iterator<Item = &'k [u8]>, impl Fn(&Host) -> bool),
        beyond: impl FnOnce(&Core, &[(usize, Sought)]),
        mut write: impl FnMut(usize, &mut Host, Millis, Sought) -> bool,
    ) -> usize {
        if self.inner.notify() != Classes::NONE {
            return 0;
        }
        let shards = self.inner.shards;
        let mut ahead = SmallVec::<[(usize, Sought); TOGETHER]>::new();
        for key in keys.take(TOGETHER) {
            let shard = shard_of(key, shards);
            let Some(host) = core.host_for(shard).filter(|host| free(host)) else {
                break;
            };
            ahead.push((shard, host.shard().keyspace().seek(database, key)));
        }
        for (shard, sought) in &mut ahead {
            if let Some(host) = core.host(*shard) {
                host.shard().keyspace().approach(sought);
            }
        }
        if ahead.len() > 1 {
            beyond(core, &ahead);
        }
        let now = core.now;
        let mut written = 0;
        for (shard, sought) in ahead {
            // Who waited for a key and is served may change what may be.
            let Some(host) = core.host(shard).filter(|host| free(host)) else {
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

/// Nothing lies beyond strings.
fn no_more(_: &Core, _: &[(usize, Sought)]) {}

/// Fetches what lies beyond the keys of `sought`, where these are of collections: for each what `entry` gives by
/// its number there. A step is taken for all before the next.
fn fetch_beyond<'e>(
    core: &Core,
    sought: &[(usize, Sought)],
    entry: impl Fn(usize) -> Option<&'e [u8]>,
) {
    let mut reached = SmallVec::<[(&'e [u8], &Keyspace, u32); TOGETHER]>::new();
    for (at, (shard, sought)) in sought.iter().enumerate() {
        if let Some(entry) = entry(at)
            && let Some(host) = core.host_of[*shard]
            && let keys = core.hosts[host].keys()
            && let Some(number) = keys.reach(sought)
        {
            reached.push((entry, keys, number));
        }
    }
    for (_, keys, number) in &reached {
        keys.beyond(*number).fetch();
    }
    let ahead = reached.iter();
    let ahead = ahead.filter_map(|(entry, keys, number)| keys.beyond(*number).ahead(entry));
    let mut ahead: SmallVec<[Ahead<'_>; TOGETHER]> = ahead.collect();
    ahead.iter_mut().for_each(Ahead::fetch_page);
    ahead.iter().for_each(Ahead::fetch_entry);
}

/// As a plain `SET` of `key` in `database` to `value`.
#[inline]
pub(in crate::store) fn set(
    host: &mut Host,
    now: Millis,
    (database, key): (u8, &[u8]),
    value: &[u8],
    sought: Option<Sought>,
) -> Result<(), CommandError> {
    let write = |keyspace: &mut Keyspace| {
        keyspace
            .set_string(key, value, Expire::Never)
            .map(|()| true)
    };
    host.write_own(now, (database, key), value.len(), sought, write)
        .map(drop)
}
