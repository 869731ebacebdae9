//! Servers as targets. Tests that need a program which is not on this machine say so and do nothing.

mod addressed;
mod killed;
mod spawned;
mod wrong;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{must_end, seawall};

/// Whether `program` can be started: seawall itself, or what is in the folders of `PATH`.
fn is_here(program: &str) -> bool {
    if program == "seawall" {
        return true;
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !here {
        eprintln!("skipped: no {program} on this machine");
    }
    here
}

/// A short cell on `target`; its row.
fn cell(here: &Path, target: &str, workload: &str, config: &[&str]) -> Value {
    let mut arguments = vec![
        "bench",
        "--target",
        target,
        "--workload",
        workload,
        "--warmup",
        "0.05",
        "--seconds",
        "0.3",
        "--json",
    ];
    for setting in config {
        arguments.extend(["--config", setting]);
    }
    let ended = must_end(here, &arguments, 0, &[]);
    serde_json::from_str(&ended.out).expect("a row")
}

/// Redis-servers that were started from `here`, by their numbers.
fn servers_of(here: &Path) -> Vec<String> {
    let here = here.canonicalize().expect("a folder");
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let inside = std::fs::read_link(path.join("cwd")).ok()?;
            let name = std::fs::read_to_string(path.join("comm")).ok()?;
            let number = path.file_name()?.to_str()?.to_owned();
            (inside.starts_with(&here) && name.starts_with("redis")).then_some(number)
        })
        .collect()
}

fn wait_until(what: &str, ready: impl Fn() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(20), "never {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A bench on a spawned server that goes on for a minute, once its server is there. It hears every signal,
/// though the shell that runs the tests may ignore some (those of jobs in the background do).
fn long_cell(here: &Path) -> Child {
    let child = std::process::Command::new("env")
        .arg("--default-signal=INT,QUIT,HUP")
        .arg(seawall(here).get_program())
        .current_dir(here)
        .args(["bench", "--target", "spawn:redis-server", "--seconds", "60"])
        .args(["--workload", "session:sessions=100"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_until("started a server", || !servers_of(here).is_empty());
    child
}

fn send(signal: &str, process: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{signal}"), process])
        .status()
        .expect("kill starts");
    assert!(sent.success());
}
