//! What no single key of a scenario shows: values that do not go together.

use super::{NODES_MAX, Scenario, check_caching, check_replication, check_sharding};
use crate::fault;
use crate::world::load;

/// The most ops of one run: of each, some bytes stay in memory until the end, and of each that writes, some hundreds.
const OPS_MAX: u64 = 100_000_000;

/// The most actions of a schedule.
const ACTIONS_MAX: usize = 10_000;

/// Keys whose values do not go together, and what would do.
pub(super) struct Conflict {
    pub(super) keys: &'static [&'static str],
    /// The action of the schedule that it is about.
    pub(super) action: Option<usize>,
    pub(super) what: String,
}

/// Checks what no single key shows.
pub(super) fn together(s: &Scenario) -> Result<(), Conflict> {
    let conflict = |keys, what: &str| {
        let what = what.to_owned();
        Err(Conflict {
            keys,
            action: None,
            what,
        })
    };
    let loads = s.schedule.iter().filter_map(|dated| match dated.action {
        fault::Action::Load { percent } => Some(percent),
        _ => None,
    });
    let most_percent = loads.fold(100, u64::max);
    let ops = s.rate_per_s.saturating_mul(s.duration_ms) / 1000;
    let ops = ops.saturating_mul(most_percent) / 100;
    if ops > OPS_MAX {
        return conflict(
            &["rate_per_s", "duration_ms"],
            &format!("rate_per_s and duration_ms make {ops} ops; accepted are at most {OPS_MAX}"),
        );
    }
    let nodes = s.nodes_with(s.shards) + s.log_keepers(s.shards) + u32::from(s.gutter_nodes);
    if nodes > NODES_MAX {
        return conflict(
            &[
                "shards",
                "replicas",
                "zones",
                "regions",
                "replications",
                "base_replication",
                "gutter_nodes",
            ],
            &format!(
                "shards, replicas and regions, with who keeps logs and gutter nodes, make {nodes} nodes; accepted are at \
                 most {NODES_MAX}"
            ),
        );
    }
    if s.warmup_ms + 1000 > s.fault_at_ms || s.fault_at_ms + 1000 > s.duration_ms {
        return conflict(
            &["warmup_ms", "fault_at_ms", "duration_ms"],
            "fault_at_ms must lie at least 1000 ms after warmup_ms and before duration_ms, so that \
             there is a before and an after",
        );
    }
    if s.zone_fade_ms > s.fault_ms {
        return conflict(
            &["zone_fade_ms", "fault_ms"],
            "zone_fade_ms must not be more than fault_ms",
        );
    }
    for fault in s.faults.iter().chain(&s.sharding_faults) {
        let needs_others = fault::find(fault).is_some_and(|fault| fault.needs_zones);
        if s.zones < 2 && needs_others {
            return conflict(
                &["zones", "faults", "sharding_faults"],
                &format!("the fault {fault} needs at least 2 zones"),
            );
        }
    }
    let mut faults = s.faults.iter().chain(&s.sharding_faults);
    if s.regions < 2 && faults.any(|fault| fault == "region-down") {
        return conflict(
            &["regions", "faults", "sharding_faults"],
            "the fault region-down needs at least 2 regions: accepted are regions = 2 and 3",
        );
    }
    for (number, dated) in s.schedule.iter().enumerate() {
        let checked = dated.action.check(s);
        let late = format!(
            "at_ms is {}; accepted is less than duration_ms, {}",
            dated.at_ms, s.duration_ms
        );
        let in_time = (dated.at_ms < s.duration_ms).then_some(()).ok_or(late);
        let before = number
            .checked_sub(1)
            .map_or(0, |before| s.schedule[before].at_ms);
        let back = format!(
            "at_ms is {}, before that of the action above; accepted are {before} and more",
            dated.at_ms
        );
        let in_order = (before <= dated.at_ms).then_some(()).ok_or(back);
        if let Err(what) = checked.and(in_time).and(in_order) {
            return Err(Conflict {
                keys: &["schedule"],
                action: Some(number),
                what: format!("schedule: {what}"),
            });
        }
    }
    if s.schedule.len() > ACTIONS_MAX {
        let what = format!("schedule: accepted are {ACTIONS_MAX} actions at most");
        return conflict(&["schedule"], &what);
    }
    for text in s.replications.iter().chain([&s.base_replication]) {
        let alike = check_replication(text).is_ok_and(|(member, _)| member.executes_everywhere);
        if s.node_memory_kib > 0 && alike {
            return conflict(
                &["replications", "base_replication", "node_memory_kib"],
                &format!(
                    "every copy of {text} executes writes itself, and would evict by itself: accepted is \
                     node_memory_kib = 0"
                ),
            );
        }
    }
    let clients = u32::from(s.zones_in_all()) * u32::from(s.clients_per_zone);
    for text in &s.workloads {
        let copies = s.nodes_per_shard(true);
        if let Err(what) = load::check_clients(text, clients, copies) {
            let keys = &[
                "workloads",
                "zones",
                "regions",
                "clients_per_zone",
                "replicas",
            ];
            return conflict(keys, &format!("{what} (clients: {clients})"));
        }
    }
    let has_leases = |text: &String| check_caching(text).is_ok_and(|rules| rules.lease_s > 0);
    if s.cachings.iter().any(has_leases)
        && let Some(text) = s
            .replications
            .iter()
            .chain([&s.base_replication])
            .find(|text| {
                check_replication(text).is_ok_and(|(member, _)| member.executes_everywhere)
            })
    {
        return conflict(
            &["cachings", "replications", "base_replication"],
            &format!(
                "{text} carries Redis's commands alone, and leases are Memcached's: accepted is lease_s = 0"
            ),
        );
    }
    let refreshes = u64::from(clients) * s.duration_ms / s.refresh_ms.max(1);
    if s.refresh_ms > 0 && refreshes > OPS_MAX {
        return conflict(
            &["refresh_ms", "duration_ms", "zones", "clients_per_zone"],
            &format!(
                "clients ask {refreshes} times who serves (refresh_ms); accepted are at most {OPS_MAX}"
            ),
        );
    }
    shards_have_room(s)?;
    if s.dns_ttl_ms > 0 && s.refresh_ms > 0 {
        return conflict(
            &["dns_ttl_ms", "refresh_ms"],
            "clients that go by names (dns_ttl_ms) ask no node who serves: accepted is refresh_ms = 0",
        );
    }
    if s.node_memory_kib == 0 && s.faults.iter().any(|fault| fault == "full-memory") {
        return conflict(
            &["faults", "node_memory_kib"],
            "the fault full-memory needs node_memory_kib >= 1",
        );
    }
    if s.database_floor_us > s.database_us {
        return conflict(
            &["database_us", "database_floor_us"],
            "database_floor_us must not be more than database_us, the mean",
        );
    }
    autoscaling_fits(s)?;
    let uses_gutter = |text: &String| check_caching(text).is_ok_and(|rules| rules.gutter_s > 0);
    if s.gutter_nodes == 0 && s.cachings.iter().any(uses_gutter) {
        return conflict(
            &["cachings", "gutter_nodes"],
            "gutter_s needs gutter nodes: accepted is gutter_nodes >= 1",
        );
    }
    let mut faults = s.faults.iter().chain(&s.sharding_faults);
    if s.schedule.is_empty() && faults.any(|fault| fault == "schedule") {
        return conflict(
            &["faults", "sharding_faults"],
            "the fault schedule needs actions under [[schedule]]",
        );
    }
    for text in s.replications.iter().chain([&s.base_replication]) {
        let needs_regions = check_replication(text).is_ok_and(|(member, _)| member.needs_regions);
        if s.regions < 2 && needs_regions {
            return conflict(
                &["replications", "base_replication", "regions"],
                &format!("{text} needs at least 2 regions: accepted are regions = 2 and 3"),
            );
        }
        // Of `wait`, which asks for more replicas than there are: no write would ever be answered.
        let asks_for = check_replication(text).map_or(0, |(member, values)| {
            let n = member.params.iter().position(|param| param.name == "n");
            n.map_or(0, |at| values[at])
        });
        let others = s.nodes_per_shard(true) - 1;
        if asks_for > u64::from(others) {
            return conflict(
                &["replications", "base_replication", "replicas", "regions"],
                &format!(
                    "{text} waits for more replicas than there are: accepted are n = 1 to {others}"
                ),
            );
        }
        let survives_zone = check_replication(text)
            .is_ok_and(|(member, _)| member.claim.survives >= seawall_cluster::Survives::Zone);
        // Two of three zones can hold a majority only if no zone holds half of the copies.
        if survives_zone && (s.replicas < 2 || s.zones < 3) {
            return conflict(
                &["replications", "base_replication", "replicas", "zones"],
                &format!(
                    "{text} survives a zone only with copies in three: accepted are replicas >= 2, \
                     zones >= 3"
                ),
            );
        }
    }
    Ok(())
}

