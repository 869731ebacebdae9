//! One client that sends many commands at a time to both servers, and one that hears the keyspace's events.
//!
//! In every other batch a message is published after each command, which parts what the listener hears; in
//! the others the commands follow each other as closely as they can, and of events only the whole is compared.

use std::collections::BTreeSet;

use seawall_server::command::find;
use seawall_store::Reply;
use seawall_store::command::Flag;
use seawall_store::reply::Protocol;

use super::allowed::{Case, is_allowed};
use super::difference::{Difference, Step};
use super::pair::Pair;
use super::wire::{Frame, Wire, Words, words};

const BATCH: usize = 100;

/// The channel that parts what the listener hears.
const MARK: &str = "publish next 1";
const MARKED: &[u8] = b"*3\r\n$7\r\nmessage\r\n$4\r\nnext\r\n$1\r\n1\r\n";
const LISTEN: [&str; 2] = ["psubscribe __keyevent@*__:*", "subscribe next"];

/// One of the two servers, as the test's clients see it.
struct Side {
    talker: Wire,
    listener: Wire,
}

/// Plays a schedule: the first difference. The names of commands that were answered go to `answered`.
pub fn play(
    pair: &Pair,
    protocol: Protocol,
    steps: &[Step],
    answered: &mut BTreeSet<String>,
) -> Option<Difference> {
    pair.refresh();
    let mut sides = pair
        .addresses()
        .map(|address| Side::begin(address, protocol));
    let difference = compare(&mut sides, steps, answered);
    sides.iter_mut().for_each(Side::end);
    difference
}

fn compare(
    sides: &mut [Side; 2],
    steps: &[Step],
    answered: &mut BTreeSet<String>,
) -> Option<Difference> {
    let mut before: Option<(usize, [Frame; 2])> = None;
    let mut begin = 0;
    let mut parted = false;
    while begin < steps.len() {
        let end = batch_end(steps, begin);
        parted = !parted;
        for side in sides.iter_mut() {
            side.send(&steps[begin..end], parted);
        }
        for at in begin..end {
            let step = &steps[at];
            let [ours, theirs] = sides.each_mut().map(|side| side.reply(&step.words));
            if !theirs.is_error() {
                answered.insert(name(&step.words));
            }
            let earlier = before
                .as_ref()
                .map(|(at, frames)| (&steps[*at].words, frames));
            if ours != theirs && !same(&step.words, &ours, &theirs, earlier) {
                return Some(Difference {
                    step: at,
                    at: "the client".to_owned(),
                    ours: vec![ours],
                    theirs: vec![theirs],
                });
            }
            if parted || at + 1 == end {
                let [ours, theirs] = sides.each_mut().map(Side::events);
                if !same_events(&step.words, &ours, &theirs, parted) {
                    return Some(Difference {
                        step: at,
                        at: "the listener".to_owned(),
                        ours: without(&ours, &theirs),
                        theirs: without(&theirs, &ours),
                    });
                }
            }
            if name(&step.words) == "spop" {
                sides[0].follow(&step.words, &ours, &theirs);
            }
            before = Some((at, [ours, theirs]));
        }
        begin = end;
    }
    None
}

/// Where a batch ends: after what takes members at random, since the two then hold others.
fn batch_end(steps: &[Step], begin: usize) -> usize {
    let limit = steps.len().min(begin + BATCH);
    let part = &steps[begin..limit];
    let draws = part.iter().position(|step| name(&step.words) == "spop");
    draws.map_or(limit, |at| begin + at + 1)
}

pub fn name(words: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&words[0]).to_lowercase()
}

/// Whether two frames are as good as equal.
pub fn same(
    words: &[Vec<u8>],
    ours: &Frame,
    theirs: &Frame,
    before: Option<(&Words, &[Frame; 2])>,
) -> bool {
    match (ours.reply(), theirs.reply()) {
        (Some(ours), Some(theirs)) => same_replies(words, &ours, &theirs, before),
        _ => false,
    }
}

/// Whether two replies are as good as equal.
pub fn same_replies(
    words: &[Vec<u8>],
    ours: &Reply,
    theirs: &Reply,
    before: Option<(&Words, &[Frame; 2])>,
) -> bool {
    let earlier = before.and_then(|(words, [a, b])| Some((words, a.reply()?, b.reply()?)));
    let case = Case {
        words,
        ours,
        theirs,
        before: earlier
            .as_ref()
            .map(|(words, a, b)| (words.as_slice(), a, b)),
    };
    is_allowed(&case)
}

