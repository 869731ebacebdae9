//! Golden scripts: what clients say, and every reply.
//!
//! ```text
//! > SET key value          what client `a` says; `b> …` is another client
//! +OK                      the reply, its lines joined by spaces
//! b<                       client `b` hears something that it did not ask for
//! ? *3 $7 message $* $2 hi  a reply that matches a pattern
//! ```
//!
//! `SEAWALL_BLESS=1` writes what is answered now into the files.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use seawall_store::command::glob;

use crate::client::Client;

/// The scripts, by name.
pub fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/scripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the scripts' folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Runs a script and gives it back as it was answered, and what differs.
pub fn run(text: &str, server: SocketAddr) -> (String, Vec<String>) {
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut answered = String::new();
    let mut differences = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        answered.push_str(line);
        answered.push('\n');
        let Some((name, words)) = step(line) else {
            continue;
        };
        // The last of these in a failure is what was not answered.
        println!("{}: {line}", number + 1);
        let name = if name.is_empty() { "a" } else { name };
        let client = clients
            .entry(name.to_owned())
            .or_insert_with(|| Client::connect(server));
        let reply = if words.is_empty() {
            client.reply()
        } else {
            client.ask(words.trim())
        };
        let reply = reply.trim_end().replace("\r\n", " ");
        let expected = lines.next_if(|(_, line)| !line.is_empty() && step(line).is_none());
        let expected = expected.map_or("", |(_, line)| line);
        let same = match expected.strip_prefix("? ") {
            Some(pattern) => glob::matches(pattern.as_bytes(), reply.as_bytes()),
            None => expected == reply,
        };
        let shown = if same { expected } else { &reply };
        // A client that was closed hears nothing, which has no line.
        if !shown.is_empty() {
            let _ = writeln!(answered, "{shown}");
        }
        if !same {
            differences.push(format!(
                "{}: {line}\n  wanted {expected}\n  got    {reply}",
                number + 1
            ));
        }
    }
    (answered, differences)
}

/// The client and its words, where the line is a step. A pushed message begins with `>` too, and a digit.
fn step(line: &str) -> Option<(&str, &str)> {
    let name = line.len()
        - line
            .trim_start_matches(|c: char| c.is_ascii_lowercase())
            .len();
    let (name, rest) = line.split_at(name.min(1));
    match rest {
        "<" => Some((name, "")),
        _ => rest.strip_prefix("> ").map(|words| (name, words)),
    }
}
