//! A command as a client called it: which one, and in which case it wrote the name.
//!
//! `MONITOR` and `SLOWLOG` show the name as it came. All that is lost of it when the command is found is
//! which letters were large, so that is all that is kept.

use std::ops::Deref;

use seawall_store::command::Command;

use super::{Entry, Runner};

/// A command as a client called it.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    /// The command; of a container, the subcommand, once it is known.
    pub entry: &'static Entry,
    /// A bit for each letter of the name that was a capital.
    capitals: u32,
}

impl Called {
    /// `entry`, found by `name`, which is no longer than 32 bytes.
    pub fn new(entry: &'static Entry, name: &[u8]) -> Called {
        let capitals = name.iter().take(u32::BITS as usize).zip(0..);
        let capitals = capitals.filter(|(byte, _)| byte.is_ascii_uppercase());
        Called {
            entry,
            capitals: capitals.fold(0, |bits, (_, at)| bits | 1 << at),
        }
    }

    /// The command of `entry`, its name in small letters.
    pub fn in_small_letters(entry: &'static Entry) -> Called {
        Called { entry, capitals: 0 }
    }

    /// A bit for each letter of the name that was a capital, from the lowest on.
    pub fn capitals(&self) -> u32 {
        self.capitals
    }

    /// Whether `other` is the same command, written alike.
    #[inline]
    pub fn is_as(&self, other: &Called) -> bool {
        std::ptr::eq(self.entry, other.entry) && self.capitals == other.capitals
    }

    /// The same call, of which it is known now that it is of this subcommand.
    #[must_use]
    pub fn of(self, entry: &'static Entry) -> Called {
        Called { entry, ..self }
    }

    /// Whether it is a call of this command of the store's.
    pub fn is_of(&self, command: &'static Command) -> bool {
        matches!(self.entry.runner, Runner::Store(own) if std::ptr::eq(own, command))
    }

    /// The first word of the call.
    pub fn first_word(&self) -> String {
        let name = self.entry.name().split('|').next().unwrap_or_default();
        let spelled = name.chars().zip(0..u32::BITS).map(|(letter, at)| {
            if self.capitals >> at & 1 == 1 {
                letter.to_ascii_uppercase()
            } else {
                letter
            }
        });
        spelled.collect()
    }
}

impl Deref for Called {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        self.entry
    }
}

#[cfg(test)]
mod tests {
    use super::super::{entries, find};
    use super::*;

    #[test]
    fn names_come_back_as_they_were_written() {
        for name in ["get", "GET", "gEt", "GEORADIUSBYMEMBER_RO"] {
            let called = Called::new(find(name.as_bytes()).unwrap(), name.as_bytes());
            assert_eq!(called.first_word(), name);
        }
        let client = find(b"client").unwrap();
        let called = Called::new(client, b"Client").of(&client.subcommands()[0]);
        assert_eq!(called.first_word(), "Client");
        let longest = entries().iter().map(|entry| entry.name().len()).max();
        assert!(longest.is_some_and(|len| len <= u32::BITS as usize));
    }
}
