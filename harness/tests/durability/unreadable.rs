//! A disk that cannot read a part of a snapshot: the server says which file and byte, and no signal ends it.

use std::ops::Range;
use std::path::Path;

use seawall_power::Folder;
use seawall_store::Reply;

use crate::filled::{SETUP, seawall};
use crate::power::{Apart, can_fail};
use crate::process::{Server, Setup};
use crate::wire::Wire;

/// More than a shard loads before it serves, in values of so many bytes.
const KEYS: usize = 12_000;
const VALUE_BYTES: usize = 1_000;

const SNAPSHOT: &str = ".snapshot";

const WORDS: &str = ".snapshot cannot be read at byte ";

fn setup() -> Setup {
    Setup {
        shards: 1,
        appendonly: false,
        ..SETUP
    }
}

fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// Fills `folder`, saves it, and ends the server; the length of the snapshot.
fn save(folder: &Path) -> u64 {
    let server = Server::start(folder, &setup()).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    for number in 0..KEYS {
        wire.put(&[b"SET", &key(number), &[b'v'; VALUE_BYTES]]);
    }
    wire.send().expect("it reads");
    for _ in 0..KEYS {
        assert!(wire.reply().expect("a reply").is_ok());
    }
    assert!(wire.ask(&[b"SAVE"]).expect("a reply").is_ok());
    server.kill();
    let mut files = std::fs::read_dir(folder).expect("a folder");
    let is_snapshot = |name: &Path| name.to_string_lossy().ends_with(SNAPSHOT);
    let file = files.find_map(|file| Some(file.ok()?.path()).filter(|name| is_snapshot(name)));
    let file = std::fs::metadata(file.expect("a snapshot"));
    file.expect("it is there").len()
}

/// A folder with a snapshot, of which this part cannot be read any more; nothing where none can be mounted.
fn without(part: impl FnOnce(u64) -> Range<u64>) -> Option<Apart> {
    can_fail().then(|| {
        let folder = Folder::new(0);
        let mounted = Apart::mount(&folder).expect("it could be mounted before");
        let bytes = save(mounted.path());
        folder.refuse_reads(SNAPSHOT, part(bytes));
        mounted
    })
}

#[test]
fn a_block_that_cannot_be_read_is_told_of() {
    let Some(folder) = without(|bytes| bytes / 3..bytes / 2) else {
        return;
    };
    let mut server = Server::start(folder.path(), &setup()).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    let mut told = 0;
    for number in 0..KEYS {
        match wire.ask(&[b"GET", &key(number)]).expect("it lives") {
            Reply::Bulk(value) => assert_eq!(value.len(), VALUE_BYTES),
            Reply::Error(words) => {
                assert!(words.contains(WORDS), "{words}");
                assert!(
                    words.ends_with("Input/output error (os error 5)"),
                    "{words}"
                );
                told += 1;
            }
            reply => panic!("key {number}: {reply:?}"),
        }
    }
    assert!(told > 0, "all could be read, and nothing was tested");
    assert_eq!(server.ended(), None);
    assert!(wire.ask(&[b"FLUSHALL"]).expect("a reply").is_ok());
    assert!(wire.ask(&[b"SET", b"new", b"1"]).expect("a reply").is_ok());
    server.kill();
    let output = seawall(&["check", "DIR"], folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains(WORDS), "{said}");
}

#[test]
fn a_snapshot_whose_head_index_or_tail_cannot_be_read_is_refused() {
    let parts: [fn(u64) -> Range<u64>; 3] = [
        |_| 0..1,
        // The index has one entry a block, and a page of it is before the tail.
        |bytes| bytes - 4_096..bytes - 4_000,
        |bytes| bytes - 1..bytes,
    ];
    for part in parts {
        let Some(folder) = without(part) else {
            return;
        };
        let why = Server::start(folder.path(), &setup()).err();
        let why = why.expect("it is refused");
        assert!(
            why.contains("exit status: 2") && why.contains(WORDS),
            "{why}"
        );
    }
}
