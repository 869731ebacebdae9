//! Golden scripts: a few nodes, links of exactly one millisecond, and every message that is sent.
//!
//! A script is text; what comes out is compared with the snapshot beside it (`cargo insta review`, or
//! `INSTA_UPDATE=always` to bless). Commands, one a line:
//!
//! ```text
//! cluster REPLICATION SHARDS COPIES     form it
//! cluster … COPIES REGIONS              with as many copies in each region
//! run MS                                let time pass
//! ask NODE WORD…                        a client asks; the answer is shown when it comes
//! crash NODE · return NODE              its memory is lost · it comes back
//! cut NODE · heal NODE                  no message from it or to it passes · they pass again
//! quiet · loud                          stop and begin showing what is sent
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use seawall_cluster::replication::{Birth, find};
use seawall_cluster::{
    Action, Event, Nanos, NodeId, Outbox, Refusal, Replication, ReplicationMember, RequestId, Seat,
    Setup,
};
use seawall_store::spec::Spec;
use seawall_store::{Effects, Millis, Op, Out, Shard, ShardConfig};

/// Nodes that keep a shard's log, where there is one; they come after all others.
const LOG_KEEPERS: u16 = 3;
const LINK: Nanos = Nanos::from_millis(1);

enum Happening {
    Message {
        from: NodeId,
        to: NodeId,
        bytes: Vec<u8>,
    },
    Alarm {
        node: NodeId,
        number: u64,
    },
    Persisted {
        node: NodeId,
        number: u64,
        record: Vec<u8>,
    },
}

struct Node {
    machine: Box<dyn Replication>,
    shard: Shard,
    up: bool,
    cut: bool,
    alarms: u64,
    disk: Vec<Vec<u8>>,
    replies: BTreeMap<RequestId, Vec<u8>>,
    out: Out,
}

struct Stage {
    member: &'static ReplicationMember,
    values: Vec<u64>,
    seats: Vec<Seat>,
    nodes: Vec<Node>,
    queue: BTreeMap<(Nanos, u64), Happening>,
    sequence: u64,
    now: Nanos,
    requests: u64,
    loud: bool,
    text: String,
}

fn empty() -> Shard {
    Shard::new(&ShardConfig::default())
}

impl Stage {
    fn form(spec: &str, shards: u16, copies: u16, regions: u16) -> Stage {
        let (member, values) = find(&Spec::parse(spec).unwrap()).unwrap();
        let logs = if member.logs_in_zones { shards } else { 0 };
        let seats: Vec<Seat> = (0..shards)
            .flat_map(|shard| {
                (0..copies * regions).map(move |copy| Seat {
                    shard,
                    region: copy / copies,
                    first: copy == 0,
                    keeps_log: false,
                })
            })
            .chain((0..logs).flat_map(|shard| {
                (0..LOG_KEEPERS).map(move |keeper| Seat {
                    shard,
                    region: 0,
                    first: keeper == 0,
                    keeps_log: true,
                })
            }))
            .collect();
        let mut stage = Stage {
            member,
            values,
            seats,
            nodes: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            now: Nanos::default(),
            requests: 0,
            loud: true,
            text: String::new(),
        };
        for node in 0..stage.seats.len() as u16 {
            let machine = stage.machine(NodeId(node), Birth::Formed);
            stage.nodes.push(Node {
                machine,
                shard: empty(),
                up: true,
                cut: false,
                alarms: 0,
                disk: Vec::new(),
                replies: BTreeMap::new(),
                out: Out::default(),
            });
        }
        (0..stage.seats.len() as u16).for_each(|node| stage.step(NodeId(node), Event::Start));
        stage
    }

    fn machine(&self, node: NodeId, birth: Birth<'_>) -> Box<dyn Replication> {
        let seed = u64::from(node.0);
        (self.member.build)(
            &Setup {
                node,
                seats: &self.seats,
                seed,
                birth,
            },
            &self.values,
        )
    }

    fn say(&mut self, words: &str) {
        if self.loud {
            writeln!(self.text, "{:>10}  {words}", self.now.to_string()).unwrap();
        }
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[usize::from(id.0)]
    }

