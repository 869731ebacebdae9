//! Reading a scenario from TOML, strictly.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use seawall_store::spec::SpecError;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::conflict::{Conflict, together, unused_schedule};
use super::keys::{KEYS, Kind};
use super::{Profile, Scenario, autoscaling};
use crate::fault::Dated;

const BUILT_IN: &str = include_str!("built_in.toml");
const COMPARISON: &str = include_str!("../../scenarios/comparison.toml");

/// Why a scenario was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A place in a file.
    #[error("{file}:{line}: {what}")]
    At {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there, and what is accepted.
        what: String,
    },
    /// A strategy that does not exist, or its parameters.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// What does not go together, or does not exist, without a place in a file.
    #[error("{0}")]
    Together(String),
}

pub(super) fn built_in() -> Scenario {
    let mut scenario = Scenario {
        name: String::new(),
        zones: 0,
        regions: 0,
        shards: 0,
        replicas: 0,
        workloads: Vec::new(),
        clients_per_zone: 0,
        rate_per_s: 0,
        duration_ms: 0,
        warmup_ms: 0,
        fault_at_ms: 0,
        fault_ms: 0,
        zone_fade_ms: 0,
        replacement_ms: 0,
        timeout_ms: 0,
        connections: 0,
        connect_us: 0,
        dns_ttl_ms: 0,
        dns_update_ms: 0,
        attempts: 0,
        backoff_ms: 0,
        backoff_max_ms: 0,
        refresh_ms: 0,
        reads: String::new(),
        same_zone_rtt_us: 0,
        same_zone_sigma_percent: 0,
        cross_zone_rtt_us: 0,
        cross_zone_sigma_percent: 0,
        cross_region_rtt_us: 0,
        cross_region_sigma_percent: 0,
        link_mbit_per_s: 0,
        service_ns: 0,
        profile: Profile::built_in(),
        node_memory_kib: 0,
        policy: String::new(),
        fsync_us: 0,
        database_us: 0,
        database_floor_us: 0,
        database_connections: 0,
        database_timeout_ms: 0,
        database_attempts: 0,
        gutter_nodes: 0,
        cachings: Vec::new(),
        node_type: String::new(),
        backups_kept: 0,
        backup_gb: 0,
        replications: Vec::new(),
        shardings: Vec::new(),
        base_replication: String::new(),
        base_sharding: String::new(),
        faults: Vec::new(),
        sharding_faults: Vec::new(),
        schedule: Vec::new(),
        autoscaling: None,
    };
    let given = read("built_in.toml", BUILT_IN, &mut scenario);
    let given = given.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        given.keys.len() + 2,
        KEYS.len(),
        "the built-in scenario gives every key but the profile, which is a file of its own, and autoscaling, which it \
         does without"
    );
    scenario
}

