//! The server as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub shards: usize,
    pub device: &'static str,
    pub appendonly: bool,
    pub appendfsync: &'static str,
}

/// The bytes of a segment: few, so that a run has several.
const SEGMENT_BYTES: usize = 100_000;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on `folder`; what it said where it does not start.
    pub fn start(folder: &Path, setup: &Setup) -> Result<Server, String> {
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
            format!("log-segment-size={SEGMENT_BYTES}"),
        ] {
            command.args(["--set", &assignment]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
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

    /// Kills it with `SIGKILL`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("a process of ours");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails leaves none behind; one that was killed is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
