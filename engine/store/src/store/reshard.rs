//! Re-sharding: a folder with logs becomes one of another number of shards, before a store is opened on it.
//!
//! ```text
//!   logs and snapshot of N shards ─► recovered, one shard after another ─► M shards, in memory
//!      a snapshot of each of the M, durable        nobody's, as long as no manifest names it
//!      their logs, laid behind those of the N      nobody's, as long as no manifest knows them
//!      the manifest                                the switch: now the folder is one of M shards
//!      the logs get their names, and what is of N goes, when the store is opened, which comes next
//! ```
//!
//! The one idea: what is recovered is what a store of N shards would have found, and what is left is what a store of M shards
//! would have saved; so whoever opens the folder, before the switch or after it, does nothing that is not done otherwise.
//!
//! One of the N shards is in memory at a time, and all of the M.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::{StoreConfig, StoreError};
use super::logs;
use super::replay::Replay;
use super::ring::Sleeper;
use super::save::{Course, Pace, Saved, Saves, Slip, Written};
use crate::command::CommandError;
use crate::keyspace::Most;
use crate::log::{Found, Laid};
use crate::shard::{Out, Shard, ShardConfig};
use crate::slot::Slot;
use crate::snapshot::{Codec, Meta, Summary};
use crate::value;

/// How long nobody looks whether a file is written, where nobody says so.
const LOOK: Duration = Duration::from_millis(100);

/// A folder that was of another number of shards when the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resharded {
    /// How many shards it had.
    pub from: usize,
    /// How many it has.
    pub to: usize,
    /// How many keys it has.
    pub keys: u64,
    /// How long that took.
    pub took: Duration,
}

/// One line for people.
impl fmt::Display for Resharded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resharded { from, to, keys, .. } = self;
        let ms = self.took.as_millis();
        write!(
            f,
            "the data folder was of {from} shards and is re-sharded to {to}: {keys} keys in {ms} ms"
        )
    }
}

/// What the folder holds, of another number of shards.
struct Source {
    shards: usize,
    /// The snapshot that it goes on from.
    base: Option<Saved>,
    /// Its logs: none, where the snapshot has all.
    logs: Vec<Found>,
    /// The number of the last joint.
    joints: u64,
}

/// Makes the store's folder one of as many shards as are wanted, where it is of another number; `None`: it was not.
///
/// # Errors
/// What is there cannot be recovered, or what is to be cannot be written: then nothing of it has changed.
pub(super) fn reshard(
    config: &StoreConfig,
    saves: &Arc<Saves>,
) -> Result<Option<Resharded>, StoreError> {
    let began = Instant::now();
    let Some(mut source) = Source::find(config, saves)? else {
        return Ok(None);
    };
    value::seed_names(config.seed);
    let shards = 0..config.shards;
    let mut shards: Vec<Shard> =
        (shards.map(|number| unbounded(config, config.seed, number))).collect::<Result<_, _>>()?;
    source.recover(config, saves, &mut shards)?;
    for log in &mut source.logs {
        log.remove_leftovers()?;
    }
    let course = saves.begin(config.opened, source.joints, Pace::default())?;
    let keys = switch(config, saves, &course, shards)?;
    Ok(Some(Resharded {
        from: source.shards,
        to: config.shards,
        keys,
        took: began.elapsed(),
    }))
}

/// An empty shard, from which nothing is evicted.
fn unbounded(config: &StoreConfig, seed: u64, number: usize) -> Result<Shard, StoreError> {
    let shard = Shard::open(&ShardConfig {
        seed: ShardConfig::seed_of(seed, number),
        maxmemory: 0,
        policy: config.policy.clone(),
        samples: config.samples,
        databases: config.databases,
        limits: config.limits,
    });
    let mut shard = shard.map_err(StoreError::Memory)?;
    shard.keyspace().begin(config.opened, 0, false);
    Ok(shard)
}

impl Source {
    /// What the folder holds, unless it is of as many shards as are wanted.
    fn find(config: &StoreConfig, saves: &Saves) -> Result<Option<Source>, StoreError> {
        let wanted = config.shards;
        let (base, newest) = (saves.base(), saves.newest());
        let known = base.as_ref().map(|base| base.shards.len());
        let logged = match known {
            Some(_) => known,
            None => logs::shards(config)?,
        };
        let is_other = |shards: usize| shards != wanted;
        let newest_is_other = newest.as_ref().is_some_and(|it| is_other(it.shards.len()));
        if !logged.is_some_and(is_other) && (base.is_some() || !newest_is_other) {
            return Ok(None);
        }
        let (logs, joints) = match logged {
            Some(shards) => logs::find(config, shards, base.as_ref())?,
            None => (Vec::new(), 0),
        };
        let mut is_logged = base.is_some();
        for log in &logs {
            is_logged |= log.counts()?;
        }
        let Some(shards) = logged.filter(|_| is_logged) else {
            let shards = newest.as_ref().map(|it| it.shards.len()).or(logged);
            let source = shards.map(|shards| Source::of_newest(shards, newest, logs, joints));
            return source.transpose();
        };
        if !is_other(shards) {
            return Ok(None);
        }
        if newest != base {
            return Err(saves.beside_logs(shards, wanted));
        }
        Ok(Some(Source {
            shards,
            base,
            logs,
            joints,
        }))
    }

