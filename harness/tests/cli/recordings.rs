//! `seawall trace record` that ends before its time: what was recorded is kept, whole, under its name.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::serving::Served;
use crate::{call, entries, folder};

/// A recorder of `served` for a long while, which hears signals whatever the test's own process ignores.
fn recorder(here: &Path, served: &Served, out: &str) -> Child {
    Command::new("env")
        .arg("--default-signal=INT")
        .arg(assert_cmd::cargo::cargo_bin!("seawall"))
        .args(["trace", "record", &served.address(), "--seconds", "300"])
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

/// The recorder ends well, says why, and its file is whole.
fn is_kept(here: &Path, recorder: Child, out: &str, why: &str) {
    let ended = recorder.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}");
    assert!(told.starts_with("40 requests, 20 objects"), "{told}");
    assert!(told.trim_end().ends_with(why), "{told}");
    assert_eq!(entries(here), [out]);
    let told = call(here, &["trace", "info", out]).out;
    assert!(told.contains("40"), "{told}");
}

#[test]
fn an_interruption_keeps_what_was_recorded() {
    let here = folder();
    let here = here.path();
    let served = Served::start(&[]);
    let recorder = recorder(here, &served, "live.swt");
    ask_while_recorded(here, &served, "live.swt");
    let pid = recorder.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
    assert!(sent.expect("kill is there").success());
    is_kept(here, recorder, "live.swt", "; interrupted");
}

#[test]
fn the_end_of_the_server_keeps_what_was_recorded() {
    let here = folder();
    let here = here.path();
    let served = Served::start(&[]);
    let recorder = recorder(here, &served, "gone.swt");
    ask_while_recorded(here, &served, "gone.swt");
    served.signal("KILL");
    is_kept(
        here,
        recorder,
        "gone.swt",
        "; the server closed the connection",
    );
}