/// Checks that actions which are given are done: only parts of a scenario may be chosen later.
pub(super) fn unused_schedule(s: &Scenario) -> Result<(), Conflict> {
    let mut faults = s.faults.iter().chain(&s.sharding_faults);
    if s.schedule.is_empty() || faults.any(|fault| fault == "schedule") {
        return Ok(());
    }
    Err(Conflict {
        keys: &["schedule"],
        action: None,
        what: "schedule: no fault does these actions: accepted with \"schedule\" in faults"
            .to_owned(),
    })
}

/// Parameters of shardings that say for how many shards there is room.
const ROOMS: [&str; 2] = ["capacity", "count"];

/// Checks that shardings with room for so many shards have it for all that there will be.
fn shards_have_room(s: &Scenario) -> Result<(), Conflict> {
    let shards = s.shards_most();
    for text in s.shardings.iter().chain([&s.base_sharding]) {
        let room = check_sharding(text).ok().and_then(|(member, values)| {
            let params = member.params.iter().zip(values);
            let mut rooms = params.filter(|(param, _)| ROOMS.contains(&param.name));
            rooms.next()
        });
        if let Some((param, value)) = room
            && value < u64::from(shards)
        {
            return Err(Conflict {
                keys: &[
                    "shardings",
                    "base_sharding",
                    "shards",
                    "faults",
                    "sharding_faults",
                    "schedule",
                    "autoscaling",
                ],
                action: None,
                what: format!(
                    "{text} has no room for {shards} shards, the most that there will be: accepted is {} >= {shards}",
                    param.name
                ),
            });
        }
    }
    Ok(())
}

/// Checks that the table `[autoscaling]` fits the cluster.
fn autoscaling_fits(s: &Scenario) -> Result<(), Conflict> {
    let Some(table) = &s.autoscaling else {
        return Ok(());
    };
    let (min, max) = (table.min_capacity, table.max_capacity);
    let nodes = s.nodes_with(max);
    let what = if min > max {
        format!(
            "min_capacity is {min} and max_capacity {max}: accepted is min_capacity <= max_capacity"
        )
    } else if !(min..=max).contains(&s.shards) {
        format!(
            "shards is {}; accepted are {min} to {max}, min_capacity to max_capacity",
            s.shards
        )
    } else if nodes > NODES_MAX {
        format!("max_capacity makes {nodes} nodes; accepted are at most {NODES_MAX}")
    } else if s.regions > 1 {
        "a Global Datastore is not scaled automatically: accepted is regions = 1".to_owned()
    } else {
        return Ok(());
    };
    Err(Conflict {
        keys: &["autoscaling", "shards", "regions"],
        action: None,
        what: format!("autoscaling: {what}"),
    })
}
