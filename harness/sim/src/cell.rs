//! Cells: which strategies meet which fault; and one run of one cell with one seed.

use seawall_report::row::{SCHEMA, SimRow};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::check::{self, Phases};
use crate::fault::{self, Schedule};
use crate::random::rng_of;
use crate::scenario::{Scenario, ScenarioError, check_caching, check_replication, check_sharding};
use crate::world::{Measure, Plan, Service, WINDOW_MS, Window, World, load};

/// A replication, a sharding, a workload, a way to use the cache and a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The replication, as in the scenario.
    pub replication: String,
    /// The sharding, as in the scenario.
    pub sharding: String,
    /// The workload, as in the scenario.
    pub workload: String,
    /// How the application uses the cache, as in the scenario; where the workload has no rows of a database, nobody
    /// asks.
    pub caching: String,
    /// The fault's name.
    pub fault: String,
}

/// Why a cell could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A strategy does not exist.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The fault does not exist.
    #[error("unknown fault \"{0}\"")]
    Fault(String),
    /// An action is done to what there is not.
    #[error("schedule: {0}")]
    Schedule(String),
    /// The workload does not exist, or a parameter of it.
    #[error("{0}")]
    Workload(String),
}

impl Scenario {
    /// The cells to compare. Without `full`: every replication at the base sharding and every sharding at
    /// the base replication; with it, every replication at every sharding. Each under every fault and workload, with
    /// the first caching; every other caching at both bases, for workloads of rows. What is shown of shardings alone
    /// comes last, with the first workload.
    pub fn cells(&self, full: bool) -> Vec<Cell> {
        let mut pairs: Vec<(&String, &String)> = Vec::new();
        if full {
            for replication in &self.replications {
                pairs.extend(
                    self.shardings
                        .iter()
                        .map(|sharding| (replication, sharding)),
                );
            }
        } else {
            pairs.extend(self.replications.iter().map(|r| (r, &self.base_sharding)));
            pairs.extend(self.shardings.iter().map(|s| (&self.base_replication, s)));
        }
        let mut cells = Vec::new();
        let at_fault = |workload| self.faults.iter().map(move |fault| (workload, fault));
        for (workload, fault) in self.workloads.iter().flat_map(at_fault) {
            let base = (&self.base_replication, &self.base_sharding);
            let [plain, others @ ..] = self.cachings.as_slice() else {
                continue;
            };
            let others = others.iter().filter(|_| load::is_of_rows(workload));
            let at_base = pairs.iter().map(|pair| (*pair, plain));
            for ((replication, sharding), caching) in
                at_base.chain(others.map(|caching| (base, caching)))
            {
                let cell = Cell {
                    replication: replication.clone(),
                    sharding: sharding.clone(),
                    workload: workload.clone(),
                    caching: caching.clone(),
                    fault: fault.clone(),
                };
                if !cells.contains(&cell) {
                    cells.push(cell);
                }
            }
        }
        for (fault, sharding) in self.sharding_faults.iter().flat_map(|fault| {
            let shardings = self.shardings.iter();
            shardings.map(move |sharding| (fault, sharding))
        }) {
            let cell = Cell {
                replication: self.base_replication.clone(),
                sharding: sharding.clone(),
                workload: self.workloads[0].clone(),
                caching: self.cachings[0].clone(),
                fault: fault.clone(),
            };
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    /// The dated actions of a fault for a seed.
    ///
    /// # Errors
    /// No such fault.
    pub fn schedule(&self, fault: &str, seed: u64) -> Result<Schedule, RunError> {
        let member = fault::find(fault).ok_or_else(|| RunError::Fault(fault.to_owned()))?;
        Ok(Schedule::plan(member, self, &mut rng_of(seed, "fault", 0)))
    }
}

/// One cell with one seed.
///
/// # Errors
/// A strategy or fault does not exist.
pub fn run(scenario: &Scenario, cell: &Cell, seed: u64) -> Result<SimRow, RunError> {
    let schedule = scenario.schedule(&cell.fault, seed)?;
    replay(scenario, cell, &schedule, seed)
}

/// One cell with one seed and a schedule of one's own, which stands in place of the fault's.
///
/// # Errors
/// A strategy or fault does not exist.
pub fn replay(
    scenario: &Scenario,
    cell: &Cell,
    schedule: &Schedule,
    seed: u64,
) -> Result<SimRow, RunError> {
    let replication = check_replication(&cell.replication)?;
    let sharding = check_sharding(&cell.sharding)?;
    let caching = check_caching(&cell.caching)?;
    // Those of the scenario were checked with it.
    if !scenario.workloads.contains(&cell.workload) {
        load::check(&cell.workload).map_err(RunError::Workload)?;
    }
    for dated in schedule.actions() {
        dated.action.check(scenario).map_err(RunError::Schedule)?;
    }
    let fault = fault::find(&cell.fault).ok_or_else(|| RunError::Fault(cell.fault.clone()))?;
    let mut world = World::new(Plan {
        scenario,
        replication: &replication,
        sharding: &sharding,
        workload: &cell.workload,
        caching,
        schedule,
        seed,
    });
    world.run();

    let claim = replication.0.claim;
    let phases = Phases {
        warm_ms: scenario.warmup_ms,
        fault_ms: scenario.fault_at_ms,
        end_ms: scenario.duration_ms,
    };
    let lost = check::lost_writes(&world);
    let reads = world.history.answered_reads;
    let recovery_ms = check::recovery_ms(&world.measure, phases);
    let mut violations = Vec::new();
    let severity = fault.severity.unwrap_or_else(|| schedule.severity());
    // Where quorums meet, a write goes over all that was acknowledged before it was asked for.
    let copies = usize::from(scenario.nodes_per_shard(replication.0.keeps_copies));
    let is_allowed = if replication.0.quorums_meet(&replication.1, copies) {
        lost.by_overlap
    } else {
        lost.by_later
    };
    let broken = lost.by_replication - is_allowed;
    if broken > 0 && claim.survives >= severity {
        violations.push(format!(
            "claims that acknowledged writes survive this; {broken} of {} were lost",
            lost.acked
        ));
    }
    if lost.by_placement > 0 && sharding.0.moves.is_some() && claim.survives >= severity {
        violations.push(format!(
            "slots are to move with their data; {} acknowledged writes are not where clients look for them",
            lost.by_placement
        ));
    }
    // What a gutter node answers is no promise of the replication's.
    let is_promised = claim.linearizable && caching.gutter_s == 0;
    if reads.stale > 0 && is_promised {
        violations.push(format!(
            "claims that reads reflect every acknowledged write; {} did not",
            reads.stale
        ));
    }
    let disordered = check::not_linearizable(&world);
    if let Some((keys @ 1.., first)) = disordered.as_ref().filter(|_| is_promised) {
        violations.push(format!(
            "claims that reads and writes of a key happen one after the other; those of {keys} keys cannot have: {first}"
        ));
    }
    if world.diverged > 0 {
        violations.push(format!(
            "{} executions differed between replicas",
            world.diverged
        ));
    }
    violations.extend(world.panics.iter().cloned());
    let toll = world.application.toll;
    if toll.wrong_values > 0 {
        violations.push(format!(
            "{} reads gave what is no version of their row",
            toll.wrong_values
        ));
    }
    violations.extend(check::differences(&world));
    let silent = if world.is_whole() {
        if replication.0.converges() {
            violations.extend(check::differing_copies(&world));
        }
        let promoted_after = replication.0.promoted_after(&replication.1);
        let is_served = |shard| world.is_needless(shard) || world.primary_of(shard).is_some();
        check::silent_shards(
            &world.measure,
            schedule,
            phases,
            promoted_after,
            world.now(),
            is_served,
        )
    } else {
        None
    };
    if let Some(silent @ 1..) = silent
        && claim.resumes_after >= severity
    {
        violations.push(format!(
            "claims to serve again; {silent} shards answer nobody long after all faults are over"
        ));
    }

    let settings = scenario.settings();
    let identity = json!([
        settings,
        cell.replication,
        cell.sharding,
        cell.workload,
        cell.caching,
        cell.fault,
        schedule,
        seed
    ]);
    let (events, event_hash) = world.digest();
    let crossed = world.crossed();
    let mut extra = Map::new();
    let mut put = |name: &str, value: Value| extra.insert(name.to_owned(), value);
    put("moved_keys_share", json!(world.moved_keys_share));
    put("acked_writes_lost_to_a_later", json!(lost.by_later));
    put(
        "acked_writes_lost_to_one_that_overlapped",
        json!(lost.by_overlap),
    );
    put("misplaced_acked_writes", json!(lost.by_placement));
    put("unserved_acked_writes", json!(lost.unserved));
    put("recovery_point_ms", json!(lost.back.0.div_ceil(1_000_000)));
    for (name, service) in [
        ("reads_unavailable_ms", Service::Reads),
        ("writes_unavailable_ms", Service::Writes),
    ] {
        let ms = check::unavailable_ms(&world.measure, service, phases);
        put(name, json!(ms));
    }
    let moves = world.moves_toll();
    let healed_ms = schedule.last_ms().max(moves.until.millis().0);
    put("move_ms", json!(moves.took.map(|took| took.millis().0)));
    put("moved_keys", json!(moves.keys));
    put("requests_asked_on", json!(moves.asked));
    put("held_back_ms", json!(moves.held.0 as f64 / 1e6));
    put("moves_interrupted", json!(moves.interrupted));
    put("loaded_keys", json!(lost.loaded_keys));
    put("lost_keys", json!(lost.keys_gone));
    put("reads_back_in_time", json!(reads.back_in_time));
    put("reads_without_own_writes", json!(reads.without_own));
    put("silent_shards", json!(silent));
    put("disordered_keys", json!(disordered.map(|(keys, _)| keys)));
    put(
        "db_steady_per_s",
        json!(check::steady_per_s(&world.measure, phases)),
    );
    put(
        "failed_ops",
        json!(
            world
                .measure
                .windows()
                .iter()
                .map(|w| w.failed)
                .sum::<u64>()
        ),
    );
    put("stale_hits", json!(toll.stale_hits));
    put("stale_answers", json!(toll.stale_answers));
    put("stale_ms_max", json!(toll.stale_ms_max));
    put("fills_refused", json!(toll.fills_refused));
    put("unserved_requests", json!(toll.unserved));
    put("database_queries_wasted", json!(toll.queries_wasted));
    put("writes_lost_behind", json!(toll.writes_lost_behind));
    put("leaderless_ms", json!(world.leaderless_ms()));
    put("connects", json!(world.connects));
    put("ops", json!(world.history.wanted_by_clients));
    let answered_per_s = check::answered_per_s(&world.measure, phases);
    put("answered_per_s", json!(answered_per_s));
    let usd_per_month =
        check::usd_per_month(scenario, world.nodes_paid(), crossed, scenario.duration_ms);
    put(
        "usd_per_million_ops",
        json!(check::usd_per_million_ops(usd_per_month, answered_per_s)),
    );
    put(
        "backup_usd_per_month",
        json!(check::backup_usd_per_month(scenario)),
    );
    put("nodes", json!(world.nodes.len()));
    put(
        "cross_zone_replication_bytes",
        json!(crossed.replication_bytes),
    );
    if scenario.autoscaling.is_some() {
        put("resizes", json!(world.resizes()));
        put(
            "shards_over_time",
            json!(world.shards_over_time().collect::<Vec<_>>()),
        );
        put("nodes_paid", json!(world.nodes_paid()));
    }
    if scenario.regions > 1 {
        put("cross_region_bytes", json!(crossed.region_bytes));
        let usd = check::region_usd_per_month(crossed, scenario.duration_ms);
        put("cross_region_usd_per_month", json!(usd));
    }
    put(
        "claims_to_keep_writes",
        // Where the last writer wins, none is promised to stay.
        json!(claim.survives >= severity && !replication.0.last_writer_wins),
    );
    put("schedule", json!(schedule));
    put("timeline", timeline(&world.measure, scenario.duration_ms));
    Ok(SimRow {
        schema: SCHEMA,
        run: format!("{:016x}", xxh3_64(identity.to_string().as_bytes())),
        seed,
        config: settings,
        scenario: scenario.name.clone(),
        replication: cell.replication.clone(),
        sharding: cell.sharding.clone(),
        workload: cell.workload.clone(),
        caching: cell.caching.clone(),
        fault: cell.fault.clone(),
        claim: claim.about.to_owned(),
        acked_writes: lost.acked,
        lost_acked_writes: lost.by_replication,
        stale_reads: reads.stale,
        unavailable_ms: check::unavailable_ms(&world.measure, Service::All, phases),
        recovery_ms,
        hit_ratio_min: check::hit_ratio_min(&world.measure, phases),
        db_peak_over_steady: check::db_peak_over_steady(&world.measure, phases),
        cross_zone_bytes: crossed.client_bytes + crossed.replication_bytes,
        usd_per_month,
        latency_us: check::phases(&world.measure, phases, recovery_ms, healed_ms),
        violations,
        events,
        event_hash: format!("{event_hash:016x}"),
        extra,
    })
}

/// The most slices of a row's time line: a row stays a line that one can look at.
const SLICES_MAX: u64 = 120;

/// What happened in each whole slice of the time in which clients began ops.
fn timeline(measure: &Measure, duration_ms: u64) -> Value {
    let count = duration_ms / WINDOW_MS;
    let per_slice = count.div_ceil(SLICES_MAX).max(1);
    let mut windows = measure.windows().to_vec();
    windows.resize(count as usize, Window::default());
    let sums = |figure: fn(&Window) -> u64| -> Vec<u64> {
        let slices = windows.chunks_exact(per_slice as usize);
        slices.map(|slice| slice.iter().map(figure).sum()).collect()
    };
    json!({
        "slice_ms": per_slice * WINDOW_MS,
        "answered": sums(|window| window.answered),
        "failed": sums(|window| window.failed),
        "hits": sums(|window| window.hits),
        "misses": sums(|window| window.misses),
        "database_reads": sums(|window| window.database_reads),
    })
}
