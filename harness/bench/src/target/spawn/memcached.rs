//! `memcached`, by its text protocol.
//!
//! Memcached always has a bound on memory; where none is wanted it gets most of the machine's. Its own
//! LRU answers to `lru` and `allkeys-lru`; with `none` it refuses what does not fit, as Redis does.

use super::program::{Place, Program, in_path};
use crate::setting::Configuration;
use crate::target::protocol::{CLASSIC, META};

pub(super) static PROGRAM: Program = Program {
    name: "memcached",
    found: in_path,
    refuses: &[
        "appendonly",
        "appendfsync",
        "device",
        "shards",
        "read-path",
        "maxmemory-samples",
        "latency-monitor-threshold",
        "save",
    ],
    arguments,
    protocols: &[&META, &CLASSIC],
};

const MIB: u64 = 1 << 20;

/// Below this Memcached takes more by itself: a page for each of its size classes.
const LEAST_MIB: u64 = 8;

/// The share of the machine's memory that stands for no bound.
const UNBOUNDED_SHARE: f64 = 0.8;

fn arguments(wanted: &Configuration, place: &Place<'_>) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = ["-l", "127.0.0.1", "-U", "0", "-p"]
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    words.push(place.port.to_string());
    // One thread a CPU that it has, as its manual recommends, where nothing is said.
    let threads = wanted.server_threads.unwrap_or(place.cpus);
    words.extend(["-t".to_owned(), threads.to_string()]);
    words.extend(["-m".to_owned(), mebibytes(wanted.maxmemory)?.to_string()]);
    match wanted.policy.to_string().as_str() {
        "none" => words.push("-M".to_owned()),
        "lru" | "allkeys-lru" => {}
        other => {
            return Err(format!(
                "`maxmemory-policy` cannot be {other}: Memcached has of ours none, lru and allkeys-lru"
            ));
        }
    }
    // Every connection of the cell, and some for questions: it must be allowed as many files.
    let clients = wanted.threads.unwrap_or(place.drivers.max(1));
    let connections = clients * wanted.connections.unwrap_or(crate::remote::CONNECTIONS);
    let spare = 64;
    words.extend(["-c".to_owned(), (connections + spare).to_string()]);
    if rustix::process::geteuid().is_root() {
        // It refuses to run as root unless told to.
        words.extend(["-u".to_owned(), "root".to_owned()]);
    }
    Ok(words)
}

/// A bound on memory as it takes it, in MiB.
fn mebibytes(maxmemory: u64) -> Result<u64, String> {
    if maxmemory == 0 {
        let memory = seawall_sys::machine::Machine::read().memory_bytes;
        let memory = memory.ok_or("the machine does not tell how much memory it has")?;
        return Ok((memory as f64 * UNBOUNDED_SHARE) as u64 / MIB);
    }
    if !maxmemory.is_multiple_of(MIB) || maxmemory < LEAST_MIB * MIB {
        return Err(format!(
            "`maxmemory` cannot be {maxmemory}: Memcached takes whole MiB, {LEAST_MIB} at least"
        ));
    }
    Ok(maxmemory / MIB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn said(maxmemory: u64, policy: &str) -> Result<String, String> {
        let wanted = Configuration {
            maxmemory,
            policy: policy.parse().expect("a policy"),
            ..Configuration::default()
        };
        let place = Place {
            port: 7,
            folder: Path::new("/f"),
            cpus: 3,
            drivers: 2,
            for_memcached: true,
        };
        arguments(&wanted, &place).map(|words| words.join(" "))
    }

    #[test]
    fn settings_are_said_in_memcacheds_words() {
        let words = said(64 * MIB, "none").expect("words");
        for word in ["-p 7", "-t 3", "-m 64", "-M", "-c 72"] {
            assert!(words.contains(word), "no {word} in {words}");
        }
        assert!(!said(64 * MIB, "lru").expect("words").contains("-M"));
        assert!(said(0, "none").is_ok());
        assert!(said(64 * MIB + 1, "none").is_err());
        assert!(said(MIB, "none").is_err());
        assert!(said(0, "sieve").expect_err("no words").contains("sieve"));
    }
}