pub(super) fn comparison() -> Scenario {
    scenario("comparison.toml", COMPARISON).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn scenario(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let mut scenario = built_in();
    let lines = read(file, text, &mut scenario)?;
    let is_given = |name: &str| lines.keys.iter().any(|&(key, _)| key == name);
    // Who lists replications gets these alone: shardings are then compared under the first, as on a command line.
    if is_given("replications") && !is_given("base_replication") {
        scenario
            .base_replication
            .clone_from(&scenario.replications[0]);
    }
    let unused = |()| unused_schedule(&scenario);
    together(&scenario)
        .and_then(unused)
        .map_err(|Conflict { keys, action, what }| {
            // The file gives at least one of them, since the built-in scenario has no conflict.
            let given = lines.keys.iter().filter(|(key, _)| keys.contains(key));
            let of_keys = given.map(|&(_, line)| line).max();
            let of_action = action.and_then(|number| lines.actions.get(number).copied());
            ScenarioError::At {
                file: file.to_owned(),
                line: of_action.or(of_keys).unwrap_or(1),
                what,
            }
        })?;
    Ok(scenario)
}

/// The scenario, if its values go together.
pub(super) fn checked(scenario: Scenario) -> Result<Scenario, ScenarioError> {
    match together(&scenario) {
        Ok(()) => Ok(scenario),
        Err(Conflict { what, .. }) => Err(ScenarioError::Together(what)),
    }
}

/// Where a file gives what; lines count from 1.
#[derive(Default)]
struct Lines {
    /// The keys.
    keys: Vec<(&'static str, usize)>,
    /// The actions of the schedule.
    actions: Vec<usize>,
}

/// Reads the keys that `text` gives into `scenario`; which, and where.
fn read(file: &str, text: &str, scenario: &mut Scenario) -> Result<Lines, ScenarioError> {
    let line = |span: Range<usize>| {
        let before = text.get(..span.start);
        before.map_or(0, |before| before.matches('\n').count()) + 1
    };
    let at = |span: Range<usize>, what: String| ScenarioError::At {
        file: file.to_owned(),
        line: line(span),
        what,
    };
    let mut lines = Lines::default();
    let table = DeTable::parse(text)
        .map_err(|error| at(error.span().unwrap_or(0..0), error.message().to_owned()))?;
    for (name, value) in table.get_ref() {
        let key = KEYS
            .iter()
            .find(|key| key.name == name.get_ref().as_ref())
            .ok_or_else(|| {
                let accepted = KEYS
                    .iter()
                    .map(|key| key.name)
                    .collect::<Vec<_>>()
                    .join(", ");
                at(
                    name.span(),
                    format!("unknown key \"{}\"; accepted: {accepted}", name.get_ref()),
                )
            })?;
        set(scenario, file, &key.kind, value)
            .map_err(|(span, what)| at(span, format!("{}: {what}", key.name)))?;
        lines.keys.push((key.name, line(name.span())));
        if let (Kind::Actions { .. }, Some(list)) = (&key.kind, value.get_ref().as_array()) {
            lines.actions = list.iter().map(|item| line(item.span())).collect();
        }
    }
    Ok(lines)
}

/// What is wrong with a value, and where.
pub(super) type Wrong = (Range<usize>, String);

fn set(
    scenario: &mut Scenario,
    file: &str,
    kind: &Kind,
    value: &Spanned<DeValue<'_>>,
) -> Result<(), Wrong> {
    if let Kind::Actions { set } = kind {
        set(scenario, actions(value)?);
        return Ok(());
    }
    if let Kind::Autoscaling { set } = kind {
        set(scenario, autoscaling::read(value)?);
        return Ok(());
    }
    if let Kind::Profile { set } = kind {
        set(
            scenario,
            profile(file, value).map_err(|what| (value.span(), what))?,
        );
        return Ok(());
    }
    set_plain(scenario, kind, value.get_ref()).map_err(|what| (value.span(), what))
}

fn actions(value: &Spanned<DeValue<'_>>) -> Result<Vec<Dated>, Wrong> {
    let expected = "accepted is a list of tables with at_ms and action";
    let list = value.get_ref().as_array();
    let list = list.ok_or_else(|| (value.span(), expected.to_owned()))?;
    let dated = list.iter().map(|item| {
        Dated::deserialize(ValueDeserializer::from(item.clone()))
            .map_err(|error| (item.span(), format!("{}; {expected}", error.message())))
    });
    dated.collect()
}

/// The longest profile.
const PROFILE_BYTES_MAX: u64 = 1 << 16;

/// The profile that a scenario in `file` names: a path from the scenario's own folder.
fn profile(file: &str, value: &Spanned<DeValue<'_>>) -> Result<Profile, String> {
    let expected = "accepted is the path of a profile, as `seawall calibrate --out` writes it";
    let name = value.get_ref().as_str().ok_or(expected)?;
    let path = Path::new(file).parent().unwrap_or(Path::new("")).join(name);
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(PROFILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| format!("{}: {error}; {expected}", path.display()))?;
    if text.len() as u64 > PROFILE_BYTES_MAX {
        let name = path.display();
        return Err(format!(
            "{name}: is larger than {PROFILE_BYTES_MAX} bytes; {expected}"
        ));
    }
    Profile::parse(&text).map_err(|what| format!("{}: {what}; {expected}", path.display()))
}

/// A whole number in this range.
pub(super) fn number(value: &DeValue<'_>, min: u64, max: u64) -> Result<u64, String> {
    value
        .as_integer()
        .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("accepted are whole numbers from {min} to {max}"))
}

fn set_plain(scenario: &mut Scenario, kind: &Kind, value: &DeValue<'_>) -> Result<(), String> {
    match kind {
        Kind::Actions { .. } | Kind::Autoscaling { .. } | Kind::Profile { .. } => {}
        Kind::Number { min, max, set } => set(scenario, number(value, *min, *max)?),
        Kind::Text { check, set } => {
            let text = value.as_str().ok_or("accepted is a text")?;
            check(text)?;
            set(scenario, text.to_owned());
        }
        Kind::Texts { least, check, set } => {
            let expected = if *least == 0 {
                "accepted is a list of texts"
            } else {
                "accepted is a list of at least one text"
            };
            let texts = value
                .as_array()
                .and_then(|list| list.iter().map(|item| item.get_ref().as_str()).collect())
                .filter(|texts: &Vec<&str>| texts.len() >= *least)
                .ok_or(expected)?;
            texts.iter().try_for_each(|text| check(text))?;
            let mut earlier = BTreeSet::new();
            if let Some(text) = texts.iter().find(|text| !earlier.insert(**text)) {
                return Err(format!("\"{text}\" is named twice; accepted is once"));
            }
            set(scenario, texts.into_iter().map(str::to_owned).collect());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        scenario("storm.toml", text)
            .expect_err("it must be refused")
            .to_string()
    }

    #[test]
    fn the_carried_scenarios_are_whole() {
        assert!(together(&built_in()).is_ok());
        let comparison = comparison();
        let member = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
        let of = |texts: &[String]| -> BTreeSet<String> { texts.iter().map(member).collect() };
        let replications = seawall_cluster::replication::REPLICATIONS.iter();
        let replications = replications.filter(|member| !member.needs_regions);
        let shardings = seawall_cluster::sharding::SHARDINGS.iter();
        // What is in the lists is compared, but for what needs several regions.
        assert_eq!(
            of(&comparison.replications),
            replications.map(|member| member.name.to_owned()).collect()
        );
        assert_eq!(
            of(&comparison.shardings),
            shardings.map(|member| member.name.to_owned()).collect()
        );
    }

    #[test]
    fn who_lists_replications_gets_these_alone() {
        let read = scenario("storm.toml", "replications = [\"quorum\", \"chain\"]\n").unwrap();
        let cells = read.cells(false);
        assert!(
            cells
                .iter()
                .all(|cell| cell.replication != "async:node_timeout_ms=1000")
        );
        assert!(cells.iter().any(|cell| cell.replication == "chain"));
        let both = "replications = [\"quorum\"]\nbase_replication = \"none\"\n";
        assert_eq!(
            scenario("storm.toml", both).unwrap().base_replication,
            "none"
        );
    }

    #[test]
    fn a_list_that_names_something_twice_is_refused() {
        for (key, text) in [
            ("replications", "quorum"),
            ("shardings", "slots"),
            ("faults", "none"),
            ("cachings", "cache-aside"),
            ("workloads", "cache-aside:keys=600"),
        ] {
            let told = error(&format!("shards = 3\n{key} = [\"{text}\", \"{text}\"]\n"));
            let words = format!("storm.toml:2: {key}: \"{text}\" is named twice; accepted is once");
            assert_eq!(told, words);
        }
        let told = error("\nreplications = [\"chain:failure_ms=150\"]\n");
        assert!(
            told.starts_with("storm.toml:2: ") && told.contains("at least 200"),
            "{told}"
        );
    }

    #[test]
    fn a_file_overrides_what_it_gives() {
        let read = scenario("storm.toml", "shards = 0x10\nfaults = [\"none\"]\n").unwrap();
        assert_eq!(read.shards, 16);
        assert_eq!(read.faults, ["none"]);
        assert_eq!(read.zones, built_in().zones);
    }

    /// A schedule of two actions, the first in line 2 at 5 s, the second in line 6.
    fn actions(first: &str, of: &str, at_ms: i64, second: &str, of_it: &str) -> String {
        format!(
            "\n[[schedule]]\nat_ms = 5000\naction = \"{first}\"\n{of}\n[[schedule]]\nat_ms = {at_ms}\n\
             action = \"{second}\"\n{of_it}\n"
        )
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            (
                "\n\nshrads = 3",
                "storm.toml:3: unknown key \"shrads\"; accepted: name, zones,",
            ),
            ("zones = 3\nzones = 4", "storm.toml:2: "),
            (
                "zones = 0",
                "storm.toml:1: zones: accepted are whole numbers from 1 to 16",
            ),
            (
                "reads = \"near\"",
                "storm.toml:1: reads: unknown choice \"near\"; accepted: any, zone",
            ),
            ("zones = -1", "storm.toml:1: zones: accepted are"),
            (
                "zones = 99999999999999999999",
                "storm.toml:1: zones: accepted are",
            ),
            ("zones = \"3\"", "storm.toml:1: zones: accepted are"),
            ("name = 3", "storm.toml:1: name: accepted is a text"),
            (
                "faults = []",
                "storm.toml:1: faults: accepted is a list of at least one text",
            ),
            (
                "faults = [\"flood\"]",
                "unknown fault \"flood\"; accepted: none, node-crash",
            ),
            (
                "replications = [\"raft\"]",
                "unknown replication `raft`; accepted: none, async, wait, ",
            ),
            (
                "base_sharding = \"ring:points=0\"",
                "accepted: a whole number from 1 to 10000",
            ),
            ("node_type = \"cache.x\"", "storm.toml:1: node_type: "),
            (
                "\nfault_at_ms = 15500",
                "storm.toml:2: fault_at_ms must lie",
            ),
            ("replicas = 1", "storm.toml:1: quorum survives a zone only"),
            (
                "rate_per_s = 1000000\nduration_ms = 3600000\nzones = 4",
                "storm.toml:2: rate_per_s and duration_ms make 3600000000 ops; accepted are at most 100000000",
            ),
            (
                "shards = 1000\nreplicas = 2",
                "storm.toml:2: shards, replicas and regions, with who keeps logs and gutter nodes, make 3000 nodes; accepted are at most 2000",
            ),
            (
                "shards = 300\nregions = 3",
                "storm.toml:2: shards, replicas and regions, with who keeps logs and gutter nodes, make 2700 nodes; accepted are at most 2000",
            ),
            (
                "regions = 0",
                "storm.toml:1: regions: accepted are whole numbers from 1 to 3",
            ),
            (
                "regions = 4",
                "storm.toml:1: regions: accepted are whole numbers from 1 to 3",
            ),
            ("zones = [", "storm.toml:1: "),
            ("\nworkloads = [\"session:sessions=3\"]", "storm.toml:2: "),
            (
                "cachings = [\"cache-aside:lease_s=10\"]",
                "storm.toml:1: quorum carries Redis's commands alone",
            ),
            (
                "dns_ttl_ms = 5000\nrefresh_ms = 100",
                "storm.toml:2: clients that go by names",
            ),
            (
                "\nprofile = \"nowhere.toml\"",
                "storm.toml:2: profile: nowhere.toml: ",
            ),
            (
                "\nprofile = \"/dev/zero\"",
                "storm.toml:2: profile: /dev/zero: is larger than 65536 bytes",
            ),
            (
                "zones = 16\nshards = 200\nreplications = [\"zone-log\"]",
                "storm.toml:3: shards, replicas and regions, with who keeps logs and gutter nodes, make 3800 nodes",
            ),
            (
                "\nworkloads = [\"cache-aside:keys=1000000:value_bytes=1000000\"]",
                "storm.toml:2: cache-aside:keys=1000000:value_bytes=1000000 loads 2794.5 GiB into all copies; accepted are at \
                 most 4 GiB",
            ),
            (
                "\nworkloads = [\"plain:op=get:keys=1000000:value_bytes=100000\"]",
                "storm.toml:2: plain:op=get:keys=1000000:value_bytes=100000 loads at least 4.0 GiB into all copies",
            ),
            (
                "zones = 16\nclients_per_zone = 64\nrate_per_s = 1\nduration_ms = 3600000\nrefresh_ms = 1",
                "storm.toml:5: clients ask 3686400000 times who serves (refresh_ms); accepted are at most 100000000",
            ),
            (
                "shards = 128\nshardings = [\"anchor\"]\nfaults = [\"scale-out\"]",
                "storm.toml:3: anchor has no room for 129 shards, the most that there will be: accepted is capacity >= 129",
            ),
            (
                "shards = 100\nshardings = [\"slots:count=64\"]\nfaults = [\"none\"]",
                "storm.toml:3: slots:count=64 has no room for 100 shards, the most that there will be: accepted is count >= 100",
            ),
            (
                "\n[[schedule]]\nat_ms = 5000\naction = \"heal\"\nzone = 0",
                "storm.toml:2: schedule: no fault does these actions: accepted with \"schedule\" in faults",
            ),
            (
                "faults = [\"schedule\"]\n[[schedule]]\nat_ms = 16000\naction = \"heal\"\nzone = 0",
                "storm.toml:2: schedule: at_ms is 16000; accepted is less than duration_ms, 16000",
            ),
            (
                "clients_per_zone = 0",
                "storm.toml:1: clients_per_zone: accepted are whole numbers from 1 to 64",
            ),
            ("rate_per_s = 0", "storm.toml:1: rate_per_s: accepted are"),
            (
                "\nreplications = [\"wait:n=3\"]",
                "storm.toml:2: wait:n=3 waits for more replicas than there are: accepted are n = 1 to 2",
            ),
            (
                "faults = [\"schedule\"]",
                "storm.toml:1: the fault schedule needs actions under [[schedule]]",
            ),
            (
                &actions("zone-down", "zone = 0", 5000, "cut", "zone = 3"),
                "storm.toml:6: schedule: zone 3 does not exist; accepted are 0 to 2",
            ),
            (
                "\nfaults = [\"none\", \"region-down\"]",
                "storm.toml:2: the fault region-down needs at least 2 regions: accepted are regions = 2 and 3",
            ),
            (
                "\nreplications = [\"region-async\"]",
                "storm.toml:2: region-async needs at least 2 regions: accepted are regions = 2 and 3",
            ),
            (
                &actions("region-down", "region = 0", 5000, "region-up", "region = 0"),
                "storm.toml:2: schedule: there is one region: accepted is regions >= 2",
            ),
            (
                &format!(
                    "regions = 2{}",
                    actions("zone-down", "zone = 5", 5000, "region-up", "region = 2")
                ),
                "storm.toml:6: schedule: region 2 does not exist; accepted are 0 to 1",
            ),
            (
                &actions("crash", "shard = 3", 5000, "heal", "zone = 0"),
                "storm.toml:2: schedule: shard 3 does not exist; accepted are 0 to 2",
            ),
            (
                &actions("zone-down", "zone = 0", 5000, "flood", "zone = 0"),
                "storm.toml:6: schedule: unknown variant `flood`, expected one of `crash`",
            ),
            (
                &actions("zone-down", "zone = 0", 4999, "zone-up", "zone = 0"),
                "storm.toml:6: schedule: at_ms is 4999, before that of the action above; accepted are 5000 and more",
            ),
            (
                &actions("zone-down", "zone = 0", -1, "zone-up", "zone = 0"),
                "storm.toml:6: schedule: invalid value",
            ),
            (
                "zones = 1\nfaults = [\"node-crash\"]\nsharding_faults = [\"partition\"]",
                "storm.toml:3: the fault partition needs at least 2 zones",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(words), "{text:?} gave {error:?}");
        }
    }
}
