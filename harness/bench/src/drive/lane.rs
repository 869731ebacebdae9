//! A lane: one workload's ops in order, those under way, and when the next one begins.

use std::collections::VecDeque;
use std::time::Instant;

use seawall_store::{Op, Reply};
use seawall_workloads::Workload;

use super::Drive;
use super::schedule::Schedule;
use crate::BenchError;
use crate::recording::Recording;
use crate::setting::Filling;
use crate::target::{Came, Client};

/// The most ops of an open loop's lane that begin in one turn, so that polling is never put off for long.
const BURST: usize = 256;

/// The most ops that a lane of an overloaded open loop counts as given up: beyond it, nobody learns more.
const GIVEN_UP_MAX: u64 = 10_000_000;

/// An op under way.
struct Pending {
    op: Op,
    /// What its latency is counted from.
    from: Instant,
    /// Its reply, where replies before it are missing.
    reply: Option<Reply>,
}

/// A workload and what it has under way.
pub(super) struct Lane<'a> {
    drive: &'a Drive<'a>,
    workload: Box<dyn Workload>,
    verify: bool,
    pending: VecDeque<Pending>,
    /// The ticket of the front of `pending`.
    first: u64,
    /// How many ops may be under way.
    window: usize,
    /// Since when there has been room, where there was none before.
    room_since: Option<Instant>,
    /// When ops begin in an open loop; made with its first op.
    schedule: Option<Schedule>,
    /// Which lane it is, of how many.
    part: (usize, usize),
}

