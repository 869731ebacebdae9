//! What a worker does on a shard of its own at once, where nothing stands before it: no ring, no place in a queue.

use super::{Host, Settled};
use crate::command::CommandError;
use crate::effect::Effects;
use crate::keyspace::{Keyspace, Sought};
use crate::op::Op;
use crate::shard::Out;
use crate::time::Millis;

impl Host {
    /// Whether the worker's own op may run and be answered at once: nothing stands before it, and no
    /// answer waits for the log.
    #[inline]
    pub(in crate::store) fn is_free(&self, writes: bool) -> bool {
        self.holder.is_none()
            && self.waiting.is_empty()
            && self.gate.is_clear(writes)
            && !(writes && self.delayed.writes())
    }

    /// Whether the worker's own write may run and be answered at once to somebody who withholds the answer: nothing
    /// stands before it, and a log takes it.
    #[inline]
    pub(in crate::store) fn is_passable(&self) -> bool {
        self.flows() && self.gate.is_passable()
    }

    /// Whether the worker's own `op` may run and be answered at once: [`Host::is_free`], and it has not to wait for its
    /// keys.
    #[inline]
    pub(in crate::store) fn is_free_for(&self, op: &Op) -> bool {
        self.is_free(op.command().flags.writes()) && !(self.keys().may_delay() && self.delays(op))
    }

    /// Whether a read of the worker's own of `key` may be answered at once.
    #[inline]
    pub(in crate::store) fn is_readable(&self, database: u8, key: &[u8]) -> bool {
        let key = std::iter::once((database, key));
        self.is_free(false) && !(self.keys().may_delay() && self.keys().delays(key))
    }

    /// Logs what the worker's own write did, as `tell` tells it, whose answer is withheld.
    #[inline]
    pub(in crate::store) fn log_withheld(&mut self, tell: impl FnOnce(&mut Effects)) {
        self.gate.append_withheld(&mut self.out.effects, tell);
    }

    /// Whether answers of the worker's own are withheld since the last turn.
    #[inline]
    pub(in crate::store) fn withholds(&self) -> bool {
        self.gate.withholds()
    }

    /// Whether something is withheld for a sync that the next turn begins.
    pub(in crate::store) fn awaits_sync(&self) -> bool {
        self.gate.awaits_sync()
    }

    /// What became of what was withheld until turn `number`, which is over.
    pub(in crate::store) fn settled(&self, number: u64) -> Settled {
        self.gate.settled(number)
    }

    /// Applies `op` for the worker itself; [`Host::is_free_for`] allowed it. What came of it is
    /// [`Host::out`].
    pub(in crate::store) fn apply_own(&mut self, now: Millis, op: &Op) -> &Out {
        self.out.clear();
        self.apply(now, op);
        self.conclude();
        &self.out
    }

    /// As [`Host::apply_own`] of what `write` does with `key` of `database`, without an op, which would have so
    /// many bytes of arguments `beside` the key; [`Host::is_free`] allowed it, or [`Host::is_passable`], and then it is
    /// to be [logged](Host::log_withheld). Whether it changed anything, as `write` says.
    #[inline]
    pub(in crate::store) fn write_own<E: From<CommandError>>(
        &mut self,
        now: Millis,
        (database, key): (u8, &[u8]),
        beside: usize,
        sought: Option<Sought>,
        write: impl FnOnce(&mut Keyspace) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let keyspace = self.shard.keyspace();
        if usize::from(database) >= keyspace.databases() {
            return Err(CommandError::NO_SUCH_DATABASE.into());
        }
        keyspace.begin(now, database, false);
        if let Some(sought) = sought {
            keyspace.foresee(key, sought);
        }
        let done = match keyspace.prepare_at(key, beside) {
            Ok(()) => write(keyspace),
            Err(error) => Err(error.into()),
        };
        let mut changes = u64::from(matches!(done, Ok(true)));
        // What had expired is gone, even where the new value found no place.
        let has_removed = keyspace.has_removed();
        keyspace.settle(changes > 0 || has_removed);
        if has_removed {
            self.out.clear();
            keyspace.drain_removed(&mut self.out.effects);
            changes += self.out.effects.len() as u64;
            self.gate.append(&self.out.effects);
        }
        self.count_changes(changes);
        done
    }

    /// Serves those who waited for what an op of the worker's own made ready, after its answer was
    /// taken.
    #[inline]
    pub(in crate::store) fn serve_after_own(&mut self, now: Millis) {
        if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
    }
}
