//! The table of settings: each by its name, with what it does, what it accepts, and how it is read.

use std::path::PathBuf;
use std::time::Duration;

use seawall_store::evict::LIST;
use seawall_store::log::Fsync;
use seawall_store::log::device::DEVICES;
use seawall_store::store::ReadPath;

use super::{Cache, End, Filling, Setting};
use crate::drive::{Arrivals, recovery};

/// Every setting.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "maxmemory",
        about: "most bytes of items in the whole store; 0, the default, is no bound",
        accepts: || "bytes, or a number with kb, mb or gb (64mb)".to_owned(),
        set: |to, text| {
            to.maxmemory = bytes(text)?;
            Some(())
        },
    },
    Setting {
        name: "maxmemory-policy",
        about: "who goes when maxmemory is reached; default none",
        accepts: || {
            format!(
                "one of {}, with parameters as in s3fifo:small=10",
                names_of(LIST.iter().map(|policy| policy.name))
            )
        },
        set: |to, text| {
            to.policy = text.parse().ok()?;
            Some(())
        },
    },
    Setting {
        name: "maxmemory-samples",
        about: "items that a sampling policy looks at; default 5",
        accepts: || "a number from 1 to 64".to_owned(),
        set: |to, text| {
            to.samples = number(text, 1, 64)?.try_into().ok()?;
            Some(())
        },
    },
    Setting {
        name: "appendonly",
        about: "log every change; default no",
        accepts: || "yes or no".to_owned(),
        set: |to, text| {
            to.appendonly = yes_or_no(text)?;
            Some(())
        },
    },
    Setting {
        name: "appendfsync",
        about: "when the log is made durable; default everysec",
        accepts: || Fsync::ACCEPTED.to_owned(),
        set: |to, text| {
            // TOML writers like `appendfsync = false` for Redis's `no`.
            to.fsync = if text == "false" { "no" } else { text }.parse().ok()?;
            Some(())
        },
    },
    Setting {
        name: "device",
        about: "what the log is written to; default uring, and file where io_uring is forbidden",
        accepts: || {
            format!(
                "one of {}",
                names_of(DEVICES.iter().map(|device| device.name))
            )
        },
        set: |to, text| {
            to.device = DEVICES.iter().find(|device| device.name == text)?;
            Some(())
        },
    },
    Setting {
        name: "shards",
        about: "shards of the store; default one a thread",
        accepts: || "a number from 1 to 1024".to_owned(),
        set: |to, text| {
            to.shards = Some(number(text, 1, 1024)?);
            Some(())
        },
    },
    Setting {
        name: "read-path",
        about: "who answers single-key reads of strings; default any-core",
        accepts: || "any-core or owner-only".to_owned(),
        set: |to, text| {
            to.read_path = match text {
                "any-core" => ReadPath::AnyCore,
                "owner-only" => ReadPath::OwnerOnly,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "pipeline",
        about: "ops that each client has under way, at most; default 1, and 1024 with a rate",
        accepts: || "a number from 1 to 1024".to_owned(),
        set: |to, text| {
            to.pipeline = Some(number(text, 1, PIPELINE_MAX)?);
            Some(())
        },
    },
    Setting {
        name: "window",
        about: "how a pipeline is filled: sliding, the default, or batch, which waits for all answers",
        accepts: || "sliding or batch".to_owned(),
        set: |to, text| {
            to.filling = match text {
                "sliding" => Filling::Sliding,
                "batch" => Filling::Batch,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "cpus",
        about: "apart, the default, where server and driver have CPUs of their own, or shared",
        accepts: || "apart or shared".to_owned(),
        set: |to, text| {
            to.shared_cpus = match text {
                "apart" => false,
                "shared" => true,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "threads",
        about: "client threads; default one a core",
        accepts: || "a number from 1 to 1024".to_owned(),
        set: |to, text| {
            to.threads = Some(number(text, 1, 1024)?);
            Some(())
        },
    },
    Setting {
        name: "dir",
        about: "where the log's folder is made, and removed; default the run's own folder",
        accepts: || "the path of a folder that is there".to_owned(),
        set: |to, text| {
            to.dir = Some(PathBuf::from(text)).filter(|path| path.is_dir());
            to.dir.is_some().then_some(())
        },
    },
    Setting {
        name: "connections",
        about: "connections of each client thread to a server, a client each; default 4",
        accepts: || "a number from 1 to 10000".to_owned(),
        set: |to, text| {
            to.connections = Some(number(text, 1, 10_000)?);
            Some(())
        },
    },
    Setting {
        name: "rate",
        about: "ops a second of all clients, sent whether answers come or not; default as fast as it goes",
        accepts: || "a number from 1 to 100000000".to_owned(),
        set: |to, text| {
            to.rate = Some(number(text, 1, 100_000_000)? as u64);
            Some(())
        },
    },
    Setting {
        name: "arrivals",
        about: "how ops at a rate are spread over time; default poisson",
        accepts: || "poisson or constant".to_owned(),
        set: |to, text| {
            to.arrivals = match text {
                "poisson" => Arrivals::Poisson,
                "constant" => Arrivals::Constant,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "server-threads",
        about: "threads of a spawned server; default its own",
        accepts: || "a number from 1 to 1024".to_owned(),
        set: |to, text| {
            to.server_threads = Some(number(text, 1, 1024)?);
            Some(())
        },
    },
    Setting {
        name: "latency-monitor-threshold",
        about: "events that a spawned server keeps, from so many ms on; seawall then tells its longest turn; default 0, none",
        accepts: || "a number from 0 to 1000000".to_owned(),
        set: |to, text| {
            to.latency_monitor_ms = number(text, 0, 1_000_000)? as u64;
            Some(())
        },
    },
    Setting {
        name: "save",
        about: "when a spawned server makes snapshots, as Redis's save (`60 10000`: after 60 s with 10000 changes); default no",
        accepts: || {
            "no, or pairs of seconds and changes, each a number from 1 to 1000000000".to_owned()
        },
        set: |to, text| {
            to.save = if matches!(text, "no" | "false") {
                String::new()
            } else {
                let words: Vec<&str> = text.split_ascii_whitespace().collect();
                let are_numbers = words
                    .iter()
                    .all(|word| number(word, 1, 1_000_000_000).is_some());
                (are_numbers && !words.is_empty() && words.len().is_multiple_of(2))
                    .then(|| words.join(" "))?
            };
            Some(())
        },
    },
    Setting {
        name: "end",
        about: "how a spawned server ends; default stop. kill: as kill -9 does in the midst of its load, when the clock \
                has stopped; it is started again, and the row tells what it lost of what it had acknowledged, and when \
                it served again. power: as when the power fails, on a folder that forgets what was not synced; the row \
                has no figures of speed",
        accepts: || "stop, kill or power".to_owned(),
        set: |to, text| {
            to.end = match text {
                "stop" => End::Stop,
                "kill" => End::Kill,
                "power" => End::Power,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "page-cache",
        about: "what of its files the page cache has when a killed server is started again; default warm: what it happens to have",
        accepts: || "warm or cold".to_owned(),
        set: |to, text| {
            to.cache = match text {
                "warm" => Cache::Warm,
                "cold" => Cache::Cold,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "recovery",
        about: "for how many seconds, at most, a killed server is driven when it serves again; the row tells when it did \
                90 % of what it did before; default 0: not at all",
        accepts: || format!("a number from 0 to {}", recovery::SECONDS_MAX),
        set: |to, text| {
            let seconds = number(text, 0, recovery::SECONDS_MAX)?;
            to.recovery = (seconds > 0).then(|| Duration::from_secs(seconds as u64));
            Some(())
        },
    },
    Setting {
        name: "bgsave-at",
        about: "when a spawned server is asked for a snapshot (BGSAVE), in ms from the start of the clock; the row tells \
                what that took; default never",
        accepts: || "a number from 1 to 3600000".to_owned(),
        set: |to, text| {
            let ms = number(text, 1, 3_600_000)?;
            to.bgsave_at = Some(Duration::from_millis(ms as u64));
            Some(())
        },
    },
    Setting {
        name: "timeline",
        about: "latency by time, in slices of so many ms (a power of two times as long where there would be more than \
                2000), beside the snapshots of a spawned server; default none",
        accepts: || "a number from 10 to 60000".to_owned(),
        set: |to, text| {
            let ms = number(text, 10, 60_000)?;
            to.timeline = Some(Duration::from_millis(ms as u64));
            Some(())
        },
    },
    Setting {
        name: "flush",
        about: "delete what an addressed server holds before a cell; default no, and it must be empty",
        accepts: || "yes or no".to_owned(),
        set: |to, text| {
            to.flush = yes_or_no(text)?;
            Some(())
        },
    },
];

/// The most ops that a client has under way, and how many it may have where a rate says when they begin.
pub(super) const PIPELINE_MAX: usize = 1024;

pub(super) fn names_of(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn number(text: &str, least: usize, most: usize) -> Option<usize> {
    text.parse().ok().filter(|n| (least..=most).contains(n))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// Bytes as Redis reads them: `1k` is 1000, `1kb` and `1kib` are 1024.
fn bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit = match &text[digits..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" | "kib" => 1 << 10,
        "m" => 1_000_000,
        "mb" | "mib" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_redis_reads_them() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("1k"), Some(1000));
        assert_eq!(bytes("64MB"), Some(64 << 20));
        assert_eq!(bytes("2gib"), Some(2 << 30));
        for wrong in [
            "",
            "mb",
            "-1",
            "1.5gb",
            "99999999999999999999",
            "20000000000gb",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
