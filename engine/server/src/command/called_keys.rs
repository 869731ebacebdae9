//! The keys of a call, and what it does to them: `COMMAND GETKEYS` and `GETKEYSANDFLAGS`.
//!
//! The facts' key specs say it for most commands. Where they cannot, because it hangs on other
//! arguments, the command is named here.

use seawall_store::command::{CommandError, Flag};

use super::facts;
use super::{Entry, find};

/// A key of a call.
#[derive(Debug, PartialEq, Eq)]
pub struct CalledKey<'a> {
    /// The key.
    pub name: &'a [u8],
    /// What happens to it, in Redis's words.
    pub flags: Vec<&'static str>,
}

const READ: &[&str] = &["RO", "access"];
const OVERWRITE: &[&str] = &["OW", "update"];
const READ_AND_UPDATE: &[&str] = &["RW", "access", "update"];

/// The keys of the call whose words these are, the name first.
///
/// # Errors
/// No such command, a wrong number of words, or words that have no keys where they must, in Redis's
/// words.
pub fn called_keys<'a>(words: &[&'a [u8]]) -> Result<Vec<CalledKey<'a>>, CommandError> {
    let entry = words
        .first()
        .and_then(|name| called(name, words.get(1).copied()));
    let entry = entry.ok_or(CommandError::fixed("ERR Invalid command specified"))?;
    let facts = facts::find(entry.name());
    let specs = facts.map_or(&[][..], |facts| &facts.keys);
    // Channels are found like keys, and are none.
    if specs.iter().all(|spec| spec.flags.contains(&"not_key")) {
        return Err(CommandError::fixed("ERR The command has no key arguments"));
    }
    if !entry.accepts(words.len() - 1) {
        return Err(CommandError::fixed(
            "ERR Invalid number of arguments specified for command",
        ));
    }
    if let Some(keys) = by_arguments(entry.name(), words) {
        return Ok(keys);
    }
    let mut keys = Vec::new();
    for spec in specs {
        let Some(positions) = spec.positions(words) else {
            let optional = spec.is_optional() && specs.len() > 1;
            if optional || entry.flags().has(Flag::NoMandatoryKeys) {
                continue;
            }
            return Err(CommandError::fixed(
                "ERR Invalid arguments specified for command",
            ));
        };
        keys.extend(positions.into_iter().map(|at| {
            CalledKey {
                name: words[at],
                flags: spec
                    .flags
                    .iter()
                    .copied()
                    .filter(|flag| !is_remark(flag))
                    .collect(),
            }
        }));
    }
    Ok(keys)
}

/// The command that is called: a subcommand, where the second word is one.
fn called(name: &[u8], second: Option<&[u8]>) -> Option<&'static Entry> {
    let entry = find(name)?;
    if entry.subcommands().is_empty() {
        return Some(entry);
    }
    entry.subcommand(second?)
}

/// What is said of the spec and not of the key.
fn is_remark(flag: &str) -> bool {
    matches!(flag, "variable_flags" | "incomplete" | "not_key")
}

/// Keys and their use where they hang on other arguments.
fn by_arguments<'a>(name: &str, words: &[&'a [u8]]) -> Option<Vec<CalledKey<'a>>> {
    let key = |at: usize, flags: &[&'static str]| CalledKey {
        name: words[at],
        flags: flags.to_vec(),
    };
    match name {
        "set" => {
            let gets = words[3..]
                .iter()
                .any(|word| word.eq_ignore_ascii_case(b"get"));
            Some(vec![key(1, if gets { READ_AND_UPDATE } else { OVERWRITE })])
        }
        "bitfield" => {
            let reads = only_reads(&words[2..]);
            Some(vec![key(1, if reads { READ } else { READ_AND_UPDATE })])
        }
        "sort" => {
            let stored = stored(words);
            let mut keys = vec![key(1, READ)];
            // Where there are several, the last counts.
            keys.extend(stored.last().map(|&at| key(at, OVERWRITE)));
            Some(keys)
        }
        "sort_ro" => Some(vec![key(1, READ)]),
        _ => None,
    }
}

/// Whether all that a `BITFIELD` is told is to read. What it does not know might write.
fn only_reads(mut words: &[&[u8]]) -> bool {
    while let [word, rest @ ..] = words {
        words = match (word.to_ascii_lowercase().as_slice(), rest) {
            (b"get", [_, _, rest @ ..]) | (b"overflow", [_, rest @ ..]) => rest,
            _ => return false,
        };
    }
    true
}

/// Where the words that follow `STORE` in a `SORT` stand, which no other option takes.
fn stored(words: &[&[u8]]) -> Vec<usize> {
    let mut stored = Vec::new();
    let mut at = 2;
    while at < words.len() {
        at += match words[at].to_ascii_lowercase().as_slice() {
            b"limit" => 2,
            b"get" | b"by" => 1,
            b"store" if at + 1 < words.len() => {
                stored.push(at + 1);
                0
            }
            _ => 0,
        };
        at += 1;
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(call: &str) -> String {
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        match called_keys(&words) {
            Ok(keys) => {
                let keys = keys.iter().map(|key| {
                    let name = String::from_utf8_lossy(key.name);
                    format!("{name}({})", key.flags.join(","))
                });
                keys.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn keys_and_their_use() {
        for (call, wanted) in [
            ("set a b", "a(OW,update)"),
            ("SET a b GET", "a(RW,access,update)"),
            ("set get get", "get(OW,update)"),
            ("get a", "a(RO,access)"),
            ("mset a 1 b 2", "a(OW,update) b(OW,update)"),
            (
                "command getkeys get a",
                "ERR The command has no key arguments",
            ),
            ("bitfield a get u8 0 overflow wrap", "a(RO,access)"),
            ("bitfield a get u8 0 set", "a(RW,access,update)"),
            ("bitfield a incrby u8 0 1", "a(RW,access,update)"),
            ("sort a store store b", "a(RO,access) b(OW,update)"),
            ("ssubscribe channel", "ERR The command has no key arguments"),
            ("nosuch a", "ERR Invalid command specified"),
            ("ping", "ERR The command has no key arguments"),
            (
                "get",
                "ERR Invalid number of arguments specified for command",
            ),
        ] {
            assert_eq!(shown(call), wanted, "{call}");
        }
    }

    #[test]
    fn store_stands_where_no_option_takes_it() {
        let at = |call: &str| {
            let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
            stored(&words)
        };
        assert_eq!(at("sort a by store store b store c"), [5, 7]);
        assert_eq!(at("sort a store store b"), [3, 4]);
        assert_eq!(at("sort a store"), []);
        assert_eq!(at("sort a limit 0 store b"), [] as [usize; 0]);
    }
}
