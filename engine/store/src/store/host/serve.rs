//! What a host does with each thing that is asked of it.

use super::gate::TOO_LARGE;
use super::waiters::{Waiter, awaited_keys};
use super::{From, Host, error_body};
use crate::command::CommandError;
use crate::keyspace::DbKey;
use crate::log::frame::PAYLOAD_BYTES_MAX;
use crate::op::Op;
use crate::shard::ShardStats;
use crate::slot::Slot;
use crate::snapshot::Codec;
use crate::store::config::Change;
use crate::store::link::{Ask, Await, Body, Hold, Request, Transaction};
use crate::store::watch::Watch;
use crate::time::Millis;
use crate::value::Kind;

/// A shard that has so many bytes of effects to log as one record takes no more writes into it: each may have half
/// a record by itself, as a value may.
const HELD_BYTES_MAX: usize = PAYLOAD_BYTES_MAX / 2;

impl Host {
    pub(super) fn serve(&mut self, now: Millis, from: From, request: Request) {
        let number = request.number;
        self.out.clear();
        match request.ask {
            Ask::Apply(op) => self.run(now, from, number, op),
            Ask::Transact(transaction) => self.transact(now, from, number, &transaction),
            Ask::Watch(watch, keys) => {
                for key in keys.keys() {
                    let key = DbKey::new(keys.database(), key);
                    self.shard.look(now, &key, &mut self.out);
                    self.shard.keyspace().watch(&key, watch.flag());
                }
                self.conclude();
                let body = self.unless_damaged(|host| {
                    host.out.reply.ok();
                    host.reply()
                });
                self.gate.say_now(from, number, body);
            }
            Ask::Cancel(waiting) => {
                if self.waiters.cancel(from, waiting, self.shard.keyspace()) {
                    self.gate.say_now(from, waiting, Body::Cancelled);
                }
                self.gate.end_promise(from, waiting);
            }
            Ask::Forget(waiting) => {
                self.waiters.cancel(from, waiting, self.shard.keyspace());
            }
            Ask::Hold(hold) => self.hold(from, number, &hold),
            Ask::Part(op) => self.part(from, number, &op),
            Ask::Kinds(keys) => {
                let mut kinds = Vec::with_capacity(keys.len());
                for key in &keys {
                    self.shard.look(self.held_at, key, &mut self.out);
                    kinds.push(self.shard.keyspace().kind(key.key()));
                }
                self.held_wrote |= self.conclude_apart();
                let body = self.unless_damaged(|_| Body::Kinds(kinds));
                self.gate.say_now(from, number, body);
            }
            Ask::Fetch(keys) => {
                let mut ops = Vec::new();
                for key in &keys {
                    self.shard.look(self.held_at, key, &mut self.out);
                    let keyspace = self.shard.keyspace();
                    keyspace.begin(self.held_at, key.database(), false);
                    keyspace.dump_key(key.key(), &mut |op| ops.push(op.clone()));
                }
                self.held_wrote |= self.conclude_apart();
                let body = self.unless_damaged(|_| Body::Values(ops));
                self.gate.say_now(from, number, body);
            }
            Ask::Accept(ops) => {
                let refused = self.gate.refusal(&ops, self.held.as_bytes().len());
                self.say_whether(from, number, refused);
            }
            Ask::Replace(ops) => {
                let refused = self.replace(&ops);
                self.say_whether(from, number, refused);
            }
            Ask::Await(wait) => self.wait_here(from, number, *wait),
            Ask::Release => {
                let wrote = self.held_wrote;
                self.log_held();
                // One that was told at `Hold` that the worker stopped holds nothing.
                self.out.reply.ok();
                self.gate.say(from, number, wrote, self.reply());
                if self.holder == Some(from) {
                    self.release(now);
                }
            }
            Ask::Touched(touched) => self.shard.keyspace().touched(&touched),
            Ask::Configure(change) => self.configure(change),
            Ask::Durable(until) => self.gate.promise(from, number, until),
            Ask::Stats => {
                let stats = ShardStats {
                    log: self.gate.stats(),
                    ..self.shard.stats()
                };
                let body = Body::Stats(Box::new(stats));
                self.gate.say_now(from, number, body);
            }
            Ask::Save(course) => {
                let begun = self.begin_save(from, course);
                let body = Body::SaveBegun(Box::new(begun));
                self.gate.say_now(from, number, body);
            }
            Ask::Written(save) => self.await_written(from, number, save),
            Ask::Publish(saved) => self.publish_save(from, number, &saved),
            Ask::EndSave(save, fate) => {
                self.end_save(save, fate);
                self.gate.say_now(from, number, Body::SaveEnded);
            }
        }
    }

