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
    /// Whether clients may have said that they want no answers: nobody's is then waited for.
    pub mutes: bool,
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
    mutes: bool,
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
        mutes: cast.mutes,
        answered,
    };
    let mut outcome = Outcome::Same;
    for (at, step) in steps.iter().enumerate() {
        let heard = play.step(step);
        if !play.deadlines.are_clear(Instant::now()) {
            outcome = Outcome::Unclear;
            break;
        }
        if let Err(mut difference) = heard {
            difference.step = at;
            outcome = Outcome::Different(difference);
            break;
        }
    }
    play.ours.end();
    play.theirs.end();
    outcome
}

type Heard = Vec<Vec<Frame>>;

impl Play<'_> {
    /// Lets a client say something.
    fn step(&mut self, step: &Step) -> Result<(), Difference> {
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
    fn listen(&mut self, said: Option<(usize, &Words)>) -> Result<(), Difference> {
        let answer = said
            .filter(|(_, words)| !self.mutes && is_answered(words))
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
            let are_events = a.iter().chain(&b).all(is_message);
            let same_events = loose && are_events && sorted(&a) == sorted(&b);
            let queued = self.queued.get(client).map_or(&[][..], Vec::as_slice);
            if a != b && !same_events && !alike(words.as_ref(), &a, &b, queued) {
                return Err(Difference {
                    step: 0,
                    at: self.theirs.called(client),
                    ours: a,
                    theirs: b,
                });
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

    /// Who waits from now on, and who does not any more. Ours must have come as far.
    fn note_waiting(
        &mut self,
        said: Option<(usize, &Words)>,
        theirs: &Heard,
    ) -> Result<(), Difference> {
        for client in 0..self.waiting.len() {
            if !theirs[client].is_empty() {
                self.waiting[client] = None;
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
                    return Err(Difference {
                        step: 0,
                        at: "INFO clients".to_owned(),
                        ours: vec![Frame::Silence(format!("{count} wait").into_bytes())],
                        theirs: vec![Frame::Silence(format!("{wanted} wait").into_bytes())],
                    });
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
    fn walk(&mut self, step: &Step) -> Result<(), Difference> {
        let (client, words) = (step.client, step.words[1..].to_vec());
        let theirs = self.theirs.walk(client, &words);
        let ours = self.ours.walk(client, &words);
        if theirs.iter().any(|frame| frame.is(b"+QUEUED\r\n")) {
            self.queued[client].push(words.clone());
        }
        if ours != theirs {
            let without =
                |a: &BTreeSet<Frame>, b: &BTreeSet<Frame>| a.difference(b).cloned().collect();
            return Err(Difference {
                step: 0,
                at: self.theirs.called(client),
                ours: without(&ours, &theirs),
                theirs: without(&theirs, &ours),
            });
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

fn sorted(frames: &[Frame]) -> Vec<Frame> {
    let mut frames = frames.to_vec();
    frames.sort();
    frames
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
