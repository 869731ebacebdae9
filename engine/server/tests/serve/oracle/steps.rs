//! Several clients of both servers, one command at a time: who hears what, and in which order.
//!
//! After each command Redis is given the time for all that follows from it; then as much must have come from
//! ours, to the same clients, and no more. A command that waits is not answered; its client says nothing until
//! it is. In commands `{id:2}` is the third client's number; `{ms:40}`, `{s:0.04}` and `{at:40}` are short times
//! (milliseconds, seconds, a moment): nothing is said while one of them may or may not be over. `pause 30`
//! says nothing for so many milliseconds, and `walk sscan key 0 count 5` is a whole walk.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use seawall_store::Reply;
use seawall_store::reply::Protocol;

use super::deadlines::Deadlines;
use super::difference::{Difference, Step};
use super::pair::Pair;
use super::side::Side;
use super::stream::{name, same, same_replies, waits};
use super::wire::{Frame, Words};

/// What came of a schedule.
pub enum Outcome {
    /// As from Redis.
    Same,
    /// Something else.
    Different(Difference),
    /// A time was over in the midst of a command: it may be played again.
    Unclear,
}

/// A cast of clients and what is told to them first.
#[derive(Clone, Copy)]
pub struct Cast {
    pub clients: usize,
    /// Commands of one seed.
    pub steps: usize,
    /// The classes of events that one client more hears; none where there is none.
    pub events: &'static str,
}

/// The two servers in the midst of a schedule.
struct Play<'a> {
    ours: Side,
    theirs: Side,
    deadlines: Deadlines,
    /// What the clients wait for.
    waiting: Vec<Option<Words>>,
    /// What they have said since `MULTI`.
    queued: Vec<Vec<Words>>,
    answered: &'a mut BTreeSet<String>,
}

/// Plays a schedule. The names of commands that were answered go to `answered`.
pub fn play(
    pair: &Pair,
    protocol: Protocol,
    cast: Cast,
    steps: &[Step],
    answered: &mut BTreeSet<String>,
) -> Outcome {
    pair.refresh();
    let [ours, theirs] = pair
        .addresses()
        .map(|address| Side::begin(address, protocol, cast));
    let mut play = Play {
        ours,
        theirs,
        deadlines: Deadlines::default(),
        waiting: vec![None; cast.clients],
        queued: vec![Vec::new(); cast.clients],
        answered,
    };
    let mut outcome = Outcome::Same;
    for (at, step) in steps.iter().enumerate() {
        let heard = play.step(step);
        if !play.deadlines.are_clear(Instant::now()) {
            outcome = Outcome::Unclear;
            break;
        }
        match heard {
            Ok(()) => {}
            Err(Some(mut difference)) => {
                difference.step = at;
                outcome = Outcome::Different(difference);
                break;
            }
            // What follows hangs on a choice that each server makes for itself.
            Err(None) => break,
        }
    }
    play.ours.end();
    play.theirs.end();
    outcome
}

type Heard = Vec<Vec<Frame>>;

