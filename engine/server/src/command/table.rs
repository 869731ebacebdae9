//! One table of every command: the store's and the server's own, found by name.

use std::sync::LazyLock;

use seawall_store::command::{self as store, Flags, Keys};

use super::{COMMANDS, Command};

/// Who runs a command.
#[derive(Clone, Copy, Debug)]
pub enum Runner {
    /// A shard.
    Store(&'static store::Command),
    /// The connection's worker.
    Server(&'static Command),
}

/// A line of the table.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the table: statistics are kept by it.
    pub number: usize,
    /// Who runs it.
    pub runner: Runner,
}

impl Entry {
    /// Its name, in lower case.
    pub fn name(&self) -> &'static str {
        match self.runner {
            Runner::Store(command) => command.name,
            Runner::Server(command) => command.name,
        }
    }

    /// How many words a call has, the name counted; negative: at least so many.
    pub fn arity(&self) -> i8 {
        match self.runner {
            Runner::Store(command) => command.arity,
            Runner::Server(command) => command.arity,
        }
    }

    /// What it does.
    pub fn flags(&self) -> Flags {
        match self.runner {
            Runner::Store(command) => command.flags,
            Runner::Server(command) => command.flags,
        }
    }

    /// Which arguments are keys.
    pub fn keys(&self) -> Keys {
        match self.runner {
            Runner::Store(command) => command.keys,
            Runner::Server(command) => command.keys,
        }
    }
}

/// Every command. Where both the server and the store have one of a name, the server's counts: it can
/// be answered where the connection is.
pub fn entries() -> &'static [Entry] {
    &TABLE.entries
}

/// The command of this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Entry> {
    TABLE.find(name)
}

/// Longer than any name: longer words are not hashed.
const NAME_BYTES_MAX: usize = 32;

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

struct Table {
    entries: Vec<Entry>,
    /// Open addressing; 0: nothing, else the number of an entry, from 1.
    places: Vec<u16>,
}

impl Table {
    fn new() -> Table {
        let own = COMMANDS.iter().map(|&command| Runner::Server(command));
        let is_own = |command: &store::Command| COMMANDS.iter().any(|own| own.name == command.name);
        let stores = store::COMMANDS
            .iter()
            .filter(|command| !is_own(command))
            .map(|&command| Runner::Store(command));
        let entries: Vec<Entry> = own
            .chain(stores)
            .enumerate()
            .map(|(number, runner)| Entry { number, runner })
            .collect();
        // Several places for each: probes stay few.
        let mut places = vec![0; (entries.len() * 4).next_power_of_two()];
        for entry in &entries {
            let mut place = hash(entry.name().as_bytes()) & (places.len() - 1);
            while places[place] != 0 {
                place = (place + 1) & (places.len() - 1);
            }
            places[place] = entry.number as u16 + 1;
        }
        Table { entries, places }
    }

    fn find(&self, name: &[u8]) -> Option<&Entry> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut place = hash(name) & (self.places.len() - 1);
        loop {
            let number = usize::from(self.places[place]).checked_sub(1)?;
            let entry = &self.entries[number];
            if entry.name().as_bytes().eq_ignore_ascii_case(name) {
                return Some(entry);
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }
}

/// FNV-1a over the lower-case name, its upper bits folded in.
fn hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    });
    (hash ^ hash >> 16) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_command_in_any_case() {
        for entry in entries() {
            let name = entry.name();
            assert_eq!(name, name.to_lowercase());
            for name in [name.to_owned(), name.to_uppercase()] {
                let found = find(name.as_bytes()).expect(&name);
                assert_eq!(found.number, entry.number, "{name}");
            }
            assert!(entry.arity() != 0, "{name}");
        }
        for name in ["", "ge", "gett", &"g".repeat(400)] {
            assert!(find(name.as_bytes()).is_none(), "{name:?}");
        }
    }

    #[test]
    fn what_the_server_answers_itself_is_its_own() {
        assert!(matches!(find(b"ping").unwrap().runner, Runner::Server(_)));
        assert!(matches!(find(b"get").unwrap().runner, Runner::Store(_)));
    }
}