    /// What `body` says of keys, unless some of them cannot be read: then why.
    fn unless_damaged(&mut self, body: impl FnOnce(&mut Host) -> Body) -> Body {
        match self.shard.keyspace().damage().map(error_body) {
            Some(refusal) => refusal,
            None => body(self),
        }
    }

    fn configure(&mut self, change: Change) {
        let keyspace = self.shard.keyspace();
        match change {
            Change::Maxmemory(bytes) => {
                keyspace.set_maxmemory(bytes.div_ceil(self.shards as u64));
            }
            Change::Policy(policy) => keyspace.set_policy(policy),
            Change::Samples(samples) => keyspace.set_samples(samples),
            Change::Notify(classes) => self.shard.set_notify(classes),
            Change::ActiveExpiry(whether) => self.shard.set_active_expiry(whether),
            Change::Appendfsync(fsync) => self.gate.set_fsync(fsync),
            Change::Compression(whether) => {
                if let Some(desk) = &mut self.desk {
                    desk.meta.codec = Codec::compressing(whether);
                }
            }
            Change::Limits(limits) => keyspace.set_limits(limits),
        }
        // The policy has to come to know what is there.
        (self.busy, self.changed) = (true, true);
    }

    fn run(&mut self, now: Millis, from: From, number: u64, op: Op) {
        if let Some(error) = self.gate.refusal_to_begin(std::slice::from_ref(&op)) {
            return self.gate.say_now(from, number, error_body(&error));
        }
        self.apply(now, &op);
        let wrote = self.conclude();
        match self.out.parked {
            Some(parked) => {
                self.park(from, number, op);
                self.gate.say_now(from, number, Body::Parked(parked.until));
            }
            None => self.gate.say(from, number, wrote, self.reply()),
        }
        if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
    }

    /// `op`, which was just applied, waits.
    pub(in crate::store) fn park(&mut self, from: From, number: u64, op: Op) {
        let waiter = Waiter {
            keys: awaited_keys(&op),
            op,
            from,
            number,
            claim: None,
            elsewhere: false,
        };
        self.waiters.add(waiter, self.shard.keyspace());
    }

    fn wait_here(&mut self, from: From, number: u64, wait: Await) {
        let mut keys = awaited_keys(&wait.op);
        keys.retain(|key| Slot::of(key.key()).shard(self.shards) == self.number);
        let waiter = Waiter {
            keys,
            op: wait.op,
            from,
            number,
            claim: Some(wait.claim),
            elsewhere: wait.elsewhere,
        };
        self.waiters.add(waiter, self.shard.keyspace());
    }

    /// Serves those who wait for keys that became ready: key by key as they changed, who came first
    /// first. What one gets may make another key ready (`BLMOVE`).
    pub(super) fn serve_waiters(&mut self, now: Millis) {
        if self.holder.is_some() {
            return;
        }
        while self.shard.keyspace().has_ready() {
            for key in self.shard.keyspace().take_ready() {
                if self.promised.iter().any(|(_, promised)| *promised == key) {
                    continue;
                }
                let mut last = None;
                while let Some(id) = self.waiters.after(&key, last)
                    && self.serve_waiter(now, &key, id)
                {
                    last = Some(id);
                }
            }
        }
    }

    /// What was kept for waiters of this caller is there for the next ones.
    pub(super) fn keep_promises(&mut self, from: From) {
        let keyspace = self.shard.keyspace();
        self.promised.retain(|(promised_to, key)| {
            let is_kept = *promised_to == from;
            if is_kept {
                keyspace.ready_again(key);
            }
            !is_kept
        });
    }

    /// Serves one waiter for `key`, if the key has something for it; whether the next one may try.
    fn serve_waiter(&mut self, now: Millis, key: &DbKey, id: u64) -> bool {
        let waiter = self.waiters.get(id);
        let (from, number) = (waiter.from, waiter.number);
        if let Some(claim) = &waiter.claim {
            let keyspace = self.shard.keyspace();
            keyspace.begin(now, key.database(), false);
            if !claim.is_taken() && !is_ready_for(&waiter.op, keyspace.kind(key.key())) {
                return true;
            }
            // From here to its answer nothing changes: who took the claim serves the op.
            let taken = claim.take();
            let elsewhere = waiter.elsewhere;
            if !taken || elsewhere {
                self.waiters.remove(id, self.shard.keyspace());
                if taken {
                    self.promised.push((from, key.clone()));
                    let retry = self.seen.retries.begin();
                    self.gate.say_now(from, number, Body::Retry(retry));
                }
                return !taken;
            }
        }
        self.out.clear();
        let alone = super::changes_several(&waiter.op);
        if alone {
            self.seen.version.turn();
        }
        let waiter = self.waiters.get(id);
        (self.shard).serve(now, &waiter.op, key.key(), &mut self.out);
        if alone {
            self.seen.version.turn();
        }
        let wrote = self.conclude();
        if self.out.parked.is_none() {
            self.waiters.remove(id, self.shard.keyspace());
            self.gate.say(from, number, wrote, self.reply());
        }
        self.shard.keyspace().kind(key.key()).is_some()
    }

