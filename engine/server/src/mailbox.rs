//! What workers say to each other about clients: a mailbox each.
//!
//! Messages of one sender are taken in the order in which they were put. Frames in it are bounded: where
//! a worker does not come to taking them, those for whom there is no more room are told that they missed
//! something, which is what a connection that breaks off says.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seawall_store::reply::{Protocol, ReplyBuf};

use crate::net::Token;

/// Bytes for many clients, in both versions of the protocol.
#[derive(Debug)]
pub struct Frame {
    /// For who speaks RESP2.
    pub resp2: Vec<u8>,
    /// For who speaks RESP3.
    pub resp3: Vec<u8>,
}

impl Frame {
    /// What `write` writes, in both.
    pub fn of(write: impl Fn(&mut ReplyBuf)) -> Frame {
        let mut reply = ReplyBuf::default();
        write(&mut reply);
        let resp2 = reply.as_bytes().to_vec();
        reply.clear();
        reply.speak(Protocol::Resp3);
        write(&mut reply);
        let resp3 = reply.as_bytes().to_vec();
        Frame { resp2, resp3 }
    }

    fn bytes(&self) -> u64 {
        (self.resp2.len() + self.resp3.len()) as u64
    }
}

/// What is to be done by the worker that has the client.
#[derive(Clone, Debug)]
pub enum Message {
    /// Send this to these.
    Push {
        /// To whom.
        to: Arc<[Token]>,
        /// What.
        frame: Arc<Frame>,
    },
    /// Close these, which missed a frame.
    Missed(Arc<[Token]>),
    /// Close this one.
    Kill(Token),
    /// Serve one that waits, as if its time were up, or with an error.
    Unblock {
        /// Whom.
        conn: Token,
        /// Whether with an error.
        error: bool,
    },
    /// What this one waits for is done: its reply.
    Told {
        /// Whom.
        conn: Token,
        /// The reply, encoded.
        reply: Vec<u8>,
    },
    /// Look at what changed in the server: pauses, limits, an end.
    Look,
}

/// A worker's mailbox.
#[derive(Debug, Default)]
pub struct Mailbox {
    kept: Mutex<Kept>,
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    messages: Vec<Message>,
    /// Of all frames.
    frame_bytes: u64,
    /// Who missed one, and was told.
    missed: HashSet<Token>,
}

impl Mailbox {
    /// Puts a message; a frame only where there are not more than `frame_bytes_max` bytes of them then. The
    /// worker must be woken afterwards.
    pub fn put(&self, message: Message, frame_bytes_max: u64) {
        self.kept().put(message, frame_bytes_max);
        // Release: pairs with the acquire in `is_empty`; the mutex carries the message itself.
        self.any.store(true, Ordering::Release);
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        // Acquire: pairs with the release in `put`.
        !self.any.load(Ordering::Acquire)
    }

    /// Takes all.
    pub fn take(&self) -> Vec<Message> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut kept = self.kept();
        self.any.store(false, Ordering::Relaxed);
        kept.frame_bytes = 0;
        kept.missed.clear();
        std::mem::take(&mut kept.messages)
    }

    /// Takes the frames for `token` out, in order.
    pub fn frames_for(&self, token: Token) -> Vec<Arc<Frame>> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for message in &mut self.kept().messages {
            if let Message::Push { to, frame } = message
                && to.contains(&token)
            {
                found.push(Arc::clone(frame));
                *to = to.iter().copied().filter(|other| *other != token).collect();
            }
        }
        found
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn put(&mut self, message: Message, frame_bytes_max: u64) {
        let Message::Push { to, frame } = &message else {
            return self.messages.push(message);
        };
        let bytes = self.frame_bytes + frame.bytes();
        if bytes <= frame_bytes_max {
            self.frame_bytes = bytes;
            return self.messages.push(message);
        }
        // The same listeners miss frame after frame: once is enough.
        let missed = &mut self.missed;
        let first: Arc<[Token]> = (to.iter().copied())
            .filter(|&token| missed.insert(token))
            .collect();
        if !first.is_empty() {
            self.messages.push(Message::Missed(first));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Arc<Frame> {
        Arc::new(Frame::of(|reply| reply.simple(text)))
    }

    fn push(to: &Arc<[Token]>, text: &str) -> Message {
        Message::Push {
            to: Arc::clone(to),
            frame: frame(text),
        }
    }

    fn tokens(count: u64) -> Vec<Token> {
        (0..count).map(Token::from_bits).collect()
    }

    #[test]
    fn frames_for_one_are_taken_out_in_order() {
        let mailbox = Mailbox::default();
        let tokens = tokens(3);
        let (all, others): (Arc<[Token]>, Arc<[Token]>) =
            (tokens.as_slice().into(), [tokens[1]].into());
        for (to, text) in [(&all, "a"), (&others, "b"), (&all, "c")] {
            mailbox.put(push(to, text), u64::MAX);
        }
        let found = mailbox.frames_for(tokens[2]);
        let found: Vec<&[u8]> = found.iter().map(|frame| &*frame.resp2).collect();
        assert_eq!(found, [b"+a\r\n", b"+c\r\n"]);
        let left: Vec<usize> = (mailbox.take().iter())
            .map(|message| match message {
                Message::Push { to, .. } if !to.contains(&tokens[2]) => to.len(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(left, [2, 1, 2]);
        assert!(mailbox.is_empty() && mailbox.frames_for(tokens[0]).is_empty());
    }

    #[test]
    fn frames_are_bounded_and_who_misses_one_is_told_once() {
        let mailbox = Mailbox::default();
        let tokens = tokens(2);
        let (first, second): (Arc<[Token]>, Arc<[Token]>) =
            ([tokens[0]].into(), [tokens[1]].into());
        let max = 2 * frame("text").bytes();
        for _ in 0..100 {
            mailbox.put(push(&first, "text"), max);
            // As of one that publishes what it hears itself: others every time, and the same ones.
            let again: Arc<[Token]> = first.iter().copied().collect();
            mailbox.put(push(&again, "text"), max);
        }
        let both: Arc<[Token]> = first.iter().chain(&*second).copied().collect();
        mailbox.put(push(&both, "text"), max);
        mailbox.put(Message::Look, max);
        let seen: Vec<&str> = (mailbox.take().iter())
            .map(|message| match message {
                Message::Push { .. } => "push",
                Message::Missed(to) if *to == first => "first",
                Message::Missed(_) => "second",
                _ => "other",
            })
            .collect();
        assert_eq!(seen, ["push", "push", "first", "second", "other"]);
        mailbox.put(push(&first, "text"), max);
        assert!(matches!(*mailbox.take(), [Message::Push { .. }]));
    }
}
