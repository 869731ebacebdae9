//! Servers that were there before: empty, kept off their CPUs, and left as they were.

use std::io::Write;
use std::process::Stdio;

use super::{cell, is_here, wait_until};
use crate::{file, folder, must_end};

#[test]
fn an_addressed_server_must_be_empty_and_is_left_so() {
    if !is_here("redis-server") {
        return;
    }
    let here = folder();
    let port = seawall_sys::port::free().expect("a port");
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
    let port = seawall_sys::port::free().expect("a port");
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
    let port = seawall_sys::port::free().expect("a port");
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
