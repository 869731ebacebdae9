//! What nodes of a chain tell each other.
//!
//! A tag, then the fields in order. All but those of the failure detector carry the epoch of the chain that they are
//! meant for: what comes from another one says nothing.

use std::sync::Arc;

use protobuf::Message as _;
use seawall_store::{Effects, Millis, Op};

use super::super::RequestId;
use super::config::Config;
use crate::codec::{Reader, Writer};

/// What the messages of the Raft group begin with.
pub(super) const RAFT: u8 = 1;
const PING: u8 = 2;
const PONG: u8 = 3;
const WRITE: u8 = 4;
const ENTRY: u8 = 5;
const ACK: u8 = 6;
const FETCH: u8 = 7;
const STATE: u8 = 8;
const READ: u8 = 9;

/// A write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) id: RequestId,
    pub(super) at: Millis,
    pub(super) op: Arc<Op>,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// One of the Raft group.
    Raft(&'a [u8]),
    /// The leader of the group asks whether a node lives.
    Ping,
    /// It does: in which life, which chain it knows, and whether it has the shard's data as a member of it.
    Pong {
        life: u64,
        epoch: u64,
        has_data: bool,
    },
    /// The tail passes on to the head what a client asked it to write.
    Write { epoch: u64, write: Write },
    /// The head's order, passed on to the next.
    Entry {
        epoch: u64,
        number: u64,
        write: Write,
    },
    /// The tail has all entries up to this one; passed back.
    Ack { epoch: u64, number: u64 },
    /// A new member asks the tail for the shard's data.
    Fetch { epoch: u64 },
    /// The shard's data after an entry.
    State {
        epoch: u64,
        number: u64,
        newest: Millis,
        image: &'a [u8],
    },
    /// A copy lets the tail answer a read of what is on its way.
    Read {
        epoch: u64,
        id: RequestId,
        op: Arc<Op>,
    },
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Message::Raft(bytes) => Writer::new(RAFT).rest(bytes).finish(),
            Message::Ping => Writer::new(PING).finish(),
            Message::Pong {
                life,
                epoch,
                has_data,
            } => Writer::new(PONG)
                .u64(*life)
                .u64(*epoch)
                .u8(u8::from(*has_data))
                .finish(),
            Message::Write { epoch, write } => {
                put_write(Writer::new(WRITE).u64(*epoch), write).finish()
            }
            Message::Entry {
                epoch,
                number,
                write,
            } => put_write(Writer::new(ENTRY).u64(*epoch).u64(*number), write).finish(),
            Message::Ack { epoch, number } => Writer::new(ACK).u64(*epoch).u64(*number).finish(),
            Message::Fetch { epoch } => Writer::new(FETCH).u64(*epoch).finish(),
            Message::State {
                epoch,
                number,
                newest,
                image,
            } => Writer::new(STATE)
                .u64(*epoch)
                .u64(*number)
                .u64(newest.0)
                .rest(image)
                .finish(),
            Message::Read { epoch, id, op } => {
                put_op(Writer::new(READ).u64(*epoch).u64(id.0), op).finish()
            }
        }
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            RAFT => Message::Raft(reader.rest()),
            PING => Message::Ping,
            PONG => Message::Pong {
                life: reader.u64()?,
                epoch: reader.u64()?,
                has_data: reader.u8()? == 1,
            },
            WRITE => Message::Write {
                epoch: reader.u64()?,
                write: take_write(&mut reader)?,
            },
            ENTRY => Message::Entry {
                epoch: reader.u64()?,
                number: reader.u64()?,
                write: take_write(&mut reader)?,
            },
            ACK => Message::Ack {
                epoch: reader.u64()?,
                number: reader.u64()?,
            },
            FETCH => Message::Fetch {
                epoch: reader.u64()?,
            },
            STATE => Message::State {
                epoch: reader.u64()?,
                number: reader.u64()?,
                newest: Millis(reader.u64()?),
                image: reader.rest(),
            },
            READ => Message::Read {
                epoch: reader.u64()?,
                id: RequestId(reader.u64()?),
                op: take_op(&mut reader)?,
            },
            _ => return None,
        };
        reader.end()?;
        Some(message)
    }
}