    fn transact(&mut self, now: Millis, from: From, number: u64, transaction: &Transaction) {
        let Transaction {
            protocol,
            ops,
            watch,
        } = transaction;
        if let Some(watch) = watch {
            self.look_at(now, watch);
        }
        self.out.reply.speak(*protocol);
        if watch.as_ref().is_some_and(Watch::is_changed) {
            self.out.reply.nil_array();
        } else if let Err(error) = self.make_ready(now, ops) {
            self.out.reply.error(&aborted(&error));
        } else {
            self.seen.version.turn();
            self.out.reply.array(ops.len());
            for op in ops {
                self.shard.apply_at_once(now, op, &mut self.out);
            }
            self.seen.version.turn();
        }
        let wrote = self.conclude();
        self.gate.say(from, number, wrote, self.reply());
        if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
    }

    /// Removes watched keys of this shard that have expired, which their watch then knows.
    fn look_at(&mut self, now: Millis, watch: &Watch) {
        watch.each_of(self.number, self.shards, |key| {
            self.shard.look(now, key, &mut self.out);
        });
    }

    /// Makes room for `ops`; the error says why they may not run.
    fn make_ready(&mut self, now: Millis, ops: &[Op]) -> Result<(), CommandError> {
        if let Some(error) = self.gate.refusal_to_begin(ops) {
            return Err(error);
        }
        self.shard.prepare(now, ops, &mut self.out)
    }

    fn hold(&mut self, from: From, number: u64, hold: &Hold) {
        self.holder = Some(from);
        self.held_at = hold.at;
        self.seen.version.turn();
        if let Some(watch) = &hold.watch {
            self.look_at(self.held_at, watch);
        }
        // A log that failed takes no part: the others would keep what this shard's log lacks, and lose it for that.
        let ready = match self.gate.failure() {
            Some(failure) if hold.writes => Err(failure.refusal()),
            _ => self.make_ready(self.held_at, &hold.ops),
        };
        self.held_wrote |= self.conclude();
        // What has expired or had to go is gone, whatever becomes of the rest.
        self.joint.clone_from(&hold.joint);
        match ready {
            Ok(()) => self.out.reply.ok(),
            Err(error) => self.out.reply.error(&error),
        }
        self.gate.say_now(from, number, self.reply());
    }

    /// Applies a part of what goes over several shards. Who asked goes on at once; what it tells its
    /// caller waits for the release.
    fn part(&mut self, from: From, number: u64, op: &Op) {
        let writes = op.command().flags.writes();
        if writes && self.held.as_bytes().len() > HELD_BYTES_MAX {
            return self.gate.say_now(from, number, error_body(&TOO_LARGE));
        }
        self.shard.apply_at_once(self.held_at, op, &mut self.out);
        self.held_wrote |= if writes {
            self.conclude()
        } else {
            self.conclude_apart()
        };
        self.gate.say_now(from, number, self.reply());
    }

    /// Says `OK`, or why not.
    fn say_whether(&mut self, from: From, number: u64, refused: Option<CommandError>) {
        self.out.reply.ok();
        let body = refused.map_or_else(|| self.reply(), |error| error_body(&error));
        self.gate.say_now(from, number, body);
    }

    /// Makes keys what `ops` say, which are effects that were accepted; why one was refused.
    fn replace(&mut self, ops: &[Op]) -> Option<CommandError> {
        let mut refused = None;
        let classes = self.shard.keyspace().mute();
        let mut scratch = crate::shard::Out::default();
        for op in ops {
            match self.shard.replay(op, &mut scratch) {
                Ok(()) => self.out.effects.push(op),
                Err(error) => refused = Some(error),
            }
        }
        self.shard.keyspace().set_notify(classes);
        self.held_wrote |= self.conclude();
        refused
    }
}

/// Whether a key of this kind is what `op` waits for. Redis names every blocking command on sorted sets
/// with `bz`.
fn is_ready_for(op: &Op, kind: Option<Kind>) -> bool {
    let wanted = if op.command().name.starts_with("bz") {
        Kind::SortedSet
    } else {
        Kind::List
    };
    kind == Some(wanted)
}

/// Why a transaction was not run.
pub(in crate::store) fn aborted(error: &CommandError) -> CommandError {
    CommandError::new(format!(
        "EXECABORT Transaction discarded because of: {error}"
    ))
}
