//! A scenario: the world, what clients do in it, what fails, and what is compared.
//!
//! Read once from TOML into plain data; what is out of range ends here, with file, line and what is
//! accepted. A key that a file leaves out has the built-in scenario's value.

mod autoscaling;
mod conflict;
mod keys;
mod parse;
mod profile;

pub use autoscaling::Autoscaling;
pub(crate) use keys::{HOUR_MS, NODES_MAX, SHARDS_MAX};
pub use parse::ScenarioError;
pub use profile::Profile;

use seawall_cluster::{replication, sharding};
use seawall_store::spec::Spec;

use crate::caching::{self, Rules};
use crate::fault::{Action, Dated, shards_added};

/// A scenario, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// How many zones a region has.
    pub zones: u16,
    /// How many regions there are, each with as many zones; the first primaries are in the first.
    pub regions: u16,
    /// How many shards at first.
    pub shards: u16,
    /// Copies of a shard beside its primary, where the replication keeps copies; every other region has as many nodes.
    pub replicas: u16,
    /// The workloads, each as `name:key=value`.
    pub workloads: Vec<String>,
    /// Clients (application servers) in each zone.
    pub clients_per_zone: u16,
    /// Ops that all clients together begin in a second.
    pub rate_per_s: u64,
    /// Virtual time in which clients begin ops, in ms.
    pub duration_ms: u64,
    /// Time at the beginning that no figure takes in, in ms.
    pub warmup_ms: u64,
    /// When the fault happens, in ms.
    pub fault_at_ms: u64,
    /// How long zones are down or cut off, in ms.
    pub fault_ms: u64,
    /// How long a failing zone's nodes go on after its links, in ms.
    pub zone_fade_ms: u64,
    /// After how long a crashed node is replaced, in ms.
    pub replacement_ms: u64,
    /// How long a client waits for a reply, in ms.
    pub timeout_ms: u64,
    /// Connections of a client to a node, with one request at a time on each; 0: one that carries all.
    pub connections: u64,
    /// What opening a connection takes of a node's core, in µs.
    pub connect_us: u64,
    /// For how long a client believes a name; 0: it knows the cluster instead, and follows redirections.
    pub dns_ttl_ms: u64,
    /// After how long a name follows a change of primary.
    pub dns_update_ms: u64,
    /// Attempts of a client at one op.
    pub attempts: u32,
    /// The first back-off between attempts, in ms.
    pub backoff_ms: u64,
    /// The longest back-off, in ms.
    pub backoff_max_ms: u64,
    /// How often clients ask the nodes of their zone who serves their shards, in ms; 0: after a timeout alone.
    pub refresh_ms: u64,
    /// Which copy clients read at where any may answer: `any`, or one of their own `zone`.
    pub reads: String,
    /// The median round trip inside a zone, in µs.
    pub same_zone_rtt_us: u64,
    /// The standard deviation of its logarithm, in percent.
    pub same_zone_sigma_percent: u64,
    /// The median round trip between zones, in µs.
    pub cross_zone_rtt_us: u64,
    /// The standard deviation of its logarithm, in percent.
    pub cross_zone_sigma_percent: u64,
    /// The median round trip between regions, in µs.
    pub cross_region_rtt_us: u64,
    /// The standard deviation of its logarithm, in percent.
    pub cross_region_sigma_percent: u64,
    /// What a link carries, in Mbit/s.
    pub link_mbit_per_s: u64,
    /// What each request takes of a node's core, in ns; 0: what the profile says.
    pub service_ns: u64,
    /// What requests take of a node's core, by command.
    pub profile: Profile,
    /// What keys and values of a node may take, in KiB; 0: no bound.
    pub node_memory_kib: u64,
    /// Who goes when they take as much (`maxmemory-policy`).
    pub policy: String,
    /// The median of a disk's sync, in µs.
    pub fsync_us: u64,
    /// The mean of a query of the database, in µs.
    pub database_us: u64,
    /// The least that one takes, in µs: of the mean, the rest is exponential.
    pub database_floor_us: u64,
    /// How many queries the database serves at a time; 0: all.
    pub database_connections: u64,
    /// How long an application waits for the database, in ms.
    pub database_timeout_ms: u64,
    /// Attempts of an application at one query of the database.
    pub database_attempts: u32,
    /// Gutter nodes, for cachings that use them.
    pub gutter_nodes: u16,
    /// The nodes' type, as in the price table.
    pub node_type: String,
    /// Backups that are kept; one is free.
    pub backups_kept: u64,
    /// The GB that each of them has.
    pub backup_gb: u64,
    /// The ways to use the cache that are compared; the first is the one that all else is compared with.
    pub cachings: Vec<String>,
    /// The replications to compare.
    pub replications: Vec<String>,
    /// The shardings to compare.
    pub shardings: Vec<String>,
    /// The replication at which shardings are compared.
    pub base_replication: String,
    /// The sharding at which replications are compared.
    pub base_sharding: String,
    /// The faults.
    pub faults: Vec<String>,
    /// Faults that are shown of shardings alone, with the first workload.
    pub sharding_faults: Vec<String>,
    /// The actions of the fault `schedule`.
    pub schedule: Vec<Dated>,
    /// By what rule shards are added and removed under load; none: as many as there are stay.
    pub autoscaling: Option<Autoscaling>,
}

impl Scenario {
    /// The built-in scenario: what a file falls back to for the keys that it leaves out.
    pub fn built_in() -> Scenario {
        parse::built_in()
    }

    /// Every replication and sharding over four workloads: what is compared where nothing else is asked for.
    pub fn comparison() -> Scenario {
        parse::comparison()
    }

    /// The scenario of this name, of those that the program carries.
    pub fn carried(name: &str) -> Option<Scenario> {
        let carried = [Scenario::comparison(), Scenario::built_in()];
        carried.into_iter().find(|scenario| scenario.name == name)
    }

