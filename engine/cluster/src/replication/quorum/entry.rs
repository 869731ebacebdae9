//! What an entry of the log carries: who proposed which op, for which attempt, at what time.

use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::Message;
use seawall_store::{Effects, Millis, Op};

use super::super::{NodeId, RequestId};
use crate::codec::{Reader, Writer};

/// The version of the layout: tag, proposer, id, time, op as an effect.
const TAG: u8 = 1;

/// A write on its way through the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) proposer: NodeId,
    pub(super) id: RequestId,
    pub(super) at: Millis,
    pub(super) op: Arc<Op>,
}

impl Proposal {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut op = Effects::default();
        op.push(&self.op);
        Writer::new(TAG)
            .u16(self.proposer.0)
            .u64(self.id.0)
            .u64(self.at.0)
            .rest(op.as_bytes())
            .finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Proposal> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != TAG {
            return None;
        }
        let proposer = NodeId(reader.u16()?);
        let id = RequestId(reader.u64()?);
        let at = Millis(reader.u64()?);
        let mut ops = Effects::decode(reader.rest());
        let op = Arc::new(ops.next()?.ok()?);
        ops.next().is_none().then_some(Proposal {
            proposer,
            id,
            at,
            op,
        })
    }
}

/// A message in words.
pub(super) fn describe(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let Ok(message) = Message::parse_from_bytes(bytes) else {
        return "a damaged message".to_owned();
    };
    let mut text = format!("{:?} term {}", message.get_msg_type(), message.term);
    if message.index > 0 {
        let _ = write!(text, " index {}", message.index);
    }
    if message.commit > 0 {
        let _ = write!(text, " commit {}", message.commit);
    }
    if message.reject {
        text += " reject";
    }
    for entry in message.get_entries() {
        let _ = match Proposal::decode(&entry.data) {
            Some(proposal) => write!(text, " [{} {:?}]", entry.index, proposal.op),
            None => write!(text, " [{} empty]", entry.index),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let op = Op::parse([&b"SET"[..], b"k", b"v"]).unwrap().into();
        let proposal = Proposal {
            proposer: NodeId(3),
            id: RequestId(9),
            at: Millis(7),
            op,
        };
        let bytes = proposal.encode();
        assert_eq!(Proposal::decode(&bytes), Some(proposal));
        for cut in 0..bytes.len() {
            assert_eq!(Proposal::decode(&bytes[..cut]), None);
        }
    }
}