impl<'a> Lane<'a> {
    /// Lane `part.0` of `part.1`. Where not `verify`, replies are not shown to the workload.
    pub(super) fn new(
        drive: &'a Drive<'a>,
        part: (usize, usize),
        verify: bool,
    ) -> Result<Lane<'a>, BenchError> {
        let workload = (drive.build)(drive.workload, drive.seed, part.0, part.1);
        let window = drive.configuration.window();
        Ok(Lane {
            drive,
            workload: workload.map_err(|why| BenchError::Workload {
                workload: drive.workload.to_owned(),
                why,
            })?,
            verify,
            pending: VecDeque::with_capacity(window.min(1024)),
            first: 0,
            window,
            room_since: None,
            schedule: None,
            part,
        })
    }

    /// Whether ops are under way.
    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Begins what is to be loaded, as far as `window` allows; whether more is left.
    pub(super) fn load(
        &mut self,
        client: &mut impl Client,
        lane: usize,
        window: usize,
    ) -> Result<bool, BenchError> {
        // Replies that are there at once make no room for more, so that others get their turn.
        for _ in self.pending.len()..window {
            let Some(op) = self.workload.preload() else {
                return Ok(false);
            };
            self.begin(client, lane, op, Instant::now(), None)?;
        }
        Ok(true)
    }

    /// Begins what is to be begun `now`. When there is more to begin, as far as is known: a lane whose
    /// window is full waits for a reply.
    pub(super) fn fill(
        &mut self,
        client: &mut impl Client,
        lane: usize,
        now: Instant,
        recording: Option<&mut Recording>,
    ) -> Result<Option<Instant>, BenchError> {
        match self.drive.configuration.rate {
            Some(rate) => self.fill_open(client, lane, (rate, now), recording),
            None => self.fill_closed(client, lane, now, recording),
        }
    }

    fn fill_closed(
        &mut self,
        client: &mut impl Client,
        lane: usize,
        now: Instant,
        mut recording: Option<&mut Recording>,
    ) -> Result<Option<Instant>, BenchError> {
        if self.drive.configuration.filling == Filling::Batch && !self.pending.is_empty() {
            return Ok(None);
        }
        // As above: those that are answered at once make no room.
        let room = self.window - self.pending.len();
        // Those that are sent together began together.
        let mut from = None;
        for _ in 0..room {
            let op = self.workload.next();
            let began = *from.get_or_insert_with(Instant::now);
            if self.begin(client, lane, op, began, recording.as_deref_mut())? {
                from = None;
            }
        }
        Ok((self.pending.len() < self.window).then_some(now))
    }

    fn fill_open(
        &mut self,
        client: &mut impl Client,
        lane: usize,
        (rate, now): (u64, Instant),
        mut recording: Option<&mut Recording>,
    ) -> Result<Option<Instant>, BenchError> {
        let drive = self.drive;
        let part = self.part;
        let first = || Schedule::new(drive.configuration.arrivals, rate, part, drive.seed, now);
        self.schedule.get_or_insert_with(first);
        for _ in 0..BURST {
            if self.pending.len() >= self.window {
                return Ok(None);
            }
            let schedule = self.schedule.as_mut().expect("made above");
            let Some(meant) = schedule.take(now) else {
                return Ok(Some(schedule.next()));
            };
            let op = self.workload.next();
            let sent = Instant::now();
            if let Some(recording) = recording.as_deref_mut() {
                // While there was no room, it was the target that kept the op waiting.
                let could = self.room_since.map_or(meant, |since| since.max(meant));
                recording.late(sent.saturating_duration_since(could));
            }
            let from = (drive.latency_from)(meant, sent);
            self.begin(client, lane, op, from, recording.as_deref_mut())?;
        }
        Ok(Some(now))
    }

    /// Begins an op; whether it was answered at once.
    fn begin(
        &mut self,
        client: &mut impl Client,
        lane: usize,
        op: Op,
        from: Instant,
        mut recording: Option<&mut Recording>,
    ) -> Result<bool, BenchError> {
        if let Some(recording) = recording.as_deref_mut()
            && op.command().flags.writes()
        {
            recording.writes(op.bytes() as u64);
        }
        let ticket = self.first + self.pending.len() as u64;
        let reply = client
            .submit(lane, ticket, &op)
            .map_err(|why| self.drive.failed(why))?;
        if let (Some(reply), Some(recording)) = (&reply, recording) {
            let now = Instant::now();
            let latency = now.saturating_duration_since(from);
            recording.record(now, latency, matches!(reply, Reply::Error(_)));
        }
        let answered = reply.is_some();
        self.pending.push_back(Pending { op, from, reply });
        if answered {
            self.show()?;
        }
        Ok(answered)
    }

    /// The turn is over: the next one begins anew.
    pub(super) fn rest(&mut self) {
        self.schedule = None;
        self.room_since = None;
    }

    /// Takes the reply to the op with this ticket. It is moved only where it must wait for others.
    pub(super) fn receive(
        &mut self,
        came: Came,
        reply: &mut Reply,
        recording: Option<&mut Recording>,
    ) -> Result<(), BenchError> {
        let Came {
            ticket, at: now, ..
        } = came;
        let was_full = self.pending.len() >= self.window;
        let at = ticket.checked_sub(self.first);
        let slot = at
            .and_then(|at| self.pending.get_mut(usize::try_from(at).ok()?))
            .filter(|slot| slot.reply.is_none());
        let Some(slot) = slot else {
            let why = format!("a reply to op {ticket}, which waits for none");
            return Err(self.drive.failed(why));
        };
        if let Some(recording) = recording {
            let latency = now.saturating_duration_since(slot.from);
            recording.record(now, latency, matches!(reply, Reply::Error(_)));
        }
        if at == Some(0) {
            let Some(Pending { op, .. }) = self.pending.pop_front() else {
                unreachable!("the front was just seen");
            };
            self.first += 1;
            self.observe(&op, reply)?;
        } else {
            slot.reply = Some(std::mem::replace(reply, Reply::Nil));
        }
        if at == Some(0) && matches!(self.pending.front(), Some(Pending { reply: Some(_), .. })) {
            self.show()?;
        }
        if was_full && self.pending.len() < self.window {
            self.room_since = Some(now);
        }
        Ok(())
    }

    /// Shows replies to the workload, in order, as far as they are there.
    fn show(&mut self) -> Result<(), BenchError> {
        while let Some(Pending { reply: Some(_), .. }) = self.pending.front() {
            let Some(Pending {
                op,
                reply: Some(reply),
                ..
            }) = self.pending.pop_front()
            else {
                unreachable!("the front was just seen to have a reply");
            };
            self.first += 1;
            self.observe(&op, &reply)?;
        }
        Ok(())
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), BenchError> {
        if !self.verify {
            return Ok(());
        }
        self.workload
            .observe(op, reply)
            .map_err(|mismatch| BenchError::Mismatch {
                target: self.drive.target.to_owned(),
                workload: self.drive.workload.to_owned(),
                mismatch,
            })
    }

    /// The clock stopped at `end`. In an open loop, ops that were meant to begin before and have no
    /// reply took at least until now: without them, a server that falls behind would look fast.
    pub(super) fn give_up(&mut self, end: Instant, recording: &mut Recording) {
        let Some(schedule) = &mut self.schedule else {
            return;
        };
        for pending in self
            .pending
            .iter()
            .filter(|pending| pending.reply.is_none())
        {
            recording.give_up(end, end.saturating_duration_since(pending.from));
        }
        for _ in 0..GIVEN_UP_MAX {
            let Some(meant) = schedule.take(end) else {
                return;
            };
            let latency = end.saturating_duration_since((self.drive.latency_from)(meant, end));
            recording.give_up(end, latency);
        }
    }
}
