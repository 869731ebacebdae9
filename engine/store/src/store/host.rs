//! A host: one shard with its log, as its worker drives it.
//!
//! A turn is apply → log → reply. What an op answers is *unsaid* until the turn's log is handed its
//! effects, and under `appendfsync always` until they are durable, reads included: a reader must not be
//! told of what a power failure may take back. Under the weaker settings the worker's own ops are
//! answered at once and reach the log with the next turn. Once the log is known to have failed, no write
//! is acknowledged.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use super::config::StoreError;
use super::link::{Answer, Ask, Body, Request};
use crate::command::CommandError;
use crate::log::Log;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::shard::{Out, Shard};
use crate::snapshot::Meta;
use crate::time::Millis;

/// Between two slices of the work that no op asks for (Redis's `hz` 10).
const TICK_MS: u64 = 100;

/// Who asked: a link's number, or the worker's own session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Link(usize),
    Own,
}

struct Unsaid {
    /// The log's sequence when the op had been applied.
    sequence: u64,
    /// Whether the log holds the op itself.
    wrote: bool,
    from: From,
    answer: Answer,
}

/// A shard with its log.
pub(super) struct Host {
    pub(super) number: usize,
    shard: Shard,
    log: Option<Log>,
    /// Whether replies wait for durability.
    strict: bool,
    /// Why the log failed.
    failed: Option<String>,
    /// Odd while several keys change together: one command here, or one over several shards.
    version: Arc<AtomicU64>,
    /// Where snapshots go, and what they are of.
    saves: Option<(PathBuf, Meta)>,
    /// Who it stands still for.
    holder: Option<From>,
    /// What others asked meanwhile.
    waiting: VecDeque<(From, Request)>,
    unsaid: VecDeque<Unsaid>,
    out: Out,
    ticked: Millis,
    busy: bool,
}

/// Whether `op` may change more than one key.
#[inline]
fn changes_several(op: &Op) -> bool {
    op.command().flags.writes() && op.keys().take(2).count() != 1
}

impl Host {
    pub(super) fn new(
        number: usize,
        shard: Shard,
        log: Option<Log>,
        strict: bool,
        version: Arc<AtomicU64>,
        saves: Option<(PathBuf, Meta)>,
    ) -> Host {
        Host {
            number,
            shard,
            log,
            strict,
            failed: None,
            version,
            saves,
            holder: None,
            waiting: VecDeque::new(),
            unsaid: VecDeque::new(),
            out: Out::default(),
            ticked: Millis(0),
            busy: false,
        }
    }

    /// The shard, for a worker's own reads.
    pub(super) fn shard(&mut self) -> &mut Shard {
        &mut self.shard
    }

    /// Whether the worker's own session may be answered at once: nothing stands before it, and no
    /// reply waits for the log.
    #[inline]
    pub(super) fn is_free(&self) -> bool {
        self.holder.is_none() && self.waiting.is_empty() && !self.strict && self.failed.is_none()
    }

    /// Applies `op` for the worker's own session; [`Host::is_free`] allowed it.
    pub(super) fn apply_own(&mut self, now: Millis, op: &Op) -> &ReplyBuf {
        self.out.clear();
        self.apply(now, op);
        self.append();
        &self.out.reply
    }

    /// Takes a request in: it is answered by the end of a turn.
    pub(super) fn take(&mut self, now: Millis, from: From, request: Request) {
        let waits = match (&request.ask, self.holder) {
            (Ask::Touched(_) | Ask::Stats, _) | (_, None) => false,
            (_, Some(holder)) => holder != from,
        };
        if waits {
            self.waiting.push_back((from, request));
        } else {
            self.serve(now, from, request);
        }
    }

    fn serve(&mut self, now: Millis, from: From, request: Request) {
        let number = request.number;
        self.out.clear();
        match request.ask {
            Ask::Apply(op) => self.run(now, from, number, &op),
            Ask::Part(op) => {
                self.run(now, from, number, &op);
                // The one who asked goes on at once; what it tells its caller waits for `Release`.
                if let Some(unsaid) = self.unsaid.back_mut() {
                    unsaid.sequence = 0;
                    unsaid.wrote = false;
                }
            }
            Ask::Hold(op) => {
                self.holder = Some(from);
                // Release: pairs with the acquire in `KeyReader::get`; odd before anything changes.
                self.version.fetch_add(1, Ordering::Release);
                let ready = match self.refusal(&op) {
                    Some(error) => Err(error),
                    None => self.shard.prepare(now, &op, &mut self.out),
                };
                match ready {
                    Ok(()) => self.out.reply.ok(),
                    Err(error) => self.out.reply.error(&error),
                }
                self.append();
                self.say_now(from, number);
            }
            Ask::Release => {
                // One that was told at `Hold` that the worker stopped holds nothing.
                if self.holder == Some(from) {
                    self.let_go();
                }
                match &self.failed {
                    Some(reason) => self.out.reply.error(&misconf(reason)),
                    None => self.out.reply.ok(),
                }
                self.say(from, number, true);
                while self.holder.is_none()
                    && let Some((from, request)) = self.waiting.pop_front()
                {
                    self.serve(now, from, request);
                }
            }
            Ask::Touched(touched) => self.shard.keyspace().touched(&touched),
            Ask::Stats => {
                let body = Body::Stats(Box::new(self.shard.stats()));
                self.push(from, number, 0, false, body);
            }
            Ask::Save => {
                let saved = self.save(now);
                let body = Body::Saved(Box::new(saved));
                self.push(from, number, 0, false, body);
            }
        }
    }

