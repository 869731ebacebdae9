//! Servers as targets: spawned and gone again, addressed, absent, strange. Tests that need a program
//! which is not on this machine say so and do nothing.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{call, entries, file, folder, must_end, seawall};

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

#[test]
fn a_spawned_server_is_driven_told_apart_and_gone() {
    let here = folder();
    for (program, workload) in [
        ("seawall", "cache-aside:keys=2000"),
        ("seawall", "session:sessions=500"),
        ("seawall", "leaderboard:players=500:boards=5"),
        ("seawall", "geo:couriers=500"),
        ("redis-server", "cache-aside:keys=2000"),
        ("redis-server", "session:sessions=500"),
        ("redis-server", "leaderboard:players=500:boards=5"),
        ("redis-server", "geo:couriers=500"),
        ("memcached", "cache-aside:keys=2000"),
        ("memcached:wire=classic", "cache-aside:keys=2000"),
        ("seawall:wire=meta", "cache-aside:keys=2000"),
        ("seawall:wire=classic", "cache-aside:keys=2000"),
    ] {
        let (name, wire) = program.split_once(":wire=").unwrap_or((program, ""));
        if !is_here(name) {
            continue;
        }
        let target = format!("spawn:{program}");
        let row = cell(here.path(), &target, workload, &["pipeline=4"]);
        assert_eq!(
            (&row["target"], &row["errors"]),
            (&Value::from(target), &0.into())
        );
        assert!(row["ops"].as_u64() > Some(0), "{row}");
        assert!(row["server_version"].as_str() > Some(""), "{row}");
        assert_eq!(row["server"], name.trim_end_matches("-server"), "{row}");
        let file = row["server_path"].as_str().expect("a path");
        assert!(file.ends_with(name), "{row}");
        let first = match name {
            "memcached" => "meta",
            _ => "resp",
        };
        assert_eq!(row["wire"], if wire.is_empty() { first } else { wire });
        // A server that did nothing but this costs less than a millisecond and is larger than its code.
        let cost = row["cpu_us_per_op"].as_f64().expect("a cost");
        assert!(cost > 0.0 && cost < 1e3, "{row}");
        assert!(row["rss_bytes"].as_u64() > Some(1 << 20), "{row}");
        assert!(row["generator_cpu_share"].as_f64() > Some(0.0), "{row}");
        // Seawall counts no lookups of Memcached's clients.
        let counts = name != "seawall" || wire.is_empty();
        if workload.starts_with("cache-aside") && counts {
            assert!(row["hit_ratio"].as_f64() > Some(0.5), "{row}");
        }
    }
    assert!(entries(here.path()).is_empty(), "nothing is left behind");
}

#[test]
fn the_ceiling_counts_every_request() {
    let here = folder();
    let row = cell(
        here.path(),
        "limit",
        "session:sessions=500",
        &["pipeline=4"],
    );
    let (ops, counted) = (row["ops"].as_u64(), row["requests_total"].as_u64());
    // What was loaded and what warmed up is counted, too.
    assert!(ops > Some(0) && counted > ops, "{row}");
    assert!(row["cpu_us_per_op"].as_f64() > Some(0.0), "{row}");
    assert!(row["generator_cpu_share"].as_f64() > Some(0.0), "{row}");
}

#[test]
fn the_configuration_reaches_the_server() {
    let here = folder();
    for program in ["redis-server", "seawall"] {
        if !is_here(program) {
            continue;
        }
        let target = format!("spawn:{program}");
        // What does not fit in 3 MB is evicted, so that some lookups miss.
        let config = [
            "maxmemory=3mb",
            "maxmemory-policy=allkeys-lru",
            "pipeline=16",
        ];
        let row = cell(here.path(), &target, "cache-aside:keys=40000", &config);
        assert!(row["hit_ratio"].as_f64() < Some(0.97), "{row}");
        let config = ["appendonly=yes", "appendfsync=always"];
        let row = cell(here.path(), &target, "session:sessions=100", &config);
        assert_eq!(row["errors"], 0, "{row}");
    }
    assert!(entries(here.path()).is_empty(), "their logs are gone");
}

