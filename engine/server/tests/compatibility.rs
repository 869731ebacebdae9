//! `docs/compatibility.md` says what the tables say: every command of Redis 7.0, whether it is here,
//! what differs, and which tests call it; and what the random commands beside Redis may answer otherwise.

#[expect(
    dead_code,
    reason = "what may differ is said here; who compares is in another test"
)]
#[path = "serve/oracle/allowed/mod.rs"]
mod allowed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use seawall_server::command::deviations::DEVIATIONS;
use seawall_server::command::facts::{self, Facts};
use seawall_server::command::{Entry, entries};

const RENEW: &str = "SEAWALL_BLESS=1 cargo test -p seawall-server --test compatibility";

const HEAD: &str = "# Compatibility with Redis 7.0

Every command of Redis 7.0.15, by family: whether this server has it, what differs, and the tests that
call it. A command that is here answers as Redis does, byte for byte, but for what is said and for the
texts of `HELP`, which are ours.

Redis's own suite runs against this server too (`just redis-suite`); what of it does not, and why, stands
in [`skipped.tsv`](../engine/server/tests/redis-suite/skipped.tsv).

Made from the tables of commands by a test; to renew it:

```sh
";

/// What may differ from run to run.
const UNDEFINED: &str = "
## What Redis leaves undefined

Random commands are sent to this server and to Redis side by side, and every byte of every reply is compared, but
for this:

| Commands | What may differ |
|---|---|
";

/// What Memcached's clients find otherwise: they call no command of the table.
const MEMCACHED: &str = "
## Memcached's clients

Text and meta commands on `memcached-port`, as memcached 1.6.18 answers them, but for this:

- A key that holds no string is a miss to who reads, and there to who adds; `set` replaces it.
- `decr` stores the number as it is; memcached pads it with spaces to the length it had.
- Of later versions: `ms` knows `N` (create on a missed append), `s` and `E`, and `mg`, `md`, `ma` know `E`; `md` knows `x`.
- `me` shows one slab class, and the size of the value alone.
- Numbers that `cas` compares are a key's own: two keys may have the same.
- A time of expiry keeps its milliseconds, where memcached counts in whole seconds of a clock of its own.
- `stats` has the figures that exist here; `items`, `slabs` and `cachedump` are empty, `detail` is unknown. A failed `set` for want of
  memory leaves the older value.
- What tunes memcached's own memory and threads answers as a memcached does that was started without it (`-X -W`, no
  crawler): `watch`, `lru_crawler`, `slabs`, `lru`, `shutdown`. `cache_memlimit` sets `maxmemory`.
- `memcached-item-size-max` is memcached's `-I`; `maxclients`, `timeout` and `maxmemory` are its `-c`, `idle_timeout` and `-m`.
- With `requirepass` a client logs in as with memcached's `-Y`: by a first `set` of any key to `default PASSWORD`.
- A line is refused beyond 2048 bytes, unless it asks for keys; then it may be as long as `client-query-buffer-limit`.
- `SLOWLOG`, `MONITOR`, `CLIENT PAUSE`, `LATENCY` and `INFO commandstats` know these clients' requests by names such as
  `memcached.get`, one for each key; those with the letter `T` or `N` as `memcached.mg|touch` and `memcached.mg|create`.
";

/// Folders of golden scripts, and what is said of them.
const SCRIPTS: [(&str, &str); 2] = [
    ("store", "tests/scripts"),
    ("server", "tests/serve/scripts"),
];
/// Folders of grammars whose random commands are also sent to a real Redis.
const GRAMMARS: [&str; 2] = ["../store/tests/grammar", "tests/serve/oracle/casts"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|e| e == ending))
        .collect();
    files.sort();
    files
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// For each command, the tests that call it.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |name: &str, test: String| {
        tests.entry(name.to_lowercase()).or_default().insert(test);
    };
    for (krate, folder) in SCRIPTS {
        for file in files(&here("..").join(krate).join(folder), "txt") {
            let test = format!("{} script", stem(&file).replace('_', " "));
            for line in fs::read_to_string(&file).expect("a script").lines() {
                let Some((client, words)) = line.split_once("> ") else {
                    continue;
                };
                if client.len() > 1 {
                    continue;
                }
                let mut words = words.split_whitespace();
                let (Some(name), second) = (words.next(), words.next()) else {
                    continue;
                };
                add(name, test.clone());
                if let Some(second) = second {
                    add(&format!("{name}|{second}"), test.clone());
                }
            }
        }
    }
    let grammars = GRAMMARS
        .iter()
        .flat_map(|folder| files(&here(folder), "rs"));
    for file in grammars {
        let text = fs::read_to_string(&file).expect("a grammar");
        for facts in facts::all() {
            let name = facts.name.replace('|', " ");
            let called = ["", "!", "walk "].iter().any(|sign| {
                let quoted = format!("\"{sign}{name}");
                text.match_indices(&quoted).any(|(at, found)| {
                    matches!(text.as_bytes().get(at + found.len()), Some(b'"' | b' '))
                })
            });
            if called {
                add(facts.name, "random, beside Redis".to_owned());
            }
        }
    }
    tests
}

fn row(facts: &Facts, entry: Option<&Entry>, tests: &BTreeMap<String, BTreeSet<String>>) -> String {
    let deviation = DEVIATIONS.iter().find(|(name, _)| *name == facts.name);
    let tests = tests.get(facts.name).map(|tests| {
        tests
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    });
    let has_it = match (entry, deviation) {
        (None, _) => "no",
        (Some(_), None) => "yes",
        (Some(_), Some(_)) => "differs",
    };
    let shown_tests = entry.and(tests).unwrap_or_default();
    format!(
        "| `{}` | {} | {has_it} | {} | {shown_tests} |\n",
        facts.name.replace('|', " ").to_uppercase(),
        facts.since,
        deviation.map_or("", |(_, text)| text),
    )
}

fn page() -> String {
    let tests = tests();
    let all = entries();
    let ours = |facts: &Facts| all.iter().find(|entry| entry.name() == facts.name);
    let mut groups: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for facts in facts::all() {
        groups.entry(facts.group).or_default().push(facts);
    }
    let (here, missing): (Vec<_>, Vec<_>) =
        facts::all().iter().partition(|facts| ours(facts).is_some());
    let mut page = format!("{HEAD}{RENEW}\n```\n\n");
    let _ = writeln!(
        page,
        "Of {} commands and subcommands {} are here.",
        here.len() + missing.len(),
        here.len()
    );
    for (group, commands) in groups {
        let _ = write!(
            page,
            "\n## {}\n\n| Command | Since | Here | What differs | Tests |\n|---|---|---|---|---|\n",
            group.replace('-', " ")
        );
        for facts in commands {
            page.push_str(&row(facts, ours(facts), &tests));
        }
    }
    let others: Vec<&Entry> = all
        .iter()
        .filter(|entry| facts::find(entry.name()).is_none())
        .collect();
    if !others.is_empty() {
        page.push_str("\n## Not of Redis 7.0\n\n| Command | What it does |\n|---|---|\n");
        for entry in others {
            let name = entry.name().replace('|', " ").to_uppercase();
            let _ = writeln!(page, "| `{name}` | {} |", entry.about());
        }
    }
    page.push_str(UNDEFINED);
    for line in allowed::ALLOWED {
        let names = line.commands.iter().map(|name| {
            let name = name.replace('|', " ").to_uppercase();
            format!("`{name}`")
        });
        let names: Vec<String> = names.collect();
        let _ = writeln!(page, "| {} | {} |", names.join(", "), line.why);
    }
    page.push_str(MEMCACHED);
    page
}

#[test]
fn the_page_says_what_the_tables_say() {
    let file = here("../../docs/compatibility.md");
    let page = page();
    if std::env::var_os("SEAWALL_BLESS").is_some() {
        fs::write(&file, page).expect("the page can be written");
        return;
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    let stale = there
        .lines()
        .zip(page.lines())
        .find(|(there, wanted)| there != wanted);
    assert!(
        there == page,
        "docs/compatibility.md is stale ({stale:?}); renew it:\n{RENEW}"
    );
}
