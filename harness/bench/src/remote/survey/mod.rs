//! What a server says of itself, in each protocol: `INFO` and `DBSIZE` (`info.rs`), or `stats`
//! (`stats.rs`).

mod info;
mod stats;

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Address, Dialogue};
use crate::target::Lookups;
use crate::wire::{Framed, Wire};

/// What a server says of itself. What it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// What it is: `redis`, `seawall`. Many say Redis's or Memcached's version beside their own, since
    /// clients look at it.
    pub(crate) product: Option<&'static str>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// The commit that it was built from.
    pub(crate) commit: Option<String>,
    /// Its allocator.
    pub(crate) allocator: Option<String>,
    /// How it waits for its sockets.
    pub(crate) network: Option<String>,
    /// Its process.
    pub(crate) pid: Option<u32>,
    /// How many keys it holds.
    pub(crate) keys: u64,
    /// Lookups so far.
    pub(crate) lookups: Option<Lookups>,
    /// User and system time so far.
    pub(crate) cpu: Option<Duration>,
    /// Resident memory.
    pub(crate) rss_bytes: Option<u64>,
    /// Memory that it says it uses.
    pub(crate) used_bytes: Option<u64>,
    /// Memory that the last snapshot took besides, as it says.
    pub(crate) save_extra_bytes: Option<u64>,
    /// The longest turn of its loop, in CPU time; ours alone tells.
    pub(crate) longest_turn_us: Option<u64>,
}

impl Survey {
    /// What a row keeps of who the server is.
    pub(crate) fn notes(&self) -> Map<String, Value> {
        let said = [
            ("server", self.product),
            ("server_version", self.version.as_deref()),
            ("server_commit", self.commit.as_deref()),
            ("server_allocator", self.allocator.as_deref()),
            ("server_network", self.network.as_deref()),
        ];
        said.into_iter()
            .filter_map(|(name, word)| Some((name.to_owned(), Value::from(word?))))
            .collect()
    }
}

/// A protocol with the questions that one asks a server besides ops.
pub(crate) trait Spoken: Wire + 'static {
    /// Asks a server what it says of itself.
    ///
    /// # Errors
    /// It is gone, silent, or speaks something else.
    fn survey(dialogue: &mut Dialogue) -> Result<Survey, String>;

    /// Whether a server holds nothing that a client could find, where that can be told. `survey` may count
    /// what is deleted and not yet cleared away.
    ///
    /// # Errors
    /// As [`Spoken::survey`].
    fn is_empty(survey: &Survey, address: &Address) -> Result<Option<bool>, String> {
        let _ = address;
        Ok(Some(survey.keys == 0))
    }

    /// Lets the server forget what it counted, where it has a word for that.
    ///
    /// # Errors
    /// As [`Spoken::survey`], and where it refuses.
    fn forget(dialogue: &mut Dialogue) -> Result<(), String> {
        let _ = dialogue;
        Ok(())
    }

    /// Asks for a snapshot, in the background.
    ///
    /// # Errors
    /// As [`Spoken::forget`]; there is no word for it.
    fn save(dialogue: &mut Dialogue) -> Result<(), String> {
        let _ = dialogue;
        Err("this protocol has no word for a snapshot".to_owned())
    }

    /// Lets `key` be `number`, and hears that it is.
    ///
    /// # Errors
    /// As [`Spoken::survey`], and where it refuses.
    fn keep(dialogue: &mut Dialogue, key: &str, number: u64) -> Result<(), String>;

    /// The number that `key` is, where it is there.
    ///
    /// # Errors
    /// As [`Spoken::survey`]; the server does not serve it, or it is no number.
    fn kept(dialogue: &mut Dialogue, key: &str) -> Result<Option<u64>, String>;

    /// Deletes all that the server holds and ops of ours reach.
    ///
    /// # Errors
    /// As [`Spoken::survey`], and where it refuses.
    fn flush(dialogue: &mut Dialogue) -> Result<(), String>;

    /// Whether process `pid` of this machine looks like a server of this protocol. A server in a
    /// container tells a number that is another process's out here.
    fn is(pid: u32) -> bool;
}

/// Nothing is to be asked of our own echo server: its target knows.
impl Spoken for Framed {
    fn survey(_dialogue: &mut Dialogue) -> Result<Survey, String> {
        Ok(Survey::default())
    }

    fn keep(_dialogue: &mut Dialogue, _key: &str, _number: u64) -> Result<(), String> {
        Err("an echo server keeps nothing".to_owned())
    }

    fn kept(_dialogue: &mut Dialogue, _key: &str) -> Result<Option<u64>, String> {
        Ok(None)
    }

    fn flush(_dialogue: &mut Dialogue) -> Result<(), String> {
        Ok(())
    }

    fn is(_pid: u32) -> bool {
        false
    }
}

/// Whether process `pid` has a name that begins with one of `known`.
fn is_one_of(known: &[&str], pid: u32) -> bool {
    let name = super::process_name(pid);
    known.iter().any(|known| name.starts_with(known))
}
