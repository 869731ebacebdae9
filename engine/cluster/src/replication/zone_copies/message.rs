//! What the copies of a shard tell each other, in place of the client that would.

use std::sync::Arc;

use seawall_store::{Effects, Millis, Op};

use super::super::RequestId;
use crate::codec::{Reader, Writer};

const WRITE: u8 = 1;
const DONE: u8 = 2;
const READ: u8 = 3;
const FETCH: u8 = 4;
const STATE: u8 = 5;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// What a write changes.
    Write {
        id: RequestId,
        at: Millis,
        effects: &'a [u8],
    },
    /// A write is in this copy too.
    Done { id: RequestId },
    /// A read that found nothing; so many more copies may be asked.
    Read {
        id: RequestId,
        at: Millis,
        left: u8,
        op: Arc<Op>,
    },
    /// An empty copy asks for all that another one has.
    Fetch,
    /// All that it has.
    State { image: &'a [u8] },
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Message::Write { id, at, effects } => Writer::new(WRITE)
                .u64(id.0)
                .u64(at.0)
                .rest(effects)
                .finish(),
            Message::Done { id } => Writer::new(DONE).u64(id.0).finish(),
            Message::Read { id, at, left, op } => Writer::new(READ)
                .u64(id.0)
                .u64(at.0)
                .u8(*left)
                .rest(encoded(op).as_bytes())
                .finish(),
            Message::Fetch => Writer::new(FETCH).finish(),
            Message::State { image } => Writer::new(STATE).rest(image).finish(),
        }
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            WRITE => Message::Write {
                id: RequestId(reader.u64()?),
                at: Millis(reader.u64()?),
                effects: reader.rest(),
            },
            DONE => Message::Done {
                id: RequestId(reader.u64()?),
            },
            READ => Message::Read {
                id: RequestId(reader.u64()?),
                at: Millis(reader.u64()?),
                left: reader.u8()?,
                op: decoded(reader.rest())?,
            },
            FETCH => Message::Fetch,
            STATE => Message::State {
                image: reader.rest(),
            },
            _ => return None,
        };
        reader.end()?;
        Some(message)
    }
}

/// An op as effects: what a copy does that executes it.
pub(super) fn encoded(op: &Op) -> Effects {
    let mut ops = Effects::default();
    ops.push(op);
    ops
}

fn decoded(bytes: &[u8]) -> Option<Arc<Op>> {
    let mut ops = Effects::decode(bytes);
    let op = ops.next()?.ok()?;
    ops.next().is_none().then(|| op.into())
}

/// A message in words.
pub(super) fn describe(bytes: &[u8]) -> String {
    match Message::decode(bytes) {
        None => "a damaged message".to_owned(),
        Some(Message::Write { effects, .. }) => format!("write, {} bytes", effects.len()),
        Some(Message::Done { .. }) => "done".to_owned(),
        Some(Message::Read { left, op, .. }) => format!("read {op:?}, {left} more may be asked"),
        Some(Message::Fetch) => "fetch".to_owned(),
        Some(Message::State { image }) => format!("state, {} bytes", image.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let (id, at) = (RequestId(9), Millis(7));
        let op = Arc::new(Op::parse([&b"GET"[..], b"k"]).unwrap());
        let effects = encoded(&op);
        let left = 1;
        for message in [
            Message::Write {
                id,
                at,
                effects: effects.as_bytes(),
            },
            Message::Done { id },
            Message::Read { id, at, left, op },
            Message::Fetch,
            Message::State { image: b"all" },
        ] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
        assert_eq!(Message::decode(&[DONE, 1]), None);
        assert_eq!(Message::decode(&[STATE + 1]), None);
    }
}
