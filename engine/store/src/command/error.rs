//! Why a command was refused, in Redis's words.

use std::borrow::Cow;
use std::fmt;

use super::Command;

/// Why a command was refused: Redis's words, its code word first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(Cow<'static, str>);

/// That a command was refused, for who asks in another way why: it is answered in a register. (An answer in
/// memory is read back when all that was written before has reached the caches, values among them.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl From<CommandError> for Refused {
    fn from(_: CommandError) -> Refused {
        Refused
    }
}

impl CommandError {
    /// All keys are needed, and some are not in memory yet.
    pub const LOADING: CommandError =
        CommandError::fixed("LOADING Redis is loading the dataset in memory");
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
    /// A number that is no database's.
    pub const NO_SUCH_DATABASE: CommandError =
        CommandError(Cow::Borrowed("ERR DB index is out of range"));
    /// `maxmemory` reached and nothing left to evict.
    pub const OUT_OF_MEMORY: CommandError = CommandError(Cow::Borrowed(
        "OOM command not allowed when used memory > 'maxmemory'.",
    ));

    /// An error with these words, as a constant.
    pub const fn fixed(words: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(words))
    }

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
        let mut quoted = String::new();
        for arg in args {
            if quoted.len() >= 128 {
                break;
            }
            let _ = write!(quoted, "'{}' ", shown(arg, 128 - quoted.len()));
        }
        let name = shown(name, 128);
        CommandError(
            format!("ERR unknown command '{name}', with args beginning with: {quoted}").into(),
        )
    }
}

/// Bytes in an error as C prints a string: up to a zero byte, and no more than `most`.
pub fn shown(bytes: &[u8], most: usize) -> String {
    let end = bytes.iter().take(most).take_while(|&&b| b != 0).count();
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
