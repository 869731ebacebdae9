//! Settings: what a configuration may set, by the names that Redis gives them.
//!
//! One table feeds suites, `--config NAME=VALUE`, help and error messages. A setting reads its value
//! as text, so that `16`, `"16"` and `--config pipeline=16` are one thing.

mod list;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use seawall_store::evict::PolicySpec;
use seawall_store::log::Fsync;
use seawall_store::log::device::{DEVICES, DeviceEntry};
use seawall_store::store::ReadPath;
use serde::Deserialize;
use serde_json::Value;

use crate::drive::Arrivals;
use list::{PIPELINE_MAX, names_of};

pub use list::SETTINGS;

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

/// How a spawned server ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// When nobody needs it any more.
    #[default]
    Stop,
    /// At once, in the midst of its load (`SIGKILL`); it is then started again, and asked what it kept.
    Kill,
    /// As by `Kill`, when its folder has lost power: what it had not synced is gone.
    Power,
}

/// What of a killed server's files the system still has in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// What it happens to have: nearly all.
    #[default]
    Warm,
    /// Nothing.
    Cold,
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
    /// When a spawned server makes snapshots: pairs of seconds and changes, as Redis's `save`; empty: never.
    pub save: String,
    /// How a spawned server ends.
    pub end: End,
    /// What of its files the page cache has when a killed server is started again.
    pub cache: Cache,
    /// How long it is driven then, at most, to see when it does as much as before; not where absent.
    pub recovery: Option<Duration>,
    /// When, from the start of the clock, a spawned server is asked for a snapshot; never where absent.
    pub bgsave_at: Option<Duration>,
    /// How long the slices are in which latency is told by time; not where absent.
    pub timeline: Option<Duration>,
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
            save: String::new(),
            end: End::default(),
            cache: Cache::default(),
            recovery: None,
            bgsave_at: None,
            timeline: None,
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("recovery", 91),
        ] {
            assert!(to.set(name, &Scalar::Int(value)).is_err(), "{name}={value}");
        }
        assert_eq!((to.pipeline, to.threads, to.shards), (None, None, None));
        assert_eq!(to.window(), 1);
    }
}
