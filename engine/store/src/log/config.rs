//! How logs are kept: where, on which device, and how durable.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::device::DeviceKind;

/// When a log is made durable (`appendfsync`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// In every turn that wrote anything.
    Always,
    /// Once a second.
    #[default]
    EverySec,
    /// When the operating system thinks fit.
    No,
}

impl Fsync {
    const ALL: [(Fsync, &'static str); 3] = [
        (Fsync::Always, "always"),
        (Fsync::EverySec, "everysec"),
        (Fsync::No, "no"),
    ];
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Fsync::ALL.iter().find(|(fsync, _)| fsync == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl FromStr for Fsync {
    type Err = String;

    fn from_str(name: &str) -> Result<Fsync, String> {
        let found = Fsync::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(fsync, _)| *fsync).ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            format!("no appendfsync {name:?}: always, everysec, no are accepted")
        })
    }
}

/// How long a segment grows where nothing else is said: 64 MiB.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// How logs are kept.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The folder of all shards' segments. Not looked at by the device `memory`.
    pub dir: PathBuf,
    /// Where the bytes go.
    pub device: DeviceKind,
    /// When they are made durable.
    pub fsync: Fsync,
    /// A segment that has grown to so many bytes is followed by a new one.
    pub segment_bytes: u64,
    /// How many shards the store has: a log of another number is refused.
    pub shards: u32,
    /// The store's secret seed: clients cannot forge records that they do not know the salt of.
    pub seed: u64,
}

impl LogConfig {
    /// Logs in `dir` through `io_uring`, synced every second, segments of [`SEGMENT_BYTES`], for a store of
    /// `shards` shards whose seed is `seed`.
    pub fn new(dir: impl Into<PathBuf>, shards: u32, seed: u64) -> LogConfig {
        LogConfig {
            dir: dir.into(),
            device: DeviceKind::Uring,
            fsync: Fsync::default(),
            segment_bytes: SEGMENT_BYTES,
            shards,
            seed,
        }
    }
}
