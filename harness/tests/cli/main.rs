//! The program from outside: what it prints, how it ends, and what it leaves on disk.

mod bad_input;
mod families;
mod full_disk;
mod layers;
mod recordings;
mod runs;
mod servers;
mod serving;
mod simulation;
mod traces;

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The program, in `folder`.
fn seawall(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("seawall"));
    command.current_dir(folder);
    command
}

/// How a call ended.
struct Ended {
    status: Option<i32>,
    out: String,
    err: String,
}

/// Calls the program in `folder`.
fn call(folder: &Path, arguments: &[&str]) -> Ended {
    let output = seawall(folder)
        .args(arguments)
        .output()
        .expect("the program starts");
    Ended {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A call must end with `status`, and standard error must hold each of `words`.
#[track_caller]
fn must_end(folder: &Path, arguments: &[&str], status: i32, words: &[&str]) -> Ended {
    let ended = call(folder, arguments);
    assert_eq!(ended.status, Some(status), "{arguments:?}\n{}", ended.err);
    for word in words {
        assert!(ended.err.contains(word), "no {word:?} in: {}", ended.err);
    }
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended
}

/// An empty folder for one test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file and gives its path as an argument.
fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file in a temporary folder");
    path.display().to_string()
}

/// The names in a folder, sorted.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// The root of the checkout.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the package is in a folder of the workspace")
        .to_owned()
}

/// A suite of a moment: one workload on the target that does nothing.
const TINY: &str = r#"
name = "tiny"
[[bench]]
name = "harness"
targets = ["null"]
workloads = ["session"]
repetitions = 2
ops = 2000
settings = { threads = 1 }
"#;
