//! Targets: a family of things that can be driven. One file each, one line in [`TARGETS`].
//!
//! A target is an `Endpoint` that hands out a `Client` to each thread. The driver is generic over both
//! and erased once, in `Target::run`. What a person writes to name one is a [`TargetSpec`].

mod deal;
mod embedded;
mod limit;
mod memcached;
mod null;
mod protocol;
mod resp;
mod scratch;
mod spawn;
mod spec;

use std::time::{Duration, Instant};

use seawall_store::{Op, Reply};
use serde_json::{Map, Value};

pub(crate) use deal::Deal;
#[cfg(test)]
pub(crate) use resp::Addressed;
pub use scratch::{abandon, sweep};
pub use spec::{TargetError, TargetSpec};

use crate::BenchError;
use crate::comparison::Named;
use crate::cost::Cost;
use crate::drive::{Drive, Turns};

/// A row of [`TARGETS`].
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// How it is written (`resp://HOST:PORT`).
    pub form: &'static str,
    /// Whether what follows the name is right; in words for people where it is not.
    pub(crate) which: fn(&str) -> Result<(), String>,
    /// Why it cannot be driven on this machine, where it cannot.
    pub(crate) absent: fn(&str) -> Option<String>,
    /// Whether it can be set so; names the setting that it cannot.
    pub(crate) takes: fn(&str, &Named) -> Result<(), String>,
    /// Whether it has a form for an op; absent where it has one for all.
    pub(crate) speaks: Option<Speaks>,
    /// Whether each cell has one of its own, which others can be open beside.
    pub(crate) own: bool,
    pub(crate) run: Run,
}

/// Opens a target and measures it whenever it has its turn.
pub(crate) type Run = fn(&Drive<'_>, &mut dyn Turns) -> Result<(), BenchError>;

/// Whether a target has a form for an op.
pub(crate) type Speaks = fn(&str, &Op) -> Result<(), String>;

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every target.
pub static TARGETS: &[&Target] = &[
    &embedded::TARGET,
    &null::TARGET,
    &resp::TARGET,
    &memcached::TARGET,
    &spawn::TARGET,
    &limit::TARGET,
];

/// For targets of which there is one.
fn alone(which: &str) -> Result<(), String> {
    if which.is_empty() {
        Ok(())
    } else {
        Err(format!("nothing follows its name, and `{which}` does"))
    }
}

/// For targets that are always there.
fn present(_which: &str) -> Option<String> {
    None
}

/// For targets to which no setting matters.
#[expect(clippy::unnecessary_wraps, reason = "a field of every target")]
fn all_settings(_which: &str, _named: &Named) -> Result<(), String> {
    Ok(())
}

/// Settings of the store: who drives a server that is there already cannot set them.
const STORE_SETTINGS: &[&str] = &[
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "appendonly",
    "appendfsync",
    "device",
    "shards",
    "read-path",
    "dir",
    "server-threads",
    "cpus",
    "latency-monitor-threshold",
    "save",
    "end",
    "page-cache",
    "recovery",
    "bgsave-at",
];

/// For servers that are there already.
fn client_settings(_which: &str, named: &Named) -> Result<(), String> {
    named.refuse(
        STORE_SETTINGS,
        "the server is there already, and set as its owner wants it",
    )
}

/// Lookups of keys so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lookups {
    /// Those that found the key.
    pub(crate) hits: u64,
    /// Those that did not.
    pub(crate) misses: u64,
}

/// What a target says that it holds, and how it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) keys: u64,
    /// Bytes that it says it uses.
    pub(crate) used_bytes: Option<u64>,
    /// The longest turn of its loop, in CPU time.
    pub(crate) longest_turn_us: Option<u64>,
}

/// What a snapshot came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaveWeight {
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Memory that it took besides, as the target says.
    pub(crate) extra_bytes: Option<u64>,
}

/// A target that has ended in the midst of its load.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// What a row should say of that.
    pub(crate) notes: Map<String, Value>,
    /// When it was started again, where it was, and serves.
    pub(crate) again: Option<Instant>,
}

/// An open target.
pub(crate) trait Endpoint: Sized + Sync {
    /// What a thread drives it with. Made on that thread, and stays there.
    type Client<'a>: Client
    where
        Self: 'a;

