//! Tells the program which commit it was built from, where git knows.
//!
//! Runs again when the sources or the commit change, so that "dirty" is about what was built.

use std::process::Command;

fn main() {
    for path in ["../engine", "../workloads", "../harness", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // An archive without git still builds; its reports then lack the commit.
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo::rustc-env=SEAWALL_COMMIT={commit}");
    }
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_some_and(|changed| !changed.is_empty()) {
        println!("cargo::rustc-env=SEAWALL_DIRTY=1");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
