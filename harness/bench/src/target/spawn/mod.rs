//! `spawn:PROGRAM[=PATH]`: a server that is started for a cell and gone after it.
//!
//! ```text
//!  a free port, a temporary folder ─► Program::arguments ─► Process ─► answers ─► Remote drives it
//!  CPUs: some for the server, the others for the client threads ([`Deal`])
//! ```
//!
//! The one idea: a comparison is fair where every program runs in the same place, with the same wants
//! translated into its own words; a want that it cannot be given is an error, and is never dropped. A
//! program is a file here and a line in [`PROGRAMS`].

mod ending;
mod files;
mod memcached;
mod process;
mod program;
mod redis;
mod seawall;
mod witness;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use seawall_power::Folder;
use seawall_sys::{port, usage};
use serde_json::{Map, Value};

use super::scratch::Scratch;
use super::{Deal, Ended, Endpoint, Lookups, SaveWeight, Standing, Target};
use crate::comparison::Named;
use crate::cost::Cost;
use crate::drive::Drive;
use crate::remote::{Address, Caller, Dialogue, Remote, Spoken};
use crate::setting::{Cache, End};
use process::Process;
use program::{Place, Program, Wanted};
use witness::Witness;

/// How long a server that closed its connections may take to be gone.
const FAREWELL: Duration = Duration::from_millis(500);

/// Every program that can be started.
static PROGRAMS: &[&Program] = &[
    &seawall::PROGRAM,
    &redis::REDIS,
    &redis::VALKEY,
    &memcached::PROGRAM,
];

pub(super) static TARGET: Target = Target {
    name: "spawn",
    about: "a server started for each cell on a free port, pinned, and gone after it",
    source: "DESIGN 5; each program's own manual",
    form: "spawn:seawall|redis-server|valkey-server|memcached[=PATH][:wire=resp|meta|classic]",
    which: |which| Wanted::parse(which).map(drop),
    absent: |which| Wanted::parse(which).ok()?.find().err(),
    takes,
    speaks: Some(|which, op| {
        let wanted = Wanted::parse(which)?;
        let speaks = wanted.protocol.speaks;
        speaks.map_or(Ok(()), |speaks| speaks(which, op))
    }),
    own: true,
    run: |drive, turns| {
        let wanted = Wanted::parse(drive.which).map_err(|why| drive.failed(why))?;
        (wanted.protocol.spawned)(drive, turns)
    },
};

/// Settings that are said to a server by Redis's protocol, once it runs.
const SAID: &[&str] = &["bgsave-at"];

/// Settings that a folder which loses power has no answer to: it lies in memory, and tells of loss alone.
const OF_A_DISK: &[&str] = &["dir", "page-cache", "recovery", "bgsave-at", "timeline"];

/// Whether a program can be set so: it is asked for its arguments in a place that is none.
fn takes(which: &str, named: &Named) -> Result<(), String> {
    let wanted = Wanted::parse(which)?;
    // A server that is spawned holds nothing that could be flushed.
    let refused = [wanted.program.refuses, &["flush"]].concat();
    named.refuse(&refused, "this program has nothing that it would mean")?;
    if wanted.protocol.of_memcached {
        named.refuse(SAID, "Memcached's protocol has no words for it")?;
    }
    if named.configuration.end == End::Power {
        let why = "`end` is power: the folder lies in memory, and tells of loss and restart alone";
        named.refuse(OF_A_DISK, why)?;
    }
    let place = Place {
        port: 1,
        folder: std::path::Path::new("/nonexistent"),
        cpus: 1,
        drivers: 1,
        for_memcached: wanted.protocol.of_memcached,
    };
    (wanted.program.arguments)(&named.configuration, &place).map(drop)
}

/// A server that was started.
pub(super) struct Spawned<W> {
    remote: Remote<W>,
    address: Address,
    process: Mutex<Process>,
    /// Where its files are.
    folder: PathBuf,
    /// What that folder is, where it is to lose power.
    forgetful: Option<Folder>,
    /// How it ends, and who sees what is lost.
    end: End,
    /// What of its files is in memory when it is started again.
    cache: Cache,
    /// Whether it may evict what the witness wrote.
    evicts: bool,
    witness: Mutex<Option<Witness>>,
    /// Its program's file.
    path: PathBuf,
    /// Where its folder is, and what it said is kept if it fails.
    parent: PathBuf,
}

