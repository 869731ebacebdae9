//! `seawall serve`: this very program, unless a path says otherwise, so that a figure is of the commit
//! that the run names.

use std::path::{Path, PathBuf};

use super::program::{Place, Program, in_path};
use crate::setting::Configuration;
use crate::target::protocol::{CLASSIC, META, RESP};

pub(super) static PROGRAM: Program = Program {
    name: "seawall",
    found,
    refuses: &["read-path"],
    arguments,
    protocols: &[&RESP, &META, &CLASSIC],
};

/// What a server's log can be written to: what is in memory dies with it.
const LOG_DEVICES: &[&str] = &["uring", "file"];

/// This program where it is seawall, else the one in `PATH`. The kernel's own name for it still leads to
/// it when its file was replaced or deleted meanwhile, as a build does.
fn found(name: &str) -> Result<PathBuf, String> {
    let this = PathBuf::from("/proc/self/exe");
    if is_called(&this, name) {
        Ok(this)
    } else {
        in_path(name)
    }
}

/// Whether the file that `link` leads to, or led to before it was deleted, is called `name`.
fn is_called(link: &Path, name: &str) -> bool {
    let led = std::fs::read_link(link).unwrap_or_default();
    let file = led.file_name().and_then(|file| file.to_str());
    file.is_some_and(|file| file.strip_suffix(" (deleted)").unwrap_or(file) == name)
}

fn arguments(wanted: &Configuration, place: &Place<'_>) -> Result<Vec<String>, String> {
    let device = wanted.device.name;
    if !LOG_DEVICES.contains(&device) {
        let devices = LOG_DEVICES.join(" and ");
        return Err(format!(
            "`device` cannot be {device}: a server has {devices}"
        ));
    }
    // Port 0 is one that nobody asks for.
    let ports = if place.for_memcached {
        ["--port", "0", "--memcached-port"]
    } else {
        ["--memcached-port", "0", "--port"]
    };
    let mut words: Vec<String> = ["serve"]
        .iter()
        .chain(&ports)
        .map(|&word| word.to_owned())
        .collect();
    words.extend([
        place.port.to_string(),
        "--dir".to_owned(),
        place.folder.display().to_string(),
        "--shards".to_owned(),
        // One a thread that it may have, unless more are wanted.
        wanted
            .shards
            .or(wanted.server_threads)
            .unwrap_or(place.cpus)
            .to_string(),
    ]);
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    for (name, value) in [
        ("maxmemory", wanted.maxmemory.to_string()),
        ("maxmemory-policy", wanted.policy.to_string()),
        ("maxmemory-samples", wanted.samples.to_string()),
        ("appendonly", yes_or_no(wanted.appendonly).to_owned()),
        ("appendfsync", wanted.fsync.to_string()),
        ("save", wanted.save.clone()),
        ("log-device", device.to_owned()),
        // As for Redis: a log that is rewritten in the midst of a cell would be another cell.
        ("auto-aof-rewrite-percentage", "0".to_owned()),
        (
            "latency-monitor-threshold",
            wanted.latency_monitor_ms.to_string(),
        ),
    ] {
        words.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_rebuilt_is_still_this_one() {
        let here = tempfile::tempdir().expect("a folder");
        for (leads, is) in [
            ("/target/release/seawall", true),
            ("/target/release/seawall (deleted)", true),
            ("/target/release/deps/seawall_bench-1f", false),
        ] {
            let link = here.path().join("exe");
            std::os::unix::fs::symlink(leads, &link).expect("a link");
            assert_eq!(is_called(&link, "seawall"), is, "{leads}");
            std::fs::remove_file(&link).expect("it is ours");
        }
    }

    #[test]
    fn each_protocol_has_its_port() {
        let said = |for_memcached| {
            let place = Place {
                port: 7,
                folder: Path::new("/f"),
                cpus: 2,
                drivers: 1,
                for_memcached,
            };
            let words = arguments(&Configuration::default(), &place).expect("words");
            words.join(" ")
        };
        assert!(said(false).contains("--memcached-port 0 --port 7"));
        assert!(said(true).contains("--port 0 --memcached-port 7"));
    }
}
