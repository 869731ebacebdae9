//! A worker's way to the store, by tags.

use std::collections::VecDeque;

use seawall_store::reply::ReplyBuf;
use seawall_store::{Millis, Op, Reply, Worker};

/// An answer of the store.
#[derive(Debug)]
pub enum Answered<'a> {
    /// The reply, encoded.
    Reply(&'a [u8]),
    /// The op waits, at most until then.
    Parked {
        /// For ever, where there is none.
        until: Option<Millis>,
    },
    /// A parked op was given up.
    Cancelled,
}

/// A worker of the store.
pub struct Port {
    /// It.
    pub worker: Worker,
    tags: VecDeque<u64>,
    early: Vec<(u64, Vec<u8>)>,
    replies: ReplyBuf,
}

impl Port {
    /// Over `worker`.
    pub fn new(worker: Worker) -> Port {
        Port {
            worker,
            tags: VecDeque::new(),
            early: Vec::new(),
            replies: ReplyBuf::default(),
        }
    }

    /// Sends `op`.
    pub fn send(&mut self, tag: u64, op: Op) {
        self.tags.push_back(tag);
        self.worker.submit(&op);
    }

    /// Whether `op` concerns several shards.
    pub fn is_wide(&self, op: &Op) -> bool {
        op.keys().count() != 1
    }

    /// MULTI.
    pub fn transact(&mut self, tag: u64, ops: Vec<Op>, _watch: Option<&Watch>) {
        self.replies.clear();
        self.replies.array(ops.len());
        for op in &ops {
            let reply = self.worker.execute(op);
            encode(&reply, &mut self.replies);
        }
        self.early.push((tag, self.replies.as_bytes().to_vec()));
    }

    /// WATCH.
    pub fn watch(&mut self, tag: u64, _watch: &Watch, _keys: Op) {
        self.early.push((tag, b"+OK\r\n".to_vec()));
    }

    /// Gives up what is parked.
    pub fn cancel(&mut self, _tag: u64) {}

    /// Shows what was answered.
    pub fn answers(&mut self, mut each: impl FnMut(u64, Answered<'_>)) {
        for (tag, reply) in self.early.drain(..) {
            each(tag, Answered::Reply(&reply));
        }
        let (tags, replies) = (&mut self.tags, &mut self.replies);
        self.worker.ready(|reply| {
            replies.clear();
            encode(&reply, replies);
            let tag = tags.pop_front().unwrap_or_default();
            each(tag, Answered::Reply(replies.as_bytes()));
        });
    }
}

fn encode(reply: &Reply, into: &mut ReplyBuf) {
    match reply {
        Reply::Simple(text) => into.simple(text),
        Reply::Error(text) => into.encoded(format!("-{text}\r\n").as_bytes()),
        Reply::Int(n) => into.int(*n),
        Reply::Bulk(bytes) => into.bulk(bytes),
        Reply::Nil => into.nil(),
        Reply::Array(items) => {
            into.array(items.len());
            items.iter().for_each(|item| encode(item, into));
        }
        // RESP3 comes with the tagged API of the store's workers.
        _ => into.nil(),
    }
}

/// Watched keys.
#[derive(Debug)]
pub struct Watch;

impl Watch {
    /// None yet.
    pub fn new() -> Watch {
        Watch
    }
}
