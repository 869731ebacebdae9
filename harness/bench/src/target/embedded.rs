//! `embedded`: the store in this process. Each client thread is itself one of the store's workers,
//! pinned to a core, until all workers are taken; further clients are sessions of the store.
//!
//! A `GET` is asked as an embedded caller asks it: read on the calling thread where the read path is
//! `any-core`, and answered at once. Everything else is submitted, and a pipeline's ops travel
//! together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use seawall_store::command::string::GET;
use seawall_store::log::Fsync;
use seawall_store::store::{ReadPath, Session, Store, StoreConfig, Worker, Workers};
use seawall_store::{Millis, Op, Reply};
use seawall_sys::clock::Clock;
use serde_json::{Map, Value};

use super::scratch::Scratch;
use super::{Came, Client, Endpoint, Lookups, Target};
use crate::comparison::Named;
use crate::cost::Cost;
use crate::drive::{self, Drive};

pub(super) static TARGET: Target = Target {
    name: "embedded",
    about: "the store in this process: client threads are its pinned workers",
    source: "DESIGN 3: Store::open, attach",
    form: "embedded",
    which: super::alone,
    absent: super::present,
    takes,
    speaks: None,
    own: false,
    run: drive::run::<Embedded>,
};

/// Settings of sockets and of other processes mean nothing here.
fn takes(_which: &str, named: &Named) -> Result<(), String> {
    named.refuse(
        &[
            "connections",
            "server-threads",
            "flush",
            "latency-monitor-threshold",
            "save",
            "end",
            "page-cache",
            "recovery",
            "bgsave-at",
        ],
        "a store in this process has none",
    )
}

struct Embedded {
    store: Store,
    clock: Clock,
    clients: usize,
    /// Whether a `GET` is read on the calling thread.
    reads_here: bool,
    /// How many clients have taken their place.
    placed: AtomicUsize,
    /// Threads for the workers that no client became.
    spawned: Mutex<Option<Workers>>,
    /// The log's folder, where there is a log. Removed with this.
    folder: Option<Scratch>,
}

impl Endpoint for Embedded {
    type Client<'a> = Caller<'a>;
    const ANSWERS: bool = true;
    const APART: bool = false;

    fn open(drive: &Drive<'_>) -> Result<Embedded, String> {
        let wanted = drive.configuration;
        let clients = drive.clients_wanted();
        let parent = wanted.dir.as_deref().unwrap_or(drive.scratch);
        let folder = wanted
            .appendonly
            .then(|| Scratch::make(parent))
            .transpose()?;
        let store = Store::open(StoreConfig {
            shards: wanted.shards.unwrap_or(clients),
            seed: drive.seed,
            maxmemory: wanted.maxmemory,
            policy: wanted.policy.clone(),
            samples: wanted.samples,
            dir: folder.as_ref().map(|folder| folder.path().to_owned()),
            appendonly: wanted.appendonly,
            appendfsync: wanted.fsync,
            device: (wanted.device.kind)(),
            read_path: wanted.read_path,
            pin: true,
            ..StoreConfig::default()
        })
        .map_err(|error| error.to_string())?;
        let replies_are_held = wanted.appendonly && wanted.fsync == Fsync::Always;
        Ok(Embedded {
            store,
            clock: Clock::start(),
            clients,
            reads_here: wanted.read_path == ReadPath::AnyCore && !replies_are_held,
            placed: AtomicUsize::new(0),
            spawned: Mutex::new(None),
            folder,
        })
    }

    fn threads(&self) -> usize {
        self.clients
    }

