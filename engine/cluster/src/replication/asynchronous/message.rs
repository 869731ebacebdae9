//! What nodes of an asynchronous cluster say to each other.
//!
//! Two conversations share the wire: the **bus** (who is alive, who owns a shard, votes) and the
//! **stream** (effects by offset, from a primary to its replicas).

use seawall_store::Millis;

use super::super::{NodeId, RequestId};
use super::stream::Entry;
use crate::codec::{Reader, Writer};

/// What every bus message tells of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The highest epoch that it knows.
    pub(super) current_epoch: u64,
    /// The epoch in which its shard's primary was elected, as far as it knows.
    pub(super) config_epoch: u64,
    /// Whether it is a primary.
    pub(super) primary: bool,
    /// How far its data goes; `None` where it never had any.
    pub(super) offset: Option<u64>,
    /// The nodes that do not answer it.
    pub(super) failing: Vec<NodeId>,
}

/// A history of effects: which primary's, by a random identity.
pub(super) type HistoryId = u64;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Ping(Header),
    Pong(Header),
    /// A majority of primaries cannot reach this node.
    Fail(NodeId),
    /// A replica asks for a vote in an epoch.
    Ask {
        epoch: u64,
        config_epoch: u64,
    },
    /// A primary gives it.
    Vote {
        epoch: u64,
    },
    /// A replica asks for what comes after an offset of a history.
    Sync {
        history: HistoryId,
        offset: u64,
    },
    /// All of the state at an offset; entries follow.
    Full {
        history: HistoryId,
        offset: u64,
        image: Vec<u8>,
    },
    /// The stream goes on from the offset that was asked for, under this history.
    Continue {
        history: HistoryId,
    },
    /// Effects at an offset.
    Entry {
        offset: u64,
        entry: Entry,
    },
    /// An entry of a history that the sender had of its primary, for copies in its region.
    Relay {
        history: HistoryId,
        offset: u64,
        entry: Entry,
    },
    /// A primary asks how far a replica is.
    GetAck,
    /// A replica says it.
    Ack {
        offset: u64,
    },
}

