//! The gate: what is answered, and when it may be said.
//!
//! An answer is *unsaid* until the device was given the effects that it tells of, and under
//! `appendfsync always` until they are durable, reads included: a reader must not be told of what a
//! power failure may take back. Once the log is known to have failed, no write is acknowledged.
//!
//! Or it is *withheld*: said already to somebody who tells nobody before the turn that takes its effects to the log
//! is *settled*. So many calls are answered together, and none of them needs a place in a queue.
//!
//! Not every read passes here: under every other setting the values that are read on any core are told as memory holds
//! them, which may be before the device was given what made them so.

use std::collections::VecDeque;
use std::sync::Arc;

use super::From;
use super::promise::Promise;
use crate::command::CommandError;
use crate::effect::Effects;
use crate::log::device::Bell;
use crate::log::frame::PAYLOAD_BYTES_MAX;
use crate::log::joint::Joint;
use crate::log::{Failure, Fsync, Log, LogStats};
use crate::op::Op;
use crate::store::link::{Answer, Body, Bytes};
use crate::time::Millis;

/// Ops wait while so much has been appended that the disk has not taken yet.
const PENDING_BYTES_MAX: u64 = 64 << 20;

/// What is refused where its effects would not fit into one record.
pub(super) const TOO_LARGE: CommandError = CommandError::fixed(
    "ERR what is written together is larger than a record of the append-only file may be",
);

struct Unsaid {
    /// The log's sequence when the op had been applied.
    sequence: u64,
    /// Whether the log holds the op itself.
    wrote: bool,
    from: From,
    answer: Answer,
}

/// The log of a shard, and the answers that wait for it.
pub(super) struct Gate {
    log: Option<Log>,
    /// Whether answers wait for durability.
    strict: bool,
    /// Why the log failed.
    failed: Option<Failure>,
    unsaid: VecDeque<Unsaid>,
    /// Whether something was answered since the last turn that is withheld.
    withholds: bool,
    /// Turns that took withheld answers to the log and are not settled, and the last sequence of each.
    unsettled: VecDeque<(u64, u64)>,
    /// Of those, the first and the last that never will be.
    lost: Option<(u64, u64)>,
    pub(super) promises: Vec<Promise>,
}

/// What became of what was withheld until a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It may be said.
    Yes,
    /// Not yet.
    NotYet,
    /// It must never be: this is to be said instead.
    Lost(CommandError),
}

impl Gate {
    pub(super) fn new(log: Option<Log>, strict: bool) -> Gate {
        Gate {
            log,
            strict,
            failed: None,
            unsaid: VecDeque::new(),
            withholds: false,
            unsettled: VecDeque::new(),
            lost: None,
            promises: Vec::new(),
        }
    }

    /// Whether there is a log, which reads effects.
    pub(super) fn logs(&self) -> bool {
        self.log.is_some()
    }

    /// Whether an answer may be said at once, without passing here: nothing waits, and what it tells of
    /// has reached the log.
    #[inline]
    pub(super) fn is_clear(&self, writes: bool) -> bool {
        match &self.log {
            None => true,
            Some(log) => {
                !writes
                    && !self.strict
                    && self.failed.is_none()
                    && self.unsaid.is_empty()
                    && log.pending_bytes() == 0
            }
        }
    }

    /// Whether a write may be answered at once to somebody who withholds the answer.
    #[inline]
    pub(super) fn is_passable(&self) -> bool {
        let takes = |log: &Log| {
            self.failed.is_none() && log.pending_bytes() <= PENDING_BYTES_MAX && late(log).is_none()
        };
        self.log.as_ref().is_none_or(takes)
    }

    /// Logs what somebody was answered of who withholds the answer, as `tell` tells it.
    #[inline]
    pub(super) fn append_withheld(
        &mut self,
        effects: &mut Effects,
        tell: impl FnOnce(&mut Effects),
    ) {
        if let Some(log) = &mut self.log {
            self.withholds = true;
            effects.clear();
            tell(effects);
            log.extend(effects);
        }
    }

    /// Whether something is withheld since the last turn.
    #[inline]
    pub(super) fn withholds(&self) -> bool {
        self.withholds
    }

    /// Whether something is withheld for a sync that the next turn begins.
    pub(super) fn awaits_sync(&self) -> bool {
        self.withholds && self.strict
    }

    /// What became of what was withheld until turn `number`, which is over.
    pub(super) fn settled(&self, number: u64) -> Settled {
        if let (Some((first, last)), Some(failure)) = (self.lost, &self.failed)
            && (first..=last).contains(&number)
        {
            return Settled::Lost(failure.refusal());
        }
        match self.unsettled.front() {
            Some((first, _)) if *first <= number => Settled::NotYet,
            _ => Settled::Yes,
        }
    }

