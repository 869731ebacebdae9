//! A node that hosts the shard's data: it reads the log, and claims the lead when nobody seems to have it.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Millis;

use super::super::{Action, Birth, Event, NodeId, Outbox, Refusal, Replication, Setup};
use super::Rules;
use super::entry::{Append, Entry};
use super::lead::Lead;
use super::message::Message;
use crate::time::Nanos;

/// Ticks without a word after which another keeper is asked.
const SILENT_TICKS: u32 = 3;

pub(super) struct Host {
    pub(super) node: NodeId,
    /// Who keeps the log, and which of them is asked.
    keepers: Vec<NodeId>,
    keeper: usize,
    /// Who leads before any claim.
    first: NodeId,
    pub(super) rules: Rules,
    pub(super) lease: Nanos,
    tick: Nanos,
    next_tick: Nanos,
    /// Ticks since the keeper that is asked said something new.
    silent: u32,
    rng: Xoshiro256PlusPlus,
    /// The place of the last entry that it has read.
    read_to: u64,
    /// The place of the newest claim that it has read, and whose it is.
    epoch: u64,
    leader: Option<NodeId>,
    /// The newest time of any write.
    pub(super) newest: Millis,
    /// When it claims the lead, unless it reads anything before.
    claims_at: Nanos,
    /// When it claimed last.
    claimed: Option<Nanos>,
    pub(super) lead: Option<Lead>,
}

impl Host {
    pub(super) fn new(setup: &Setup<'_>, tick: Nanos, lease: Nanos, rules: Rules) -> Host {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(setup.seed);
        let mut hosts = setup.nodes_of_shard(false);
        let first = hosts.find(|node| setup.seats[usize::from(node.0)].first);
        let first = first.unwrap_or(setup.node);
        let is_formed = matches!(setup.birth, Birth::Formed);
        Host {
            node: setup.node,
            keepers: setup.nodes_of_shard(true).collect(),
            keeper: 0,
            first,
            rules,
            lease,
            tick,
            // Nodes do not tick together.
            next_tick: Nanos(rng.random_range(0..tick.0)),
            silent: 0,
            rng,
            read_to: 0,
            epoch: 0,
            leader: is_formed.then_some(first),
            newest: Millis::default(),
            claims_at: Nanos::default(),
            claimed: None,
            lead: None,
        }
    }

    fn start(&mut self, now: Nanos, out: &mut Outbox) {
        self.next_tick = self.next_tick + now;
        self.wait_to_claim(now);
        if self.leader == Some(self.node) {
            // The cluster is formed with a primary.
            self.lead = Some(Lead::new(0, 0, now + self.lease));
        } else {
            self.read(out);
        }
        self.set_alarm(out);
    }

    fn set_alarm(&self, out: &mut Outbox) {
        let at = self.next_tick;
        out.push(Action::Alarm { at });
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        self.next_tick = now + self.tick;
        self.silent += 1;
        if self.silent > SILENT_TICKS {
            self.silent = 0;
            self.keeper = (self.keeper + 1) % self.keepers.len();
        }
        if self.lead.is_some() {
            self.renew(now, out);
        } else {
            if now >= self.claims_at {
                self.claim(now, out);
            }
            // What was asked may be lost.
            self.read(out);
        }
        self.set_alarm(out);
    }

    pub(super) fn to_keeper(&self, message: &Message<'_>, out: &mut Outbox) {
        out.send(self.keepers[self.keeper], message.encode());
    }

    fn read(&self, out: &mut Outbox) {
        let after = self.read_to;
        self.to_keeper(&Message::Read { after }, out);
    }

    /// Whoever leads by the newest entry serves for a lease after it made that, which was before it is read here.
    fn wait_to_claim(&mut self, now: Nanos) {
        let spread = Nanos(self.rng.random_range(0..self.lease.0 / 2));
        self.claims_at = now + self.lease + Nanos(self.lease.0 / 10) + spread;
    }

    fn claim(&mut self, now: Nanos, out: &mut Outbox) {
        let (node, said_at) = (self.node, now.0);
        self.claimed = Some(now);
        let append = Append {
            epoch: self.epoch,
            place: self.read_to + 1,
            entry: &Entry::Claim { node, said_at }.encode(),
        };
        self.to_keeper(&Message::Append(append), out);
        let spread = Nanos(self.rng.random_range(0..self.lease.0 / 2));
        self.claims_at = now + Nanos(self.lease.0 / 2) + spread;
    }

    fn on_entries(&mut self, now: Nanos, after: u64, entries: &[&[u8]], out: &mut Outbox) {
        if self.lead.is_some() || after != self.read_to {
            return;
        }
        self.silent = 0;
        self.leader = self.leader.or(Some(self.first));
        let mut led_from = None;
        for entry in entries {
            self.read_to += 1;
            led_from = self.take(entry, out);
        }
        self.wait_to_claim(now);
        match led_from {
            Some(since) => {
                self.lead = Some(Lead::new(self.epoch, self.read_to, since + self.lease));
            }
            None => self.read(out),
        }
    }

