//! How logs are kept: where, on which device, and how durable.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::device::DeviceKind;
use super::{LogError, layout};
use crate::disk::{Folder, RealDisk};
use crate::spec::{Param, Spec, SpecError};

/// When a log is made durable (`appendfsync`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// In every turn that wrote anything.
    Always,
    /// When so many milliseconds have passed since the last time. `everysec` is 1,000 of them.
    Interval(u64),
    /// As often as is needed for no write to be so many milliseconds old without being durable; where one is all the
    /// same, no more are accepted until it is.
    Bounded(u64),
    /// When the operating system thinks fit.
    No,
}

/// The parameter of `interval` and of `bounded`.
const MS: Param = Param {
    name: "ms",
    about: "milliseconds; default that of everysec",
    default: 1_000,
    min: 1,
    max: 3_600_000,
    words: &[],
};

impl Fsync {
    /// Once a second.
    pub const EVERYSEC: Fsync = Fsync::Interval(1_000);

    /// What is accepted, for people.
    pub const ACCEPTED: &'static str = "always, everysec, no, interval:ms=N, bounded:ms=N";

    /// How many milliseconds after a sync the next one begins.
    pub(super) fn pause_ms(self) -> Option<u64> {
        match self {
            Fsync::Always => Some(0),
            Fsync::Interval(ms) => Some(ms),
            // What came right behind one sync is durable in the next: one has half of the time for itself.
            Fsync::Bounded(ms) => Some((ms / 4).max(1)),
            Fsync::No => None,
        }
    }
}

impl Default for Fsync {
    /// Once a second.
    fn default() -> Fsync {
        Fsync::EVERYSEC
    }
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fsync::Always => f.write_str("always"),
            &Fsync::EVERYSEC => f.write_str("everysec"),
            Fsync::Interval(ms) => write!(f, "interval:ms={ms}"),
            Fsync::Bounded(ms) => write!(f, "bounded:ms={ms}"),
            Fsync::No => f.write_str("no"),
        }
    }
}

impl FromStr for Fsync {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Fsync, SpecError> {
        let spec = Spec::parse(text)?;
        let plain = |fsync| spec.numbers(&[]).map(|_| fsync);
        let timed = |fsync: fn(u64) -> Fsync| spec.numbers(&[MS]).map(|ms| fsync(ms[0]));
        match spec.name() {
            "always" => plain(Fsync::Always),
            "everysec" => plain(Fsync::EVERYSEC),
            "no" => plain(Fsync::No),
            "interval" => timed(Fsync::Interval),
            "bounded" => timed(Fsync::Bounded),
            _ => Err(spec.unknown_name("appendfsync", Fsync::ACCEPTED.split(", "))),
        }
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
    /// What tells a log that is begun now from others; not 0.
    pub id: u64,
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
            id: xxh3_64_with_seed(&shards.to_le_bytes(), seed) | 1,
            seed,
        }
    }

    /// The folder of all shards' segments.
    pub(super) fn folder(&self) -> Folder {
        match &self.device {
            DeviceKind::Memory(disk) => Folder::Memory(disk.clone()),
            DeviceKind::File | DeviceKind::Uring => Folder::Real(RealDisk::new(&self.dir)),
        }
    }

    /// How many shards the logs in the folder are of, which no snapshot knows; `None` where there are none.
    ///
    /// # Errors
    /// The folder or a segment cannot be read.
    pub(crate) fn shards_found(&self) -> Result<Option<u32>, LogError> {
        layout::shards(&self.folder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_shown() {
        for text in [
            "always",
            "everysec",
            "no",
            "interval:ms=100",
            "bounded:ms=10000",
        ] {
            let fsync: Fsync = text.parse().unwrap();
            assert_eq!(fsync.to_string(), text);
        }
        assert_eq!("interval:ms=1000".parse(), Ok(Fsync::EVERYSEC));
        assert_eq!("bounded".parse(), Ok(Fsync::Bounded(1_000)));
        for (text, told) in [
            (
                "sometimes",
                "accepted: always, everysec, no, interval:ms=N, bounded:ms=N",
            ),
            (
                "interval:ms=0",
                "accepted: a whole number from 1 to 3600000",
            ),
            ("interval:s=1", "accepted: ms"),
            ("always:ms=1", "accepted: none"),
        ] {
            let error = text.parse::<Fsync>().unwrap_err().to_string();
            assert!(error.ends_with(told), "{error}");
        }
    }
}
