//! Whether what was logged on several shards is durable, now or when it is.

use super::plan::Step;
use crate::reply::ReplyBuf;
use crate::store::link::{Ask, Body, Bytes, Until};

/// Asks each of these shards.
pub(in crate::store) struct Durable {
    pub(in crate::store) shards: Vec<usize>,
    pub(in crate::store) until: Until,
    asked: bool,
}

impl Durable {
    pub(in crate::store) fn new(shards: Vec<usize>, until: Until) -> Durable {
        Durable {
            shards,
            until,
            asked: false,
        }
    }

    /// The answer is 1 where it is durable on all of them.
    pub(super) fn next(&mut self, answers: Vec<Body>) -> Step {
        if !std::mem::replace(&mut self.asked, true) && !self.shards.is_empty() {
            let asks = self.shards.iter();
            return Step::Ask(
                asks.map(|&shard| (shard, Ask::Durable(self.until)))
                    .collect(),
            );
        }
        let mut all = true;
        for body in answers {
            match body {
                Body::Durable(is_durable) => all &= is_durable,
                refusal => return Step::Done(refusal),
            }
        }
        let mut reply = ReplyBuf::default();
        reply.int(i64::from(all));
        Step::Done(Body::Reply(Bytes::from_slice(reply.as_bytes())))
    }
}