fn put_write(writer: Writer, write: &Write) -> Writer {
    put_op(writer.u64(write.id.0).u64(write.at.0), &write.op)
}

fn take_write(reader: &mut Reader<'_>) -> Option<Write> {
    Some(Write {
        id: RequestId(reader.u64()?),
        at: Millis(reader.u64()?),
        op: take_op(reader)?,
    })
}

fn put_op(writer: Writer, op: &Op) -> Writer {
    let mut ops = Effects::default();
    ops.push(op);
    writer.rest(ops.as_bytes())
}

fn take_op(reader: &mut Reader<'_>) -> Option<Arc<Op>> {
    let mut ops = Effects::decode(reader.rest());
    let op = ops.next()?.ok()?;
    ops.next().is_none().then(|| op.into())
}

/// A message in words.
pub(super) fn describe(bytes: &[u8]) -> String {
    match Message::decode(bytes) {
        None => "a damaged message".to_owned(),
        Some(Message::Raft(bytes)) => describe_raft(bytes),
        Some(Message::Ping) => "ping".to_owned(),
        Some(Message::Pong {
            epoch, has_data, ..
        }) => format!("pong epoch {epoch} data {has_data}"),
        Some(Message::Write { epoch, write }) => format!("write epoch {epoch} {:?}", write.op),
        Some(Message::Entry {
            epoch,
            number,
            write,
        }) => format!("entry epoch {epoch} [{number} {:?}]", write.op),
        Some(Message::Ack { epoch, number }) => format!("ack epoch {epoch} to {number}"),
        Some(Message::Fetch { epoch }) => format!("fetch epoch {epoch}"),
        Some(Message::Read { epoch, op, .. }) => format!("read epoch {epoch} {op:?}"),
        Some(Message::State { epoch, number, .. }) => format!("state epoch {epoch} at {number}"),
    }
}

fn describe_raft(bytes: &[u8]) -> String {
    let Ok(message) = raft::eraftpb::Message::parse_from_bytes(bytes) else {
        return "a damaged message".to_owned();
    };
    let mut text = format!("{:?} term {}", message.get_msg_type(), message.term);
    let any = Config {
        epoch: 0,
        members: Vec::new(),
    };
    for entry in message.get_entries() {
        use std::fmt::Write;
        let follows = entry.data.get(1..9).and_then(|epoch| epoch.try_into().ok());
        let before = Config {
            epoch: follows.map_or(0, u64::from_le_bytes),
            ..any.clone()
        };
        let _ = match before.next(entry.index, &entry.data) {
            Some(chain) => write!(text, " [{} {}]", entry.index, names(&chain)),
            None => write!(text, " [{} empty]", entry.index),
        };
    }
    text
}

fn names(chain: &Config) -> String {
    let name = |member: &super::config::Member| {
        let waits = if member.ready { "" } else { "?" };
        format!("{}{waits}", member.node)
    };
    let names: Vec<String> = chain.members.iter().map(name).collect();
    names.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let write = Write {
            id: RequestId(9),
            at: Millis(7),
            op: Op::parse([&b"SET"[..], b"k", b"v"]).unwrap().into(),
        };
        let (epoch, number) = (3, 4);
        for message in [
            Message::Ping,
            Message::Pong {
                life: 1,
                epoch,
                has_data: true,
            },
            Message::Write {
                epoch,
                write: write.clone(),
            },
            Message::Entry {
                epoch,
                number,
                write,
            },
            Message::Ack { epoch, number },
            Message::Fetch { epoch },
        ] {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Some(message));
            for cut in 0..bytes.len() {
                assert_eq!(Message::decode(&bytes[..cut]), None);
            }
        }
    }
}
