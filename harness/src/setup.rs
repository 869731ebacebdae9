//! The setup of a run: what differs between machines and moments.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use seawall_report::Setup;
use seawall_sim::Scenario;
use seawall_sys::machine::Machine;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::suite::Suite;

/// The name of the suite's hash among the setup's further fields.
pub(crate) const SUITE_HASH: &str = "suite hash";

/// The setup of a suite's run that begins now, on this machine.
pub(crate) fn of(suite: &Suite, seed: u64, notices: Vec<String>) -> Setup {
    Setup {
        notices,
        not_run: suite.not_run.clone(),
        ..begun(&suite.name, &suite.about, &suite.hash, seed)
    }
}

/// The setup of a scenario's run that begins now, on this machine.
pub(crate) fn of_scenario(scenario: &Scenario, seed: u64) -> Setup {
    let settings = Value::Object(scenario.settings()).to_string();
    let hash = format!("{:016x}", xxh3_64(settings.as_bytes()));
    begun(&scenario.name, "a scenario of the simulator", &hash, seed)
}

/// The setup of a replay that begins now, on this machine.
pub(crate) fn of_replay(settings: &Map<String, Value>, seed: u64) -> Setup {
    let settings = Value::Object(settings.clone()).to_string();
    let hash = format!("{:016x}", xxh3_64(settings.as_bytes()));
    begun("replay", "traces through eviction policies", &hash, seed)
}

fn begun(name: &str, about: &str, hash: &str, seed: u64) -> Setup {
    Setup {
        schema: seawall_report::setup::SCHEMA,
        // Nobody asks for less than a second.
        created: format!("{:.0}", jiff::Timestamp::now()),
        commit: option_env!("SEAWALL_COMMIT").map(str::to_owned),
        dirty: option_env!("SEAWALL_DIRTY").is_some(),
        command: std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        suite: name.to_owned(),
        seed,
        machine: machine(&Machine::read()),
        notices: Vec::new(),
        not_run: Vec::new(),
        extra: Map::from_iter([
            ("about".to_owned(), json!(about)),
            (SUITE_HASH.to_owned(), json!(hash)),
        ]),
    }
}

/// Writes `setup` into the run's folder `dir`, whole or not at all.
pub(crate) fn write(setup: &Setup, dir: &Path) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(setup).expect("a setup has a JSON form");
    text.push(b'\n');
    write_whole(&dir.join(seawall_report::setup::FILE), &text)
}

/// Writes a file of a folder: it is complete when it stands under its name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = File::create(&partial)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one that is told.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// The facts of a machine in the order in which a report shows them; unknown ones are left out.
fn machine(machine: &Machine) -> Map<String, Value> {
    let mut caches: Vec<String> = machine
        .caches
        .iter()
        .map(|cache| {
            format!(
                "L{} {:?} {} KiB",
                cache.level,
                cache.kind,
                cache.bytes / 1024
            )
        })
        .collect();
    // Every core has its own of the small ones; once is enough.
    caches.dedup();
    let facts = [
        ("cpu", json!(machine.cpu_model)),
        ("cores", json!(machine.cores)),
        ("cpus", json!(machine.cpus_logical)),
        ("cpus allowed", json!(machine.cpus_allowed)),
        ("caches", json!(caches.join(", "))),
        ("memory bytes", json!(machine.memory_bytes)),
        ("NUMA nodes", json!(machine.numa_nodes)),
        ("topology error", json!(machine.topology_error)),
        ("kernel", json!(machine.kernel)),
        ("huge pages", json!(machine.thp_mode)),
        ("clock source", json!(machine.clocksource)),
        ("frequency governor", json!(machine.cpu_governor)),
        ("hypervisor", json!(machine.hypervisor)),
        ("steal ms since boot", json!(machine.steal_ms)),
    ];
    facts
        .into_iter()
        .filter(|(_, value)| !value.is_null() && *value != json!(""))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
