//! An operation: one command with its arguments, as every caller hands it to a shard.

use std::fmt;

use smallvec::SmallVec;

use crate::command::{self, Command, CommandError, Keys};
use crate::reply::Protocol;

/// The most bytes that the arguments of one op that is parsed may have together.
pub const BYTES_MAX: usize = 2 << 30;

/// A command and its arguments (the name not among them), the database that it means and the protocol
/// of its reply; owned, and usually without allocation.
#[derive(Clone)]
pub struct Op {
    command: &'static Command,
    database: u8,
    protocol: Protocol,
    /// Which letters of the name were written large, from the lowest bit on.
    large: u32,
    bytes: SmallVec<[u8; 152]>,
    ends: SmallVec<[u32; 8]>,
}

impl Op {
    /// `command` with no arguments yet.
    pub fn new(command: &'static Command) -> Op {
        Op {
            command,
            database: 0,
            protocol: Protocol::Resp2,
            large: 0,
            bytes: SmallVec::new(),
            ends: SmallVec::new(),
        }
    }

    /// Becomes `command` with no arguments yet, in the memory that it has. A bit of `large` is set for each
    /// letter of its name that was written large, from the lowest on.
    #[inline]
    pub fn renew(&mut self, command: &'static Command, large: u32) {
        self.command = command;
        self.database = 0;
        self.protocol = Protocol::Resp2;
        self.large = large;
        self.bytes.clear();
        self.ends.clear();
    }

    /// A command as it comes from a client or a log: its name first.
    ///
    /// # Errors
    /// An unknown name or a wrong number of arguments, in Redis's words.
    pub fn parse<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Op, CommandError> {
        let mut parts = parts.into_iter();
        let name = parts.next().unwrap_or_default();
        let Some(command) = command::find(name) else {
            return Err(CommandError::unknown(name, parts));
        };
        let mut op = Op::new(command).spelled(name);
        for part in parts {
            if op.bytes.len() + part.len() > BYTES_MAX {
                return Err(CommandError::fixed("ERR Protocol error: too big command"));
            }
            op.push(part);
        }
        if command.accepts(op.len()) {
            Ok(op)
        } else {
            Err(CommandError::arity(command))
        }
    }

    /// The bytes of its arguments.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// No fewer bytes than it takes as an array of bulk strings.
    #[inline]
    pub fn encoded_bytes(&self) -> usize {
        // A head is a sign, a number of at most ten digits, and two line ends with the argument's.
        self.bytes.len() + 16 * (self.ends.len() + 2) + self.command.name.len()
    }

    /// Appends an argument; the arguments of one op are bounded by who takes them in, below 4 GiB.
    pub fn push(&mut self, arg: &[u8]) {
        self.extend(arg);
        self.end();
    }

    /// Appends to the argument that is being made: one that comes in pieces is not kept twice.
    pub fn extend(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    /// Ends the argument that is being made.
    pub fn end(&mut self) {
        self.ends
            .push(u32::try_from(self.bytes.len()).expect("an op is below 4 GiB"));
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Op {
        self.push(arg.as_ref());
        self
    }

    /// With one more argument, a number or anything else that has one text.
    #[must_use]
    pub fn text(mut self, arg: impl fmt::Display) -> Op {
        use fmt::Write;
        write!(Text(&mut self), "{arg}").expect("writing to memory does not fail");
        self.end();
        self
    }

    /// With its name as a client wrote it, which differs in case at most.
    #[must_use]
    #[inline]
    pub fn spelled(mut self, name: &[u8]) -> Op {
        if name != self.command.name.as_bytes() {
            let letters = name.iter().zip(0..u32::BITS);
            let large = letters.filter(|(letter, _)| letter.is_ascii_uppercase());
            self.large = large.fold(0, |bits, (_, place)| bits | 1 << place);
        }
        self
    }

    /// Its name as it was written.
    pub fn name(&self) -> String {
        let letters = self.command.name.chars().zip(0..u32::BITS);
        letters
            .map(|(letter, place)| match self.large >> place & 1 {
                0 => letter,
                _ => letter.to_ascii_uppercase(),
            })
            .collect()
    }

    /// In another database than 0 (`SELECT`).
    #[must_use]
    pub fn within(mut self, database: u8) -> Op {
        self.database = database;
        self
    }

    /// As [`Op::within`] and [`Op::answered_in`], in place.
    #[inline]
    pub fn answer_within(&mut self, database: u8, protocol: Protocol) {
        self.database = database;
        self.protocol = protocol;
    }

    /// To be answered in this protocol instead of RESP2.
    #[must_use]
    pub fn answered_in(mut self, protocol: Protocol) -> Op {
        self.protocol = protocol;
        self
    }

    /// The database whose keys it means.
    pub fn database(&self) -> u8 {
        self.database
    }

    /// The protocol of its reply.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The command.
    pub fn command(&self) -> &'static Command {
        self.command
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Argument `i`, from 0.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        let end = *self.ends.get(i)? as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        Some(&self.bytes[start..end])
    }

    /// The arguments in order.
    pub fn args(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| &self[i])
    }

    /// The first key, where the command has one.
    #[inline]
    pub fn key(&self) -> Option<&[u8]> {
        match self.command.keys {
            Keys::Range { step: 0, .. } => None,
            Keys::Range { first, .. } => self.get(first),
            _ => self.keys().next(),
        }
    }

    /// The keys, by the command's key positions.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let positions = self.command.keys.positions(self);
        positions.into_iter().map(|i| &self[i])
    }
}

/// Text goes to the argument that is being made.
struct Text<'a>(&'a mut Op);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.as_bytes());
        Ok(())
    }
}

impl std::ops::Index<usize> for Op {
    type Output = [u8];

    /// # Panics
    /// Where there is no argument `i`; the command's arity says how many there are at least.
    fn index(&self, i: usize) -> &[u8] {
        self.get(i).expect("the arity was checked")
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Op) -> bool {
        std::ptr::eq(self.command, other.command)
            && self.database == other.database
            && self.bytes == other.bytes
            && self.ends == other.ends
    }
}

impl Eq for Op {}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.command.name.to_uppercase())?;
        self.args()
            .try_for_each(|arg| write!(f, " {}", arg.escape_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_it_was_written() {
        for name in ["get", "GET", "gEt", "GEORADIUSBYMEMBER_RO"] {
            let args = [b"a".as_slice(), b"1", b"2", b"m"];
            let parts = std::iter::once(name.as_bytes()).chain(args);
            let parts = parts.take(if name.len() == 3 { 2 } else { 5 });
            assert_eq!(Op::parse(parts).expect(name).name(), name);
        }
        assert!(
            command::COMMANDS
                .iter()
                .all(|command| command.name.len() <= u32::BITS as usize)
        );
        assert_eq!(Op::new(&command::string::GET).name(), "get");
    }
}