#[test]
fn a_rate_is_kept_on_a_server() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let target = "spawn:redis-server";
    let row = cell(here.path(), target, "session:sessions=500", &["rate=1000"]);
    let rate = row["ops_per_s"].as_f64().expect("a rate");
    // 300 ops by Poisson: six standard deviations are about a third.
    assert!((650.0..1350.0).contains(&rate), "{row}");
    assert!(row["unfinished"].as_u64().is_some(), "{row}");
    assert!(
        row["generator_cpu_share"].as_f64() < Some(0.9),
        "it sleeps: {row}"
    );
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

/// A bench on a spawned server that goes on for a minute, once its server is there.
fn long_cell(here: &Path) -> Child {
    let child = std::process::Command::new(seawall(here).get_program())
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

#[test]
fn a_server_that_dies_in_the_middle_is_told_with_its_last_words() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let child = long_cell(here.path());
    let said = |word: &str| {
        let logs = std::fs::read_dir(here.path()).expect("a folder");
        logs.flatten().any(|folder| {
            let output = std::fs::read_to_string(folder.path().join("output.txt"));
            output.is_ok_and(|output| output.contains(word))
        })
    };
    wait_until("ready", || said("Ready to accept connections"));
    // Driven for a moment, so that clients see it go, too.
    std::thread::sleep(Duration::from_millis(300));
    send("ABRT", &servers_of(here.path())[0]);
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for words in [
        "ended by itself",
        "signal: 6",
        "it said last",
        "REDIS BUG REPORT",
    ] {
        let kept = entries(here.path());
        let kept = kept.iter().find(|name| name.starts_with("failed-server-"));
        let kept = kept.expect("its output is kept");
        let whole = std::fs::read_to_string(here.path().join(kept)).expect("text");
        assert!(
            told.contains(words) || whole.contains(words),
            "{words}: {told}"
        );
    }
    assert_eq!(entries(here.path()).len(), 1, "nothing else is left");
}

#[test]
fn no_server_outlives_the_program_however_it_ends() {
    if !is_here("redis-server") {
        return;
    }
    for (signal, leaves_nothing) in [
        ("INT", true),
        ("TERM", true),
        ("HUP", true),
        ("KILL", false),
    ] {
        let here = folder();
        let mut child = long_cell(here.path());
        send(signal, &child.id().to_string());
        assert!(!child.wait().expect("it ends").success(), "{signal}");
        wait_until("ended its server", || servers_of(here.path()).is_empty());
        if leaves_nothing {
            wait_until("removed its folder", || entries(here.path()).is_empty());
        }
    }
}

#[test]
fn who_was_told_to_ignore_its_terminal_goes_on() {
    let here = folder();
    let program = seawall(here.path());
    let program = program.get_program().to_str().expect("a path");
    let ignores = format!(
        "trap '' HUP; exec {program} bench --target null --workload session --seconds 1 --json"
    );
    let child = std::process::Command::new("sh")
        .args(["-c", &ignores])
        .current_dir(here.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::thread::sleep(Duration::from_millis(700));
    send("HUP", &child.id().to_string());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.is_empty(), "its row");
}

