//! Targets: a family of things that can be driven. One file each, one line in [`TARGETS`].
//!
//! A target is an `Endpoint` that hands out a `Client` to each thread. The closed loop is generic
//! over both and erased once, in `Target::run`.

mod embedded;
mod null;

use seawall_store::{Op, Reply};
use serde_json::{Map, Value};

use crate::BenchError;
use crate::drive::{Drive, Measured};

/// A row of [`TARGETS`].
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    pub(crate) run: fn(&Drive<'_>) -> Result<Measured, BenchError>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every target.
pub static TARGETS: &[&Target] = &[&embedded::TARGET, &null::TARGET];

/// A name that is no target's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown target `{name}`, expected one of {}", names())]
pub struct UnknownTarget {
    /// As given.
    pub name: String,
}

/// The target of this name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static Target, UnknownTarget> {
    TARGETS
        .iter()
        .copied()
        .find(|target| target.name == name)
        .ok_or_else(|| UnknownTarget {
            name: name.to_owned(),
        })
}

fn names() -> String {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    names.join(", ")
}

/// Lookups of keys so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lookups {
    /// Those that found the key.
    pub(crate) hits: u64,
    /// Those that did not.
    pub(crate) misses: u64,
}

/// An open target.
pub(crate) trait Endpoint: Sized + Sync {
    /// What a thread drives it with. Made on that thread, and stays there.
    type Client<'a>: Client
    where
        Self: 'a;

    /// Whether replies mean anything, so that the workload may look at them.
    const ANSWERS: bool;

    /// Opens the target.
    ///
    /// # Errors
    /// In words for people.
    fn open(drive: &Drive<'_>) -> Result<Self, String>;

    /// How many clients drive it at once.
    fn clients(&self) -> usize;

    /// The client number `number` of [`Endpoint::clients`], for the calling thread.
    ///
    /// # Errors
    /// In words for people.
    fn client(&self, number: usize) -> Result<Self::Client<'_>, String>;

    /// Lookups so far, where the target counts them. Asked while clients poll.
    fn lookups(&self) -> Option<Lookups>;

    /// What a row should say besides figures (`device`: what `uring` fell back to).
    fn notes(&self) -> Map<String, Value>;

    /// Closes the target after the last client is gone.
    ///
    /// # Errors
    /// In words for people: what was acknowledged may not be kept.
    fn close(self) -> Result<(), String>;
}

/// One thread's way to a target.
pub(crate) trait Client {
    /// Begins `op`. Where its reply is there at once, it is returned; otherwise it comes out of
    /// [`Client::poll`] under `ticket`.
    ///
    /// # Errors
    /// In words for people; the target is broken.
    fn submit(&mut self, ticket: u64, op: &Op) -> Result<Option<Reply>, String>;

    /// Does what there is to do and hands over the replies that came, in any order. Also what a
    /// thread calls that only waits for others, since others may wait for it.
    ///
    /// # Errors
    /// In words for people; the target is broken.
    fn poll(&mut self, done: &mut dyn FnMut(u64, Reply)) -> Result<(), String>;
}