impl Play<'_> {
    /// Lets a client say something. The error is the first difference, or none where what follows is not defined.
    fn step(&mut self, step: &Step) -> Result<(), Option<Difference>> {
        if self.waiting[step.client].is_some() {
            return Ok(());
        }
        if self.deadlines.wait() {
            self.listen(None)?;
        }
        match name(&step.words).as_str() {
            "pause" => {
                let ms = step
                    .words
                    .get(1)
                    .map(|word| String::from_utf8_lossy(word).parse());
                let ms = ms.and_then(Result::ok).map_or(0, |ms: u64| ms.min(200));
                std::thread::sleep(Duration::from_millis(ms));
                self.deadlines.wait();
                self.listen(None)?;
            }
            "walk" => self.walk(step)?,
            _ => {
                let words = self.deadlines.note(&step.words);
                self.theirs.say(step.client, &words);
                self.ours.say(step.client, &words);
                self.listen(Some((step.client, &words)))?;
            }
        }
        Ok(())
    }

    /// Compares what the clients heard since they last listened; who said what is told.
    fn listen(&mut self, said: Option<(usize, &Words)>) -> Result<(), Option<Difference>> {
        let answer = said
            .filter(|(_, words)| is_answered(words))
            .map(|said| said.0);
        let theirs = self.theirs.hear(answer);
        let ours = self.ours.hear_as_much(&theirs);
        let woken = (0..self.waiting.len())
            .filter(|client| self.waiting[*client].is_some() && !theirs[*client].is_empty())
            .count();
        for client in 0..theirs.len() {
            let waited = self.waiting.get(client).cloned().flatten();
            let words = match said {
                Some((who, words)) if who == client => Some(words.clone()),
                _ => waited,
            };
            let [a, b] = [&ours[client], &theirs[client]].map(|frames| in_order(frames));
            // One command's events on several shards, and those of whom it wakes, have no order among them.
            let loose =
                woken > 0 || said.is_none_or(|(_, words)| words.len() > 2 || is_exec(words));
            let queued = self.queued.get(client).map_or(&[][..], Vec::as_slice);
            let [a, b] = if loose {
                [a, b].map(with_sorted_messages)
            } else {
                [a, b]
            };
            if a != b && self.is_choice(client, said, &a, &b) {
                return Err(None);
            }
            if a != b && !alike(words.as_ref(), &a, &b, queued) {
                return Err(Some(Difference {
                    step: 0,
                    at: self.theirs.called(client),
                    ours: a,
                    theirs: b,
                }));
            }
        }
        self.note_waiting(said, &theirs)?;
        for (client, frames) in theirs.iter().enumerate() {
            if frames.contains(&Frame::Closed) {
                self.ours.reconnect(client);
                self.theirs.reconnect(client);
            }
        }
        Ok(())
    }

    /// Whether a client that waited for several keys was served from one of them on either server: which one,
    /// where one command made several ready, is not defined.
    fn is_choice(
        &self,
        client: usize,
        said: Option<(usize, &Words)>,
        ours: &[Frame],
        theirs: &[Frame],
    ) -> bool {
        let Some(waited) = self.waiting.get(client).and_then(Option::as_ref) else {
            return false;
        };
        let from = |frames: &[Frame]| match frames {
            [frame] => match frame.reply() {
                Some(Reply::Array(parts)) => parts.first().cloned(),
                _ => None,
            },
            _ => None,
        };
        let is_key =
            |key: &Option<Reply>| matches!(key, Some(Reply::Bulk(key)) if waited.contains(key));
        let (ours, theirs) = (from(ours), from(theirs));
        let makes_several = said.is_some_and(|(_, words)| {
            [
                "exec",
                "swapdb",
                "sort",
                "lmove",
                "rpoplpush",
                "lpush",
                "rpush",
            ]
            .contains(&name(words).as_str())
        });
        makes_several && is_key(&ours) && is_key(&theirs) && ours != theirs
    }

    /// Who waits from now on, and who does not any more. Ours must have come as far.
    fn note_waiting(
        &mut self,
        said: Option<(usize, &Words)>,
        theirs: &Heard,
    ) -> Result<(), Option<Difference>> {
        for (waiting, heard) in self.waiting.iter_mut().zip(theirs) {
            if !heard.is_empty() {
                *waiting = None;
            }
        }
        let Some((client, words)) = said else {
            return Ok(());
        };
        match theirs[client].last() {
            None if may_wait(words) => {
                self.waiting[client] = Some(words.clone());
                let wanted = self.waiting.iter().flatten().count();
                if let Err(count) = self.ours.has_waiting(wanted) {
                    return Err(Some(Difference {
                        step: 0,
                        at: "INFO clients".to_owned(),
                        ours: vec![Frame::Silence(format!("{count} wait").into_bytes())],
                        theirs: vec![Frame::Silence(format!("{wanted} wait").into_bytes())],
                    }));
                }
            }
            Some(frame) if frame.is(b"+QUEUED\r\n") => self.queued[client].push(words.clone()),
            Some(frame) if !frame.is_error() => {
                self.answered.insert(name(words));
                if name(words) == "multi" {
                    self.queued[client].clear();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A whole walk on either side: the same elements, in any order and number.
    fn walk(&mut self, step: &Step) -> Result<(), Option<Difference>> {
        let (client, words) = (step.client, step.words[1..].to_vec());
        let theirs = self.theirs.walk(client, &words);
        let ours = self.ours.walk(client, &words);
        if theirs.iter().any(|frame| frame.is(b"+QUEUED\r\n")) {
            self.queued[client].push(words.clone());
        }
        if ours != theirs {
            let without =
                |a: &BTreeSet<Frame>, b: &BTreeSet<Frame>| a.difference(b).cloned().collect();
            return Err(Some(Difference {
                step: 0,
                at: self.theirs.called(client),
                ours: without(&ours, &theirs),
                theirs: without(&theirs, &ours),
            }));
        }
        if !theirs.iter().any(Frame::is_error) {
            self.answered.insert(name(&words));
        }
        Ok(())
    }
}

/// Whether a command is answered at once, whatever the state of its client.
fn is_answered(words: &[Vec<u8>]) -> bool {
    !may_wait(words) && name(words) != "client"
}

fn may_wait(words: &[Vec<u8>]) -> bool {
    waits(words) || name(words) == "wait"
}

fn is_exec(words: &[Vec<u8>]) -> bool {
    name(words) == "exec"
}

fn is_message(frame: &Frame) -> bool {
    match frame.reply() {
        Some(Reply::Array(parts) | Reply::Push(parts)) => {
            matches!(parts.first(), Some(Reply::Bulk(kind)) if kind.ends_with(b"message"))
        }
        _ => false,
    }
}

/// Frames as they are compared: what RESP3 pushes may stand anywhere between replies, and of one message to
/// several patterns the order is that of a hash table.
fn in_order(frames: &[Frame]) -> Vec<Frame> {
    let is_push = |frame: &Frame| matches!(frame, Frame::Bytes(bytes) if bytes.starts_with(b">"));
    let (mut pushes, replies): (Vec<Frame>, Vec<Frame>) = frames.iter().cloned().partition(is_push);
    pushes.extend(replies);
    let message = |frame: &Frame| match frame.reply() {
        Some(Reply::Array(parts) | Reply::Push(parts)) if parts.len() == 4 => {
            Some((parts[2].clone(), parts[3].clone()))
        }
        _ => None,
    };
    let same = |a: &Frame, b: &Frame| message(a).is_some() && message(a) == message(b);
    pushes.chunk_by_mut(same).for_each(<[Frame]>::sort);
    pushes
}

/// Messages first and in one order, then replies as they came.
fn with_sorted_messages(frames: Vec<Frame>) -> Vec<Frame> {
    let (mut messages, replies): (Vec<Frame>, Vec<Frame>) =
        frames.into_iter().partition(is_message);
    messages.sort();
    messages.extend(replies);
    messages
}

/// Whether what a client heard after these words is the same but for what may differ. Of a command that is
/// answered with several messages they are looked at together, of a transaction those of what was queued.
fn alike(words: Option<&Words>, ours: &[Frame], theirs: &[Frame], queued: &[Words]) -> bool {
    let Some(words) = words else {
        return false;
    };
    if ours.len() != theirs.len() {
        return false;
    }
    let same = |a: &Frame, b: &Frame| {
        a == b || is_exec(words) && same_transaction(queued, a, b) || same(words, a, b, None)
    };
    if ours.iter().zip(theirs).all(|(a, b)| same(a, b)) {
        return true;
    }
    let all = |frames: &[Frame]| frames.iter().map(Frame::reply).collect::<Option<Vec<_>>>();
    match (all(ours), all(theirs)) {
        (Some(ours), Some(theirs)) if ours.len() > 1 => {
            same_replies(words, &Reply::Array(ours), &Reply::Array(theirs), None)
        }
        _ => false,
    }
}

/// Whether each reply within a transaction's is the same but for what may differ.
fn same_transaction(queued: &[Words], ours: &Frame, theirs: &Frame) -> bool {
    match (ours.reply(), theirs.reply()) {
        (Some(Reply::Array(a)), Some(Reply::Array(b))) => {
            a.len() == b.len()
                && a.len() == queued.len()
                && (queued.iter().zip(a.iter().zip(&b)))
                    .all(|(words, (a, b))| a == b || same_replies(words, a, b, None))
        }
        _ => false,
    }
}
