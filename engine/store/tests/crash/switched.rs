//! Folders that are opened with logs and without, and with one number of shards or another, by turns, and lose power in
//! between: what each way of opening finds is what counted for it, whatever was done the other way.
//!
//! What may be there is a set of worlds: a step that was cut short may have counted or not, and what is found when the
//! folder is opened next says which of them are left.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::disk::{Fault, MemoryDisk, PowerLoss};
use seawall_store::log::Fsync;
use seawall_store::{Reply, StoreConfig, StoreError};

use crate::named;
use crate::world::{Alone, SHARDS, config, op};

/// How many runs there are, where `SEAWALL_CRASH_SEEDS` says no number.
const SEEDS: u64 = 2_000;

/// How often a folder is opened in a run.
const OPENINGS: usize = 8;

/// All have the same value, over all shards.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How many shards it is opened with.
const OPENED: [usize; 4] = [SHARDS, SHARDS, 2, 4];

const NOW: u64 = 1_000_000;

/// What a folder has: the value of what logs go on from with them, and that of the newest snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct World {
    logged: Option<u64>,
    saved: Option<u64>,
}

impl World {
    /// What is found in it; 0: nothing.
    fn found(self, with_logs: bool) -> u64 {
        let logged = self.logged.filter(|_| with_logs);
        logged.or(self.saved).unwrap_or(0)
    }

    /// Logs that have nothing go on from the newest snapshot.
    fn adopted(self) -> World {
        let logged = self.logged.or(self.saved);
        World { logged, ..self }
    }

    /// What is found with logs is in a snapshot that they go on from, be it nothing.
    fn resharded(self) -> World {
        let logged = Some(self.found(true));
        World {
            logged,
            saved: logged,
        }
    }

    fn written(self, value: u64) -> World {
        let logged = Some(value);
        World { logged, ..self }
    }

    fn saved(self, with_logs: bool, value: u64) -> World {
        World {
            logged: if with_logs { Some(value) } else { self.logged },
            saved: Some(value),
        }
    }
}

/// What may be there.
struct Worlds(Vec<World>);

impl Worlds {
    /// A step was done, or cut short.
    fn step(&mut self, is_done: bool, change: impl Fn(World) -> World) {
        let after: Vec<World> = self.0.iter().copied().map(change).collect();
        if is_done {
            self.0.clear();
        }
        for world in after {
            if !self.0.contains(&world) {
                self.0.push(world);
            }
        }
    }

    fn keep(&mut self, found: u64, with_logs: bool) -> Result<(), String> {
        let before = self.0.clone();
        self.0.retain(|world| world.found(with_logs) == found);
        if self.0.is_empty() {
            return Err(format!(
                "found {found}, with logs: {with_logs}, of {before:?}"
            ));
        }
        Ok(())
    }
}

fn write(store: &mut Alone, value: u64) -> bool {
    let value = value.to_string();
    let mut words = vec!["mset"];
    words.extend(KEYS.iter().flat_map(|key| [*key, &value]));
    store.execute(&op(&words, 0), NOW).is_ok()
}

/// The value of all keys.
fn read(store: &mut Alone) -> Result<u64, String> {
    let mut words = vec!["mget"];
    words.extend(KEYS);
    let reply = store.execute(&op(&words, 0), NOW);
    let all = match &reply {
        Reply::Array(all) if all.iter().all(|value| *value == all[0]) => all,
        _ => return Err(format!("{reply:?}")),
    };
    match &all[0] {
        Reply::Nil => Ok(0),
        Reply::Bulk(value) => {
            let value = String::from_utf8_lossy(value).parse();
            value.map_err(|error| format!("{error}: {reply:?}"))
        }
        _ => Err(format!("{reply:?}")),
    }
}

/// Whether a folder may be refused so: of several numbers of shards it can hold what one store cannot open.
fn is_of_shards(error: &StoreError, with_logs: bool) -> bool {
    match error {
        StoreError::Layout { .. } | StoreError::LayoutOfLogs { .. } => !with_logs,
        StoreError::BesideLogs { .. } => with_logs,
        _ => false,
    }
}

/// How often the folder was re-sharded.
fn run(seed: u64) -> Result<usize, String> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let disk = MemoryDisk::new();
    let mut worlds = Worlds(vec![World::default()]);
    let (mut last, mut resharded) = (0, 0);
    for _ in 0..OPENINGS {
        let with_logs = random.random();
        if random.random_ratio(3, 4) {
            disk.fail_at(disk.steps() + random.random_range(1..80), Fault::PowerOff);
        }
        let opened = Alone::open(StoreConfig {
            shards: OPENED[random.random_range(0..OPENED.len())],
            appendonly: with_logs,
            ..config(Some(&disk), Fsync::Always, NOW)
        });
        match opened {
            Err(error) if is_of_shards(&error, with_logs) => {}
            Err(error) if !disk.is_off() => return Err(error.to_string()),
            Err(_) => {
                if with_logs {
                    worlds.step(false, World::adopted);
                    worlds.step(false, World::resharded);
                }
            }
            Ok(mut store) => {
                let is_resharded = store.store.resharded().is_some();
                resharded += usize::from(is_resharded);
                if is_resharded {
                    worlds.step(true, World::resharded);
                } else if with_logs {
                    worlds.step(true, World::adopted);
                }
                // A log that has failed answers nothing.
                if !disk.is_off() {
                    worlds.keep(read(&mut store)?, with_logs)?;
                }
                let mut value = worlds.0[0].found(with_logs);
                for _ in 0..random.random_range(0..6) {
                    if disk.is_off() {
                        break;
                    }
                    if random.random() {
                        last += 1;
                        value = last;
                        let is_done = write(&mut store, value);
                        if with_logs {
                            worlds.step(is_done, |world| world.written(value));
                        }
                    } else {
                        let is_done = store.save_all(NOW).is_ok();
                        worlds.step(is_done, |world| world.saved(with_logs, value));
                    }
                }
            }
        }
        disk.fail_at(u64::MAX, Fault::PowerOff);
        let loss = PowerLoss::ALL[random.random_range(0..PowerLoss::ALL.len())];
        disk.lose_power(loss, seed);
    }
    Ok(resharded)
}

#[test]
fn with_logs_and_without() {
    let seeds = match named("SEAWALL_CRASH_SEED", u64::MAX) {
        u64::MAX => 0..named("SEAWALL_CRASH_SEEDS", SEEDS),
        seed => seed..seed + 1,
    };
    let mut resharded = 0;
    for seed in seeds {
        resharded += run(seed).unwrap_or_else(|why| {
            panic!(
                "seed {seed}: {why}\nSEAWALL_CRASH_SEED={seed} cargo test -p seawall-store --test crash \
                 with_logs_and_without"
            )
        });
    }
    println!("re-sharded {resharded} times");
}