    fn client(&self, number: usize) -> Result<Caller<'_>, String> {
        let words = |error: seawall_store::store::StoreError| error.to_string();
        let way = if number < self.store.workers() {
            Way::Worker(Box::new(self.store.attach().map_err(words)?))
        } else {
            Way::Session(Box::new(self.store.session()))
        };
        // AcqRel: whoever is last sees that the others have attached.
        let placed = self.placed.fetch_add(1, Ordering::AcqRel) + 1;
        if placed == self.clients && self.clients < self.store.workers() {
            let workers = self.store.spawn().map_err(words)?;
            *self.spawned.lock().unwrap_or_else(PoisonError::into_inner) = Some(workers);
        }
        Ok(Caller {
            way,
            clock: &self.clock,
            reads_here: self.reads_here,
            submitted: Vec::new(),
            value: Vec::new(),
        })
    }

    fn lookups(&self) -> Option<Lookups> {
        let shards = self.store.session().stats().ok()?;
        Some(Lookups {
            hits: shards.iter().map(|shard| shard.hits).sum(),
            misses: shards.iter().map(|shard| shard.misses).sum(),
        })
    }

    fn cost(&self) -> Result<Cost, String> {
        Ok(Cost::of_this_process())
    }

    fn notes(&self) -> Map<String, Value> {
        let mut notes = Map::new();
        notes.insert("shards".to_owned(), Value::from(self.store.shards()));
        notes.insert("workers".to_owned(), Value::from(self.store.workers()));
        notes.insert(
            "placement".to_owned(),
            Value::from(self.store.placement_text()),
        );
        let mut recovered = self.store.recovered().iter();
        if let Some(notice) = recovered.find_map(|shard| shard.log.as_ref()?.notice.clone()) {
            notes.insert(crate::NOTICE.to_owned(), Value::from(notice));
        }
        notes
    }

    fn close(self, _failed: bool) -> Result<(), String> {
        drop(self.spawned);
        drop(self.store);
        match self.folder {
            Some(folder) => folder.remove(),
            None => Ok(()),
        }
    }
}

enum Way {
    Worker(Box<Worker>),
    Session(Box<Session>),
}

/// A thread that calls the store.
struct Caller<'a> {
    way: Way,
    clock: &'a Clock,
    reads_here: bool,
    /// Tickets of the ops under way, in order.
    submitted: Vec<u64>,
    value: Vec<u8>,
}

impl Client for Caller<'_> {
    fn submit(&mut self, _lane: usize, ticket: u64, op: &Op) -> Result<Option<Reply>, String> {
        if self.reads_here && std::ptr::eq(op.command(), &raw const GET) {
            self.value.clear();
            let found = match &mut self.way {
                Way::Worker(worker) => worker.get(&op[0], &mut self.value),
                Way::Session(session) => session.get(&op[0], &mut self.value),
            };
            return Ok(Some(match found {
                Ok(true) => Reply::Bulk(self.value.clone()),
                Ok(false) => Reply::Nil,
                Err(error) => Reply::Error(error.to_string()),
            }));
        }
        match &mut self.way {
            Way::Worker(worker) => worker.submit(op),
            Way::Session(session) => session.submit(op),
        }
        self.submitted.push(ticket);
        Ok(None)
    }

    fn poll(
        &mut self,
        _until: Instant,
        done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String> {
        if let Way::Worker(worker) = &mut self.way {
            worker.turn(Millis(self.clock.now_ms()));
        }
        if self.submitted.is_empty() {
            if let Way::Session(_) = self.way {
                // Its thread may share a core with a worker that others wait for.
                std::thread::yield_now();
            }
            return Ok(());
        }
        let mut tickets = self.submitted.drain(..);
        let mut missing = false;
        let each = |mut reply| match tickets.next() {
            Some(ticket) => {
                let came = Came {
                    lane: 0,
                    ticket,
                    at: Instant::now(),
                };
                done(came, &mut reply);
            }
            None => missing = true,
        };
        match &mut self.way {
            Way::Worker(worker) => worker.complete(each),
            Way::Session(session) => session.complete(each),
        }
        if missing || tickets.next().is_some() {
            return Err(
                "the store gave another number of replies than it was asked for".to_owned(),
            );
        }
        Ok(())
    }
}