impl<W: Spoken> Spawned<W> {
    /// How often a server is started anew since another process took its port first.
    const TRIES: usize = 3;

    fn start(drive: &Drive<'_>) -> Result<Spawned<W>, String> {
        let wanted = Wanted::parse(drive.which)?;
        let path = wanted.find()?;
        let configuration = drive.configuration;
        let deal = Deal::wanted(configuration);
        let parent = configuration.dir.as_deref().unwrap_or(drive.scratch);
        let mut tries = 0;
        loop {
            let port = port::free().map_err(|error| format!("no free port: {error}"))?;
            let scratch = Scratch::make(parent)?;
            let forgetful = (configuration.end == End::Power).then(|| Folder::new(drive.disk_seed));
            let folder = match &forgetful {
                None => scratch.path().to_owned(),
                Some(folder) => scratch.mount(folder)?,
            };
            let place = Place {
                port,
                folder: &folder,
                cpus: deal.server.len(),
                drivers: deal.generator.len(),
                for_memcached: wanted.protocol.of_memcached,
            };
            let arguments = (wanted.program.arguments)(configuration, &place)?;
            let mut process = Process::start(
                wanted.program.name,
                &path,
                &arguments,
                scratch,
                &deal.server,
            )?;
            let address = Address::here(port);
            tries += 1;
            match process.await_answer::<W>(&address) {
                Ok(()) => {}
                Err(_) if tries < Self::TRIES && process.lost_its_port() => continue,
                Err(why) => return Err(process.failed(&why, parent)),
            }
            let remote = Remote::open(drive, address.clone(), |_| deal.clone())
                .map_err(|why| process.failed(&why, parent))?;
            return Ok(Spawned {
                remote,
                address,
                process: Mutex::new(process),
                folder,
                forgetful,
                end: configuration.end,
                cache: configuration.cache,
                evicts: configuration.maxmemory > 0,
                witness: Mutex::new(None),
                path,
                parent: parent.to_owned(),
            });
        }
    }
}

