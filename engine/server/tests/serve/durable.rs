//! `WAITAOF`, where there is a log.

use std::time::{Duration, Instant};

use crate::client::Server;
use crate::waiting::wait_until_blocked;

fn logging(folder: &tempfile::TempDir, device: &str, fsync: &str) -> Server {
    let dir = format!("dir={}", folder.path().display());
    let (device, fsync) = (
        format!("log-device={device}"),
        format!("appendfsync={fsync}"),
    );
    Server::start(3, &[&dir, "appendonly=yes", &device, &fsync])
}

#[test]
fn who_waits_for_the_disk_is_told_when_it_has_what_it_wrote() {
    for device in ["uring", "file"] {
        for fsync in ["always", "everysec", "interval:ms=50"] {
            let folder = tempfile::tempdir().expect("a folder");
            let server = logging(&folder, device, fsync);
            let mut client = server.connect();
            client.talk(&[("WAITAOF 1 0 0", "*2 :1 :0"), ("SET a 1", "+OK")]);
            client.talk(&[("WAITAOF 1 0 0", "*2 :1 :0")]);
            // On every shard that it wrote to, whatever it wrote with.
            client.talk(&[
                ("MSET b 1 c 1 d 1 e 1", "+OK"),
                ("WAITAOF 1 0 0", "*2 :1 :0"),
            ]);
            client.talk(&[
                ("MULTI", "+OK"),
                ("SET f 1", "+QUEUED"),
                ("SET g 1", "+QUEUED"),
            ]);
            client.talk(&[("EXEC", "*2 +OK +OK"), ("WAITAOF 1 0 0", "*2 :1 :0")]);
            let figures = client.ask("INFO persistence");
            assert!(figures.contains("aof_unsynced_bytes:0\r\n"), "{figures}");
            client.talk(&[("WAITAOF 0 0 0", "*2 :1 :0")]);
            // Nobody else has it; it is told what is so when the time is up.
            let begin = Instant::now();
            client.talk(&[("WAITAOF 1 1 50", "*2 :1 :0")]);
            assert!(begin.elapsed() >= Duration::from_millis(50));
            server.connect().talk(&[("WAITAOF 0 1 50", "*2 :1 :0")]);
        }
    }
}

#[test]
fn who_waits_in_vain_is_told_when_its_time_is_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = logging(&folder, "uring", "no");
    let mut client = server.connect();
    client.talk(&[("SET a 1", "+OK"), ("WAITAOF 0 0 0", "*2 :0 :0")]);
    let begin = Instant::now();
    client.talk(&[("WAITAOF 1 0 50", "*2 :0 :0"), ("GET a", "$1 1")]);
    assert!(begin.elapsed() >= Duration::from_millis(50));
    // Others are not held up by it, and can end it.
    let id = client.ask("CLIENT ID");
    let id = id.trim_start_matches(':').trim_end().to_owned();
    let mut other = server.connect();
    for (how, told) in [
        ("TIMEOUT", "*2\r\n:0\r\n:0\r\n"),
        (
            "ERROR",
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
        ),
    ] {
        client.send("WAITAOF 1 0 0\r\nPING\r\n");
        wait_until_blocked(&server, 1);
        other.talk(&[("SET b 1", "+OK")]);
        other.talk(&[(&format!("CLIENT UNBLOCK {id} {how}"), ":1")]);
        assert_eq!(client.reply(), told);
        assert_eq!(client.reply(), "+PONG\r\n");
    }
    // Who goes meanwhile is forgotten.
    client.send("WAITAOF 1 0 0\r\n");
    wait_until_blocked(&server, 1);
    drop(client);
    wait_until_blocked(&server, 0);
    other.talk(&[
        ("CONFIG SET appendfsync always", "+OK"),
        ("WAITAOF 1 0 0", "*2 :1 :0"),
    ]);
}
