//! The list of workloads, and building one from its text.

use seawall_store::spec::Spec;

use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::{Workload, cache_aside, geo, leaderboard, plain, session};

/// Every workload.
pub static WORKLOADS: &[&Definition] = &[
    &cache_aside::DEFINITION,
    &session::DEFINITION,
    &leaderboard::DEFINITION,
    &geo::DEFINITION,
    &plain::DEFINITION,
];

/// A workload as the list has it.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where its shape comes from.
    pub source: &'static str,
    /// Its parameters; their defaults are the first preset's.
    pub params: &'static [Param],
    /// Its presets, the default first.
    pub presets: &'static [Preset],
    /// What builds it.
    pub build: Build,
}

/// Builds one client's part of a workload.
pub type Build = fn(&Settings, Part) -> Result<Box<dyn Workload>, WorkloadError>;

/// Which part of a run a workload plays.
///
/// Things (rows, sessions, players, couriers) are numbered; client `c` of `n` owns those whose number
/// is `c` modulo `n`. It alone writes them, so it knows what they hold; all clients together make up the
/// whole workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The seed of the run.
    pub seed: u64,
    /// Which client, from 0.
    pub client: u32,
    /// Of how many.
    pub clients: u32,
}

impl Part {
    /// How many of `all` things this client owns.
    pub fn owned(self, all: u64) -> u64 {
        (all + u64::from(self.clients - self.client) - 1) / u64::from(self.clients)
    }

    /// The number of this client's `i`-th thing.
    pub fn global(self, i: u64) -> u64 {
        i * u64::from(self.clients) + u64::from(self.client)
    }

    /// Which of this client's things has this number; `None` where another client owns it.
    pub fn local(self, number: u64) -> Option<u64> {
        let clients = u64::from(self.clients);
        (number % clients == u64::from(self.client)).then_some(number / clients)
    }
}

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static Definition> {
    WORKLOADS.iter().copied().find(|def| def.name == name)
}

/// Builds client `client` of `clients` of the workload that `spec` describes:
/// `name`, `name:key=value`, `name:preset=NAME:key=value:…`.
///
/// # Errors
/// What is not accepted, with what is.
pub fn build(
    spec: &str,
    seed: u64,
    client: u32,
    clients: u32,
) -> Result<Box<dyn Workload>, WorkloadError> {
    let spec = Spec::parse(spec)?;
    let definition = find(spec.name())
        .ok_or_else(|| spec.unknown_name("workload", WORKLOADS.iter().map(|def| def.name)))?;
    if client >= clients {
        return Err(WorkloadError::Client { client, clients });
    }
    let settings = Settings::parse(
        definition.name,
        definition.params,
        definition.presets,
        &spec,
    )?;
    let part = Part {
        seed,
        client,
        clients,
    };
    (definition.build)(&settings, part)
}