/// What is behind a lock; nothing of it is half done where somebody panicked.
fn held<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Spoken> Endpoint for Spawned<W> {
    type Client<'a> = Caller<W>;
    const ANSWERS: bool = true;
    const APART: bool = true;

    fn open(drive: &Drive<'_>) -> Result<Spawned<W>, String> {
        Spawned::start(drive)
    }

    fn threads(&self) -> usize {
        self.remote.threads()
    }

    fn lanes(&self) -> usize {
        self.remote.connections()
    }

    fn client(&self, number: usize) -> Result<Caller<W>, String> {
        self.remote.caller(number)
    }

    fn lookups(&self) -> Option<Lookups> {
        self.remote.lookups()
    }

    fn standing(&self) -> Option<Standing> {
        self.remote.standing()
    }

    fn forget(&self) {
        self.remote.forget();
    }

    fn begin(&self) -> Result<(), String> {
        if self.ends() {
            *held(&self.witness) = Some(Witness::begin::<W>(&self.address)?);
        }
        Ok(())
    }

    fn is_saving(&self) -> bool {
        files::is_saving(&self.folder)
    }

    fn save(&self) -> Result<(), String> {
        W::save(&mut Dialogue::open(&self.address)?)
    }

    fn resident_bytes(&self) -> Option<u64> {
        usage::resident_of(held(&self.process).pid()).ok()
    }

    fn weigh_save(&self) -> Result<SaveWeight, String> {
        let extra_bytes = self.remote.survey()?.save_extra_bytes;
        Ok(SaveWeight {
            bytes: files::snapshot_bytes(&self.folder),
            extra_bytes,
        })
    }

    fn disk_time(&self, bytes: u64) -> Result<Duration, String> {
        let time = files::write_time(&self.folder, bytes);
        time.map_err(|error| format!("its disk is too slow or full: {error}"))
    }

    fn ends(&self) -> bool {
        self.end != End::Stop
    }

    fn end(&self, gone: &mut dyn FnMut()) -> Result<Ended, String> {
        let mut process = held(&self.process);
        let told = self.end_and_begin(&mut process, gone);
        told.map_err(|why| process.failed(&why, &self.parent))
    }

    fn deal(&self) -> Option<&Deal> {
        Some(self.remote.deal())
    }

    fn cost(&self) -> Result<Cost, String> {
        Ok(Cost::of_process(held(&self.process).pid()))
    }

    fn notes(&self) -> Map<String, Value> {
        let mut notes = self.remote.notes();
        let told = self.remote.deal().notice.clone();
        let told: Vec<String> = told
            .into_iter()
            .chain(held(&self.process).notes())
            .collect();
        if !told.is_empty() {
            notes.insert(crate::NOTICE.to_owned(), Value::from(told.join("; ")));
        }
        // This very program is known by the kernel's link to it.
        let file = Some(&self.path).filter(|path| path.starts_with("/proc"));
        let file = file.and_then(|path| std::fs::read_link(path).ok());
        let path = file.as_ref().unwrap_or(&self.path).display().to_string();
        notes.insert("server_path".to_owned(), Value::from(path));
        notes
    }

    fn close(self, failed: bool) -> Result<(), String> {
        let mut process = self
            .process
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        // A connection is closed a little before its server is gone.
        let patience = if failed { FAREWELL } else { Duration::ZERO };
        // A server that ended by itself while it was driven did not do its work.
        let Some(how) = process.ended_within(patience) else {
            return process.close();
        };
        let why = format!("the server ended by itself ({how})");
        Err(process.failed(&why, &self.parent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::{Configuration, SETTINGS, Scalar};
    use std::path::Path;

    /// Settings of who drives, and of the folder that a server is given.
    const NOT_THE_SERVERS: &[&str] = &[
        "pipeline",
        "threads",
        "connections",
        "rate",
        "arrivals",
        "dir",
        "window",
        "cpus",
        "end",
        "page-cache",
        "recovery",
        "timeline",
    ];

    /// Every setting at a value that is not its default and that all programs with words for it take.
    const VALUES: &[(&str, &str)] = &[
        ("maxmemory", "64mb"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory-samples", "9"),
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("device", "file"),
        ("shards", "3"),
        ("read-path", "owner-only"),
        ("pipeline", "3"),
        ("threads", "3"),
        ("dir", "/"),
        ("connections", "3"),
        ("rate", "3"),
        ("arrivals", "constant"),
        ("server-threads", "3"),
        ("flush", "yes"),
        ("window", "batch"),
        ("latency-monitor-threshold", "7"),
        ("cpus", "shared"),
        ("end", "kill"),
        ("save", "60 1"),
        ("page-cache", "cold"),
        ("recovery", "3"),
        ("bgsave-at", "3"),
        ("timeline", "100"),
    ];

    fn said(program: &Program, configuration: &Configuration) -> Vec<String> {
        let place = Place {
            port: 7,
            folder: Path::new("/f"),
            cpus: 1,
            drivers: 1,
            for_memcached: false,
        };
        (program.arguments)(configuration, &place).expect("words")
    }

    #[test]
    fn no_setting_is_dropped_in_silence() {
        for setting in SETTINGS {
            let value = VALUES.iter().find(|(name, _)| *name == setting.name);
            let (name, value) = value.expect("a value to try each setting with");
            let pair = [(*name, Scalar::from_text(value))];
            let named = Named::from_pairs("given", pair).expect("it takes it");
            for program in PROGRAMS {
                let refused = takes(program.name, &named).is_err();
                let default = said(program, &Configuration::default());
                let heard = said(program, &named.configuration) != default;
                let is_the_drivers = NOT_THE_SERVERS.contains(name);
                if SAID.contains(name) {
                    assert_eq!(refused, program.name == "memcached");
                    continue;
                }
                assert!(
                    refused || heard || is_the_drivers,
                    "{} hears nothing of {name}",
                    program.name
                );
                // What a program refuses it would hear nothing of, or there were no reason.
                assert!(!(refused && is_the_drivers), "{} and {name}", program.name);
            }
        }
    }
}