#[test]
fn an_addressed_server_must_be_empty_and_is_left_so() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let mut server = std::process::Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ])
        .current_dir(here.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let ask = |command: &str| -> std::io::Result<String> {
        use std::io::Read;
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply)
    };
    wait_until("answered", || ask("PING").is_ok());
    let target = format!("resp://127.0.0.1:{port}");
    let row = cell(here.path(), &target, "session:sessions=100", &[]);
    assert!(row["cpu_us_per_op"].as_f64() > Some(0.0), "{row}");
    // It is tied to no CPUs, so that nobody can keep off them.
    assert_eq!(row["cpus_shared"], true, "{row}");
    assert!(row["notice"].as_str() > Some(""), "{row}");
    assert!(ask("DBSIZE").expect("a reply").starts_with(":0"));

    ask("SET mine 1").expect("a reply");
    let arguments = [
        "bench",
        "--target",
        &target,
        "--workload",
        "session:sessions=100",
        "--ops",
        "10",
    ];
    must_end(here.path(), &arguments, 1, &["holds 1 keys", "flush=yes"]);
    assert!(
        ask("GET mine").expect("a reply").starts_with("$1"),
        "not touched"
    );
    cell(here.path(), &target, "session:sessions=100", &["flush=yes"]);
    let set = [
        "bench",
        "--target",
        &target,
        "--workload",
        "session",
        "--config",
        "maxmemory=1mb",
    ];
    must_end(here.path(), &set, 2, &["`maxmemory`", "its owner"]);
    server.kill().expect("it is ours");
    server.wait().expect("it is ours");
}

#[test]
fn who_drives_keeps_off_the_cpus_of_an_addressed_server() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if !is_here("redis-server") || !is_here("taskset") || cpus < 2 {
        return;
    }
    let here = folder();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let mut server = std::process::Command::new("taskset")
        .args(["-c", "0", "redis-server", "--save", ""])
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .current_dir(here.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let address = ("127.0.0.1", port);
    wait_until("listened", || std::net::TcpStream::connect(address).is_ok());
    let target = format!("resp://127.0.0.1:{port}");
    let row = cell(here.path(), &target, "session:sessions=100", &[]);
    assert_eq!(row["server_cpus"], serde_json::json!([0]), "{row}");
    assert_eq!(row["cpus_shared"], false, "{row}");
    let driver = row["generator_cpus"].as_array().expect("CPUs");
    assert!(!driver.is_empty() && !driver.contains(&0.into()), "{row}");
    assert!(row["notice"].is_null(), "{row}");
    server.kill().expect("it is ours");
    server.wait().expect("it is ours");
}

#[test]
fn an_addressed_memcached_is_driven_again_and_again() {
    if !is_here("memcached") {
        return;
    }
    let here = folder();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let mut server = std::process::Command::new("memcached")
        .args(["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()])
        .args(["-u", "root"])
        .spawn()
        .expect("it starts");
    let ask = |command: &str| -> std::io::Result<String> {
        use std::io::Read;
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(format!("{command}\r\nquit\r\n").as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply)
    };
    wait_until("answered", || ask("version").is_ok());
    let suite = format!(
        r#"
name = "again"
[[bench]]
name = "again"
targets = ["memcached://127.0.0.1:{port}", "memcached://127.0.0.1:{port}:wire=classic"]
workloads = ["cache-aside:keys=500"]
repetitions = 2
ops = 500
"#
    );
    file(here.path(), "again.toml", suite);
    must_end(here.path(), &["run", "again.toml", "--out", "run"], 0, &[]);
    let rows = std::fs::read_to_string(here.path().join("run/rows.jsonl")).expect("rows");
    assert_eq!(rows.lines().count(), 4, "{rows}");

    ask("ms mine 1\r\nx").expect("a reply");
    let target = format!("memcached://127.0.0.1:{port}");
    let arguments = [
        "bench",
        "--target",
        &target,
        "--workload",
        "cache-aside:keys=500",
        "--ops",
        "10",
    ];
    must_end(here.path(), &arguments, 1, &["holds", "flush=yes"]);
    assert!(ask("mg mine v").expect("a reply").starts_with("VA 1"));
    let flush = ["flush=yes"];
    cell(here.path(), &target, "cache-aside:keys=500", &flush);
    assert_eq!(ask("mg mine v").expect("a reply"), "EN\r\n");
    server.kill().expect("it is ours");
    server.wait().expect("it is ours");
}

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