    /// Turn `number` takes to the log what is withheld.
    fn begin_to_settle(&mut self, number: u64) {
        if std::mem::take(&mut self.withholds) {
            self.unsettled.push_back((number, self.appended()));
        }
    }

    /// Everything up to this sequence may be said, or nothing any more, where the log has failed.
    fn settle(&mut self, kept: u64) {
        if self.failed.is_none() {
            let is_kept = |(_, sequence): &mut (u64, u64)| *sequence <= kept;
            while self.unsettled.pop_front_if(is_kept).is_some() {}
        } else if let (Some((first, _)), Some((last, _))) =
            (self.unsettled.front(), self.unsettled.back())
        {
            let first = self.lost.map_or(*first, |(first, _)| first);
            self.lost = Some((first, *last));
            self.unsettled.clear();
        }
    }

    /// Whether the disk is so far behind that ops have to wait.
    #[inline]
    pub(super) fn is_stalled(&self) -> bool {
        let log = self.log.as_ref().filter(|_| self.failed.is_none());
        log.is_some_and(|log| log.pending_bytes() > PENDING_BYTES_MAX)
    }

    /// Why `ops` may not begin: [`Gate::refusal`], or the log is too late.
    #[inline]
    pub(super) fn refusal_to_begin(&self, ops: &[Op]) -> Option<CommandError> {
        let log = self.log.as_ref()?;
        self.refusal(ops, 0).or_else(|| {
            let writes = ops.iter().any(|op| op.command().flags.writes());
            late(log).filter(|_| writes)
        })
    }

    /// Why `ops` may not run together: the log failed, or could not hold their effects in one record beside so many
    /// bytes of others.
    #[inline]
    pub(super) fn refusal(&self, ops: &[Op], beside: usize) -> Option<CommandError> {
        self.log.as_ref()?;
        let writes = || ops.iter().filter(|op| op.command().flags.writes());
        // The head of a part and an effect's own words are not counted: a little is left for them.
        let most = PAYLOAD_BYTES_MAX - (64 << 10);
        if beside + writes().map(Op::encoded_bytes).sum::<usize>() > most {
            return Some(TOO_LARGE);
        }
        let failure = self.failed.as_ref()?;
        let is_refused = self.strict && !ops.is_empty() || writes().next().is_some();
        is_refused.then(|| failure.refusal())
    }

    /// Logs `effects`.
    #[inline]
    pub(super) fn append(&mut self, effects: &Effects) {
        if let Some(log) = &mut self.log {
            log.append(effects);
        }
    }

    /// Logs `effects` as the shard's part of `joint`.
    pub(super) fn append_part(&mut self, joint: &Arc<Joint>, effects: &Effects) {
        if let Some(log) = &mut self.log {
            log.append_part(joint, effects);
        }
    }

