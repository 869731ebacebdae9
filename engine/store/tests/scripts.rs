//! Golden scripts: `scripts/*.txt` hold commands, and under each its reply and its effects.
//!
//! ```text
//! # A comment.
//! @ 5000                       the time from here on, in milliseconds
//! > SET key "a value" EX 10    a command; quoted words may hold \r \n \t \" \\ \xHH
//! OK                           its reply
//! ~ SET key "a value" PXAT 15000    what log and replicas hear of it
//! > SELECT 3                   the database from here on; effects show it as "~ 3: SET ..."
//! OK
//! ```
//!
//! `SEAWALL_BLESS=1` writes what the shard answers now into the files; the difference reads as a trace.
//! Each file begins on an empty shard at 1000 ms.

mod script;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use script::{quoted, show, split};
use seawall_store::{Effects, Millis, Op, Out, Reply, Shard, ShardConfig};

fn files() -> Vec<PathBuf> {
    script::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts"))
}

fn run(script: &str) -> String {
    let mut shard = Shard::new(&ShardConfig::default());
    let (mut now, mut database) = (Millis(1000), 0);
    let mut text = String::new();
    for line in script.lines() {
        if let Some(time) = line.strip_prefix("@ ") {
            now = Millis(time.trim().parse().expect("a time in milliseconds"));
        }
        let Some(command) = line.strip_prefix("> ") else {
            if line.is_empty() || line.starts_with(['#', '@']) {
                let _ = writeln!(text, "{line}");
            }
            continue;
        };
        let _ = writeln!(text, "{line}");
        let words = split(command);
        if let Some(selected) = command.strip_prefix("SELECT ") {
            database = selected.parse().expect("a database");
            text.push_str("OK\n");
            continue;
        }
        let mut out = Out::default();
        match Op::parse(words.iter().map(Vec::as_slice)) {
            Ok(op) => shard.apply(now, &op.within(database), &mut out),
            Err(error) => out.reply.error(&error),
        }
        let (reply, used) = Reply::parse(out.reply.as_bytes()).expect("a whole reply");
        assert_eq!(used, out.reply.len(), "one reply: {line}");
        show(&reply, "", &mut text);
        for effect in Effects::decode(out.effects.as_bytes()) {
            let effect = effect.expect("effects decode");
            text.push_str("~ ");
            if effect.database() != 0 {
                let _ = write!(text, "{}: ", effect.database());
            }
            text.push_str(&effect.command().name.to_uppercase());
            for arg in effect.args() {
                let plain =
                    !arg.is_empty() && arg.iter().all(|b| b.is_ascii_graphic() && *b != b'"');
                let arg = if plain {
                    arg.escape_ascii().to_string()
                } else {
                    quoted(arg)
                };
                let _ = write!(text, " {arg}");
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn scripts_answer_as_they_did() {
    for file in files() {
        let script = fs::read_to_string(&file).expect("a script");
        let answered = run(&script);
        if std::env::var_os("SEAWALL_BLESS").is_some() {
            // Renamed into place: the other test may read the file at this moment.
            let new = file.with_extension("new");
            fs::write(&new, answered).expect("the script can be written");
            fs::rename(&new, &file).expect("the script can be replaced");
            continue;
        }
        let pairs = script.lines().zip(answered.lines());
        let first = pairs.into_iter().position(|(wanted, got)| wanted != got);
        let place = first.unwrap_or(script.lines().count().min(answered.lines().count()));
        assert!(
            script == answered,
            "{}:{}:\n  wanted {:?}\n  got    {:?}\nSEAWALL_BLESS=1 takes what is answered now",
            file.display(),
            place + 1,
            script.lines().nth(place).unwrap_or("nothing more"),
            answered.lines().nth(place).unwrap_or("nothing more"),
        );
    }
}

/// Every command stands in a script, so that none changes unseen.
#[test]
fn scripts_cover_every_command() {
    let all: String = files()
        .iter()
        .map(|file| fs::read_to_string(file).expect("a script"))
        .collect();
    for command in seawall_store::command::COMMANDS {
        let call = format!("\n> {} ", command.name.to_uppercase());
        assert!(
            all.contains(&call) || all.contains(&format!("\n> {}\n", command.name.to_uppercase())),
            "{} is in no script",
            command.name
        );
    }
}
