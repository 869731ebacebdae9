//! Settings: what a configuration may set, by the names that Redis gives them.
//!
//! One table feeds suites, `--config NAME=VALUE`, help and error messages. A setting reads its value
//! as text, so that `16`, `"16"` and `--config pipeline=16` are one thing.

use std::fmt;
use std::path::PathBuf;

use seawall_store::evict::{LIST, PolicySpec};
use seawall_store::log::Fsync;
use seawall_store::log::device::{DEVICES, DeviceEntry};
use seawall_store::store::ReadPath;
use serde::Deserialize;
use serde_json::Value;

use crate::drive::Arrivals;

/// A value as it stands in a suite or on the command line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a text, a whole number, true or false")]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Anything else.
    Text(String),
}

impl Scalar {
    /// The value of a `NAME=VALUE` from the command line.
    pub fn from_text(text: &str) -> Scalar {
        text.parse()
            .map(Scalar::Bool)
            .or_else(|_| text.parse().map(Scalar::Int))
            .unwrap_or_else(|_| Scalar::Text(text.to_owned()))
    }

    /// The value as a row keeps it.
    pub fn to_json(&self) -> Value {
        match self {
            Scalar::Bool(value) => Value::from(*value),
            Scalar::Int(value) => Value::from(*value),
            Scalar::Text(value) => Value::from(value.as_str()),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Int(value) => value.fmt(f),
            Scalar::Text(value) => value.fmt(f),
        }
    }
}

/// How a client of a closed loop fills its pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filling {
    /// An op for each that ends.
    #[default]
    Sliding,
    /// All at once, when all of before have ended.
    Batch,
}

/// Everything that a cell can be told to set; each field is a row of [`SETTINGS`].
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The most bytes of items in the whole store; 0: no bound.
    pub maxmemory: u64,
    /// Who goes when that is reached.
    pub policy: PolicySpec,
    /// How many items a sampling policy looks at.
    pub samples: u32,
    /// Whether changes are logged.
    pub appendonly: bool,
    /// When the log is made durable.
    pub fsync: Fsync,
    /// What the log is written to.
    pub device: &'static DeviceEntry,
    /// How many shards; one a thread where absent.
    pub shards: Option<usize>,
    /// Who answers reads.
    pub read_path: ReadPath,
    /// The most ops that each client has under way.
    pub pipeline: Option<usize>,
    /// How a client of a closed loop fills its pipeline.
    pub filling: Filling,
    /// Whether server and driver share all CPUs, instead of having their own.
    pub shared_cpus: bool,
    /// How many client threads; one a core where absent.
    pub threads: Option<usize>,
    /// Where the log's folder is made; in the run's own folder where absent.
    pub dir: Option<PathBuf>,
    /// Connections of each client thread to a server.
    pub connections: Option<usize>,
    /// Ops a second of all clients together, whatever the target does; as fast as it goes where absent.
    pub rate: Option<u64>,
    /// How ops at a rate are spread over time.
    pub arrivals: Arrivals,
    /// Threads of a spawned server; its own default where absent.
    pub server_threads: Option<usize>,
    /// Whether what a server holds is deleted first.
    pub flush: bool,
    /// From how many milliseconds on a spawned server keeps an event; 0: never.
    pub latency_monitor_ms: u64,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            maxmemory: 0,
            policy: PolicySpec::default(),
            samples: 5,
            appendonly: false,
            fsync: Fsync::default(),
            device: &DEVICES[0],
            shards: None,
            read_path: ReadPath::default(),
            pipeline: None,
            filling: Filling::default(),
            shared_cpus: false,
            threads: None,
            dir: None,
            connections: None,
            rate: None,
            arrivals: Arrivals::default(),
            server_threads: None,
            flush: false,
            latency_monitor_ms: 0,
        }
    }
}

/// A row of [`SETTINGS`].
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line, with its default.
    pub about: &'static str,
    /// The values that it accepts, for people.
    pub accepts: fn() -> String,
    set: fn(&mut Configuration, &str) -> Option<()>,
}

/// A name or value that is not accepted; says what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has this name.
    #[error("unknown setting `{name}`, expected one of {}", names())]
    Name {
        /// As given.
        name: String,
    },
    /// The setting refuses this value.
    #[error("`{name}` cannot be `{value}`, expected {accepts}")]
    Value {
        /// The setting.
        name: &'static str,
        /// As given.
        value: String,
        /// What it accepts.
        accepts: String,
    },
}

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
const PIPELINE_MAX: usize = 1024;

impl Configuration {
    /// How many ops each client may have under way.
    pub(crate) fn window(&self) -> usize {
        let default = if self.rate.is_some() { PIPELINE_MAX } else { 1 };
        self.pipeline.unwrap_or(default)
    }

    /// Sets `name` to `value`.
    ///
    /// # Errors
    /// The name or the value is not accepted.
    pub fn set(&mut self, name: &str, value: &Scalar) -> Result<(), SettingError> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            return Err(SettingError::Name {
                name: name.to_owned(),
            });
        };
        (setting.set)(self, &value.to_string()).ok_or_else(|| SettingError::Value {
            name: setting.name,
            value: value.to_string(),
            accepts: (setting.accepts)(),
        })
    }
}

/// The names of all settings, for messages.
fn names() -> String {
    names_of(SETTINGS.iter().map(|setting| setting.name))
}

fn names_of(names: impl Iterator<Item = &'static str>) -> String {
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

    #[test]
    fn every_setting_refuses_nonsense_and_says_what_it_accepts() {
        for setting in SETTINGS {
            let nonsense = Scalar::Text("\u{1}nonsense".to_owned());
            let error = Configuration::default()
                .set(setting.name, &nonsense)
                .expect_err(setting.name);
            assert!(error.to_string().contains(&(setting.accepts)()), "{error}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_names() {
        let error = Configuration::default()
            .set("maxmemroy", &Scalar::Int(1))
            .expect_err("unknown")
            .to_string();
        for setting in SETTINGS {
            assert!(error.contains(setting.name), "{error}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let mut to = Configuration::default();
        for (name, value) in [
            ("pipeline", 0),
            ("pipeline", 1025),
            ("threads", -1),
            ("shards", 0),
        ] {
            assert!(to.set(name, &Scalar::Int(value)).is_err(), "{name}={value}");
        }
        assert_eq!((to.pipeline, to.threads, to.shards), (None, None, None));
        assert_eq!(to.window(), 1);
    }
}