impl Message {
    pub(super) fn encode(&self) -> Vec<u8> {
        let header = |tag, header: &Header| {
            let writer = Writer::new(tag)
                .u64(header.current_epoch)
                .u64(header.config_epoch)
                .u8(u8::from(header.primary) | u8::from(header.offset.is_some()) << 1)
                .u64(header.offset.unwrap_or_default());
            header
                .failing
                .iter()
                .fold(writer, |writer, node| writer.u16(node.0))
                .finish()
        };
        match self {
            Message::Ping(h) => header(1, h),
            Message::Pong(h) => header(2, h),
            Message::Fail(node) => Writer::new(3).u16(node.0).finish(),
            Message::Ask {
                epoch,
                config_epoch,
            } => Writer::new(4).u64(*epoch).u64(*config_epoch).finish(),
            Message::Vote { epoch } => Writer::new(5).u64(*epoch).finish(),
            Message::Sync { history, offset } => Writer::new(6).u64(*history).u64(*offset).finish(),
            Message::Full {
                history,
                offset,
                image,
            } => Writer::new(7)
                .u64(*history)
                .u64(*offset)
                .rest(image)
                .finish(),
            Message::Continue { history } => Writer::new(8).u64(*history).finish(),
            Message::Entry { offset, entry } => entry.encode(*offset),
            Message::Relay {
                history,
                offset,
                entry,
            } => Writer::new(12)
                .u64(*history)
                .rest(&entry.encode(*offset))
                .finish(),
            Message::GetAck => Writer::new(10).finish(),
            Message::Ack { offset } => Writer::new(11).u64(*offset).finish(),
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
        let mut r = Reader::new(bytes);
        let message = match r.u8()? {
            1 => Message::Ping(header(&mut r)?),
            2 => Message::Pong(header(&mut r)?),
            3 => Message::Fail(NodeId(r.u16()?)),
            4 => Message::Ask {
                epoch: r.u64()?,
                config_epoch: r.u64()?,
            },
            5 => Message::Vote { epoch: r.u64()? },
            6 => Message::Sync {
                history: r.u64()?,
                offset: r.u64()?,
            },
            7 => Message::Full {
                history: r.u64()?,
                offset: r.u64()?,
                image: r.rest().to_vec(),
            },
            8 => Message::Continue { history: r.u64()? },
            9 => Message::Entry {
                offset: r.u64()?,
                entry: Entry {
                    id: RequestId(r.u64()?),
                    at: Millis(r.u64()?),
                    effects: r.rest().to_vec(),
                },
            },
            10 => Message::GetAck,
            11 => Message::Ack { offset: r.u64()? },
            12 => {
                let history = r.u64()?;
                let Message::Entry { offset, entry } = Message::decode(r.rest())? else {
                    return None;
                };
                Message::Relay {
                    history,
                    offset,
                    entry,
                }
            }
            _ => return None,
        };
        r.end().map(|()| message)
    }
}

impl Entry {
    /// The message that carries it from `offset` of the stream.
    pub(super) fn encode(&self, offset: u64) -> Vec<u8> {
        Writer::new(9)
            .u64(offset)
            .u64(self.id.0)
            .u64(self.at.0)
            .rest(&self.effects)
            .finish()
    }
}

fn header(r: &mut Reader<'_>) -> Option<Header> {
    let (current_epoch, config_epoch, flags, offset) = (r.u64()?, r.u64()?, r.u8()?, r.u64()?);
    let mut failing = Vec::new();
    while r.end().is_none() {
        failing.push(NodeId(r.u16()?));
    }
    Some(Header {
        current_epoch,
        config_epoch,
        primary: flags & 1 != 0,
        offset: (flags & 2 != 0).then_some(offset),
        failing,
    })
}

/// A message in words.
pub(super) fn describe(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let header = |name: &str, h: &Header| {
        let role = if h.primary { "primary" } else { "replica" };
        let mut text = format!(
            "{name} {role} epoch {} of {}",
            h.config_epoch, h.current_epoch
        );
        if let Some(offset) = h.offset {
            let _ = write!(text, " offset {offset}");
        }
        for node in &h.failing {
            let _ = write!(text, " failing {node}");
        }
        text
    };
    match Message::decode(bytes) {
        None => "a damaged message".to_owned(),
        Some(Message::Ping(h)) => header("ping", &h),
        Some(Message::Pong(h)) => header("pong", &h),
        Some(Message::Fail(node)) => format!("fail {node}"),
        Some(Message::Ask {
            epoch,
            config_epoch,
        }) => {
            format!("ask epoch {epoch} after {config_epoch}")
        }
        Some(Message::Vote { epoch }) => format!("vote epoch {epoch}"),
        Some(Message::Sync { history, offset }) => format!("sync {history:016x} from {offset}"),
        Some(Message::Full {
            history,
            offset,
            image,
        }) => {
            format!("full {history:016x} at {offset}, {} bytes", image.len())
        }
        Some(Message::Continue { history }) => format!("continue {history:016x}"),
        Some(Message::Entry { offset, entry }) => {
            format!("entry at {offset}, {} bytes", entry.effects.len())
        }
        Some(Message::Relay {
            history,
            offset,
            entry,
        }) => {
            format!(
                "relay {history:016x} at {offset}, {} bytes",
                entry.effects.len()
            )
        }
        Some(Message::GetAck) => "how far are you?".to_owned(),
        Some(Message::Ack { offset }) => format!("ack {offset}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_header() -> impl Strategy<Value = Header> {
        let failing = prop::collection::vec(any::<u16>().prop_map(NodeId), 0..4);
        (
            any::<u64>(),
            any::<u64>(),
            any::<bool>(),
            any::<Option<u64>>(),
            failing,
        )
            .prop_map(
                |(current_epoch, config_epoch, primary, offset, failing)| Header {
                    current_epoch,
                    config_epoch,
                    primary,
                    offset,
                    failing,
                },
            )
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..20);
        prop_oneof![
            any_header().prop_map(Message::Ping),
            any_header().prop_map(Message::Pong),
            any::<u16>().prop_map(|n| Message::Fail(NodeId(n))),
            any::<(u64, u64)>().prop_map(|(epoch, config_epoch)| Message::Ask {
                epoch,
                config_epoch
            }),
            any::<u64>().prop_map(|epoch| Message::Vote { epoch }),
            any::<(u64, u64)>().prop_map(|(history, offset)| Message::Sync { history, offset }),
            (any::<u64>(), any::<u64>(), bytes()).prop_map(|(history, offset, image)| {
                Message::Full {
                    history,
                    offset,
                    image,
                }
            }),
            any::<u64>().prop_map(|history| Message::Continue { history }),
            (any::<u64>(), any::<u64>(), any::<u64>(), bytes()).prop_map(
                |(offset, id, at, effects)| Message::Entry {
                    offset,
                    entry: Entry {
                        id: RequestId(id),
                        at: Millis(at),
                        effects,
                    },
                }
            ),
            (any::<u64>(), any::<u64>(), any::<u64>(), bytes()).prop_map(
                |(history, offset, id, effects)| Message::Relay {
                    history,
                    offset,
                    entry: Entry {
                        id: RequestId(id),
                        at: Millis(offset),
                        effects,
                    },
                }
            ),
            Just(Message::GetAck),
            any::<u64>().prop_map(|offset| Message::Ack { offset }),
        ]
    }

    proptest! {
        #[test]
        fn survives_the_wire(message in any_message()) {
            prop_assert_eq!(Message::decode(&message.encode()), Some(message));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Message::decode(&bytes);
            let _ = describe(&bytes);
        }
    }
}
