//! A log before it is open: found, locked, compared with others, and then opened on its device.

use seawall_sys::ring::Ring;

use super::device::appender::Appender;
use super::device::{self, DeviceKind};
use super::joint::{self, Parts};
use super::recover::{self, Owner, Recovery, find};
use super::{Apply, Log, LogConfig, LogError};
use crate::disk::{MemoryDisk, RealDisk};

/// A log that was found and locked. Nothing of it was changed, and nothing applied.
pub struct Found {
    config: LogConfig,
    owner: Owner,
    place: FoundIn,
    /// The sequence of the first record that does not count.
    cut: Option<u64>,
}

enum FoundIn {
    Memory(recover::Found<MemoryDisk>),
    Folder(recover::Found<RealDisk>),
}

impl Found {
    /// Finds the log of `shard`, where a snapshot holds every record up to sequence `covered`: those are not
    /// applied, and need not be there, but the log's end must. `known` is what tells that log from others; 0: any.
    ///
    /// # Errors
    /// The folder cannot be read, or another process has the log.
    pub fn find(
        config: &LogConfig,
        shard: u32,
        covered: u64,
        known: u64,
    ) -> Result<Found, LogError> {
        let owner = Owner {
            shard,
            shards: config.shards,
            covered,
            known,
            log: config.id,
            seed: config.seed,
        };
        let place = match &config.device {
            DeviceKind::Memory(disk) => FoundIn::Memory(find(disk.clone(), owner)?),
            DeviceKind::File | DeviceKind::Uring => {
                FoundIn::Folder(find(RealDisk::new(&config.dir), owner)?)
            }
        };
        Ok(Found {
            config: config.clone(),
            owner,
            place,
            cut: None,
        })
    }

    /// Compares the logs of all shards, in their order: each then ends before the first record that is a part of
    /// what another shard lost. The number of the last joint.
    ///
    /// # Errors
    /// A log cannot be read, is not its shard's, or is damaged; that other shards lost what had been durable on all
    /// of them is damage, too.
    pub fn compare(logs: &mut [Found]) -> Result<u64, LogError> {
        if logs.len() < 2 {
            return Ok(0);
        }
        let mut parts: Vec<_> = logs.iter().map(Found::parts).collect();
        let cuts = joint::cuts(&mut parts);
        drop(parts);
        let cuts = match (cuts, logs.iter().find_map(Found::absent)) {
            (Err(LogError::Lost { .. }), Some(absent)) => return Err(absent),
            (Ok(cuts), Some(absent)) => {
                // All were begun before the first record of any.
                for log in &*logs {
                    if log.has_records()? {
                        return Err(absent);
                    }
                }
                cuts
            }
            (cuts, _) => cuts?,
        };
        for (log, cut) in logs.iter_mut().zip(cuts.at) {
            log.cut = cut;
        }
        Ok(cuts.joints)
    }

    /// The error that it is not there, where it is not.
    pub(crate) fn absent(&self) -> Option<LogError> {
        match &self.place {
            FoundIn::Memory(found) => found.is_absent().then(|| found.absent()),
            FoundIn::Folder(found) => found.is_absent().then(|| found.absent()),
        }
    }

    fn has_records(&self) -> Result<bool, LogError> {
        match &self.place {
            FoundIn::Memory(found) => found.has_records(),
            FoundIn::Folder(found) => found.has_records(),
        }
    }

    /// Reads its parts in what several shards did together.
    fn parts(&self) -> Box<dyn Parts> {
        match &self.place {
            FoundIn::Memory(found) => Box::new(found.reader()),
            FoundIn::Folder(found) => Box::new(found.reader()),
        }
    }

    /// Opens it, giving the effects of every record that counts to `apply`, in order.
    ///
    /// Where `io_uring` is forbidden the device `file` is used instead, and
    /// [`Recovery::notice`] says so.
    ///
    /// # Errors
    /// Where files cannot be read or written, are not of this log, or are damaged below what had
    /// been durable; and what `apply` says.
    pub fn open(self, apply: &mut Apply<'_>) -> Result<(Log, Recovery), LogError> {
        let (config, owner, cut) = (self.config, self.owner, self.cut);
        match self.place {
            FoundIn::Memory(found) => {
                let DeviceKind::Memory(disk) = config.device.clone() else {
                    unreachable!("it was found there");
                };
                let found = found.open(cut, apply)?;
                Ok(Log::begin(&config, owner, found, |_, file, len, room| {
                    let device = device::memory::MemoryDevice::new(disk, file, len, room);
                    (Box::new(device), None)
                }))
            }
            FoundIn::Folder(found) => {
                let found = found.open(cut, apply)?;
                let disk = RealDisk::new(&config.dir);
                let uring = matches!(config.device, DeviceKind::Uring);
                Ok(Log::begin(
                    &config,
                    owner,
                    found,
                    |name, file, len, room| {
                        let end = Appender::new(disk, name, file, len, room);
                        if uring {
                            let ring = Ring::new(device::uring::RING_ENTRIES);
                            return device::uring::or_file(ring, end);
                        }
                        (Box::new(device::file::FileDevice::new(end)), None)
                    },
                ))
            }
        }
    }
}
