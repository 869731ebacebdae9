//! What machines want done is done here, in the order in which they want it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seawall_cluster::{Action, Event, Nanos, NodeId, Outbox, RequestId};
use seawall_store::Reply;

use super::load::is_miss;
use super::queue::Happening;
use super::{Outcome, REFUSAL_BYTES, World};

impl World<'_> {
    /// Gives `event` to a machine and performs what it wants.
    pub(super) fn step(&mut self, id: NodeId, event: Event) {
        let mut out = std::mem::take(&mut self.outbox);
        self.step_machine(id, event, &mut out);
        while let Some(action) = out.pop() {
            if !self.node(id).up {
                // A failed sync stopped it, and nothing more comes of what it wanted.
                continue;
            }
            if let Some(answer) = self.perform(id, action) {
                self.step_machine(id, answer, &mut out);
            }
        }
        self.outbox = out;
    }

    /// A machine that panics stops its node, and is told of: no failure of the world may bring it to that.
    fn step_machine(&mut self, id: NodeId, event: Event, out: &mut Outbox) {
        let now = self.now;
        let node = &mut self.nodes[usize::from(id.0)];
        let stepped = catch_unwind(AssertUnwindSafe(|| node.machine.step(now, event, out)));
        if let Err(panic) = stepped {
            node.up = false;
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            self.panics.push(format!(
                "{id} panicked: {}",
                words.unwrap_or("without words")
            ));
        }
    }

    /// Performs one action; gives the event that answers it at once.
    fn perform(&mut self, id: NodeId, action: Action) -> Option<Event> {
        let now = self.now;
        match action {
            Action::Send { to, .. } if !self.passes(id, to) => None,
            Action::Send { to, bytes } => {
                let (from_zone, to_zone) = (self.node(id).zone, self.node(to).zone);
                let done = self.node(id).core_busy_until.max(now);
                let at = self
                    .network
                    .nodes(done, (id, from_zone), (to, to_zone), bytes.len());
                let life = self.node(to).life;
                self.queue.push(
                    at,
                    Happening::Message {
                        from: id,
                        to,
                        life,
                        bytes,
                    },
                );
                None
            }
            Action::Alarm { at } => {
                let node = self.node_mut(id);
                node.alarms += 1;
                let (life, number) = (node.life, node.alarms);
                self.queue.push(
                    at.max(now),
                    Happening::Alarm {
                        node: id,
                        life,
                        number,
                    },
                );
                None
            }
            Action::Execute {
                id: request,
                at,
                op,
                answers,
            } => {
                let effects = self.execute(id, request, at, &op, answers);
                Some(Event::Executed {
                    id: request,
                    at,
                    effects,
                })
            }
            Action::Apply {
                id: request,
                at,
                effects,
            } => {
                let node = &mut self.nodes[usize::from(id.0)];
                node.apply(at, &effects);
                self.history.applied(request, at, &effects);
                self.history.enter(&mut node.lineage, request);
                self.note_change(id, request);
                None
            }
            Action::Answer { id: request } => {
                if let Some(bytes) = self.node_mut(id).take_reply(request)
                    && self.history.knows(request)
                {
                    let (len, parsed) = (bytes.len(), Reply::parse(&bytes));
                    // What is answered to a command of Memcached's is text, and handed on as it is.
                    let reply = parsed.map_or(Reply::Bulk(bytes), |(reply, _)| reply);
                    self.reply(id, request, Outcome::Answer(reply), len);
                }
                None
            }
            Action::AnswerOrPass {
                id: request,
                op,
                to,
                bytes,
            } => {
                let kept = self.node(id).kept_reply(request).and_then(Reply::parse);
                let then = if kept.is_some_and(|(reply, _)| is_miss(&op, &reply)) {
                    self.node_mut(id).take_reply(request);
                    Action::Send { to, bytes }
                } else {
                    Action::Answer { id: request }
                };
                self.perform(id, then)
            }
            Action::Refuse { id: request, why } => {
                // What was executed already has a reply, which nobody gets.
                self.node_mut(id).take_reply(request);
                let outcome = match why {
                    seawall_cluster::Refusal::Moved(to) => Outcome::Moved(to),
                    seawall_cluster::Refusal::Down => Outcome::Down,
                };
                if self.history.knows(request) {
                    self.reply(id, request, outcome, REFUSAL_BYTES);
                }
                None
            }
            Action::Persist { .. } if self.node(id).sync_fails => {
                self.node_mut(id).up = false;
                None
            }
            Action::Persist { number, record } => {
                self.node_mut(id).write(number, record);
                self.sync(id);
                None
            }
            Action::Export { to } => {
                self.images.push(self.node(id).lineage.clone());
                let number = self.images.len() as u64 - 1;
                let mut image = number.to_le_bytes().to_vec();
                image.extend(self.node(id).dump(now.millis()));
                Some(Event::Exported { to, image })
            }
            Action::ExportKey { to, key } => {
                let value = self.node_mut(id).dump_key(&key);
                Some(Event::KeyExported { to, key, value })
            }
            Action::Install { image } => {
                let (number, state) = image
                    .split_first_chunk::<8>()
                    .expect("images are made above");
                let lineage = self.images[u64::from_le_bytes(*number) as usize].clone();
                let policy = &self.plan.scenario.policy;
                self.nodes[usize::from(id.0)].install(policy, now.millis(), state, lineage);
                None
            }
            Action::Restore => {
                let node = &mut self.nodes[usize::from(id.0)];
                let base = &self.base[usize::from(node.shard_number)];
                node.restore(&self.plan.scenario.policy, base, &mut self.history);
                None
            }
        }
    }

    /// Syncs what a node has written, all of it at once, where no sync is under way.
    pub(super) fn sync(&mut self, id: NodeId) {
        let now = self.now;
        let node = &mut self.nodes[usize::from(id.0)];
        if node.up && node.begin_sync() {
            let takes = Nanos(self.disk.draw(&mut self.disk_rng));
            node.disk_busy_until = node.disk_busy_until.max(now) + takes;
            let (at, life) = (node.disk_busy_until, node.life);
            self.queue.push(at, Happening::Synced { node: id, life });
        }
    }

    fn execute(
        &mut self,
        id: NodeId,
        request: RequestId,
        at: seawall_store::Millis,
        op: &seawall_store::Op,
        answers: bool,
    ) -> Vec<u8> {
        let node = &mut self.nodes[usize::from(id.0)];
        let effects = node.execute(request, at, op, answers);
        if answers && self.history.knows(request) {
            self.history.read(&node.lineage, request);
        }
        let agrees = self.history.executed(request, at, &effects);
        self.diverged += u64::from(!agrees);
        self.history.enter(&mut node.lineage, request);
        self.note_change(id, request);
        effects
    }

    /// Who moves slots hears of what changes in them.
    fn note_change(&mut self, id: NodeId, request: RequestId) {
        if self.moves.is_under_way() {
            self.moves.changed(id, self.history.written_key(request));
        }
    }
}
