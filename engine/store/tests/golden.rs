//! Data folders that earlier builds wrote: each still opens, and answers as it did.
//!
//! A folder in `tests/golden` was made once, by [`make`], and is never changed: where a format gets a new version,
//! another folder comes beside it, and the old one shows that it is still read. `content.txt` says what its store
//! was asked and what it answered.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use seawall_store::log::device::DeviceKind;
use seawall_store::{Op, Store, StoreConfig};

/// What golden folders hold; a number in front names another database than 0.
const WRITES: &[&str] = &[
    "set string value",
    "set empty ",
    "set expiring later pxat 99999999999999",
    "mset a 1 b 2 c 3 d 4",
    "hset hash f v g w",
    "rpush list one two three",
    "sadd ints 3 1 2",
    "sadd set member",
    "zadd sorted 1.5 one -inf least +inf most",
    "3 set other database",
    "incrby number 41",
];
/// What is written after the snapshot, where there is a log.
const LATER: &[&str] = &[
    "incr number",
    "del b",
    "rpush list four",
    "3 rename other another",
];
const READS: &[&str] = &[
    "mget string empty expiring a b c d number",
    "pexpiretime expiring",
    "hget hash f",
    "hget hash g",
    "lrange list 0 -1",
    "smembers ints",
    "sismember set member",
    "zrange sorted 0 -1 withscores",
    "3 mget other another string",
    "llen long",
    "lindex long 2999",
    "hlen wide",
    "hget wide field:1777",
    "ttl string",
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn op(words: &str) -> Op {
    let (database, words) = match words.split_once(' ') {
        Some(("3", words)) => (3, words),
        _ => (0, words),
    };
    let op = Op::parse(words.split(' ').map(str::as_bytes)).expect("a command of ours");
    op.within(database)
}

fn config(folder: &Path, is_logged: bool) -> StoreConfig {
    StoreConfig {
        shards: 2,
        seed: 0x901d,
        dir: Some(folder.to_owned()),
        appendonly: is_logged,
        device: DeviceKind::File,
        pin: false,
        ..StoreConfig::default()
    }
}

fn content(store: &Store) -> String {
    let mut session = store.session();
    let mut text = String::new();
    for words in READS {
        writeln!(text, "{words}\n    {:?}", session.execute(&op(words))).unwrap();
    }
    text
}

#[test]
fn every_folder_opens_and_has_what_it_had() {
    let mut folders = 0;
    for folder in fs::read_dir(golden()).unwrap() {
        let folder = folder.unwrap().path();
        let expected = fs::read_to_string(folder.join("content.txt")).unwrap();
        // Another number of shards takes it over.
        for (load_at_once_bytes, shards) in [(0, 2), (u64::MAX, 2), (0, 3), (u64::MAX, 1)] {
            let copy = tempfile::tempdir().unwrap();
            let mut is_logged = false;
            for file in fs::read_dir(&folder).unwrap() {
                let file = file.unwrap();
                is_logged |= file.path().extension().is_some_and(|end| end == "log");
                fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
            let store = Store::open(StoreConfig {
                load_at_once_bytes,
                shards,
                ..config(copy.path(), is_logged)
            });
            let store = store.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let _workers = store.spawn().unwrap();
            assert_eq!(content(&store), expected, "{}", folder.display());
        }
        folders += 1;
    }
    assert!(folders > 0);
}

/// Makes the folders anew that do not exist: `cargo test -p seawall-store --test golden -- --ignored`.
#[test]
#[ignore = "it writes into the source tree: `cargo test -p seawall-store --test golden -- --ignored`"]
fn make() {
    for (name, is_logged, is_saved) in [
        ("snapshot-4", false, true),
        ("snapshot-4-lz4", false, true),
        ("log-2", true, false),
        ("snapshot-4-log-2", true, true),
    ] {
        let folder = golden().join(name);
        if folder.exists() {
            continue;
        }
        fs::create_dir_all(&folder).unwrap();
        let store = Store::open(StoreConfig {
            compress: name.ends_with("lz4"),
            ..config(&folder, is_logged)
        });
        let store = store.unwrap();
        let workers = store.spawn().unwrap();
        let mut session = store.session();
        let mut write = |words: &str| {
            let reply = session.execute(&op(words));
            assert!(
                !matches!(reply, seawall_store::Reply::Error(_)),
                "{words}: {reply:?}"
            );
        };
        for words in WRITES {
            write(words);
        }
        // Collections of several parts.
        for n in (0..3_000).step_by(100) {
            let elements: Vec<String> = (n..n + 100).map(|n| format!("{n}")).collect();
            write(&format!("rpush long {}", elements.join(" ")));
            let fields: Vec<String> = (n..n + 100).map(|n| format!("field:{n} {n}")).collect();
            write(&format!("hset wide {}", fields.join(" ")));
        }
        if is_saved {
            session.save().unwrap();
        }
        if is_logged {
            let mut session = store.session();
            for words in LATER {
                session.execute(&op(words));
            }
        }
        fs::write(folder.join("content.txt"), content(&store)).unwrap();
        drop(workers);
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "lock") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}