/// Whether the events are the same. What one command does to keys of several shards has no order among them,
/// and neither has what several commands do.
fn same_events(words: &[Vec<u8>], ours: &[Frame], theirs: &[Frame], parted: bool) -> bool {
    if ours == theirs {
        return true;
    }
    let sorted = |frames: &[Frame]| {
        let mut frames = frames.to_vec();
        frames.sort();
        frames
    };
    let several = words.len() > 2;
    (!parted || several) && sorted(ours) == sorted(theirs)
}

/// What is in the one and not in the other; all of it where that is nothing, since the order differs then.
fn without(all: &[Frame], others: &[Frame]) -> Vec<Frame> {
    let mut others = others.to_vec();
    let mut rest = all.to_vec();
    rest.retain(|frame| {
        let found = others.iter().position(|other| other == frame);
        found.map(|at| others.swap_remove(at)).is_none()
    });
    if rest.is_empty() && others.is_empty() {
        return all.to_vec();
    }
    rest
}

impl Side {
    fn begin(address: std::net::SocketAddr, protocol: Protocol) -> Side {
        let mut side = Side {
            talker: Wire::connect(address),
            listener: Wire::connect(address),
        };
        if protocol == Protocol::Resp3 {
            side.talker.ask(&words("hello 3"));
        }
        for line in LISTEN {
            side.listener.ask(&words(line));
        }
        side
    }

    /// Waits until all that was sent is done.
    fn end(&mut self) {
        self.talker.send([&words("quit")]);
        while matches!(self.talker.frame(), Frame::Bytes(_)) {}
    }

    fn send(&mut self, steps: &[Step], parted: bool) {
        let [multi, exec, mark] = ["multi", "exec", MARK].map(words);
        let mut all = Vec::new();
        for step in steps {
            // What may wait does not in a transaction.
            if waits(&step.words) {
                all.extend([&multi, &step.words, &exec]);
            } else {
                all.push(&step.words);
            }
            if parted {
                all.push(&mark);
            }
        }
        if !parted {
            all.push(&mark);
        }
        self.talker.send(all);
    }

    /// The reply to a command; out of its transaction, where it was sent in one.
    fn reply(&mut self, words: &[Vec<u8>]) -> Frame {
        let reply = self.talker.frame();
        if !waits(words) {
            return reply;
        }
        let (queued, done) = (self.talker.frame(), self.talker.frame());
        match done {
            Frame::Bytes(bytes) if queued.is(b"+QUEUED\r\n") => {
                Frame::Bytes(bytes[b"*1\r\n".len()..].to_vec())
            }
            _ => queued,
        }
    }

    /// What the listener heard up to the next mark, whose reply is read too.
    fn events(&mut self) -> Vec<Frame> {
        let heard = self.talker.frame();
        if !heard.is(b":1\r\n") {
            return vec![heard];
        }
        let mut events = Vec::new();
        loop {
            match self.listener.frame() {
                mark if mark.is(MARKED) => return events,
                Frame::Bytes(bytes) => events.push(Frame::Bytes(bytes)),
                nothing => {
                    events.push(nothing);
                    return events;
                }
            }
        }
    }

    /// Where members were taken at random, lets ours hold what Redis holds.
    fn follow(&mut self, taken: &[Vec<u8>], ours: &Frame, theirs: &Frame) {
        if ours == theirs {
            return;
        }
        for (change, frame) in [("sadd", ours), ("srem", theirs)] {
            let members = match frame.reply() {
                Some(Reply::Array(members) | Reply::Set(members)) => members,
                Some(member @ Reply::Bulk(_)) => vec![member],
                _ => continue,
            };
            let members = members.into_iter().filter_map(|member| match member {
                Reply::Bulk(member) => Some(member),
                _ => None,
            });
            let mut change = words(change);
            change.push(taken[1].clone());
            change.extend(members);
            self.talker.ask(&change);
        }
        self.talker.send([&words(MARK)]);
        self.events();
    }
}

/// Whether a command may wait.
pub fn waits(words: &[Vec<u8>]) -> bool {
    find(&words[0]).is_some_and(|entry| entry.flags().has(Flag::Blocking))
}
