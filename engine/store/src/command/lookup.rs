//! Finding a command by its name: a hash table with open addressing, made by the compiler.

use super::{COMMANDS, Command};

/// Places in the table: a power of two, several times the number of commands, so that probes are few.
const PLACES: usize = 512;
/// A place that holds none.
const EMPTY: u8 = u8::MAX;
/// Longer than any name: longer words are not hashed.
const NAME_BYTES_MAX: usize = 32;

/// For each place, the number of a command in [`COMMANDS`].
static TABLE: [u8; PLACES] = {
    let mut table = [EMPTY; PLACES];
    let mut i = 0;
    assert!(COMMANDS.len() < EMPTY as usize);
    while i < COMMANDS.len() {
        let name = COMMANDS[i].name.as_bytes();
        assert!(name.len() <= NAME_BYTES_MAX);
        let mut place = hash(name) % PLACES;
        while table[place] != EMPTY {
            place = (place + 1) % PLACES;
        }
        table[place] = i as u8;
        i += 1;
    }
    table
};

/// FNV-1a over the lower-case name, its upper bits folded in.
const fn hash(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ name[i].to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ hash >> 16) as usize
}

/// The command of this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut place = hash(name) % PLACES;
    loop {
        let command = *COMMANDS.get(usize::from(TABLE[place]))?;
        if command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(command);
        }
        place = (place + 1) % PLACES;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn finds_every_command_in_any_case() {
        let mut names = HashSet::new();
        for command in COMMANDS {
            assert!(
                names.insert(command.name),
                "{} is listed twice",
                command.name
            );
            assert_eq!(command.name, command.name.to_lowercase());
            assert!(!command.about.is_empty() && command.arity != 0);
            for name in [command.name.to_owned(), command.name.to_uppercase()] {
                assert!(std::ptr::eq(find(name.as_bytes()).expect(&name), *command));
            }
        }
        for name in [
            "",
            "ge",
            "gett",
            "nosuch",
            "zaddzaddzaddzaddzaddzaddzaddzaddzadd",
        ] {
            assert!(find(name.as_bytes()).is_none(), "{name:?}");
        }
    }
}
