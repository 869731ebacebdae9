//! One table of every command: the store's and the server's own, found by name.

use std::ops::Range;
use std::sync::LazyLock;

use seawall_store::command::{self as store, CommandError, Flags, Keys, memcached, shown};

use super::{COMMANDS, Command, arity_error};

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
    /// The places of its subcommands.
    subcommands: Range<usize>,
    /// The subcommand, where the store runs it as a part of its command.
    part: Option<&'static store::Part>,
}

impl Entry {
    /// Its subcommands.
    pub fn subcommands(&self) -> &'static [Entry] {
        &entries()[self.subcommands.clone()]
    }

    /// What is meant with this first argument: the command itself, or the subcommand that it names.
    ///
    /// # Errors
    /// A subcommand that there is not, in Redis's words.
    pub fn meant(&'static self, first: Option<&[u8]>) -> Result<&'static Entry, CommandError> {
        let Some(name) = first.filter(|_| !self.subcommands.is_empty()) else {
            return Ok(self);
        };
        self.subcommand(name)
            .ok_or_else(|| unknown_subcommand(self, name))
    }

    /// The subcommand of this name.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Entry> {
        self.subcommands().iter().find(|entry| {
            let own = entry.name().rsplit('|').next().unwrap_or_default();
            name.eq_ignore_ascii_case(own.as_bytes())
        })
    }

    /// What is called with `args` arguments, of which this is the first.
    ///
    /// # Errors
    /// As [`Entry::meant`], or a wrong number of arguments.
    pub fn called(
        &'static self,
        first: Option<&[u8]>,
        args: usize,
    ) -> Result<&'static Entry, CommandError> {
        let called = self.meant(first)?;
        if called.accepts(args) {
            Ok(called)
        } else {
            Err(arity_error(called))
        }
    }

    /// Whether `args` arguments (the command's name not counted) fit the arity.
    pub fn accepts(&self, args: usize) -> bool {
        let wanted = usize::from(self.arity().unsigned_abs());
        if self.arity() < 0 {
            args + 1 >= wanted
        } else {
            args + 1 == wanted
        }
    }

    /// Its name, in lower case; a subcommand's after its container's: `client|id`.
    pub fn name(&self) -> &'static str {
        match (self.part, self.runner) {
            (Some(part), _) => part.name,
            (None, Runner::Store(command)) => command.name,
            (None, Runner::Server(command)) => command.name,
        }
    }

    /// How many words a call has, the name counted; negative: at least so many.
    pub fn arity(&self) -> i8 {
        match (self.part, self.runner) {
            (Some(part), _) => part.arity,
            (None, Runner::Store(command)) => command.arity,
            (None, Runner::Server(command)) => command.arity,
        }
    }

    /// What it does.
    pub fn flags(&self) -> Flags {
        match (self.part, self.runner) {
            (Some(part), _) => part.flags,
            (None, Runner::Store(command)) => command.flags,
            (None, Runner::Server(command)) => command.flags,
        }
    }

    /// One line for people.
    pub fn about(&self) -> &'static str {
        match (self.part, self.runner) {
            (Some(part), _) => part.about,
            (None, Runner::Store(command)) => command.about,
            (None, Runner::Server(command)) => command.about,
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

fn unknown_subcommand(container: &Entry, word: &[u8]) -> CommandError {
    let shown = shown(word, 128);
    let container = container.name().to_uppercase();
    CommandError::new(format!(
        "ERR unknown subcommand '{shown}'. Try {container} HELP."
    ))
}

/// Every command, subcommands last. Where both the server and the store have one of a name, the server's counts: it can
/// be answered where the connection is.
pub fn entries() -> &'static [Entry] {
    &TABLE.entries[..TABLE.foreign]
}

/// What can be called at all: [`entries`], and behind them what Memcached's clients call, whom Redis's
/// clients cannot name.
pub fn callable() -> &'static [Entry] {
    &TABLE.entries
}