    /// Logs of which no record counts go on from whatever is newest.
    fn of_newest(
        shards: usize,
        newest: Option<Saved>,
        logs: Vec<Found>,
        joints: u64,
    ) -> Result<Source, StoreError> {
        // They have to be seen to have nothing: what is torn goes, as in any opening.
        for log in logs {
            log.open(&mut |_| Ok(()))?;
        }
        Ok(Source {
            shards,
            base: newest,
            logs: Vec::new(),
            joints,
        })
    }

    /// Lets `shards`, which are empty, have all of it, each the keys that it owns.
    fn recover(
        &self,
        config: &StoreConfig,
        saves: &Saves,
        shards: &mut [Shard],
    ) -> Result<(), StoreError> {
        let base = self.base.as_ref();
        let seed = base.and_then(|base| saves.seed(base, self.shards));
        for number in 0..self.shards {
            let mut shard = unbounded(config, seed.unwrap_or(config.seed), number)?;
            if let Some(base) = base {
                saves.load(base, (number, self.shards), &mut shard)?;
            }
            if let Some(log) = self.logs.get(number) {
                let mut replay = Replay::new(&mut shard);
                log.read(&mut |record| replay.take(record))?;
                (replay.finish()).map_err(|refused| StoreError::Refused(refused.to_string()))?;
            }
            share_out(&mut shard, config, shards)
                .map_err(|error| StoreError::Refused(error.to_string()))?;
        }
        Ok(())
    }
}

/// Gives each of `shards` what it owns of the keys of `from`.
fn share_out(
    from: &mut Shard,
    config: &StoreConfig,
    shards: &mut [Shard],
) -> Result<(), CommandError> {
    let keyspace = from.keyspace();
    keyspace.load_rest()?;
    let (mut done, mut out) = (Ok(()), Out::default());
    keyspace.dump(config.opened, &mut |op| {
        if let Some(key) = op.key().filter(|_| done.is_ok()) {
            let owner = Slot::of(key).shard(shards.len());
            done = shards[owner].replay(op, &mut out);
        }
    });
    done
}

/// Makes what `shards` hold durable beside what the folder has, and then lets it take the place of that; how many keys.
fn switch(
    config: &StoreConfig,
    saves: &Arc<Saves>,
    course: &Arc<Course>,
    shards: Vec<Shard>,
) -> Result<u64, StoreError> {
    let log_config = logs::config(config, config.shards, course.number)?;
    let laid = Laid::lay(&log_config)?;
    let switched =
        write(config, saves, course, &laid, shards).and_then(|made| publish(saves, course, made));
    // What may count after a crash stays as it is.
    if switched.is_err() && !course.may_count() {
        laid.remove();
        saves.sweep();
    }
    switched
}

/// Writes a snapshot of each of `shards`, which goes with it.
fn write(
    config: &StoreConfig,
    saves: &Arc<Saves>,
    course: &Arc<Course>,
    laid: &Laid,
    shards: Vec<Shard>,
) -> Result<Saved, StoreError> {
    let mut written = Vec::with_capacity(shards.len());
    for (number, mut shard) in shards.into_iter().enumerate() {
        let keyspace = shard.keyspace();
        keyspace.begin(config.opened, 0, false);
        let mut meta = Meta {
            shard: number as u32,
            shards: config.shards as u32,
            seed: config.seed,
            codec: Codec::compressing(config.compress),
            sequence: laid.covered,
            log: laid.id,
            taken: course.taken,
            save: course.number,
            ..Meta::default()
        };
        keyspace.describe(&mut meta);
        let summary = wait_for(course, |slip| {
            keyspace.capture(Box::new(saves.pen(course, &meta, slip)));
            while !keyspace.capture_slice(Most::HASTY).is_last {}
        })?;
        written.push(Written {
            sequence: laid.covered,
            log: laid.id,
            keys: summary.keys,
            bytes: summary.bytes,
        });
    }
    Ok(Saved {
        number: course.number,
        taken: course.taken,
        joints: course.joints,
        shards: written,
    })
}

/// Lets `made` count, of which every file is durable; how many keys it has.
fn publish(saves: &Arc<Saves>, course: &Arc<Course>, made: Saved) -> Result<u64, StoreError> {
    wait_for(course, |slip| saves.publish(course, &made, slip))?;
    let keys = made.shards.iter().map(|shard| shard.keys).sum();
    saves.count(made);
    Ok(keys)
}

/// Asks for something to be written, and waits until it is.
fn wait_for(course: &Course, ask: impl FnOnce(Arc<Slip>)) -> Result<Summary, StoreError> {
    let sleeper = Sleeper::new();
    let slip = Slip::new(sleeper.waker());
    ask(Arc::clone(&slip));
    loop {
        if let Some(done) = slip.take() {
            // What went wrong says more than that it was given up since then.
            return done.map_err(|error| course.take_failure().unwrap_or(error));
        }
        sleeper.sleep(LOOK, || false);
    }
}