    /// Whether replies mean anything, so that the workload may look at them.
    const ANSWERS: bool;

    /// Whether it runs on other threads than its clients', so that its cost can be told from theirs.
    const APART: bool;

    /// Opens the target.
    ///
    /// # Errors
    /// In words for people.
    fn open(drive: &Drive<'_>) -> Result<Self, String>;

    /// How many threads drive it at once.
    fn threads(&self) -> usize;

    /// How many streams of ops each of these has; the ops of one are applied in their order.
    fn lanes(&self) -> usize {
        1
    }

    /// Which CPUs are whose; absent where target and driver are the same threads.
    fn deal(&self) -> Option<&Deal> {
        None
    }

    /// The client of thread `number` of [`Endpoint::threads`], which calls this.
    ///
    /// # Errors
    /// In words for people.
    fn client(&self, number: usize) -> Result<Self::Client<'_>, String>;

    /// Lookups so far, where the target counts them. Asked while clients poll.
    fn lookups(&self) -> Option<Lookups>;

    /// What it holds, where it counts. Asked while clients poll.
    fn standing(&self) -> Option<Standing> {
        None
    }

    /// What it counted so far shall not count. Asked while clients poll.
    fn forget(&self) {}

    /// Whether it is writing a snapshot at this moment, as far as its folder tells.
    fn is_saving(&self) -> bool {
        false
    }

    /// Asks it for a snapshot, in the background.
    ///
    /// # Errors
    /// In words for people.
    fn save(&self) -> Result<(), String> {
        Err("it makes no snapshots".to_owned())
    }

    /// Its resident memory, where that is told.
    fn resident_bytes(&self) -> Option<u64> {
        None
    }

    /// What its last snapshot came to. Asked when the clock has stopped.
    ///
    /// # Errors
    /// In words for people.
    fn weigh_save(&self) -> Result<SaveWeight, String> {
        Err("it makes no snapshots".to_owned())
    }

    /// How long its disk takes for so many bytes, written one after another into one file and synced.
    ///
    /// # Errors
    /// In words for people.
    fn disk_time(&self, _bytes: u64) -> Result<Duration, String> {
        Err("it has no disk".to_owned())
    }

    /// The clock starts.
    ///
    /// # Errors
    /// In words for people.
    fn begin(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether it is to end in the midst of its load.
    fn ends(&self) -> bool {
        false
    }

    /// Ends while its clients drive it, where it is to. When it is gone it calls `gone`, which returns when its clients
    /// are; then it may serve again.
    ///
    /// # Errors
    /// In words for people.
    fn end(&self, _gone: &mut dyn FnMut()) -> Result<Ended, String> {
        Ok(Ended::default())
    }

    /// What it cost so far. Asked while clients poll.
    ///
    /// # Errors
    /// It should tell and does not; in words for people.
    fn cost(&self) -> Result<Cost, String>;

    /// What a row should say besides figures (`device`: what `uring` fell back to).
    fn notes(&self) -> Map<String, Value>;

    /// Closes the target after the last client is gone; `failed` where one of them did, of which the target
    /// may know more.
    ///
    /// # Errors
    /// In words for people: what was acknowledged may not be kept.
    fn close(self, failed: bool) -> Result<(), String>;
}

/// One thread's way to a target.
pub(crate) trait Client {
    /// Begins `op` in lane `lane`. Where its reply is there at once, it is returned; otherwise it comes
    /// out of [`Client::poll`] under `ticket`. Tickets of a lane go up one by one.
    ///
    /// # Errors
    /// In words for people; the target is broken.
    fn submit(&mut self, lane: usize, ticket: u64, op: &Op) -> Result<Option<Reply>, String>;

    /// Does what there is to do and hands over the replies that came, in any order. It may sleep until `until` where none is there. Also what a thread calls that only waits for
    /// others, since others may wait for it. Whoever wants to keep a reply takes it out.
    ///
    /// # Errors
    /// In words for people; the target is broken.
    fn poll(
        &mut self,
        until: Instant,
        done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String>;
}

/// Which op a reply is to, and when it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) lane: usize,
    pub(crate) ticket: u64,
    pub(crate) at: Instant,
}
