//! Targets that are none: what cannot be reached, started or understood is said.

use std::io::Write;
use std::net::TcpListener;

use crate::{call, entries, file, folder, must_end};

#[test]
fn targets_that_are_wrong() {
    let here = folder();
    for (target, status, words) in [
        ("resp://", 2, "HOST:PORT"),
        ("resp://nowhere", 2, "HOST:PORT"),
        ("http://127.0.0.1:80", 2, "resp://HOST:PORT"),
        ("resp:127.0.0.1:6379", 2, "resp://HOST:PORT"),
        ("spawn:mysqld", 2, "redis-server"),
        ("spawn:memcached:wire=resp", 2, "meta, classic"),
        ("memcached://127.0.0.1:1:wire=json", 2, "meta, classic"),
        ("spawn:redis-server=/no/such/program", 2, "/no/such/program"),
        ("spawn:redis-server=/etc/passwd", 2, "no program"),
        // Port 1 of the loopback interface: nobody listens there.
        ("resp://127.0.0.1:1", 1, "cannot connect to 127.0.0.1:1"),
        (
            "memcached://127.0.0.1:1",
            1,
            "cannot connect to 127.0.0.1:1",
        ),
        (
            "resp://no-such-host.invalid:6379",
            1,
            "no-such-host.invalid:6379",
        ),
        // A program that is no server.
        (
            "spawn:redis-server=/bin/false",
            1,
            "ended before it answered",
        ),
    ] {
        let arguments = [
            "bench",
            "--workload",
            "cache-aside:keys=100",
            "--target",
            target,
            "--json",
        ];
        let ended = must_end(here.path(), &arguments, status, &[words]);
        assert!(ended.out.is_empty(), "no row: {}", ended.out);
    }
    let arguments = [
        "bench",
        "--workload",
        "leaderboard",
        "--target",
        "memcached://127.0.0.1:1",
    ];
    must_end(
        here.path(),
        &arguments,
        2,
        &["leaderboard", "no form for ZADD"],
    );
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn servers_that_speak_something_else() {
    for (says, words) in [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            "strange answer",
        ),
        (Vec::new(), "closed the connection"),
        (vec![b'x'; 100_000], "strange answer"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                // The client may be gone already, which is what it should be.
                let _ = stream.write_all(&says);
                // Closed while words of the client are unread, a connection is reset, and what was said
                // on it is lost.
                held.push(stream);
                if says.is_empty() {
                    held.clear();
                }
            }
        });
        let here = folder();
        for kind in ["resp", "memcached"] {
            let target = format!("{kind}://127.0.0.1:{port}");
            let arguments = [
                "bench",
                "--workload",
                "cache-aside:keys=100",
                "--target",
                &target,
            ];
            let ended = must_end(here.path(), &arguments, 1, &[words]);
            assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
        }
    }
}

#[test]
fn programs_that_are_absent_are_left_out_only_where_the_suite_says_so() {
    let here = folder();
    let suite = r#"
name = "peers"
skip-absent = true
[[bench]]
name = "one"
targets = ["null", "spawn:redis-server=/no/such/program"]
workloads = ["session"]
ops = 100
settings = { threads = 1 }
[[bench]]
name = "two"
targets = ["spawn:redis-server=/no/such/program"]
workloads = ["session"]
ops = 100
"#;
    file(here.path(), "peers.toml", suite);
    let ended = must_end(
        here.path(),
        &["run", "peers.toml", "--out", "run"],
        0,
        &["left out"],
    );
    assert_eq!(
        ended.err.matches("/no/such/program").count(),
        2,
        "once: {}",
        ended.err
    );
    let rows = std::fs::read_to_string(here.path().join("run/rows.jsonl")).expect("rows");
    assert_eq!(rows.lines().count(), 1, "{rows}");

    file(
        here.path(),
        "strict.toml",
        suite.replace("skip-absent = true", ""),
    );
    must_end(
        here.path(),
        &["run", "strict.toml"],
        2,
        &["strict.toml:", "/no/such/program"],
    );
    file(here.path(), "empty.toml", suite.replace("\"null\", ", ""));
    must_end(here.path(), &["run", "empty.toml"], 2, &["nothing is left"]);
    let ended = call(
        here.path(),
        &["run", "peers.toml", "--target", "null", "--out", "other"],
    );
    assert_eq!(ended.status, Some(0), "{}", ended.err);
}
