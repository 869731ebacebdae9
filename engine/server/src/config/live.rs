//! The parameters in force, and what a change of them reaches.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seawall_store::SHARD_BYTES_MAX;
use seawall_store::event::Classes;
use seawall_store::store::Change;
use seawall_store::value::Limits;
use seawall_store::value::limits::{Bounds, Fill, IntsMax};

use super::{Effect, Parameter, Refused, Settings, kind};
use crate::server::Server;

/// The parameters in force.
#[derive(Debug)]
pub struct Live {
    settings: Mutex<Arc<Settings>>,
    file: Option<PathBuf>,
}

impl Live {
    /// These, which came from `file` where there is one.
    pub fn new(settings: Settings, file: Option<PathBuf>) -> Live {
        Live {
            settings: Mutex::new(Arc::new(settings)),
            file,
        }
    }

    /// As they are now.
    pub fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.lock())
    }

    /// Where they came from.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Changes them where `change` succeeds; else they stay. One change at a time.
    ///
    /// # Errors
    /// What `change` says.
    pub fn change<E>(&self, change: impl FnOnce(&mut Settings) -> Result<(), E>) -> Result<(), E> {
        let mut settings = self.lock();
        let mut new = Settings::clone(&settings);
        change(&mut new)?;
        *settings = Arc::new(new);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Settings>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Whether a value that is well formed can be in force on this machine.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self, parameter: &Parameter, settings: &Settings) -> Result<(), Refused> {
        match parameter.name {
            "maxclients" => check_clients(settings),
            "maxmemory" => check_memory(settings.number("maxmemory"), self.store.shards()),
            _ => Ok(()),
        }
    }

    /// Lets changes of these kinds take effect.
    pub fn take_effect(&self, effects: &[Effect], settings: &Settings) {
        // A bound on clients may be a share of `maxmemory`.
        if effects.contains(&Effect::Clients) || effects.contains(&Effect::Store) {
            self.change_limits(|limits| *limits = settings.limits());
        }
        if effects.contains(&Effect::Watching) {
            self.calls.follow(settings);
        }
        if effects.contains(&Effect::Store) {
            let classes = Classes::parse(settings.text("notify-keyspace-events"));
            self.notifications.set(classes.unwrap_or_default());
        }
    }
}

/// Whether the system may have so many clients.
fn check_clients(settings: &Settings) -> Result<(), Refused> {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = files
        .maximum
        .unwrap_or(u64::MAX)
        .saturating_sub(FILES_OF_ITS_OWN);
    if settings.number("maxclients") <= most {
        return Ok(());
    }
    Err(Refused(format!(
        "The operating system is not able to handle the specified number of clients, try with \
             {most}"
    )))
}

/// Whether `shards` can address so many bytes: with a bound beyond that they were full before anything is evicted.
///
/// # Errors
/// They cannot.
pub fn check_memory(bytes: u64, shards: usize) -> Result<(), Refused> {
    let most = SHARD_BYTES_MAX as u64 * shards as u64;
    if bytes <= most {
        return Ok(());
    }
    Err(Refused(format!(
        "a shard holds no more than {SHARD_BYTES_MAX} bytes, and this server's {shards} no more than {most}; more shards hold more"
    )))
}

impl Settings {
    /// What shards are to be told of a parameter's value, where it concerns them.
    pub fn store_change(&self, parameter: &Parameter) -> Option<Change> {
        let text = self.text(parameter.name);
        Some(match parameter.name {
            "maxmemory" => Change::Maxmemory(self.number("maxmemory")),
            "maxmemory-policy" => Change::Policy(kind::policy(text).ok()?),
            "maxmemory-samples" => Change::Samples(self.number("maxmemory-samples") as u32),
            "notify-keyspace-events" => Change::Notify(Classes::parse(text)?),
            "rdbcompression" => Change::Compression(self.yes("rdbcompression")),
            "appendfsync" => Change::Appendfsync(text.parse().ok()?),
            _ if COMPACT_FORMS.contains(&parameter.name) => Change::Limits(self.compact_forms()),
            _ => return None,
        })
    }

    /// How far the compact forms of values go.
    pub fn compact_forms(&self) -> Limits {
        let number = |name| usize::try_from(self.number(name)).unwrap_or(usize::MAX);
        Limits {
            hash: Bounds {
                entries: number("hash-max-listpack-entries"),
                bytes: number("hash-max-listpack-value"),
            },
            sorted_set: Bounds {
                entries: number("zset-max-listpack-entries"),
                bytes: number("zset-max-listpack-value"),
            },
            ints: IntsMax::new(number("set-max-intset-entries")),
            list: Fill::of_setting(self.signed("list-max-listpack-size")),
            sparse_bytes: number("hll-sparse-max-bytes"),
        }
    }
}

/// The parameters that say how far compact forms go: shards are told of all at once.
const COMPACT_FORMS: [&str; 7] = [
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "set-max-intset-entries",
    "list-max-listpack-size",
    "hll-sparse-max-bytes",
];

/// Files that the server needs beside those of its clients: logs, snapshots, listeners, rings.
pub const FILES_OF_ITS_OWN: u64 = 32;