    fn later(&mut self, at: Nanos, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), happening);
    }

    fn run(&mut self, ms: u64) {
        let end = self.now + Nanos::from_millis(ms);
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), happening) = entry.remove_entry();
            self.now = at;
            match happening {
                Happening::Message { from, to, bytes } => {
                    if self.node(to).up && !self.node(to).cut && !self.node(from).cut {
                        self.step(to, Event::Message { from, bytes });
                    }
                }
                Happening::Alarm { node, number } => {
                    if self.node(node).up && self.node(node).alarms == number {
                        self.step(node, Event::Alarm);
                    }
                }
                Happening::Persisted {
                    node,
                    number,
                    record,
                } => {
                    if self.node(node).up {
                        self.node(node).disk.push(record);
                        self.step(node, Event::Persisted { number });
                    }
                }
            }
        }
        self.now = end;
    }

    fn step(&mut self, id: NodeId, event: Event) {
        let (now, mut out) = (self.now, Outbox::default());
        self.node(id).machine.step(now, event, &mut out);
        while let Some(action) = out.pop() {
            if let Some(event) = self.perform(id, action) {
                self.node(id).machine.step(now, event, &mut out);
            }
        }
    }

    fn perform(&mut self, id: NodeId, action: Action) -> Option<Event> {
        match action {
            Action::Send { to, bytes } => {
                let words = (self.member.describe)(&bytes);
                self.say(&format!("{id} -> {to}  {words}"));
                self.later(
                    self.now + LINK,
                    Happening::Message {
                        from: id,
                        to,
                        bytes,
                    },
                );
            }
            Action::Alarm { at } => {
                self.node(id).alarms += 1;
                let number = self.node(id).alarms;
                self.later(at.max(self.now), Happening::Alarm { node: id, number });
            }
            Action::Execute {
                id: request,
                at,
                op,
                answers,
            } => {
                self.say(&format!("{id} executes {op:?}"));
                let node = self.node(id);
                node.out.clear();
                node.shard.apply(at, &op, &mut node.out);
                let effects = node.out.effects.as_bytes().to_vec();
                if answers {
                    let reply = node.out.reply.as_bytes().to_vec();
                    node.replies.insert(request, reply);
                }
                return Some(Event::Executed {
                    id: request,
                    at,
                    effects,
                });
            }
            Action::Apply { at, effects, .. } => self.apply(id, at, &effects),
            Action::Answer { id: request } => {
                let reply = self.node(id).replies.remove(&request).expect("executed");
                self.say(&format!("{id} answers {}", reply.escape_ascii()));
            }
            Action::AnswerOrPass {
                id: request,
                to,
                bytes,
                ..
            } => {
                let found_nothing = self.node(id).replies[&request] == b"$-1\r\n";
                let then = if found_nothing {
                    Action::Send { to, bytes }
                } else {
                    Action::Answer { id: request }
                };
                return self.perform(id, then);
            }
            Action::Refuse { id: request, why } => {
                self.node(id).replies.remove(&request);
                let why = match why {
                    Refusal::Moved(to) => format!("moved to {to}"),
                    Refusal::Down => "down".to_owned(),
                };
                self.say(&format!("{id} refuses: {why}"));
            }
            Action::Persist { number, record } => {
                self.later(
                    self.now + LINK,
                    Happening::Persisted {
                        node: id,
                        number,
                        record,
                    },
                );
            }
            Action::Export { to } => {
                let mut image = Effects::default();
                let now = self.now.millis();
                self.node(id).shard.dump(now, &mut |op| image.push(op));
                return Some(Event::Exported {
                    to,
                    image: image.as_bytes().to_vec(),
                });
            }
            Action::ExportKey { to, key } => {
                let mut value = Effects::default();
                self.node(id).shard.dump_key(&key, &mut |op| value.push(op));
                return Some(Event::KeyExported {
                    to,
                    key,
                    value: value.as_bytes().to_vec(),
                });
            }
            Action::Install { image } => {
                self.node(id).shard = empty();
                self.apply(id, self.now.millis(), &image);
            }
            Action::Restore => {
                self.say(&format!("{id} begins anew"));
                self.node(id).shard = empty();
            }
        }
        None
    }

    fn apply(&mut self, id: NodeId, at: Millis, effects: &[u8]) {
        for op in Effects::decode(effects) {
            let op = op.unwrap();
            self.say(&format!("{id} applies {op:?}"));
            let node = self.node(id);
            node.shard.apply(at, &op, &mut node.out);
            node.out.clear();
        }
    }

    fn ask(&mut self, id: NodeId, words: &[&str]) {
        let op = Arc::new(Op::parse(words.iter().map(|word| word.as_bytes())).unwrap());
        self.requests += 1;
        let request = RequestId(self.requests);
        self.say(&format!("client -> {id}  {op:?}"));
        let at = self.now.millis();
        self.step(
            id,
            Event::Request {
                id: request,
                at,
                op,
            },
        );
    }

    fn back(&mut self, id: NodeId) {
        if !self.member.keeps_disk {
            self.node(id).disk.clear();
        }
        let records = std::mem::take(&mut self.node(id).disk);
        let machine = self.machine(id, Birth::Returned { records: &records });
        let node = self.node(id);
        (node.machine, node.shard, node.up, node.disk) = (machine, empty(), true, records);
        node.replies.clear();
        self.step(id, Event::Start);
    }
}

