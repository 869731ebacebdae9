//! Entries of the log, and the condition under which one is appended.

use seawall_store::Millis;

use super::super::{NodeId, RequestId};
use crate::codec::{Reader, Writer};

const CLAIM: u8 = 1;
const RENEWAL: u8 = 2;
const WRITE: u8 = 3;

/// An entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// A node leads from here on. What it said when, to know its own claim by.
    Claim { node: NodeId, said_at: u64 },
    /// Who leads still does.
    Renewal,
    /// What a write changed.
    Write {
        id: RequestId,
        at: Millis,
        effects: &'a [u8],
    },
}

impl<'a> Entry<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Entry::Claim { node, said_at } => Writer::new(CLAIM).u16(node.0).u64(*said_at).finish(),
            Entry::Renewal => Writer::new(RENEWAL).finish(),
            Entry::Write { id, at, effects } => Writer::new(WRITE)
                .u64(id.0)
                .u64(at.0)
                .rest(effects)
                .finish(),
        }
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Option<Entry<'a>> {
        let mut reader = Reader::new(bytes);
        let entry = match reader.u8()? {
            CLAIM => Entry::Claim {
                node: NodeId(reader.u16()?),
                said_at: reader.u64()?,
            },
            RENEWAL => Entry::Renewal,
            WRITE => Entry::Write {
                id: RequestId(reader.u64()?),
                at: Millis(reader.u64()?),
                effects: reader.rest(),
            },
            _ => return None,
        };
        reader.end()?;
        Some(entry)
    }
}

/// An entry and the place that it is meant for. It is appended where the log ends just before that place; what is no
/// claim, only in the epoch of who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Append<'a> {
    /// The place of the claim by which its sender leads.
    pub(super) epoch: u64,
    /// The place that it is meant for; the first is 1.
    pub(super) place: u64,
    pub(super) entry: &'a [u8],
}

impl<'a> Append<'a> {
    pub(super) fn put(&self, writer: Writer) -> Vec<u8> {
        writer
            .u64(self.epoch)
            .u64(self.place)
            .rest(self.entry)
            .finish()
    }

    pub(super) fn take(reader: &mut Reader<'a>) -> Option<Append<'a>> {
        Some(Append {
            epoch: reader.u64()?,
            place: reader.u64()?,
            entry: reader.rest(),
        })
    }
}

/// The log, as far as a keeper knows that a majority of zones has it.
#[derive(Default)]
pub(super) struct Log {
    entries: Vec<Vec<u8>>,
    /// The place of the newest claim; 0 where who was formed as the primary leads.
    pub(super) epoch: u64,
}

impl Log {
    /// The place of the last entry.
    pub(super) fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Appends an entry where its condition holds.
    pub(super) fn append(&mut self, append: &Append<'_>) {
        let claims = match Entry::decode(append.entry) {
            None => return,
            Some(entry) => matches!(entry, Entry::Claim { .. }),
        };
        if append.place != self.end() + 1 || !(claims || append.epoch == self.epoch) {
            return;
        }
        self.entries.push(append.entry.to_vec());
        if claims {
            self.epoch = append.place;
        }
    }

    /// The entries after a place, as many as go into one message.
    pub(super) fn after(&self, place: u64, entries_max: usize) -> &[Vec<u8>] {
        let from = usize::try_from(place).unwrap_or(usize::MAX);
        let rest = self.entries.get(from..).unwrap_or_default();
        &rest[..rest.len().min(entries_max)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(log: &mut Log, epoch: u64, place: u64, entry: &Entry<'_>) -> u64 {
        let entry = entry.encode();
        log.append(&Append {
            epoch,
            place,
            entry: &entry,
        });
        log.end()
    }

    #[test]
    fn who_was_replaced_appends_nothing() {
        let (mut log, claim) = (
            Log::default(),
            Entry::Claim {
                node: NodeId(1),
                said_at: 5,
            },
        );
        assert_eq!(append(&mut log, 0, 1, &Entry::Renewal), 1);
        assert_eq!(append(&mut log, 0, 3, &Entry::Renewal), 1, "a gap");
        assert_eq!(
            append(&mut log, 0, 1, &claim),
            1,
            "it has not read to the end"
        );
        assert_eq!(append(&mut log, 0, 2, &claim), 2);
        // Two that were sent one after the other: the place of the second fits, its epoch does not.
        assert_eq!(append(&mut log, 0, 2, &Entry::Renewal), 2);
        assert_eq!(append(&mut log, 0, 3, &Entry::Renewal), 2);
        assert_eq!(append(&mut log, 2, 3, &Entry::Renewal), 3);
        assert_eq!(log.epoch, 2);
        assert_eq!(log.after(1, 1), [claim.encode()]);
        assert!(log.after(3, 9).is_empty() && log.after(9, 9).is_empty());
    }

    #[test]
    fn survives_the_wire() {
        let write = Entry::Write {
            id: RequestId(1),
            at: Millis(2),
            effects: b"e",
        };
        let claim = Entry::Claim {
            node: NodeId(1),
            said_at: 5,
        };
        for entry in [write, claim, Entry::Renewal] {
            let bytes = entry.encode();
            assert_eq!(Entry::decode(&bytes), Some(entry));
        }
        assert_eq!(Entry::decode(&claim_cut()), None);
    }

    fn claim_cut() -> Vec<u8> {
        let claim = Entry::Claim {
            node: NodeId(1),
            said_at: 5,
        };
        let mut bytes = claim.encode();
        bytes.pop();
        bytes
    }
}