    /// Takes in the next entry; gives when it claimed the lead, where that is what the entry says.
    fn take(&mut self, entry: &[u8], out: &mut Outbox) -> Option<Nanos> {
        match Entry::decode(entry)? {
            Entry::Claim { node, said_at } => {
                (self.epoch, self.leader) = (self.read_to, Some(node));
                // Another life of this node may have claimed.
                return self
                    .claimed
                    .filter(|at| node == self.node && at.0 == said_at);
            }
            Entry::Renewal => {}
            Entry::Write { id, at, effects } => {
                self.newest = self.newest.max(at);
                let effects = effects.to_vec();
                out.push(Action::Apply { id, at, effects });
            }
        }
        None
    }

    fn on_end(&mut self, place: u64, epoch: u64, keeper: NodeId, now: Nanos, out: &mut Outbox) {
        let Some(lead) = &mut self.lead else {
            return;
        };
        if epoch > lead.epoch {
            self.step_down(now, out);
            return;
        }
        if epoch == lead.epoch && lead.reached(place, self.lease, out) {
            self.silent = 0;
        }
        // What is under way on one path could be overtaken on another.
        if lead.is_logged()
            && let Some(best) = self.keepers.iter().position(|it| *it == keeper)
        {
            self.keeper = best;
        }
    }

    /// Another one leads. What it executed and the log did not take must go: it begins anew.
    fn step_down(&mut self, now: Nanos, out: &mut Outbox) {
        if let Some(lead) = self.lead.take() {
            lead.give_up(out);
        }
        out.push(Action::Restore);
        (self.read_to, self.epoch, self.leader) = (0, 0, None);
        // It reads its own claim once more, perhaps as the last entry of a message.
        self.claimed = None;
        self.newest = Millis::default();
        self.wait_to_claim(now);
        self.read(out);
    }
}

impl Replication for Host {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => self.start(now, out),
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { bytes, .. } => match Message::decode(&bytes) {
                Some(Message::Entries { after, entries }) => {
                    self.on_entries(now, after, &entries, out);
                }
                Some(Message::End {
                    place,
                    epoch,
                    keeper,
                }) => self.on_end(place, epoch, keeper, now, out),
                // What cannot be read is a link's damage, and as if it had been lost.
                _ => {}
            },
            Event::Request { id, at, op } if self.serves(now, &op) => {
                self.execute(id, at, op, out);
            }
            Event::Request { id, .. } => {
                let why = match self.primary() {
                    Some(primary) if primary != self.node => Refusal::Moved(primary),
                    _ => Refusal::Down,
                };
                out.push(Action::Refuse { id, why });
            }
            Event::Executed { id, at, effects } => self.on_executed(now, id, at, &effects, out),
            Event::Persisted { .. } | Event::Exported { .. } | Event::KeyExported { .. } => {}
        }
    }

    fn primary(&self) -> Option<NodeId> {
        let leads = self.lead.is_some();
        // It does not lead by what another life of it claimed.
        self.leader.filter(|leader| leads || *leader != self.node)
    }

    fn primary_since(&self) -> Option<u64> {
        self.lead.as_ref().map(|lead| lead.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Seat;
    use super::*;

    fn seat(first: bool, keeps_log: bool) -> Seat {
        Seat {
            shard: 0,
            region: 0,
            first,
            keeps_log,
        }
    }

    /// What is sent in a step at `ms`.
    fn step(host: &mut Host, ms: u64, event: Event) -> Vec<Vec<u8>> {
        let mut out = Outbox::default();
        host.step(Nanos::from_millis(ms), event, &mut out);
        let sent = std::iter::from_fn(|| out.pop());
        let sent = sent.filter_map(|action| match action {
            Action::Send { bytes, .. } => Some(bytes),
            _ => None,
        });
        sent.collect()
    }

    #[test]
    fn who_was_replaced_does_not_lead_again_by_its_old_claim() {
        let seats = [seat(true, false), seat(false, false), seat(false, true)];
        let setup = Setup {
            node: NodeId(1),
            seats: &seats,
            seed: 1,
            birth: Birth::Formed,
        };
        let (tick, lease) = (Nanos::from_millis(100), Nanos::from_millis(1000));
        let mut host = Host::new(&setup, tick, lease, Rules::SAFE);
        step(&mut host, 0, Event::Start);
        let claim = (1..100).find_map(|tick| {
            let sent = step(&mut host, tick * 100, Event::Alarm);
            sent.iter().find_map(|bytes| match Message::decode(bytes) {
                Some(Message::Append(append)) => Some(append.entry.to_vec()),
                _ => None,
            })
        });
        let claim = claim.expect("it claims the lead when it hears nothing");
        let from = NodeId(2);
        let own = Message::Entries {
            after: 0,
            entries: vec![&claim],
        };
        let bytes = own.encode();
        let read = |bytes: &Vec<u8>| Event::Message {
            from,
            bytes: bytes.clone(),
        };
        step(&mut host, 10_000, read(&bytes));
        assert_eq!(host.primary_since(), Some(1));
        let end = Message::End {
            place: 2,
            epoch: 2,
            keeper: from,
        };
        step(&mut host, 10_001, read(&end.encode()));
        assert_eq!(host.primary_since(), None, "it was replaced");
        step(&mut host, 10_002, read(&bytes));
        assert_eq!(host.primary_since(), None, "it reads on");
    }
}
