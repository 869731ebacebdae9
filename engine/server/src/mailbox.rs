//! What workers say to each other about clients: a mailbox each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// Close this one.
    Kill(Token),
    /// Serve one that waits, as if its time were up, or with an error.
    Unblock {
        /// Whom.
        conn: Token,
        /// Whether with an error.
        error: bool,
    },
    /// Look at what changed in the server: pauses, limits, an end.
    Look,
}

/// A worker's mailbox. Messages of one sender are taken in the order in which they were put.
#[derive(Debug, Default)]
pub struct Mailbox {
    messages: Mutex<Vec<Message>>,
    any: AtomicBool,
}

impl Mailbox {
    /// Puts a message. The worker must be woken afterwards.
    pub fn put(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
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
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        self.any.store(false, Ordering::Relaxed);
        std::mem::take(&mut messages)
    }
}