    /// The sequence of the last record.
    pub(super) fn appended(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::appended)
    }

    /// Answers with what was seen so far; `wrote` where the log holds a part of it.
    pub(super) fn say(&mut self, from: From, number: u64, wrote: bool, body: Body) {
        let sequence = self.appended();
        let wrote = wrote && self.log.is_some();
        self.push(sequence, wrote, from, Answer { number, body });
    }

    /// Answers with what waits for nothing.
    pub(super) fn say_now(&mut self, from: From, number: u64, body: Body) {
        self.push(0, false, from, Answer { number, body });
    }

    fn push(&mut self, sequence: u64, wrote: bool, from: From, answer: Answer) {
        self.unsaid.push_back(Unsaid {
            sequence,
            wrote,
            from,
            answer,
        });
    }

    /// Lets it be `now` for what is logged from here on.
    pub(super) fn see(&mut self, now: Millis) {
        if let Some(log) = &mut self.log {
            log.see(now);
        }
    }

    /// Turns the log, in turn `number`; `say` hears what may now be said.
    pub(super) fn turn(&mut self, now: Millis, number: u64, mut say: impl FnMut(From, Answer)) {
        self.begin_to_settle(number);
        let mut kept = u64::MAX;
        if let Some(log) = self.log.as_mut().filter(|_| self.failed.is_none()) {
            match log.turn(now) {
                Ok(durable) if self.strict => kept = durable,
                Ok(_) => kept = log.given(),
                Err(_) => self.failed = log.failure().cloned(),
            }
        }
        self.settle(kept);
        while let Some(first) = self.unsaid.front() {
            if first.sequence > kept {
                break;
            }
            let mut unsaid = self.unsaid.pop_front().expect("it was just seen");
            if let Some(failure) = &self.failed
                && (unsaid.wrote || self.strict && unsaid.sequence > 0)
            {
                unsaid.answer.body = error_body(&failure.refusal());
            }
            say(unsaid.from, unsaid.answer);
        }
        if !self.promises.is_empty() {
            self.keep_promises(&mut say);
        }
    }

    /// What tells the log from others; 0: there is none.
    pub(super) fn log_id(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::id)
    }

    /// Bytes that the log was given since it was opened; `None`: there is none.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        let log = self.log.as_ref()?;
        Some(log.stats().written_bytes + log.pending_bytes())
    }

    /// Whether the log has everything up to `sequence` on the disk, with all that other shards did together with it;
    /// it is asked for where it has not. The error is why it never will.
    pub(super) fn secure(&mut self, sequence: u64) -> Result<bool, String> {
        match (&self.failed, &mut self.log) {
            (Some(failure), _) => Err(failure.to_string()),
            (None, Some(log)) => Ok(log.secure(sequence)),
            (None, None) => Ok(true),
        }
    }

    /// A snapshot is begun that has all of what the log has.
    pub(super) fn seal(&mut self) {
        if let Some(log) = &mut self.log {
            log.seal();
        }
    }

    /// A snapshot that counts has everything up to `sequence`: what the log has of it may go.
    pub(super) fn trim(&mut self, sequence: u64) {
        if let Some(log) = self.log.as_mut().filter(|_| self.failed.is_none())
            && log.trim(sequence).is_err()
        {
            self.failed = log.failure().cloned();
        }
    }

    /// When the log is made durable from now on.
    pub(super) fn set_fsync(&mut self, fsync: Fsync) {
        if let Some(log) = &mut self.log {
            log.set_fsync(fsync);
            self.strict = fsync == Fsync::Always;
        }
    }

    /// When the next sync is due, where time decides.
    pub(super) fn next_sync(&self) -> Option<Millis> {
        let log = self.log.as_ref().filter(|_| self.failed.is_none());
        log.and_then(Log::next_sync)
    }

    /// Why the log failed, if it did.
    #[inline]
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failed.as_ref()
    }

    /// The last sequence that is durable, where there is a log.
    pub(super) fn durable(&self) -> Option<u64> {
        self.log.as_ref().map(Log::durable)
    }

    /// Counts and state of the log, where there is one.
    pub(super) fn stats(&self) -> Option<LogStats> {
        self.log.as_ref().map(Log::stats)
    }

    /// The log's device rings `bell` from now on.
    pub(super) fn wake_by(&mut self, bell: Option<&Bell>) {
        if let (Some(log), Some(bell)) = (&mut self.log, bell) {
            log.wake_by(bell);
        }
    }

    /// Whether answers wait for the log, and something rings when they need not.
    pub(super) fn awaits_bell(&self) -> bool {
        let log = self.log.as_ref().filter(|_| self.failed.is_none());
        self.is_owed() && log.is_some_and(Log::awaits_bell)
    }

    /// Whether answers wait for the log.
    fn is_owed(&self) -> bool {
        !self.unsaid.is_empty() || !self.unsettled.is_empty()
    }

    /// Whether answers wait for the log, so that it has to be looked at again and again.
    pub(super) fn is_busy(&self) -> bool {
        self.is_owed() && !self.awaits_bell()
    }

    /// Waits until everything that was logged is durable.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        match (&self.failed, &mut self.log) {
            (Some(failure), _) => Err(failure.to_string()),
            (None, Some(log)) => log.sync().map(drop).map_err(|error| error.to_string()),
            (None, None) => Ok(()),
        }
    }

    /// Waits as [`Gate::sync`] does, and lets whoever opens the log next know.
    pub(super) fn close(&mut self) -> Result<(), String> {
        self.sync()?;
        let concluded = self.log.as_mut().map_or(Ok(()), Log::conclude);
        concluded.map_err(|error| error.to_string())
    }

    /// Forgets what one caller would be told, or every one.
    pub(super) fn forget(&mut self, gone: Option<From>) {
        self.unsaid
            .retain(|unsaid| gone.is_some_and(|gone| unsaid.from != gone));
        self.forget_promises(gone);
    }
}

/// That writes have to wait for the disk, where the setting bounds how old one may be that is not durable.
fn late(log: &Log) -> Option<CommandError> {
    let Fsync::Bounded(most_ms) = log.fsync() else {
        return None;
    };
    let lag_ms = log.lag_ms();
    (lag_ms > most_ms).then(|| {
        CommandError::new(format!(
            "NOTDURABLE The oldest write that is not durable is {lag_ms} ms old, and appendfsync bounded:ms={most_ms} \
             accepts no more until it is"
        ))
    })
}

/// An error as an answer.
pub(in crate::store) fn error_body(error: &CommandError) -> Body {
    let mut reply = crate::reply::ReplyBuf::default();
    reply.error(error);
    Body::Reply(Bytes::from_slice(reply.as_bytes()))
}