fn play(script: &str) -> String {
    let mut stage: Option<Stage> = None;
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let words: Vec<&str> = line.split(' ').collect();
        let node = |text: &str| NodeId(text.strip_prefix('n').unwrap().parse().unwrap());
        if let ["cluster", spec, ref counts @ ..] = words[..] {
            let counts: Vec<u16> = counts.iter().map(|count| count.parse().unwrap()).collect();
            stage = Some(match counts[..] {
                [shards, copies] => Stage::form(spec, shards, copies, 1),
                [shards, copies, regions] => Stage::form(spec, shards, copies, regions),
                _ => panic!("no such cluster: {line}"),
            });
            continue;
        }
        let stage = stage.as_mut().expect("a script begins with its cluster");
        if words[0] != "quiet" && words[0] != "loud" {
            writeln!(stage.text, "> {line}").unwrap();
        }
        match words[..] {
            ["run", ms] => stage.run(ms.parse().unwrap()),
            ["ask", id, ref op @ ..] => stage.ask(node(id), op),
            ["crash", id] => stage.node(node(id)).up = false,
            ["return", id] => stage.back(node(id)),
            ["cut", id] => stage.node(node(id)).cut = true,
            ["heal", id] => stage.node(node(id)).cut = false,
            ["quiet"] => stage.loud = false,
            ["loud"] => stage.loud = true,
            _ => panic!("no such command: {line}"),
        }
    }
    stage.expect("a script begins with its cluster").text
}

#[test]
fn none() {
    insta::assert_snapshot!(play(include_str!("scripts/none.txt")));
}

#[test]
fn async_streams_and_catches_up() {
    insta::assert_snapshot!(play(include_str!("scripts/async_stream.txt")));
}

#[test]
fn async_fails_over() {
    insta::assert_snapshot!(play(include_str!("scripts/async_failover.txt")));
}

#[test]
fn async_serves_a_minority_where_it_is_told_to() {
    insta::assert_snapshot!(play(include_str!("scripts/async_minority.txt")));
}

#[test]
fn wait_answers_when_a_replica_has_it() {
    insta::assert_snapshot!(play(include_str!("scripts/wait.txt")));
}

#[test]
fn min_replicas_refuses_writes_when_its_replicas_are_silent() {
    insta::assert_snapshot!(play(include_str!("scripts/min_replicas.txt")));
}

#[test]
fn quorum_writes_reads_and_fails_over() {
    insta::assert_snapshot!(play(include_str!("scripts/quorum.txt")));
}

#[test]
fn broken_quorum_answers_too_early() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_quorum.txt")));
}

#[test]
fn a_chain_writes_reads_goes_on_without_its_tail_and_takes_it_back() {
    insta::assert_snapshot!(play(include_str!("scripts/chain.txt")));
}

#[test]
fn a_tail_that_is_cut_off_says_nothing_once_its_lease_is_over() {
    insta::assert_snapshot!(play(include_str!("scripts/chain_lease.txt")));
}

#[test]
fn broken_chain_answers_without_a_lease() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_chain.txt")));
}

#[test]
fn craq_reads_at_any_copy_what_is_not_on_its_way() {
    insta::assert_snapshot!(play(include_str!("scripts/craq.txt")));
}

#[test]
fn craq_waits_until_a_copy_that_left_answers_no_more() {
    insta::assert_snapshot!(play(include_str!("scripts/craq_lease.txt")));
}

