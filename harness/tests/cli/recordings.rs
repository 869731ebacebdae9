//! `seawall trace record` that ends before its time: what was recorded is kept, whole, under its name.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::serving::Served;
use crate::{call, entries, folder, must_end};

/// A recorder of `served` for a long while, which hears signals whatever the test's own process ignores.
fn recorder(here: &Path, served: &Served, out: &str, more: &[&str]) -> Child {
    Command::new("env")
        .arg("--default-signal=INT")
        .arg(assert_cmd::cargo::cargo_bin!("seawall"))
        .args(["trace", "record", &served.address(), "--seconds", "300"])
        .args(more)
        .arg(out)
        .current_dir(here)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Asks until the server tells a monitor, and then some more.
fn ask_while_recorded(here: &Path, served: &Served, out: &str) {
    let begin = Instant::now();
    while !here.join(format!("{out}.tmp")).exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no recording");
        std::thread::sleep(Duration::from_millis(10));
    }
    for number in 0..20 {
        served.ask(&format!("SET key:{number} value"));
        served.ask(&format!("GET key:{number}"));
    }
    // The recorder looks at what it was told several times in this while.
    std::thread::sleep(Duration::from_millis(500));
}

/// The recorder ends well, says why, and its files are whole.
fn is_kept(here: &Path, recorder: Child, files: &[&str], why: &str) {
    let ended = recorder.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}");
    assert!(told.starts_with("40 requests, 20 objects"), "{told}");
    assert!(told.trim_end().ends_with(why), "{told}");
    assert_eq!(entries(here), files);
    let told = call(here, &["trace", "info", files[0]]).out;
    assert!(told.contains("40"), "{told}");
}

#[test]
fn an_interruption_keeps_what_was_recorded() {
    let here = folder();
    let here = here.path();
    let served = Served::start(&[]);
    std::fs::write(here.join("secret"), "that nobody guesses").expect("a folder");
    let keys = ["--keys", "live.swt.keys", "--secret-file", "secret"];
    let recorder = recorder(here, &served, "live.swt", &keys);
    ask_while_recorded(here, &served, "live.swt");
    let pid = recorder.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
    assert!(sent.expect("kill is there").success());
    let files = ["live.swt", "live.swt.keys", "secret"];
    is_kept(here, recorder, &files, "; interrupted");
    // A line an object, none of which tells its key.
    let keys = std::fs::read_to_string(here.join("live.swt.keys")).expect("keys");
    let lines: BTreeSet<&str> = keys.lines().collect();
    assert_eq!(lines.len(), 20);
    let is_hash = |line: &&str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(lines.iter().all(is_hash), "{keys}");
}

#[test]
fn the_end_of_the_server_keeps_what_was_recorded() {
    let here = folder();
    let here = here.path();
    let served = Served::start(&[]);
    let recorder = recorder(here, &served, "gone.swt", &["--keys", "gone.txt"]);
    ask_while_recorded(here, &served, "gone.swt");
    served.signal("KILL");
    is_kept(
        here,
        recorder,
        &["gone.swt", "gone.txt"],
        "; the server closed the connection",
    );
    let keys = std::fs::read_to_string(here.join("gone.txt")).expect("keys");
    let asked: Vec<String> = (0..20).map(|number| format!("key:{number}")).collect();
    assert_eq!(keys.lines().collect::<Vec<_>>(), asked);
}

#[test]
fn a_secret_that_is_none_is_refused() {
    let here = folder();
    let here = here.path();
    std::fs::write(here.join("short"), "12345").expect("a folder");
    std::fs::write(here.join("long"), vec![b'x'; 5000]).expect("a folder");
    let record = [
        "trace",
        "record",
        "127.0.0.1:1",
        "--seconds",
        "1",
        "out.swt",
    ];
    for (more, words) in [
        (&["--secret-file", "short"][..], "--keys"),
        (
            &["--keys", "k", "--secret-file", "short"],
            "16 to 4096 bytes",
        ),
        (
            &["--keys", "k", "--secret-file", "long"],
            "16 to 4096 bytes",
        ),
        (&["--keys", "k", "--secret-file", "nowhere"], "nowhere"),
        (&["--keys", "."], "no file"),
        (&["--keys", "nowhere/k"], "nowhere/k"),
    ] {
        must_end(here, &[&record[..], more].concat(), 2, &[words]);
    }
    assert_eq!(entries(here), ["long", "short"]);
}
