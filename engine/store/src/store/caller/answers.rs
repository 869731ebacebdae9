//! Answers that wait for their caller: by tag, in the order in which they came; and in line, in the order
//! in which they were asked for.

use std::collections::VecDeque;
use std::ops::Range;

use crate::command::CommandError;
use crate::reply::ReplyBuf;
use crate::shard::ShardStats;
use crate::store::link::{Body, Bytes};
use crate::time::Millis;

/// What became of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered<'a> {
    /// It is done: its reply, in the protocol that it asked for.
    Reply(&'a [u8]),
    /// It waits for a key; `Reply` or `Cancelled` follows. The time at which its caller is to cancel it.
    Parked {
        /// `None`: it waits for as long as it takes.
        until: Option<Millis>,
    },
    /// It waited, was cancelled, and did nothing.
    Cancelled,
    /// Counts and state of every shard, any-core reads included.
    Stats(&'a [ShardStats]),
}

#[derive(Debug)]
enum Kept {
    /// Among the bytes of all.
    Here(Range<usize>),
    /// Large enough to lie by itself.
    Apart(Bytes),
    Parked(Option<Millis>),
    Cancelled,
    Stats(Vec<ShardStats>),
}

/// Answers by tag.
#[derive(Default)]
pub(super) struct Answers {
    bytes: Vec<u8>,
    kept: Vec<(u64, Kept)>,
}

/// The most bytes that stay allocated for the next answers.
const BYTES_KEPT: usize = 1 << 20;

impl Answers {
    /// A reply, to be copied.
    #[inline]
    pub(super) fn reply(&mut self, tag: u64, reply: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(reply);
        self.kept.push((tag, Kept::Here(start..self.bytes.len())));
    }

    /// A reply that `write` appends to the bytes it is given. Where it cannot, there is no answer.
    #[inline]
    pub(super) fn written<E>(
        &mut self,
        tag: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        write(&mut self.bytes)?;
        self.kept.push((tag, Kept::Here(start..self.bytes.len())));
        Ok(())
    }

    pub(super) fn push(&mut self, tag: u64, body: Body) {
        match body {
            Body::Reply(bytes) if bytes.spilled() => self.kept.push((tag, Kept::Apart(bytes))),
            Body::Reply(bytes) => self.reply(tag, &bytes),
            Body::Parked(until) => self.kept.push((tag, Kept::Parked(until))),
            Body::Cancelled => self.kept.push((tag, Kept::Cancelled)),
            Body::AllStats(stats) => self.kept.push((tag, Kept::Stats(stats))),
            Body::Saved(saved) => {
                let mut reply = ReplyBuf::default();
                match *saved {
                    Ok(()) => reply.ok(),
                    Err(error) => reply.error(&CommandError::new(format!("ERR {error}"))),
                }
                self.reply(tag, reply.as_bytes());
            }
            // What no op is answered with.
            Body::Retry(_)
            | Body::Kinds(_)
            | Body::Values(_)
            | Body::Durable(_)
            | Body::Stats(_)
            | Body::Released
            | Body::SaveBegun(_)
            | Body::SaveEnded
            | Body::Written(_) => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Shows all and forgets them.
    pub(super) fn drain(&mut self, mut each: impl FnMut(u64, Answered<'_>)) {
        for (tag, kept) in self.kept.drain(..) {
            each(
                tag,
                match &kept {
                    Kept::Here(range) => Answered::Reply(&self.bytes[range.clone()]),
                    Kept::Apart(bytes) => Answered::Reply(bytes),
                    Kept::Parked(until) => Answered::Parked { until: *until },
                    Kept::Cancelled => Answered::Cancelled,
                    Kept::Stats(stats) => Answered::Stats(stats),
                },
            );
        }
        self.bytes.clear();
        self.bytes.shrink_to(BYTES_KEPT);
    }
}

/// Answers in line.
#[derive(Default)]
pub(in crate::store) struct Line {
    /// The place of the first.
    first: u64,
    bodies: VecDeque<Option<Body>>,
    /// How many are not there yet.
    pub(super) missing: usize,
}

impl Line {
    /// A place at the end, whose answer is not there yet.
    pub(super) fn join(&mut self) -> u64 {
        self.bodies.push_back(None);
        self.missing += 1;
        self.first + self.bodies.len() as u64 - 1
    }

    /// An answer that is there already.
    pub(super) fn answered(&mut self, body: Body) {
        self.bodies.push_back(Some(body));
    }

    pub(super) fn set(&mut self, place: u64, body: Body) {
        let at = place.wrapping_sub(self.first) as usize;
        if let Some(empty @ None) = self.bodies.get_mut(at) {
            *empty = Some(body);
            self.missing -= 1;
        }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether the last answer is there.
    pub(super) fn has_last(&self) -> bool {
        self.bodies.back().is_none_or(Option::is_some)
    }

    /// The first answer, where it is there.
    pub(in crate::store) fn pop(&mut self) -> Option<Body> {
        let body = self.bodies.pop_front_if(|first| first.is_some())?;
        self.first += 1;
        body
    }

    /// Those who asked last, where all are there.
    pub(in crate::store) fn take_last(&mut self, count: usize) -> Vec<Body> {
        let at = self.bodies.len() - count;
        self.bodies.drain(at..).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_as_they_were_given() {
        let mut answers = Answers::default();
        answers.reply(1, b"+OK\r\n");
        let long = vec![b'v'; 1_234_567];
        let write = |reply: &mut Vec<u8>| {
            reply.extend_from_slice(b"$1\r\nx\r\n");
            Ok::<_, ()>(())
        };
        answers.written(2, write).unwrap();
        answers.written(4, |_| Err(())).unwrap_err();
        answers.push(5, Body::Parked(Some(Millis(7))));
        answers.push(5, Body::Reply(Bytes::from_vec(long.clone())));
        answers.push(6, Body::Cancelled);
        let mut seen = Vec::new();
        answers.drain(|tag, answered| {
            seen.push((
                tag,
                match answered {
                    Answered::Reply(bytes) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
                    Answered::Reply(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                    other => format!("{other:?}"),
                },
            ));
        });
        let seen: Vec<(u64, &str)> = seen.iter().map(|(tag, text)| (*tag, &**text)).collect();
        assert_eq!(
            seen,
            [
                (1, "+OK\r\n"),
                (2, "$1\r\nx\r\n"),
                (5, "Parked { until: Some(Millis(7)) }"),
                (5, "1234567 bytes"),
                (6, "Cancelled"),
            ]
        );
        assert!(answers.is_empty());
    }
}
