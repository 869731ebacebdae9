//! `redis-server` and `valkey-server`, which take the same arguments.
//!
//! Where a setting has no counterpart (another eviction policy, a log device) there is an error. What is
//! not set is Redis's default, but no snapshots, and no rewriting of the log.

use seawall_store::evict::PolicySpec;
use seawall_store::log::Fsync;

use super::program::{Place, Program, in_path};
use crate::setting::Configuration;
use crate::target::protocol::RESP;

pub(super) static REDIS: Program = Program {
    name: "redis-server",
    found: in_path,
    refuses: REFUSED,
    arguments,
    protocols: &[&RESP],
};

pub(super) static VALKEY: Program = Program {
    name: "valkey-server",
    found: in_path,
    refuses: REFUSED,
    arguments,
    protocols: &[&RESP],
};

const REFUSED: &[&str] = &["device", "shards", "read-path"];

/// Policies that Redis has too, and what it calls ours that never evicts.
const POLICIES: &[(&str, &str)] = &[
    ("none", "noeviction"),
    ("allkeys-lru", "allkeys-lru"),
    ("allkeys-lfu", "allkeys-lfu"),
    ("allkeys-random", "allkeys-random"),
    ("volatile-lru", "volatile-lru"),
    ("volatile-lfu", "volatile-lfu"),
    ("volatile-random", "volatile-random"),
    ("volatile-ttl", "volatile-ttl"),
];

fn arguments(wanted: &Configuration, place: &Place<'_>) -> Result<Vec<String>, String> {
    let fsync = wanted.fsync;
    if !matches!(fsync, Fsync::Always | Fsync::EVERYSEC | Fsync::No) {
        return Err(format!(
            "`appendfsync` cannot be `{fsync}`: Redis has always, everysec and no"
        ));
    }
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    let mut pairs = vec![
        ("--bind", "127.0.0.1".to_owned()),
        ("--port", place.port.to_string()),
        ("--dir", place.folder.display().to_string()),
        ("--save", wanted.save.clone()),
        ("--daemonize", "no".to_owned()),
        ("--maxmemory", wanted.maxmemory.to_string()),
        ("--maxmemory-policy", policy(&wanted.policy)?.to_owned()),
        ("--maxmemory-samples", wanted.samples.to_string()),
        ("--appendonly", yes_or_no(wanted.appendonly).to_owned()),
        ("--appendfsync", fsync.to_string()),
        (
            "--latency-monitor-threshold",
            wanted.latency_monitor_ms.to_string(),
        ),
        // A child that writes the log anew would take the server's CPUs, and its time is in no account.
        ("--auto-aof-rewrite-percentage", "0".to_owned()),
    ];
    if let Some(threads) = wanted.server_threads {
        // Redis's own bound.
        if threads > 128 {
            return Err(format!(
                "`server-threads` cannot be {threads}: Redis has 128 at most"
            ));
        }
        pairs.push(("--io-threads", threads.to_string()));
        // Otherwise they write only, and all reading and parsing is one thread's.
        pairs.push(("--io-threads-do-reads", "yes".to_owned()));
    }
    let words = pairs
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value]);
    Ok(words.collect())
}

fn policy(wanted: &PolicySpec) -> Result<&'static str, String> {
    let name = wanted.to_string();
    let known = POLICIES.iter().find(|(ours, _)| *ours == name);
    known.map(|(_, theirs)| *theirs).ok_or_else(|| {
        let names: Vec<_> = POLICIES.iter().map(|(ours, _)| *ours).collect();
        format!(
            "`maxmemory-policy` cannot be {name}: Redis has of ours {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Scalar;
    use std::path::Path;

    fn said(pairs: &[(&str, &str)]) -> Result<String, String> {
        let mut wanted = Configuration::default();
        for (name, value) in pairs {
            let value = Scalar::from_text(value);
            wanted.set(name, &value).expect("a setting");
        }
        let place = Place {
            port: 7,
            folder: Path::new("/f"),
            cpus: 1,
            drivers: 1,
            for_memcached: false,
        };
        arguments(&wanted, &place).map(|words| words.join(" "))
    }

    #[test]
    fn what_redis_has_no_word_for_is_refused() {
        let error = said(&[("appendfsync", "interval:ms=100")]).expect_err("Redis has none");
        assert!(error.contains("`interval:ms=100`"), "{error}");
        let words = said(&[("appendfsync", "interval:ms=1000")]).expect("it is everysec");
        assert!(words.contains("--appendfsync everysec"), "{words}");
    }

    #[test]
    fn settings_are_said_in_rediss_words() {
        let words = said(&[
            ("maxmemory", "64mb"),
            ("maxmemory-policy", "allkeys-lfu"),
            ("maxmemory-samples", "9"),
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("server-threads", "3"),
        ])
        .expect("all have words");
        for pair in [
            "--port 7",
            "--dir /f",
            "--maxmemory 67108864",
            "--maxmemory-policy allkeys-lfu",
            "--maxmemory-samples 9",
            "--appendonly yes",
            "--appendfsync always",
            "--io-threads 3",
            "--io-threads-do-reads yes",
            "--auto-aof-rewrite-percentage 0",
        ] {
            assert!(words.contains(pair), "no {pair} in {words}");
        }
        let words = said(&[]).expect("defaults have words");
        assert!(words.contains("--maxmemory-policy noeviction"), "{words}");
        assert!(!words.contains("--io-threads"), "{words}");
    }

    #[test]
    fn what_redis_has_no_words_for_is_an_error_that_names_it() {
        for (name, value) in [("maxmemory-policy", "s3fifo"), ("server-threads", "129")] {
            let why = said(&[(name, value)]).expect_err("no words");
            assert!(why.contains(name) && why.contains(value), "{why}");
        }
    }
}
