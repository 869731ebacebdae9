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
use crate::target::{Deal, Lookups, Standing};

/// Connections of each client thread where nothing is set: with fewer, a server of several threads would
/// have nothing to share out.
pub(crate) const CONNECTIONS: usize = 4;

/// A server that is there, and how it is driven.
pub(crate) struct Remote<W> {
    address: Address,
    /// Client threads.
    threads: usize,
    /// Connections of each.
    connections: usize,
    /// Whose CPUs are whose.
    deal: Deal,
    /// Absent after a question that was not answered: what comes late would answer the next one.
    dialogue: Mutex<Option<Dialogue>>,
    /// What the server said of itself when it was opened.
    first: Survey,
    /// Its process, where that is on this machine and told.
    process: Option<u32>,
    wire: std::marker::PhantomData<fn() -> W>,
}

impl<W: Spoken> Remote<W> {
    /// Connects to the server at `address`; it must hold no keys, or be emptied by the setting `flush`.
    /// `deal` gives CPUs to who drives it, where it hears of the server's process on this machine.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn open(
        drive: &Drive<'_>,
        address: Address,
        deal: impl FnOnce(Place) -> Deal,
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
        let place = match first.pid.filter(|pid| W::is(*pid)) {
            _ if !address.is_here() => Place::Away,
            Some(pid) => Place::Here(pid),
            None => Place::Unknown,
        };
        let deal = deal(place);
        let configuration = drive.configuration;
        let threads = match (configuration.threads, deal.generator.len()) {
            (Some(threads), _) => threads,
            (None, 0) => drive.clients_wanted(),
            (None, cpus) => cpus,
        };
        Ok(Remote {
            address,
            threads,
            connections: configuration.connections.unwrap_or(CONNECTIONS),
            deal,
            dialogue: Mutex::new(Some(dialogue)),
            first,
            process: match place {
                Place::Here(pid) => Some(pid),
                Place::Away | Place::Unknown => None,
            },
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

    /// Whose CPUs are whose.
    pub(crate) fn deal(&self) -> &Deal {
        &self.deal
    }

    /// What a row says of the server and of the way to it.
    pub(crate) fn notes(&self) -> Map<String, Value> {
        let mut notes = self.first.notes();
        notes.extend(self.deal.notes());
        notes.insert("wire".to_owned(), Value::from(W::NAME));
        notes
    }

    /// The client of thread `number`, which is tied to its CPU.
    pub(crate) fn caller(&self, number: usize) -> Result<Caller<W>, String> {
        let cpus = &self.deal.generator;
        if !cpus.is_empty() {
            let cpu = cpus[number % cpus.len()];
            seawall_sys::pin::pin(cpu).map_err(|error| error.to_string())?;
        }
        Caller::open(&self.address, self.connections)
    }

    /// What the server says of itself now.
    ///
    /// # Errors
    /// In words for people: it is gone or silent.
    pub(crate) fn survey(&self) -> Result<Survey, String> {
        let mut dialogue = self
            .dialogue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut open = match dialogue.take() {
            Some(open) => open,
            None => Dialogue::open(&self.address)?,
        };
        let survey = W::survey(&mut open)?;
        *dialogue = Some(open);
        Ok(survey)
    }

    /// Lookups so far, where the server counts them.
    pub(crate) fn lookups(&self) -> Option<Lookups> {
        self.survey().ok()?.lookups
    }

    /// What the server says that it holds.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let survey = self.survey().ok()?;
        Some(Standing {
            keys: survey.keys,
            used_bytes: survey.used_bytes,
            longest_turn_us: survey.longest_turn_us,
        })
    }

    /// Lets the server forget what it counted, where it can. One that is gone is told by who asks next.
    pub(crate) fn forget(&self) {
        let mut dialogue = self
            .dialogue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(mut open) = dialogue.take()
            && W::forget(&mut open).is_ok()
        {
            *dialogue = Some(open);
        }
    }

    /// What the server costs: as the kernel tells it where the process is on this machine, else as the
    /// server tells it.
    ///
    /// # Errors
    /// It is gone or silent.
    pub(crate) fn cost(&self) -> Result<Cost, String> {
        if let Some(pid) = self.process {
            return Ok(Cost::of_process(pid));
        }
        let survey = self.survey()?;
        Ok(Cost {
            cpu: survey.cpu,
            rss_bytes: survey.rss_bytes,
            own_cpu: usage::process_cpu(),
            ..Cost::default()
        })
    }

    /// Leaves the server as empty as it was.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn clear(self) -> Result<(), String> {
        let dialogue = self.dialogue.into_inner();
        let open = dialogue.unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut open = match open {
            Some(open) => open,
            None => Dialogue::open(&self.address)?,
        };
        W::flush(&mut open)
    }
}

/// Where a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// This machine, as this process.
    Here(u32),
    /// This machine, as far as its address tells, and as no process that is known.
    Unknown,
    /// Another machine.
    Away,
}

/// The name of process `pid` as the kernel has it, cut to 15 bytes; empty where there is none.
fn process_name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map(|name| name.trim().to_owned()).unwrap_or_default()
}
