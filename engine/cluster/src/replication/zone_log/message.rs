//! What a shard's nodes and those that keep its log tell each other: a tag, then the fields in order.

use protobuf::Message as _;
use seawall_store::Effects;

use super::super::NodeId;
use super::entry::{Append, Entry};
use crate::codec::{Reader, Writer};

/// What the messages of the Raft group begin with.
pub(super) const RAFT: u8 = 1;
const APPEND: u8 = 2;
const END: u8 = 3;
const READ: u8 = 4;
const ENTRIES: u8 = 5;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// One of the Raft group of those that keep the log.
    Raft(&'a [u8]),
    /// A node asks for an entry to be appended.
    Append(Append<'a>),
    /// Where the log ends and who may append, whatever became of what was asked; and which keeper is asked best.
    End {
        place: u64,
        epoch: u64,
        keeper: NodeId,
    },
    /// A node asks for what comes after a place, when there is something.
    Read { after: u64 },
    /// What comes after a place.
    Entries { after: u64, entries: Vec<&'a [u8]> },
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Message::Raft(bytes) => Writer::new(RAFT).rest(bytes).finish(),
            Message::Append(append) => append.put(Writer::new(APPEND)),
            Message::End {
                place,
                epoch,
                keeper,
            } => Writer::new(END)
                .u64(*place)
                .u64(*epoch)
                .u16(keeper.0)
                .finish(),
            Message::Read { after } => Writer::new(READ).u64(*after).finish(),
            Message::Entries { after, entries } => {
                let each =
                    |writer: Writer, entry: &&[u8]| writer.u64(entry.len() as u64).rest(entry);
                let writer = Writer::new(ENTRIES).u64(*after);
                entries.iter().fold(writer, each).finish()
            }
        }
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            RAFT => Message::Raft(reader.rest()),
            APPEND => Message::Append(Append::take(&mut reader)?),
            END => Message::End {
                place: reader.u64()?,
                epoch: reader.u64()?,
                keeper: NodeId(reader.u16()?),
            },
            READ => Message::Read {
                after: reader.u64()?,
            },
            ENTRIES => Message::Entries {
                after: reader.u64()?,
                entries: take_entries(reader.rest())?,
            },
            _ => return None,
        };
        reader.end()?;
        Some(message)
    }
}

fn take_entries(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let mut reader = Reader::new(bytes);
        let len = usize::try_from(reader.u64()?).ok()?;
        let (entry, rest) = reader.rest().split_at_checked(len)?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}

/// A message in words.
pub(super) fn describe(bytes: &[u8]) -> String {
    match Message::decode(bytes) {
        None => "a damaged message".to_owned(),
        Some(Message::Raft(bytes)) => describe_raft(bytes),
        Some(Message::Append(append)) => format!(
            "append {} epoch {} [{}]",
            append.place,
            append.epoch,
            describe_entry(append.entry)
        ),
        Some(Message::End {
            place,
            epoch,
            keeper,
        }) => format!("end {place} epoch {epoch}, ask {keeper}"),
        Some(Message::Read { after }) => format!("read after {after}"),
        Some(Message::Entries { after, entries }) => {
            let words: Vec<String> = entries.iter().map(|it| describe_entry(it)).collect();
            format!("entries after {after} [{}]", words.join(", "))
        }
    }
}

fn describe_raft(bytes: &[u8]) -> String {
    raft::eraftpb::Message::parse_from_bytes(bytes).map_or_else(
        |_| "a damaged message".to_owned(),
        |message| {
            let entries = message.get_entries().len();
            let kind = message.get_msg_type();
            format!("raft {kind:?} term {} entries {entries}", message.term)
        },
    )
}

fn describe_entry(bytes: &[u8]) -> String {
    match Entry::decode(bytes) {
        None => "damaged".to_owned(),
        Some(Entry::Claim { node, .. }) => format!("{node} leads"),
        Some(Entry::Renewal) => "renewal".to_owned(),
        Some(Entry::Write { effects, .. }) => {
            let ops = Effects::decode(effects).map_while(Result::ok);
            let words: Vec<String> = ops.map(|op| format!("{op:?}")).collect();
            words.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let append = Append {
            epoch: 1,
            place: 2,
            entry: b"entry",
        };
        let messages = [
            Message::Raft(b"raft"),
            Message::Append(append),
            Message::End {
                place: 7,
                epoch: 3,
                keeper: NodeId(4),
            },
            Message::Read { after: 9 },
            Message::Entries {
                after: 9,
                entries: vec![b"a", b"", b"bc"],
            },
        ];
        for message in messages {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Some(message));
        }
        let cut = Message::Read { after: 9 }.encode();
        assert_eq!(Message::decode(&cut[..cut.len() - 1]), None);
    }
}
