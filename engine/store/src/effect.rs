//! Effects: what the log and the replicas must hear of an op.
//!
//! An effect is deterministic: applied to the state that the op met, it gives the state that the op
//! left, whatever the clock says. So relative expiry becomes absolute (`SET k v PXAT ms`), and an
//! item that expired or was evicted is a `DEL`. Effects are kept as RESP arrays of bulk strings,
//! which is also the form of Redis's append-only file.

use crate::command::CommandError;
use crate::op::Op;
use crate::reply::ReplyBuf;

/// A sequence of effects, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    bytes: Vec<u8>,
    count: usize,
}

impl Effects {
    /// Appends `op` as an effect.
    pub fn push(&mut self, op: &Op) {
        ReplyBuf::command_into(&mut self.bytes, op);
        self.count += 1;
    }

    /// Moves all of `other` to the end.
    pub fn append(&mut self, other: &mut Effects) {
        self.bytes.append(&mut other.bytes);
        self.count += std::mem::take(&mut other.count);
    }

    /// The encoded effects: RESP arrays, one after another.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many effects there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Reads encoded effects back as ops, stopping at the first that is damaged.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Result<Op, CommandError>> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((parts, used)) = crate::reply::parse_command(rest) else {
                rest = &[];
                return Some(Err(CommandError::new("ERR Protocol error: damaged effect")));
            };
            rest = &rest[used..];
            Some(Op::parse(parts))
        })
    }
}