/// The line of a command that Memcached's clients call.
pub fn of_memcached(command: &'static store::Command) -> Option<&'static Entry> {
    let own = memcached::COMMANDS.iter();
    let at = own.copied().position(|own| std::ptr::eq(own, command));
    match at {
        Some(at) => TABLE.entries.get(TABLE.foreign + at),
        None => find(command.name.as_bytes()),
    }
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
    /// Where Memcached's begin.
    foreign: usize,
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
        let mut entries = Vec::new();
        let add = |entries: &mut Vec<Entry>, runner, part| {
            entries.push(Entry {
                number: entries.len(),
                runner,
                subcommands: 0..0,
                part,
            });
        };
        own.chain(stores)
            .for_each(|runner| add(&mut entries, runner, None));
        let found_by_name = entries.len();
        for command in 0..found_by_name {
            let first = entries.len();
            match entries[command].runner {
                Runner::Server(Command { subcommands, .. }) => {
                    for subcommand in *subcommands {
                        add(&mut entries, Runner::Server(subcommand), None);
                    }
                }
                Runner::Store(whole) => {
                    let parts = store::PARTS.iter();
                    let own = parts.filter(|(of, _)| std::ptr::eq(*of, whole));
                    for part in own.flat_map(|(_, parts)| *parts) {
                        add(&mut entries, Runner::Store(whole), Some(part));
                    }
                }
            }
            entries[command].subcommands = first..entries.len();
        }
        let foreign = entries.len();
        for command in memcached::COMMANDS {
            add(&mut entries, Runner::Store(command), None);
        }
        // Several places for each: probes stay few.
        let mut places = vec![0; (found_by_name * 4).next_power_of_two()];
        for entry in &entries[..found_by_name] {
            let mut place = hash(entry.name().as_bytes()) & (places.len() - 1);
            while places[place] != 0 {
                place = (place + 1) & (places.len() - 1);
            }
            places[place] = entry.number as u16 + 1;
        }
        Table {
            entries,
            foreign,
            places,
        }
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
            if name.contains('|') {
                continue;
            }
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
    fn subcommands_follow_their_container() {
        for entry in entries() {
            for subcommand in entry.subcommands() {
                let own = subcommand.name().strip_prefix(entry.name());
                let own = own.and_then(|name| name.strip_prefix('|')).unwrap();
                let own = own.to_uppercase();
                let least = usize::from(subcommand.arity().unsigned_abs());
                let called = entry.called(Some(own.as_bytes()), least - 1).unwrap();
                assert_eq!(called.number, subcommand.number);
            }
        }
        let get = find(b"get").unwrap();
        assert_eq!(get.called(Some(b"a"), 1).unwrap().number, get.number);
        let error = get.called(None, 0).unwrap_err().to_string();
        assert_eq!(error, "ERR wrong number of arguments for 'get' command");
        let object = find(b"object").unwrap();
        let encoding = object.called(Some(b"Encoding"), 2).unwrap();
        assert_eq!(encoding.name(), "object|encoding");
        assert!(matches!(encoding.runner, Runner::Store(command) if command.name == "object"));
        let error = object.called(Some(b"freq"), 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "ERR wrong number of arguments for 'object|freq' command"
        );
    }

    #[test]
    fn what_memcacheds_clients_call_has_lines_but_no_names() {
        for command in memcached::COMMANDS {
            let entry = of_memcached(command).unwrap();
            assert_eq!(entry.name(), command.name);
            assert_eq!(callable()[entry.number].name(), command.name);
            assert!(find(command.name.as_bytes()).is_none());
        }
        let flush = of_memcached(&store::server::FLUSHDB).unwrap();
        assert_eq!(flush.name(), "flushdb");
    }

    #[test]
    fn what_the_server_answers_itself_is_its_own() {
        assert!(matches!(find(b"ping").unwrap().runner, Runner::Server(_)));
        assert!(matches!(find(b"get").unwrap().runner, Runner::Store(_)));
    }
}