    /// What no op asks for, and the log. `say` hears what may now be said.
    pub(super) fn turn(&mut self, now: Millis, mut say: impl FnMut(From, Answer)) {
        if self.holder.is_none() && (self.busy || now.since(self.ticked) >= TICK_MS) {
            self.ticked = now;
            self.out.clear();
            self.busy = self.shard.tick(now, &mut self.out);
            self.append();
        }
        let durable = match &mut self.log {
            Some(log) if self.failed.is_none() => match log.turn(now) {
                Ok(durable) => durable,
                Err(error) => {
                    self.failed = Some(error.to_string());
                    0
                }
            },
            _ => 0,
        };
        while let Some(first) = self.unsaid.front() {
            if self.strict && self.failed.is_none() && first.sequence > durable {
                break;
            }
            let mut unsaid = self.unsaid.pop_front().expect("it was just seen");
            if let Some(reason) = &self.failed
                && (unsaid.wrote || self.strict && unsaid.sequence > 0)
            {
                unsaid.answer.body = error_body(&misconf(reason));
            }
            say(unsaid.from, unsaid.answer);
        }
    }

    /// Whether something is to be done without anybody asking: expired keys, or a log that is behind.
    pub(super) fn is_busy(&self) -> bool {
        self.busy || !self.unsaid.is_empty()
    }

    /// Waits until everything that was logged is durable.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        match (&self.failed, &mut self.log) {
            (Some(reason), _) => Err(reason.clone()),
            (None, Some(log)) => log.sync().map(drop).map_err(|error| error.to_string()),
            (None, None) => Ok(()),
        }
    }

    /// Forgets a session: what it asked is not answered, and what it held goes on.
    pub(super) fn forget(&mut self, now: Millis, gone: From) {
        self.waiting.retain(|(from, _)| *from != gone);
        self.unsaid.retain(|unsaid| unsaid.from != gone);
        if self.holder == Some(gone) {
            let ask = Ask::Release;
            let (number, shard) = (0, self.number);
            self.serve(now, gone, Request { number, shard, ask });
            self.unsaid.retain(|unsaid| unsaid.from != gone);
        }
    }

    /// Forgets every session: the worker leaves, and its links with it. What was asked is not answered.
    pub(super) fn forget_all(&mut self) {
        self.waiting.clear();
        self.unsaid.clear();
        self.let_go();
    }

    /// Nobody holds the shard any more, and readers on other cores may look again.
    fn let_go(&mut self) {
        if self.holder.take().is_some() {
            // Release: pairs with the acquire in `KeyReader::get`; even after everything changed.
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Applies `op`. Where it changes several keys, readers on other cores see all of it or nothing: the
    /// version is odd meanwhile, as it is for as long as somebody holds the shard.
    fn apply(&mut self, now: Millis, op: &Op) {
        let alone = self.holder.is_none() && changes_several(op);
        if alone {
            // Release: pairs with the acquire in `KeyReader::get`; odd before anything changes.
            self.version.fetch_add(1, Ordering::Release);
        }
        self.shard.apply(now, op, &mut self.out);
        if alone {
            // Release: as above; even after everything changed.
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    fn run(&mut self, now: Millis, from: From, number: u64, op: &Op) {
        if let Some(error) = self.refusal(op) {
            self.out.reply.error(&error);
            return self.say_now(from, number);
        }
        self.apply(now, op);
        let wrote = !self.out.effects.is_empty();
        self.append();
        self.say(from, number, wrote);
    }

    /// Why `op` may not run, since the log failed.
    fn refusal(&self, op: &Op) -> Option<CommandError> {
        let reason = self.failed.as_ref()?;
        (self.strict || op.command().flags.writes()).then(|| misconf(reason))
    }

    fn append(&mut self) {
        if let Some(log) = &mut self.log {
            log.append(&self.out.effects);
        }
    }

    fn say(&mut self, from: From, number: u64, wrote: bool) {
        let sequence = self.log.as_ref().map_or(0, Log::appended);
        let wrote = wrote && self.log.is_some();
        self.push(from, number, sequence, wrote, self.reply());
    }

    fn say_now(&mut self, from: From, number: u64) {
        self.push(from, number, 0, false, self.reply());
    }

    fn reply(&self) -> Body {
        Body::Reply(SmallVec::from_slice(self.out.reply.as_bytes()))
    }

    fn save(&mut self, now: Millis) -> Result<(), StoreError> {
        let (dir, meta) = self.saves.as_ref().ok_or(StoreError::NoFolderToSave)?;
        let meta = Meta {
            sequence: self.log.as_ref().map_or(0, Log::appended),
            taken: now,
            ..*meta
        };
        // Expired keys that nobody met yet are left out.
        self.shard.keyspace().begin(now, 0, false);
        super::save::write(dir, &meta, &mut self.shard)
    }

    fn push(&mut self, from: From, number: u64, sequence: u64, wrote: bool, body: Body) {
        self.unsaid.push_back(Unsaid {
            sequence,
            wrote,
            from,
            answer: Answer { number, body },
        });
    }
}

fn misconf(reason: &str) -> CommandError {
    CommandError::new(format!("MISCONF Errors writing to the AOF file: {reason}"))
}

/// An error as an answer.
pub(super) fn error_body(error: &CommandError) -> Body {
    let mut reply = ReplyBuf::default();
    reply.error(error);
    Body::Reply(SmallVec::from_slice(reply.as_bytes()))
}
