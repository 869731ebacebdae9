//! Memory of replies that were looked at, for the replies to come: a driver that allocates for every
//! reply measures its allocator.

use seawall_store::Reply;

/// The most buffers that are kept of a kind, and the longest: what one large reply needed is given back.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 64 << 10;

/// Buffers that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Spare {
    bytes: Vec<Vec<u8>>,
    lists: Vec<Vec<Reply>>,
}

impl Spare {
    /// A copy of `bytes`.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = self.bytes.pop().unwrap_or_default();
        copy.extend_from_slice(bytes);
        copy
    }

    /// A copy of `bytes` as text; what is no UTF-8 is replaced.
    pub(super) fn text(&mut self, bytes: &[u8]) -> String {
        String::from_utf8(self.copy(bytes))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// An empty list.
    pub(super) fn list(&mut self) -> Vec<Reply> {
        self.lists.pop().unwrap_or_default()
    }

    /// Takes the memory of `reply`.
    pub(super) fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Bulk(bytes) => self.keep(bytes),
            Reply::Simple(text) | Reply::Error(text) => self.keep(text.into_bytes()),
            Reply::Array(mut items) => {
                items.drain(..).for_each(|item| self.take(item));
                if self.lists.len() < KEPT {
                    self.lists.push(items);
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, mut bytes: Vec<u8>) {
        if self.bytes.len() < KEPT && bytes.capacity() <= KEPT_BYTES {
            bytes.clear();
            self.bytes.push(bytes);
        }
    }
}
