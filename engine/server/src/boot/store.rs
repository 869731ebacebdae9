//! The store that the settings ask for.

use std::path::PathBuf;

use seawall_store::log::device::DeviceKind;
use seawall_store::spec::SpecError;
use seawall_store::{Millis, StoreConfig};
use seawall_sys::clock::Clock;

use super::ServeError;
use crate::config::{Settings, check_memory, kind};

/// The store's configuration; `seed` is secret.
pub(super) fn config(settings: &Settings, seed: u64) -> Result<StoreConfig, ServeError> {
    let default = StoreConfig::default();
    let refused = |name: &'static str, accepted: String| ServeError::Value {
        name,
        value: settings.text(name).to_owned(),
        accepted,
    };
    let policy = kind::policy(settings.text("maxmemory-policy"))
        .map_err(|error| refused("maxmemory-policy", error.to_string()))?;
    let appendfsync = settings.text("appendfsync").parse();
    let appendfsync =
        appendfsync.map_err(|error: SpecError| refused("appendfsync", error.to_string()))?;
    let dir = Some(settings.text("dir")).filter(|dir| !dir.is_empty());
    let appendonly = settings.yes("appendonly");
    if appendonly && dir.is_none() {
        let accepted = "needs a folder: give dir".to_owned();
        return Err(refused("appendonly", accepted));
    }
    let shards = match settings.number("shards") as usize {
        0 => default.shards,
        shards => shards,
    };
    check_memory(settings.number("maxmemory"), shards)
        .map_err(|why| refused("maxmemory", why.to_string()))?;
    let device = DeviceKind::parse(settings.text("log-device"));
    let device = device.map_err(|error| refused("log-device", error.to_string()))?;
    Ok(StoreConfig {
        shards,
        seed,
        maxmemory: settings.number("maxmemory"),
        policy,
        samples: settings.number("maxmemory-samples") as u32,
        databases: settings.number("databases") as usize,
        limits: settings.compact_forms(),
        dir: dir.map(PathBuf::from),
        appendonly,
        appendfsync,
        compress: settings.yes("rdbcompression"),
        device,
        segment_bytes: settings.number("log-segment-size"),
        pin: settings.yes("pin"),
        opened: Millis(Clock::start().now_ms()),
        ..default
    })
}
