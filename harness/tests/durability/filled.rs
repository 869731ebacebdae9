//! A data folder that a server filled, and its bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use seawall_store::Slot;

use crate::process::{SEGMENT_BYTES, Server, Setup};
use crate::wire::Wire;

/// How a folder here is filled, and opened again.
pub const SETUP: Setup = Setup {
    shards: 2,
    device: "file",
    appendonly: true,
    appendfsync: "always",
    segment_bytes: SEGMENT_BYTES,
};

/// What names of locks end with.
const LOCK: &str = ".lock";

/// How many keys it has.
pub const KEYS: usize = 600;

/// Fills `folder` over several segments of two shards, with what both did together, and kills who did it.
pub fn fill(folder: &Path, setup: &Setup) {
    let server = Server::start(folder, setup).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    let value = vec![b'v'; 1_000];
    let of = |shard| {
        let names = (0..).map(|number| format!("key:{number}"));
        names.filter(move |name| Slot::of(name.as_bytes()).shard(2) == shard)
    };
    for (one, other) in of(0).zip(of(1)).take(KEYS / 2) {
        wire.put(&[b"MSET", one.as_bytes(), &value, other.as_bytes(), &value]);
    }
    wire.send().expect("it reads");
    for _ in 0..KEYS / 2 {
        assert!(wire.reply().expect("a reply").is_ok());
    }
    server.kill();
}

/// A folder of its own, filled.
pub fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &SETUP);
    folder
}

/// The segments of a shard, in order.
pub fn segments(folder: &Path, shard: usize) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&format!("{shard:05}-")) && name.ends_with(".log")
        })
        .collect();
    segments.sort();
    assert!(segments.len() > 2, "{segments:?}");
    segments
}

/// Every file with its bytes, but for locks, which are empty.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let bytes = std::fs::read(entry.path()).expect("a file");
        (entry.file_name().to_string_lossy().into_owned(), bytes)
    });
    files
        .filter(|(name, bytes)| !(name.ends_with(LOCK) && bytes.is_empty()))
        .collect()
}

/// Changes a file: what `change` makes of its bytes.
pub fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).expect("a file");
    change(&mut bytes);
    std::fs::write(file, bytes).expect("it is written");
}

/// A call of the program, in which `DIR` stands for `folder`.
pub fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("seawall"));
    let folder = folder.to_str().expect("a name");
    let arguments = arguments.iter();
    command
        .args(arguments.map(|it| if *it == "DIR" { folder } else { it }))
        .stdin(Stdio::null());
    command
}

/// Calls the program.
pub fn seawall(arguments: &[&str], folder: &Path) -> Output {
    let output = command(arguments, folder).output();
    output.expect("the program starts")
}
