//! A log before it is open: found, locked, compared with others, and then opened on its device.

use seawall_sys::ring::Ring;

use super::device::appender::Appender;
use super::device::{self, DeviceKind};
use super::joint::{self, Parts};
use super::recover::{self, Owner, Recovery, find};
use super::segment::Head;
use super::{Apply, Log, LogConfig, LogError, layout};
use crate::disk::{Disk, Folder, MemoryDisk, RealDisk};

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

    /// Whether a record of it counts.
    ///
    /// # Errors
    /// As [`Found::open`], but for what cannot be written.
    pub(crate) fn counts(&self) -> Result<bool, LogError> {
        match &self.place {
            FoundIn::Memory(found) => found.counts(self.cut),
            FoundIn::Folder(found) => found.counts(self.cut),
        }
    }

    /// Gives the effects of every record that counts to `apply`, as [`Found::open`] does, and changes nothing.
    ///
    /// # Errors
    /// As there, but for what cannot be written.
    pub(crate) fn read(&self, apply: &mut Apply<'_>) -> Result<(), LogError> {
        match &self.place {
            FoundIn::Memory(found) => found.read(self.cut, apply),
            FoundIn::Folder(found) => found.read(self.cut, apply),
        }
    }

    /// Removes what means nothing beside it, durably.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub(crate) fn remove_leftovers(&mut self) -> Result<(), LogError> {
        match &mut self.place {
            FoundIn::Memory(found) => found.remove_leftovers(),
            FoundIn::Folder(found) => found.remove_leftovers(),
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

/// Logs of another number of shards, laid in a folder whose logs they are to replace.
pub(crate) struct Laid {
    folder: Folder,
    /// The sequence behind which all of them begin, and what tells them from others.
    pub(crate) covered: u64,
    pub(crate) id: u64,
    names: Vec<String>,
}

impl Laid {
    /// Lays the logs of all shards of `config`, behind the first record of every segment that there is: no name of the
    /// one is a name of the other. They are durable once the folder is synced.
    ///
    /// # Errors
    /// The folder cannot be read or written; what was laid is removed again where it can be.
    pub(crate) fn lay(config: &LogConfig) -> Result<Laid, LogError> {
        let folder = config.folder();
        let mut laid = Laid {
            covered: layout::covered(&folder)?,
            id: config.id,
            folder,
            names: Vec::new(),
        };
        for shard in 0..config.shards {
            let first = laid.covered + 1;
            let head = Head::new(shard, config.shards, first, config.seed, config.id);
            laid.names.push(layout::laid_name(&head));
            if let Err(error) = layout::lay(&laid.folder, &head) {
                laid.remove();
                return Err(error);
            }
        }
        Ok(laid)
    }

    /// They are not wanted: what cannot be removed is nobody's.
    pub(crate) fn remove(&self) {
        for name in &self.names {
            let _ = self.folder.remove(name);
        }
    }
}
