//! The table of commands: name, arity, flags, key positions, handler.
//!
//! One table feeds dispatch and documentation. A family of commands is a file; a command is a
//! `static` in it and a line in [`COMMANDS`].

pub mod string;

use std::borrow::Cow;
use std::fmt;

use crate::keyspace::Keyspace;
use crate::op::Op;
use crate::shard::Out;
use crate::time::Millis;

/// Every command, by family.
pub static COMMANDS: &[&Command] = &[&string::GET, &string::SET];

/// A command, as the table has it.
pub struct Command {
    /// Its name, in lower case.
    pub name: &'static str,
    /// How many words a call has, the name counted; negative: at least so many (Redis's convention).
    pub arity: i8,
    /// What it does to the store.
    pub flags: Flags,
    /// Which arguments are keys.
    pub keys: Keys,
    /// One line for people.
    pub about: &'static str,
    /// What runs it.
    pub run: fn(&mut Call<'_>) -> Result<(), CommandError>,
}

impl Command {
    /// Whether `args` arguments (the name not counted) fit the arity.
    pub fn accepts(&self, args: usize) -> bool {
        let words = args + 1;
        let wanted = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            words >= wanted
        } else {
            words == wanted
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a command does to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// It reads.
    Read,
    /// It may change something and may need memory: refused when `maxmemory` is reached.
    Write,
    /// It may change something and needs no memory (`DEL`, `EXPIRE`).
    WriteFree,
}

impl Flags {
    /// Whether the command may change something.
    pub fn writes(self) -> bool {
        self != Flags::Read
    }
}

/// Which arguments are keys: every `step`-th from `first` to `last` (negative: from the end),
/// counted from 0 without the name. `step` 0: none.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The first key's position.
    pub first: usize,
    /// The last key's position; -1 is the last argument.
    pub last: isize,
    /// The distance from one key to the next.
    pub step: usize,
}

impl Keys {
    /// No keys.
    pub const NONE: Keys = Keys {
        first: 0,
        last: 0,
        step: 0,
    };
    /// The first argument alone.
    pub const ONE: Keys = Keys {
        first: 0,
        last: 0,
        step: 1,
    };
    /// Every argument.
    pub const ALL: Keys = Keys {
        first: 0,
        last: -1,
        step: 1,
    };
    /// Every second argument from the first (`MSET`).
    pub const PAIRS: Keys = Keys {
        first: 0,
        last: -1,
        step: 2,
    };

    /// The positions among `len` arguments.
    pub fn positions(self, len: usize) -> impl Iterator<Item = usize> {
        let last = if self.last < 0 {
            len as isize + self.last
        } else {
            self.last
        };
        let end = if self.step == 0 {
            0
        } else {
            usize::try_from(last + 1).unwrap_or(0).min(len)
        };
        (self.first..end).step_by(self.step.max(1))
    }
}

/// One call of a command: what its handler may touch.
pub struct Call<'a> {
    /// The shard's keys.
    pub keyspace: &'a mut Keyspace,
    /// The time of the call.
    pub now: Millis,
    /// The op.
    pub op: &'a Op,
    /// Where reply and effects go.
    pub out: &'a mut Out,
}

impl Call<'_> {
    /// Tells log and replicas the op as it came: for handlers whose op is deterministic.
    pub fn propagate(&mut self) {
        self.out.effects.push(self.op);
    }
}

/// Why a command was refused: Redis's words, its code word first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(Cow<'static, str>);

impl CommandError {
    /// `WRONGTYPE`.
    pub const WRONG_TYPE: CommandError = CommandError(Cow::Borrowed(
        "WRONGTYPE Operation against a key holding the wrong kind of value",
    ));
    /// A syntax error.
    pub const SYNTAX: CommandError = CommandError(Cow::Borrowed("ERR syntax error"));
    /// An argument that is not an integer.
    pub const NOT_AN_INTEGER: CommandError =
        CommandError(Cow::Borrowed("ERR value is not an integer or out of range"));
    /// An argument that is not a number.
    pub const NOT_A_FLOAT: CommandError =
        CommandError(Cow::Borrowed("ERR value is not a valid float"));
    /// `maxmemory` reached and nothing left to evict.
    pub const OUT_OF_MEMORY: CommandError = CommandError(Cow::Borrowed(
        "OOM command not allowed when used memory > 'maxmemory'.",
    ));

    /// An error with these words.
    pub fn new(words: impl Into<Cow<'static, str>>) -> CommandError {
        CommandError(words.into())
    }

    /// A wrong number of arguments.
    pub fn arity(command: &Command) -> CommandError {
        CommandError(
            format!(
                "ERR wrong number of arguments for '{}' command",
                command.name
            )
            .into(),
        )
    }

    /// A name that is no command's, quoted with the beginning of its arguments as Redis does.
    pub fn unknown<'a>(name: &[u8], args: impl Iterator<Item = &'a [u8]>) -> CommandError {
        use fmt::Write;
        let shown =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(128)]).into_owned();
        let mut quoted = String::new();
        for arg in args {
            if quoted.len() >= 128 {
                break;
            }
            let _ = write!(quoted, "'{}' ", shown(arg));
        }
        let name = shown(name);
        CommandError(
            format!("ERR unknown command '{name}', with args beginning with: {quoted}").into(),
        )
    }
}

/// The command of this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    // The table is small; a perfect hash can come when a profile asks for it.
    COMMANDS
        .iter()
        .copied()
        .find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
}
