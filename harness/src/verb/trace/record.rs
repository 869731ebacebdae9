//! `seawall trace record`: what a live server is asked.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use seawall_workloads::trace::input::LINE_BYTES_MAX;
use seawall_workloads::trace::monitor::Monitor;
use serde_json::json;

use super::keys::{self, Keys};
use super::{To, finish};
use crate::interrupt;
use crate::output;
use crate::progress::Tally;
use crate::status::{Failure, Outcome};

/// Write what a live Redis server is asked, as its MONITOR tells: keys become dense ids, so that no key and
/// no value gets into the file; --keys writes the keys, or their hashes, into one of their own.
///
/// MONITOR costs the server as much as answering each command once more. A size is that of the key and of
/// the value last seen written to it; a key is another object in each database. Commands that the table of common ones does not have are counted and
/// left out. An interruption (Ctrl-C) or the end of the connection ends the recording; what was recorded
/// until then is kept.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("end").required(true).multiple(true).args(["seconds", "requests"])))]
#[command(after_help = "Examples:
  seawall trace record 127.0.0.1:6379 --seconds 60 minute.swt
  seawall trace record cache.example:6379 --requests 1000000 --rate-max 20000 --password-file p live.csv
  seawall trace record 127.0.0.1:6379 --seconds 60 --keys minute.keys --secret-file secret minute.swt")]
pub(super) struct Arguments {
    /// The server, as HOST:PORT
    #[arg(value_name = "SERVER")]
    server: String,
    #[command(flatten)]
    to: To,
    /// End after so many seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// End after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Commands beyond so many in a second are dropped, and counted
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u64).range(1..))]
    rate_max: u64,
    /// A file with the server's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    keys: keys::Asked,
}

/// How long to wait before looking at the clock again.
const WAIT: Duration = Duration::from_millis(100);

/// Lines of a connection.
struct Lines {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came within a while.
enum Heard {
    /// Bytes, perhaps with whole lines.
    Bytes,
    Nothing,
    Closed,
}

impl Lines {
    fn connect(arguments: &Arguments) -> Outcome<Lines> {
        let failed = |error| Failure::Work(format!("{}: {error}", arguments.server));
        let stream = TcpStream::connect(&arguments.server).map_err(failed)?;
        stream.set_read_timeout(Some(WAIT)).map_err(failed)?;
        let mut lines = Lines {
            stream,
            buffer: Vec::new(),
        };
        if let Some(path) = &arguments.password_file {
            let password = std::fs::read(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            lines.call(&arguments.server, &[b"AUTH", password.trim_ascii()])?;
        }
        lines.call(&arguments.server, &[b"MONITOR"])?;
        Ok(lines)
    }

    /// Sends a command that is answered with `+OK`.
    fn call(&mut self, server: &str, words: &[&[u8]]) -> Outcome {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).bytes());
            command.extend(*word);
            command.extend(b"\r\n");
        }
        let failed = |error| Failure::Work(format!("{server}: {error}"));
        self.stream.write_all(&command).map_err(failed)?;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let reply: Vec<u8> = self.buffer.drain(..=end).collect();
                if reply.starts_with(b"+OK") {
                    return Ok(());
                }
                let reply = reply.trim_ascii_end().escape_ascii();
                return Err(Failure::Work(format!("{server} answers {reply}")));
            }
            if let Heard::Closed = self.hear().map_err(failed)? {
                return Err(Failure::Work(format!("{server} closed the connection")));
            }
        }
        Err(Failure::Work(format!(
            "{server} does not answer within 10 s"
        )))
    }

    fn hear(&mut self) -> std::io::Result<Heard> {
        let mut bytes = [0; 1 << 14];
        match self.stream.read(&mut bytes) {
            Ok(0) => Ok(Heard::Closed),
            Ok(read) => {
                self.buffer.extend(&bytes[..read]);
                Ok(Heard::Bytes)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    Ok(Heard::Nothing)
                }
                _ => Err(error),
            },
        }
    }
}

/// Takes so many commands in a second and no more.
struct Gate {
    rate_max: u64,
    second: Instant,
    taken: u64,
    dropped: u64,
}

impl Gate {
    fn take(&mut self) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.taken = 0;
        }
        let free = self.taken < self.rate_max;
        self.taken += u64::from(free);
        self.dropped += u64::from(!free);
        free
    }
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut keys = arguments.keys.create()?;
    let mut lines = Lines::connect(arguments)?;
    let interrupted = interrupt::flag()?;
    let made = json!({
        "verb": "record", "rate_max": arguments.rate_max, "keys": arguments.keys.told()
    });
    let mut output = arguments.to.create(made)?;
    let mut tally = Tally::new(&arguments.server);
    let mut monitor = Monitor::default();
    if arguments.keys.is_some() {
        monitor = monitor.with_keys();
    }
    let begin = Instant::now();
    let mut gate = Gate {
        rate_max: arguments.rate_max,
        second: begin,
        taken: 0,
        dropped: 0,
    };
    let late = || {
        arguments
            .seconds
            .is_some_and(|s| begin.elapsed() >= Duration::from_secs(s))
    };
    let enough = |requests| arguments.requests.is_some_and(|most| requests >= most);
    let mut closed = false;
    let stopped = || interrupted.load(Ordering::Relaxed);
    while !closed && !stopped() && !late() && !enough(monitor.requests()) {
        let heard = lines.hear();
        closed = matches!(heard, Ok(Heard::Closed) | Err(_));
        let whole = lines.buffer.iter().rposition(|&byte| byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        for line in lines.buffer[..whole].split(|&byte| byte == b'\n') {
            let line = line.trim_ascii_end();
            let told = line
                .strip_prefix(b"+")
                .filter(|_| !enough(monitor.requests()));
            if let Some(told) = told.filter(|_| gate.take()) {
                monitor.line(told);
            }
        }
        lines.buffer.drain(..whole);
        if lines.buffer.len() > LINE_BYTES_MAX {
            // Its end, when it comes, is no line that tells a command.
            lines.buffer.clear();
            gate.dropped += 1;
        }
        if let Some(keys) = &mut keys {
            keys.add(&monitor.new_keys())?;
        }
        if monitor.is_full() {
            output
                .write(monitor.block().map_err(Failure::Work)?)
                .map_err(Failure::work)?;
        }
        tally.set(monitor.requests());
    }
    output
        .write(monitor.block().map_err(Failure::Work)?)
        .map_err(Failure::work)?;
    drop(tally);
    if monitor.requests() == 0 {
        let (server, seconds) = (&arguments.server, begin.elapsed().as_secs());
        return Err(Failure::Work(format!(
            "{server}: no request in {seconds} s"
        )));
    }
    keys.map_or(Ok(()), Keys::finish)?;
    finish(output)?;
    output::line(&format!(
        "{} requests, {} objects, {} other commands, {} dropped above {} a second{}",
        monitor.requests(),
        monitor.objects(),
        monitor.other(),
        gate.dropped,
        arguments.rate_max,
        match (closed, stopped()) {
            (true, _) => "; the server closed the connection",
            (false, true) => "; interrupted",
            (false, false) => "",
        }
    ))
}