    /// A scenario from TOML; `file` names it in errors.
    ///
    /// # Errors
    /// Not TOML, an unknown key, or a value that is not accepted.
    pub fn parse(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
        parse::scenario(file, text)
    }

    /// With other replications, as on a command line; the first is the one that shardings are compared under.
    ///
    /// # Errors
    /// One that does not exist.
    pub fn with_replications(mut self, specs: &[String]) -> Result<Scenario, ScenarioError> {
        specs
            .iter()
            .try_for_each(|spec| check_replication(spec).map(drop))?;
        specs.clone_into(&mut self.replications);
        if let [first, ..] = specs {
            first.clone_into(&mut self.base_replication);
        }
        parse::checked(self)
    }

    /// With other shardings, as on a command line; the first is the one that replications are compared under.
    ///
    /// # Errors
    /// One that does not exist.
    pub fn with_shardings(mut self, specs: &[String]) -> Result<Scenario, ScenarioError> {
        specs
            .iter()
            .try_for_each(|spec| check_sharding(spec).map(drop))?;
        specs.clone_into(&mut self.shardings);
        if let [first, ..] = specs {
            first.clone_into(&mut self.base_sharding);
        }
        Ok(self)
    }

    /// With other ways to use the cache, as on a command line; the first is the one that all else is compared with.
    ///
    /// # Errors
    /// One that does not exist, or that this scenario has no room for.
    pub fn with_cachings(mut self, specs: &[String]) -> Result<Scenario, ScenarioError> {
        specs
            .iter()
            .try_for_each(|spec| check_caching(spec).map(drop))?;
        specs.clone_into(&mut self.cachings);
        parse::checked(self)
    }

    /// With other faults, as on a command line, for shardings as for replications.
    ///
    /// # Errors
    /// One that does not exist, or that this scenario has no room for.
    pub fn with_faults(mut self, names: &[String]) -> Result<Scenario, ScenarioError> {
        names
            .iter()
            .try_for_each(|name| keys::check_fault(name))
            .map_err(ScenarioError::Together)?;
        names.clone_into(&mut self.faults);
        self.sharding_faults.clear();
        parse::checked(self)
    }

    /// Every setting by its key, as rows carry it; a table that is not given is left out.
    pub fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
        keys::KEYS
            .iter()
            .map(|key| (key.name.to_owned(), (key.get)(self)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }

    /// Whether clients read at a copy of their own zone, where any may answer.
    pub(crate) fn reads_in_zone(&self) -> bool {
        self.reads == "zone"
    }

    /// The most nodes that so many shards have.
    pub(crate) fn nodes_with(&self, shards: u16) -> u32 {
        u32::from(shards) * u32::from(self.nodes_per_shard(true))
    }

    /// How many keep logs of so many shards, under a replication that has such.
    pub(crate) fn log_keepers(&self, shards: u16) -> u32 {
        let mut replications = self.replications.iter().chain([&self.base_replication]);
        let has_logs =
            |text: &String| check_replication(text).is_ok_and(|(member, _)| member.logs_in_zones);
        if replications.any(has_logs) {
            u32::from(shards) * u32::from(self.zones_in_all())
        } else {
            0
        }
    }

    /// The most shards that there will be at any time.
    pub(crate) fn shards_most(&self) -> u16 {
        let faults = self.faults.iter().chain(&self.sharding_faults);
        let grows = faults.map(|name| shards_added(name)).max().unwrap_or(0);
        let resizes = self.schedule.iter().filter_map(|dated| match dated.action {
            Action::Resize { shards } => Some(shards),
            _ => None,
        });
        let scaled = self.autoscaling.map(|table| table.max_capacity);
        resizes.chain(scaled).fold(self.shards + grows, u16::max)
    }

    /// The most nodes of a run, with who keeps logs and gutter nodes.
    pub(crate) fn nodes_most(&self) -> u32 {
        let shards = self.shards_most();
        self.nodes_with(shards) + self.log_keepers(shards) + u32::from(self.gutter_nodes)
    }

    /// Nodes of one shard with this replication, in all regions.
    pub(crate) fn nodes_per_shard(&self, keeps_copies: bool) -> u16 {
        if keeps_copies {
            self.nodes_per_region() * self.regions
        } else {
            1
        }
    }

    /// Nodes of one shard in one region, where the replication keeps copies.
    pub(crate) fn nodes_per_region(&self) -> u16 {
        self.replicas + 1
    }

    /// The zones of all regions, which count through, region by region.
    pub(crate) fn zones_in_all(&self) -> u16 {
        self.zones * self.regions
    }

    /// The zones of a region.
    pub(crate) fn zones_of(&self, region: u16) -> std::ops::Range<u16> {
        region * self.zones..(region + 1) * self.zones
    }

    /// The region of a zone.
    pub(crate) fn region_of(&self, zone: u16) -> u16 {
        zone / self.zones
    }
}

/// A replication and the values of its parameters.
pub(crate) type ReplicationChoice = (&'static replication::ReplicationMember, Vec<u64>);
/// A sharding and the values of its parameters.
pub(crate) type ShardingChoice = (&'static sharding::ShardingMember, Vec<u64>);

pub(crate) fn check_replication(text: &str) -> Result<ReplicationChoice, ScenarioError> {
    Ok(Spec::parse(text).and_then(|spec| replication::find(&spec))?)
}

pub(crate) fn check_caching(text: &str) -> Result<Rules, ScenarioError> {
    Ok(caching::find(text)?)
}

pub(crate) fn check_sharding(text: &str) -> Result<ShardingChoice, ScenarioError> {
    Ok(Spec::parse(text).and_then(|spec| sharding::find(&spec))?)
}
