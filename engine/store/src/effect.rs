//! Effects: what the log and the replicas must hear of an op.
//!
//! An effect is deterministic: applied to the state that the op met, it gives the state that the op
//! left, whatever the clock says. So relative expiry becomes absolute (`SET k v PXAT ms`), and an
//! item that expired or was evicted is a `DEL`. Effects are kept as RESP arrays of bulk strings,
//! which is also the form of Redis's append-only file. Database 0 is meant, except between `SELECT n`
//! and `SELECT 0`: so any two sequences may follow each other.

use crate::command::{Command, CommandError, memcached, number};
use crate::op::Op;
use crate::reply::ReplyBuf;

/// A sequence of effects, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    bytes: Vec<u8>,
    count: usize,
    /// Where the last `SELECT 0` stands, which ends the bytes, and the database that it leaves.
    leaves: Option<(usize, u8)>,
    /// Whether nobody reads them, so that they are counted and not kept.
    unread: bool,
}

impl Effects {
    /// No effects yet, and none that will be read: they are counted and not kept.
    pub fn unread() -> Effects {
        Effects {
            unread: true,
            ..Effects::default()
        }
    }

    /// Moves all of them out; what follows is kept or not as they were.
    #[must_use]
    pub fn take(&mut self) -> Effects {
        let rest = Effects {
            unread: self.unread,
            ..Effects::default()
        };
        std::mem::replace(self, rest)
    }

    /// Appends `op` as an effect.
    pub fn push(&mut self, op: &Op) {
        self.push_within(op, op.database());
    }

    /// Appends `op` as an effect within `database`.
    pub fn push_within(&mut self, op: &Op, database: u8) {
        if !self.unread {
            // At once, since most sequences begin empty and hold one effect.
            self.bytes.reserve(op.encoded_bytes());
        }
        self.push_words(op.command(), op.args(), database);
    }

    /// As [`Effects::push_within`], of a command and its arguments, which are no op.
    #[inline]
    pub(crate) fn push_words<'a>(
        &mut self,
        command: &Command,
        args: impl ExactSizeIterator<Item = &'a [u8]>,
        database: u8,
    ) {
        self.count += 1;
        if self.unread {
            return;
        }
        let left = self.leaves.take();
        if database == 0 {
            return ReplyBuf::words_into(&mut self.bytes, command.name, args);
        }
        match left {
            // The database was left only a moment ago: on within it.
            Some((at, left)) if left == database => self.bytes.truncate(at),
            _ => select_into(&mut self.bytes, database),
        }
        ReplyBuf::words_into(&mut self.bytes, command.name, args);
        self.leaves = Some((self.bytes.len(), database));
        select_into(&mut self.bytes, 0);
    }

    /// Moves all of `other` to the end.
    pub fn append(&mut self, other: &mut Effects) {
        if other.is_empty() {
            return;
        }
        self.count += std::mem::take(&mut other.count);
        if self.unread {
            return other.clear();
        }
        let start = self.bytes.len();
        self.leaves = (other.leaves.take()).map(|(at, database)| (start + at, database));
        self.bytes.append(&mut other.bytes);
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
        self.leaves = None;
    }

    /// Reads encoded effects back as ops within their databases, stopping at the first that is damaged.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Result<Op, CommandError>> {
        let (mut rest, mut database) = (bytes, 0);
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let Some((parts, used)) = crate::reply::parse_command(rest) else {
                    rest = &[];
                    return Some(Err(CommandError::new("ERR Protocol error: damaged effect")));
                };
                rest = &rest[used..];
                if let [name, selected] = parts.as_slice()
                    && name.eq_ignore_ascii_case(SELECT)
                {
                    let selected = number::parse_int(selected).and_then(|n| u8::try_from(n).ok());
                    let Some(selected) = selected else {
                        rest = &[];
                        return Some(Err(CommandError::NO_SUCH_DATABASE));
                    };
                    database = selected;
                    continue;
                }
                let op = match memcached::effect(&parts) {
                    Some(op) => Ok(op),
                    None => Op::parse(parts),
                };
                return Some(op.map(|op| op.within(database)));
            }
            None
        })
    }
}

/// What the effects of a database other than 0 stand between; no command of a shard.
const SELECT: &[u8] = b"select";

fn select_into(bytes: &mut Vec<u8>, database: u8) {
    use std::io::Write;
    let number = database.to_string();
    write!(
        bytes,
        "*2\r\n$6\r\nselect\r\n${}\r\n{number}\r\n",
        number.len()
    )
    .expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::key;

    fn del(name: &str, database: u8) -> Op {
        Op::new(&key::DEL).arg(name).within(database)
    }

    #[test]
    fn databases_come_back() {
        let ops = [("a", 0), ("b", 3), ("c", 3), ("d", 4), ("e", 0), ("f", 255)];
        let ops = ops.map(|(name, database)| del(name, database));
        for split in 0..=ops.len() {
            let (mut first, mut second) = (Effects::default(), Effects::default());
            ops[..split].iter().for_each(|op| first.push(op));
            ops[split..].iter().for_each(|op| second.push(op));
            first.append(&mut second);
            assert_eq!(first.len(), ops.len());
            first.push(&del("g", 255));
            first.push(&del("h", 0));
            let decoded: Result<Vec<Op>, _> = Effects::decode(first.as_bytes()).collect();
            let more = [del("g", 255), del("h", 0)];
            let wanted: Vec<Op> = ops.iter().chain(&more).cloned().collect();
            assert_eq!(decoded.unwrap(), wanted);
        }
    }

    #[test]
    fn a_database_is_selected_once_for_a_row_of_effects() {
        let mut effects = Effects::default();
        effects.push(&del("a", 2));
        effects.push(&del("b", 2));
        let text = String::from_utf8_lossy(effects.as_bytes()).replace("\r\n", " ");
        assert_eq!(text.matches("select").count(), 2, "{text}");
        assert!(text.starts_with("*2 $6 select $1 2 ") && text.ends_with("select $1 0 "));
    }

    #[test]
    fn a_strange_database_is_refused() {
        for bytes in [
            "*2\r\n$6\r\nselect\r\n$3\r\n256\r\n",
            "*2\r\n$6\r\nselect\r\n$1\r\nx\r\n",
        ] {
            let decoded: Vec<_> = Effects::decode(bytes.as_bytes()).collect();
            assert_eq!(decoded, [Err(CommandError::NO_SUCH_DATABASE)]);
        }
    }
}
