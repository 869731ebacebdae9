//! A server behind an address, driven over sockets.
//!
//! ```text
//!  client thread ── Caller ──┬─ Connection (socket, output, input, Wire) ─── server
//!                            ├─ Connection
//!                            └─ …            all waited for together
//!  calling thread ── Dialogue: one question at a time (is it empty? what did it cost?)
//! ```
//!
//! Generic over the protocol ([`Spoken`]). Whose the server is (addressed, spawned, our own echo) is
//! the business of the targets; nothing here starts or stops one.

mod address;
mod caller;
mod connection;
mod dialogue;
mod survey;
#[cfg(test)]
pub(crate) mod toy;

pub(crate) use address::Address;
pub(crate) use caller::Caller;
pub(crate) use dialogue::Dialogue;
pub(crate) use survey::{Spoken, Survey};

use std::sync::Mutex;

use seawall_sys::usage;
use serde_json::{Map, Value};

use crate::cost::Cost;
use crate::drive::Drive;
use crate::target::Lookups;

/// Connections of each client thread where nothing is set: with fewer, a server of several threads would
/// have nothing to share out.
const CONNECTIONS: usize = 4;

/// A server that is there, and how it is driven.
pub(crate) struct Remote<W> {
    address: Address,
    /// Client threads.
    threads: usize,
    /// Connections of each.
    connections: usize,
    /// CPUs that client threads are tied to, in turn; none where they run anywhere.
    cpus: Vec<usize>,
    dialogue: Mutex<Dialogue>,
    /// What the server said of itself when it was opened.
    first: Survey,
    wire: std::marker::PhantomData<fn() -> W>,
}

impl<W: Spoken> Remote<W> {
    /// Connects to the server at `address`; it must hold no keys, or be emptied by the setting `flush`.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn open(
        drive: &Drive<'_>,
        address: Address,
        cpus: Vec<usize>,
    ) -> Result<Remote<W>, String> {
        let mut dialogue = Dialogue::open(&address)?;
        let first = W::survey(&mut dialogue)?;
        let mut empty = W::is_empty(&first, &address)?.unwrap_or(false);
        if !empty && drive.configuration.flush {
            W::flush(&mut dialogue)?;
            // Where it cannot be told, a server that said so is believed.
            let again = W::survey(&mut dialogue)?;
            empty = W::is_empty(&again, &address)?.unwrap_or(true);
        }
        if !empty {
            return Err(format!(
                "{address} holds {} keys, and what they are cannot be verified; with the setting flush=yes \
                 they are deleted first",
                first.keys
            ));
        }
        let configuration = drive.configuration;
        let threads = match (configuration.threads, cpus.len()) {
            (Some(threads), _) => threads,
            (None, 0) => drive.clients_wanted(),
            (None, cpus) => cpus,
        };
        Ok(Remote {
            address,
            threads,
            connections: configuration.connections.unwrap_or(CONNECTIONS),
            cpus,
            dialogue: Mutex::new(dialogue),
            first,
            wire: std::marker::PhantomData,
        })
    }

    /// How many client threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// How many connections each of them has.
    pub(crate) fn connections(&self) -> usize {
        self.connections
    }

    /// What a row says of the server and of the way to it.
    pub(crate) fn notes(&self) -> Map<String, Value> {
        let mut notes = self.first.notes();
        notes.insert("wire".to_owned(), Value::from(W::NAME));
        notes
    }

    /// The client of thread `number`, which is tied to its CPU.
    pub(crate) fn caller(&self, number: usize) -> Result<Caller<W>, String> {
        if !self.cpus.is_empty() {
            let cpu = self.cpus[number % self.cpus.len()];
            seawall_sys::pin::pin(cpu).map_err(|error| error.to_string())?;
        }
        Caller::open(&self.address, self.connections)
    }

    /// What the server says of itself now.
    pub(crate) fn survey(&self) -> Result<Survey, String> {
        let mut dialogue = self
            .dialogue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        W::survey(&mut dialogue)
    }

    /// Lookups so far, where the server counts them.
    pub(crate) fn lookups(&self) -> Option<Lookups> {
        self.survey().ok()?.lookups
    }

    /// What the server costs: as the kernel tells it where the process is on this machine, else as the
    /// server tells it.
    pub(crate) fn cost(&self) -> Cost {
        let Ok(survey) = self.survey() else {
            return Cost::default();
        };
        match survey
            .pid
            .filter(|pid| self.address.is_here() && W::is(*pid))
        {
            Some(pid) => Cost::of_process(pid),
            None => Cost {
                cpu: survey.cpu,
                threads: Vec::new(),
                rss_bytes: survey.rss_bytes,
            },
        }
    }

    /// Leaves the server as empty as it was.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn clear(self) -> Result<(), String> {
        let dialogue = self.dialogue.into_inner();
        W::flush(&mut dialogue.unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The name of process `pid` as the kernel has it, cut to 15 bytes; empty where there is none.
fn process_name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map(|name| name.trim().to_owned()).unwrap_or_default()
}

impl Cost {
    /// What process `pid` costs.
    pub(crate) fn of_process(pid: u32) -> Cost {
        Cost {
            cpu: usage::cpu_of(pid).ok(),
            threads: usage::threads_of(pid).unwrap_or_default(),
            rss_bytes: usage::resident_of(pid).ok(),
        }
    }
}
