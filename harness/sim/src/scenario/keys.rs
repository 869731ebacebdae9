//! The keys of a scenario: name, range, and where the value goes. One table feeds reading, rows and
//! error messages.

use seawall_store::evict::PolicySpec;
use serde_json::{Value, json};

use super::{Autoscaling, Profile, Scenario, check_caching, check_replication, check_sharding};
use crate::check::cost;
use crate::fault::{self, Dated};
use crate::world::load;

/// What a key accepts and where it goes.
pub(super) enum Kind {
    Number {
        min: u64,
        max: u64,
        set: fn(&mut Scenario, u64),
    },
    Text {
        check: fn(&str) -> Result<(), String>,
        set: fn(&mut Scenario, String),
    },
    Texts {
        /// How many there are at the least.
        least: usize,
        check: fn(&str) -> Result<(), String>,
        set: fn(&mut Scenario, Vec<String>),
    },
    Actions {
        set: fn(&mut Scenario, Vec<Dated>),
    },
    /// A table.
    Autoscaling {
        set: fn(&mut Scenario, Autoscaling),
    },
    /// A file beside the scenario's own.
    Profile {
        set: fn(&mut Scenario, Profile),
    },
}

/// A key.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) get: fn(&Scenario) -> Value,
}

macro_rules! number {
    ($name:ident, $min:expr, $max:expr) => {
        Key {
            name: stringify!($name),
            kind: Kind::Number {
                min: $min,
                max: $max,
                set: |scenario, value| {
                    scenario.$name = value.try_into().expect("the range is the type's or less");
                },
            },
            get: |scenario| json!(scenario.$name),
        }
    };
}

macro_rules! text {
    ($name:ident, $check:expr) => {
        Key {
            name: stringify!($name),
            kind: Kind::Text {
                check: $check,
                set: |scenario, value| scenario.$name = value,
            },
            get: |scenario| json!(scenario.$name),
        }
    };
}

macro_rules! texts {
    ($name:ident, $least:expr, $check:expr) => {
        Key {
            name: stringify!($name),
            kind: Kind::Texts {
                least: $least,
                check: $check,
                set: |scenario, value| scenario.$name = value,
            },
            get: |scenario| json!(scenario.$name),
        }
    };
}

fn replication(text: &str) -> Result<(), String> {
    check_replication(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn sharding(text: &str) -> Result<(), String> {
    check_sharding(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn policy(text: &str) -> Result<(), String> {
    text.parse::<PolicySpec>()
        .map(drop)
        .map_err(|error| error.to_string())
}

fn reads(text: &str) -> Result<(), String> {
    match text {
        "any" | "zone" => Ok(()),
        _ => Err(format!("unknown choice \"{text}\"; accepted: any, zone")),
    }
}

fn caching(text: &str) -> Result<(), String> {
    check_caching(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

pub(super) fn check_fault(text: &str) -> Result<(), String> {
    let known = || {
        fault::FAULTS
            .iter()
            .map(|fault| fault.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    fault::find(text)
        .map(drop)
        .ok_or_else(|| format!("unknown fault \"{text}\"; accepted: {}", known()))
}

fn name(text: &str) -> Result<(), String> {
    if (1..=64).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(())
    } else {
        Err("a name has 1 to 64 bytes, none of them a control character".to_owned())
    }
}

/// An hour: the longest time of a scenario.
pub(crate) const HOUR_MS: u64 = 3_600_000;

/// The most regions: a Global Datastore has a primary and at most two secondary ones.
const REGIONS_MAX: u16 = 3;

/// The most shards at first.
pub(crate) const SHARDS_MAX: u16 = 1000;

/// The most nodes at first: each knows something of every other.
pub(crate) const NODES_MAX: u32 = 2000;

/// Every key.
pub(super) static KEYS: &[Key] = &[
    text!(name, name),
    number!(zones, 1, 16),
    number!(regions, 1, REGIONS_MAX as u64),
    number!(shards, 3, SHARDS_MAX as u64),
    number!(replicas, 0, 5),
    texts!(workloads, 1, load::check),
    number!(clients_per_zone, 1, 64),
    number!(rate_per_s, 1, 1_000_000),
    number!(duration_ms, 1000, HOUR_MS),
    number!(warmup_ms, 0, HOUR_MS),
    number!(fault_at_ms, 0, HOUR_MS),
    number!(fault_ms, 1, HOUR_MS),
    number!(zone_fade_ms, 0, HOUR_MS),
    number!(replacement_ms, 1, HOUR_MS),
    number!(timeout_ms, 1, 60_000),
    number!(connections, 0, 10_000),
    number!(connect_us, 0, 10_000_000),
    number!(dns_ttl_ms, 0, HOUR_MS),
    number!(dns_update_ms, 0, HOUR_MS),
    number!(attempts, 1, 100),
    number!(backoff_ms, 1, 60_000),
    number!(backoff_max_ms, 1, 60_000),
    number!(refresh_ms, 0, HOUR_MS),
    text!(reads, reads),
    number!(same_zone_rtt_us, 1, 10_000_000),
    number!(same_zone_sigma_percent, 0, 200),
    number!(cross_zone_rtt_us, 1, 10_000_000),
    number!(cross_zone_sigma_percent, 0, 200),
    number!(cross_region_rtt_us, 1, 10_000_000),
    number!(cross_region_sigma_percent, 0, 200),
    number!(link_mbit_per_s, 1, 1_000_000),
    number!(service_ns, 0, 1_000_000_000),
    Key {
        name: "profile",
        kind: Kind::Profile {
            set: |scenario, profile| scenario.profile = profile,
        },
        get: |scenario| json!(scenario.profile),
    },
    number!(node_memory_kib, 0, 1 << 30),
    text!(policy, policy),
    number!(fsync_us, 1, 10_000_000),
    number!(database_us, 0, 10_000_000),
    number!(database_floor_us, 0, 10_000_000),
    number!(database_connections, 0, 1_000_000),
    number!(database_timeout_ms, 1, 600_000),
    number!(database_attempts, 1, 100),
    number!(gutter_nodes, 0, 64),
    texts!(cachings, 1, caching),
    text!(node_type, cost::check_node_type),
    number!(backups_kept, 0, 1000),
    number!(backup_gb, 1, 1_000_000),
    texts!(replications, 1, replication),
    texts!(shardings, 1, sharding),
    text!(base_replication, replication),
    text!(base_sharding, sharding),
    texts!(faults, 1, check_fault),
    texts!(sharding_faults, 0, check_fault),
    Key {
        name: "schedule",
        kind: Kind::Actions {
            set: |scenario, actions| scenario.schedule = actions,
        },
        get: |scenario| json!(scenario.schedule),
    },
    Key {
        name: "autoscaling",
        kind: Kind::Autoscaling {
            set: |scenario, autoscaling| scenario.autoscaling = Some(autoscaling),
        },
        get: |scenario| {
            let settings = scenario.autoscaling.as_ref().map(Autoscaling::settings);
            settings.unwrap_or_default()
        },
    },
];
