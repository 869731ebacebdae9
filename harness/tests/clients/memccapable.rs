//! memccapable, which knows by itself what a server of Memcached must answer; its words for its tests are
//! the names of the sections.

use std::net::SocketAddr;
use std::process::Command;

use crate::installed::{self, Missing};
use crate::outcome::Outcome;
use crate::process::finish;

/// Runs its tests of the text protocol.
pub fn run(server: SocketAddr, _: u8) -> Result<Outcome, Missing> {
    let mut command = Command::new(installed::program("memccapable")?);
    command
        .args(["-a", "-t", "2", "-h", "127.0.0.1"])
        .args(["-p", &server.port().to_string()]);
    let output = finish(command);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut outcome = Outcome::default();
    for line in text.lines() {
        if let Some((name, ended)) = line.trim_end().rsplit_once(' ') {
            let failed = (ended != "[pass]").then(|| line.to_owned());
            outcome.note(name.trim_end(), failed);
        }
    }
    Ok(outcome)
}
