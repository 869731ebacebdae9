//! Scripts that are programs of their own: Python's, Node's, and that of the crate `redis`.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::installed::{self, Missing};
use crate::outcome::Outcome;

/// How long a script may run: far longer than it does, on a busy machine too.
const TIME_MAX: Duration = Duration::from_mins(2);

pub fn redis_py(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    python("redis_py", server, protocol)
}

pub fn pymemcache(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    python("pymemcache_script", server, protocol)
}

fn python(module: &str, server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    let mut command = Command::new(installed::file("python/bin/python")?);
    command
        .args(["-B", "-m", module])
        .current_dir(installed::source("python"));
    Ok(script(command, server, protocol))
}

pub fn ioredis(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    let modules = installed::file("ioredis/node_modules")?;
    let mut command =
        Command::new(installed::file("python/bin/node").or_else(|_| installed::program("node"))?);
    command
        .arg(installed::source("ioredis/main.js"))
        .env("NODE_PATH", modules);
    Ok(script(command, server, protocol))
}

pub fn redis_rs(server: SocketAddr, protocol: u8) -> Result<Outcome, Missing> {
    let program = installed::file("redis-rs/debug/seawall-redis-rs-script")?;
    Ok(script(Command::new(program), server, protocol))
}

/// Runs a script, and reads what it says of its sections.
fn script(mut command: Command, server: SocketAddr, protocol: u8) -> Outcome {
    command
        .arg(format!("port={}", server.port()))
        .arg(format!("protocol={protocol}"));
    let output = finish(command);
    let text = String::from_utf8_lossy(&output.stdout);
    let outcome = Outcome::parse(&text);
    // It says by its status, too, whether all held; a script that broke off says so on its errors.
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    let all_held = !text.lines().any(|line| line.starts_with("failed "));
    assert!(
        output.status.success() == all_held && !text.is_empty(),
        "the script broke off: {}\n{text}",
        output.status
    );
    outcome
}

/// Runs a command to its end, which must come in time.
pub fn finish(mut command: Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let pid = child.id().to_string();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(TIME_MAX) else {
        let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
        panic!("{command:?} does not end");
    };
    output.expect("its output")
}
