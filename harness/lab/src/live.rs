//! The same trace through the running store: what it hits there, beside what the lab foretells.
//!
//! A store of one shard with `maxmemory` is driven by its worker: each get that misses is followed by a `SET` of a
//! value as large as the object, sets and deletes are `SET` and `DEL`, TTLs go along as `EX`. The store's
//! clock shows the trace's time, and nobody reads on another core, so one trace gives one result.
//!
//! The store counts against `maxmemory` what an item takes with all that lies beside key and value. [`item_bytes`]
//! tells how much that is; the lab's caches hold objects of that size, and both count the same objects.

use std::ops::Range;

use seawall_store::command::key::DEL;
use seawall_store::command::set::SET;
use seawall_store::evict::PolicySpec;
use seawall_store::keyspace::string_bytes;
use seawall_store::{
    CommandError, Op as StoreOp, ReadPath, Reply, Store, StoreConfig, StoreError, Worker,
};
use seawall_workloads::trace::{Op, Trace};

use crate::clock::Clock;
use crate::counts::{Counts, Parts};

/// A key: an object's dense id in hexadecimal.
const KEY_BYTES: usize = 8;
/// So many requests a worker's turn has, as where clients are served many at once.
const TURN_REQUESTS: usize = 32;

/// What the store takes of `maxmemory` for an object of `size` bytes, its key among them.
pub fn item_bytes(size: u32, expires: bool) -> u64 {
    string_bytes(KEY_BYTES, value_bytes(size), expires)
}

fn value_bytes(size: u32) -> usize {
    (size as usize).saturating_sub(KEY_BYTES)
}

/// Why the store did not serve a trace.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// It does not open.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// It refused an op.
    #[error("the store, at request {request} of the trace: {error}")]
    Refused {
        /// Counted from 0.
        request: usize,
        /// In its words.
        error: CommandError,
    },
}

/// Drives `trace` through a store of `maxmemory` bytes under `policy`; what each part counts.
///
/// # Errors
/// The store does not open, or refuses an op for another reason than that nothing may go.
pub fn drive(
    trace: &Trace,
    parts: &Parts,
    policy: &PolicySpec,
    maxmemory: u64,
    seed: u64,
) -> Result<Vec<Counts>, LiveError> {
    let store = Store::open(StoreConfig {
        shards: 1,
        seed,
        maxmemory,
        policy: policy.clone(),
        // What readers on other cores may still see is freed when they are gone, which is another time each time.
        read_path: ReadPath::OwnerOnly,
        pin: false,
        ..StoreConfig::default()
    })?;
    let mut client = Client {
        worker: store.attach()?,
        zeros: vec![0; trace.sizes().iter().copied().max().unwrap_or(1) as usize],
        value: Vec::new(),
    };
    let mut clock = Clock::new(trace.outline().seconds());
    let ranges = parts.ranges();
    ranges
        .map(|part| client.drive(trace, part, &mut clock))
        .collect()
}

/// Who asks, on the worker's own thread.
struct Client {
    worker: Worker,
    /// What values are made of.
    zeros: Vec<u8>,
    value: Vec<u8>,
}

impl Client {
    fn drive(
        &mut self,
        trace: &Trace,
        part: Range<usize>,
        clock: &mut Clock<'_>,
    ) -> Result<Counts, LiveError> {
        let mut counts = Counts::default();
        for (request, &object) in part.clone().zip(&trace.objects()[part]) {
            let now = clock.at(request);
            if request.is_multiple_of(TURN_REQUESTS) {
                self.worker.turn(now);
            } else {
                self.worker.see(now);
            }
            let key = format!("{object:08x}");
            let (size, ttl_s) = (trace.size(request), trace.ttl_s(request));
            // In rows, bytes are those that the store counts.
            let counted = u32::try_from(item_bytes(size, ttl_s > 0)).unwrap_or(u32::MAX);
            let done = match trace.op(request) {
                Op::Get => {
                    counts.get(counted);
                    self.get(&key).and_then(|hit| {
                        if hit {
                            return Ok(());
                        }
                        counts.miss(counted);
                        self.set(&key, size, ttl_s)
                    })
                }
                Op::Set => self.set(&key, size, ttl_s),
                Op::Delete => self.delete(&key),
            };
            done.map_err(|error| LiveError::Refused { request, error })?;
        }
        Ok(counts)
    }

    fn get(&mut self, key: &str) -> Result<bool, CommandError> {
        self.value.clear();
        self.worker.get(key.as_bytes(), &mut self.value)
    }

    /// Sets a key, unless there is no room for it and nobody may go: the object is not kept then.
    fn set(&mut self, key: &str, size: u32, ttl_s: u32) -> Result<(), CommandError> {
        let mut op = StoreOp::new(&SET)
            .arg(key)
            .arg(&self.zeros[..value_bytes(size)]);
        if ttl_s > 0 {
            op = op.arg(b"EX").arg(ttl_s.to_string());
        }
        match self.run(&op) {
            Err(error) if error == CommandError::OUT_OF_MEMORY => Ok(()),
            done => done,
        }
    }

    fn delete(&mut self, key: &str) -> Result<(), CommandError> {
        self.run(&StoreOp::new(&DEL).arg(key))
    }

    fn run(&mut self, op: &StoreOp) -> Result<(), CommandError> {
        match self.worker.execute(op) {
            Reply::Error(words) => Err(CommandError::new(words)),
            _ => Ok(()),
        }
    }
}
