//! redis-cli: what is typed and what it shows, and its own ways of working.
//!
//! ```text
//! > HGETALL hash              what is typed
//! 2: 1) "light"               what it shows in RESP2,
//! 3: 1# "light" => "lantern"  and in RESP3
//! ```
//!
//! A section of values is a file here; the sections that take more than typing stand in `ways`.

mod ways;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::held::{Held, fails, failure};
use crate::installed::{self, Missing};
use crate::outcome::Outcome;

/// The program, and the server that it talks to.
struct Cli {
    program: PathBuf,
    port: String,
    protocol: u8,
}

/// Runs the script.
pub fn run(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    let cli = Cli {
        program: installed::program("redis-cli")?,
        port: server.port().to_string(),
        protocol,
    };
    let mut outcome = Outcome::default();
    for (section, text) in typed() {
        let held = || cli.empty().and_then(|()| cli.shows(&text));
        outcome.note(&section, failure(held));
    }
    for (section, way) in ways::SECTIONS {
        let held = || cli.empty().and_then(|()| way(&cli));
        outcome.note(section, failure(held));
    }
    Ok(outcome)
}

/// The sections that are typed, by name.
fn typed() -> Vec<(String, String)> {
    let files = std::fs::read_dir(installed::source("redis_cli")).expect("the folder");
    let files = files.map(|entry| entry.expect("a file").path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "txt"));
    let section = |file: PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&file).expect("a text");
        (name.replace('_', " "), text)
    };
    files.map(section).collect()
}

impl Cli {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-p", &self.port]);
        if self.protocol == 3 {
            command.arg("-3");
        }
        command
    }

    fn start(&self, args: &[&str]) -> std::io::Result<Child> {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// What it prints when it is called with `args` and reads `input`.
    fn says(&self, args: &[&str], input: &[u8]) -> std::io::Result<String> {
        let mut child = self.start(args)?;
        let mut typing = child.stdin.take().expect("a pipe");
        let typed = input.to_vec();
        // Apart, for it prints before it has read all.
        let typist = std::thread::spawn(move || typing.write_all(&typed));
        let output = child.wait_with_output()?;
        typist.join().expect("it does not panic")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What it prints for one command.
    fn ask(&self, words: &str) -> std::io::Result<String> {
        let args: Vec<&str> = words.split(' ').collect();
        Ok(self.says(&args, b"")?.trim_end().to_owned())
    }

    fn empty(&self) -> Held {
        match self.ask("FLUSHALL")?.as_str() {
            "OK" => Ok(()),
            other => fails(other),
        }
    }

    /// That all that is typed shows what is written below it.
    fn shows(&self, text: &str) -> Held {
        let (mut typed, mut wanted) = (String::new(), Vec::new());
        for line in text.lines() {
            if let Some(words) = line.strip_prefix("> ") {
                writeln!(typed, "{words}")?;
                continue;
            }
            let of_protocol = ["2: ", "3: "].map(|mark| line.strip_prefix(mark));
            match (of_protocol, self.protocol) {
                ([None, None], _) => wanted.push(line),
                ([Some(line), _], 2) | ([_, Some(line)], 3) => wanted.push(line),
                _ => {}
            }
        }
        let shown = self.says(&["--no-raw"], typed.as_bytes())?;
        let mut shown = shown.lines();
        for (number, wanted) in wanted.iter().enumerate() {
            let line = shown.next().unwrap_or("(the end)");
            if line != *wanted {
                return fails(&format!(
                    "line {}: {line:?} instead of {wanted:?}",
                    number + 1
                ));
            }
        }
        match shown.next() {
            None => Ok(()),
            Some(more) => fails(&format!("more: {more:?}")),
        }
    }
}