#[test]
fn a_zone_log_answers_what_it_has_and_fences_who_was_replaced() {
    insta::assert_snapshot!(play(include_str!("scripts/zone_log.txt")));
}

#[test]
fn an_asynchronous_zone_log_answers_at_once_until_it_is_too_far_behind() {
    insta::assert_snapshot!(play(include_str!("scripts/zone_log_async.txt")));
}

#[test]
fn broken_zone_log_answers_too_early() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_zone_log.txt")));
}

#[test]
fn broken_chain_answers_too_early() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_chain_acks.txt")));
}

#[test]
fn broken_craq_reads_what_is_on_its_way() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_craq.txt")));
}

#[test]
fn zone_copies_write_to_all_read_the_nearest_and_fall_back() {
    insta::assert_snapshot!(play(include_str!("scripts/zone_copies.txt")));
}

#[test]
fn a_zone_copy_warms_up_from_another() {
    insta::assert_snapshot!(play(include_str!("scripts/zone_copies_warm.txt")));
}

#[test]
fn broken_zone_copies_wait_for_each_other() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_zone_copies.txt")));
}

#[test]
fn async_reads_at_replicas_where_it_is_told_to() {
    insta::assert_snapshot!(play(include_str!("scripts/async_replica_reads.txt")));
}

#[test]
fn dynamo_waits_for_some_of_the_copies_and_repairs_those_that_lag() {
    insta::assert_snapshot!(play(include_str!("scripts/dynamo.txt")));
}

#[test]
fn of_two_writes_that_did_not_see_each_other_the_later_one_stays() {
    insta::assert_snapshot!(play(include_str!("scripts/dynamo_conflict.txt")));
}

#[test]
fn a_new_copy_of_dynamo_hears_enough_of_the_others_before_it_serves() {
    insta::assert_snapshot!(play(include_str!("scripts/dynamo_join.txt")));
}

#[test]
fn broken_dynamo_answers_too_early() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_dynamo.txt")));
}

#[test]
fn crdt_answers_alone_and_agrees_afterwards() {
    insta::assert_snapshot!(play(include_str!("scripts/crdt.txt")));
}

#[test]
fn broken_crdt_never_agrees() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_crdt.txt")));
}

#[test]
fn another_region_follows_is_read_and_takes_over_when_it_is_promoted() {
    insta::assert_snapshot!(play(include_str!("scripts/region_async.txt")));
}

#[test]
fn in_its_own_region_a_primary_fails_over_without_the_others() {
    insta::assert_snapshot!(play(include_str!("scripts/region_async_failover.txt")));
}

#[test]
fn broken_region_async_waits_for_an_empty_machine() {
    insta::assert_snapshot!(play(include_str!("scripts/broken_region_async.txt")));
}

#[test]
fn the_stream_crosses_to_another_region_once() {
    insta::assert_snapshot!(play(include_str!("scripts/region_async_relay.txt")));
}

#[test]
fn parameters_that_freeze_a_cluster_by_themselves_are_refused() {
    let refused = |text: &str| {
        let spec = Spec::parse(text).expect("it is a spec");
        let error = find(&spec).err().map(|error| error.to_string());
        error.unwrap_or_else(|| panic!("{text} is taken"))
    };
    for (text, words) in [
        (
            "chain:failure_ms=150",
            "`failure_ms` of `chain` cannot be `150`; accepted: at least 200",
        ),
        (
            "craq:failure_ms=150",
            "accepted: at least 200, twice heartbeat_ms",
        ),
        (
            "chain:lease_ms=100",
            "accepted: at least 200, twice heartbeat_ms",
        ),
        (
            "quorum:heartbeat_ms=600",
            "`election_ms` of `quorum` cannot be `1000`; accepted: at least 1200",
        ),
        (
            "zone-log:election_ms=199",
            "accepted: at least 200, twice heartbeat_ms",
        ),
        ("zone-log-async:heartbeat_ms=501", "accepted: at least 1002"),
        ("chain:lease_ms=600000", "accepted: "),
        ("zone-log:lease_ms=600000", "accepted: "),
    ] {
        let told = refused(text);
        assert!(told.contains(words), "{text}: {told}");
    }
    for text in [
        "craq:failure_ms=200:lease_ms=3000",
        "quorum:heartbeat_ms=500",
    ] {
        assert!(find(&Spec::parse(text).unwrap()).is_ok(), "{text}");
    }
}
