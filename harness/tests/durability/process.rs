//! The server as a process.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub shards: usize,
    pub device: &'static str,
    pub appendonly: bool,
    pub appendfsync: &'static str,
    pub segment_bytes: usize,
}

/// The bytes of a segment: few, so that a run has several.
pub const SEGMENT_BYTES: usize = 100_000;

/// What `appendfsync` is where it is not `always`.
const OTHERS: [&str; 4] = ["everysec", "no", "interval:ms=20", "bounded:ms=10000"];

impl Setup {
    /// A server with a log, the rest as the seed says.
    pub fn drawn(seed: u64, device: &'static str, is_always: bool) -> Setup {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let other = OTHERS[random.random_range(0..OTHERS.len())];
        Setup {
            shards: random.random_range(1..=2),
            device,
            appendonly: true,
            appendfsync: if is_always { "always" } else { other },
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// The command that starts a server on `folder`.
fn command(folder: &Path, setup: &Setup) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("seawall"));
    command
        .args(["serve", "--port", "0", "--dir"])
        .arg(folder)
        .args(["--shards", &setup.shards.to_string()]);
    for assignment in [
        "pin=no".to_owned(),
        format!("appendonly={}", if setup.appendonly { "yes" } else { "no" }),
        format!("appendfsync={}", setup.appendfsync),
        format!("log-device={}", setup.device),
        format!("log-segment-size={}", setup.segment_bytes),
    ] {
        command.args(["--set", &assignment]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Server {
    /// Starts it on `folder`; what it said where it does not start.
    pub fn start(folder: &Path, setup: &Setup) -> Result<Server, String> {
        let mut child = command(folder, setup)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        let read = BufReader::new(out).read_line(&mut line);
        let told = line.trim_end().strip_prefix("ready on ");
        let address = told.and_then(|addresses| addresses.split(", ").next()?.parse().ok());
        if let (Ok(_), Some(address)) = (read, address) {
            return Ok(Server { child, address });
        }
        let _ = child.kill();
        let mut said = String::new();
        if let Some(mut err) = child.stderr.take() {
            let _ = err.read_to_string(&mut said);
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        Err(format!("it does not start: {status}: {line}{said}"))
    }

    /// Starts it, and kills it with `SIGKILL` so much later, in whatever it is.
    pub fn kill_in_start(folder: &Path, setup: &Setup, later: Duration) -> io::Result<()> {
        let mut child = command(folder, setup).spawn()?;
        std::thread::sleep(later);
        child.kill()?;
        child.wait().map(drop)
    }

    /// How it ended, where it did so by itself.
    pub fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Kills it with `SIGKILL`, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.child.kill().expect("a process of ours");
        self.child.wait().expect("it ends");
    }

    /// Kills it as [`kill`](Server::kill); what it had told people.
    pub fn kill_and_hear(mut self) -> String {
        self.end();
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("a pipe");
        err.read_to_string(&mut said).expect("text");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails leaves none behind; one that was killed is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
