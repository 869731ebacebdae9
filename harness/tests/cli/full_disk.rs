//! A disk that takes no more: what clients are told, and what is left. All keys are of one shard.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::serving::{Served, command};

/// Where files may not grow any more, as on a full disk: this many bytes.
const FILE_BYTES_MAX: usize = 32 << 10;

/// What the system says of that.
const SAID: &str = "-MISCONF Errors writing to the AOF file: File too large";

fn arguments<'a>(dir: &'a Path, device: &'a str, fsync: &'a str) -> Vec<&'a str> {
    let dir = dir.to_str().expect("a name");
    let mut all = vec!["--dir", dir];
    for setting in ["appendonly=yes", device, fsync] {
        all.extend(["--set", setting]);
    }
    all
}

/// The same server, whose files end early.
fn limited(args: &[&str]) -> Command {
    let plain = command(args);
    let mut limited = Command::new("sh");
    // Blocks of 512 bytes. The signal comes as it would: the server must not die of it.
    let script = format!("ulimit -f {}; exec \"$0\" \"$@\"", FILE_BYTES_MAX / 512);
    limited
        .args(["-c", &script])
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    limited
}

/// Writes until the disk is full; how many writes were acknowledged.
fn fill(served: &Served) -> usize {
    let value = "x".repeat(1_000);
    for number in 0..FILE_BYTES_MAX / 1_000 * 2 {
        let reply = served.ask(&format!("SET {{k}}{number} {value}"));
        if reply != "+OK" {
            assert_eq!(reply, SAID);
            return number;
        }
    }
    panic!("so much does not fit");
}

/// Writes the same many at a time, in the form that clients send; how many were acknowledged, of which none comes behind
/// one that was refused.
fn fill_together(served: &Served) -> usize {
    let value = "x".repeat(1_000);
    let set = |number| {
        let key = format!("{{k}}{number}");
        let len = key.len();
        format!("*3\r\n$3\r\nSET\r\n${len}\r\n{key}\r\n$1000\r\n{value}\r\n")
    };
    let mut acknowledged = 0;
    for begin in (0..FILE_BYTES_MAX / 1_000 * 2).step_by(8) {
        let sets: String = (begin..begin + 8).map(set).collect();
        let replies = served.ask_all(sets.trim_end());
        let replies: Vec<&str> = replies.lines().collect();
        assert_eq!(replies.len(), 8, "{replies:?}");
        let refused = replies.iter().position(|reply| *reply != "+OK");
        acknowledged += refused.unwrap_or(8);
        if let Some(refused) = refused {
            assert!(replies[refused..].iter().all(|reply| *reply == SAID));
            return acknowledged;
        }
    }
    panic!("so much does not fit");
}

fn a_full_disk(device: &str, fsync: &str, fill: fn(&Served) -> usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let args = arguments(folder.path(), device, fsync);
    let served = Served::spawn(limited(&args));
    assert!(
        served
            .ask_all("INFO persistence")
            .contains("aof_last_write_status:ok\r\n")
    );
    let acknowledged = fill(&served);
    let is_strict = fsync.ends_with("always");
    // Memory holds what the disk may not: where replies promise the disk, reads are refused too.
    let read = if is_strict {
        SAID.to_owned()
    } else {
        "x".repeat(1_000)
    };
    assert_eq!(served.ask("GET {k}0"), read);
    assert_eq!(served.ask("SET {k}other 1"), SAID);
    assert_eq!(served.ask("DEL {k}0"), SAID);
    assert_eq!(served.ask("PING"), SAID);
    assert_eq!(served.ask("ECHO on"), "on");
    let transaction = served.ask_all("MULTI\r\nSET {k}0 1\r\nEXEC");
    let refused = "-EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(transaction, format!("+OK\r\n{SAID}\r\n{refused}\r\n"));
    let told = served.ask_all("INFO persistence");
    for line in [
        "aof_last_write_status:err",
        "aof_last_bgrewrite_status:ok",
        "aof_failed_shards:1",
        "aof_failed_shard:",
        "aof_failure:cannot write ",
        ".log: File too large\r\n",
    ] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    // It recovers by being started again, with room, and by nothing else; not by a graceful end before it.
    served.signal("KILL");
    drop(served);
    let served = Served::start(&args);
    let kept: usize = served
        .ask("DBSIZE")
        .trim_start_matches(':')
        .parse()
        .expect("a number");
    assert!(kept >= acknowledged, "{kept} of {acknowledged} are left");
    assert_eq!(served.ask("SET {k}other 1"), "+OK");
    assert!(
        served
            .ask_all("INFO persistence")
            .contains("aof_last_write_status:ok\r\n")
    );
}

#[test]
fn always() {
    for device in ["log-device=uring", "log-device=file"] {
        a_full_disk(device, "appendfsync=always", fill);
        a_full_disk(device, "appendfsync=always", fill_together);
    }
}

#[test]
fn every_second() {
    for device in ["log-device=uring", "log-device=file"] {
        a_full_disk(device, "appendfsync=everysec", fill);
        a_full_disk(device, "appendfsync=everysec", fill_together);
    }
}
