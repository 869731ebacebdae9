//! A worker: one pinned thread with its network, its clients and its shards.
//!
//! ```text
//!  turn:  network ─► connections ─► ops ─► shards ─► answers ─► connections ─► network
//! ```
//!
//! What came in is begun, the shards take a turn, what they answered is put in order, and the replies
//! of the turn leave together when the network next asks the kernel. It sleeps, in the network's wait,
//! only where nothing is to be done; other workers wake it.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connection::Language;
use crate::ending::Phase;
use crate::hub::Hub;
use crate::mailbox::Message;
use crate::net::{self, Listener, Net};
use crate::server::Server;

/// Between two looks at what no event tells of: clients' silence, expired keys.
const CRON: Duration = Duration::from_millis(100);
/// How often it is looked, in one turn, for what has come meanwhile.
const GATHERINGS: usize = 4;
/// How long clients that do not read are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What workers make their networks with.
pub struct Network {
    /// The loop.
    pub kind: &'static net::Entry,
    /// Seconds of silence before a client is asked whether it is there.
    pub keep_alive_s: u32,
    /// Where clients come in.
    pub doors: Vec<Door>,
}

/// A socket that all workers share.
pub struct Door {
    /// It.
    pub listener: Listener,
    /// Its address in words.
    pub address: String,
    /// What those speak who come in by it.
    pub language: Language,
}

/// A worker's network, and those whom it serves.
pub struct Worker {
    net: Box<dyn Net>,
    hub: Hub,
    server: Arc<Server>,
    farewell: Farewell,
    /// The thread's CPU time when the last turn ended, where turns are watched.
    spent: Option<Duration>,
}

/// How far clients are on their way out, once the server ends.
#[derive(Clone, Copy, Debug)]
enum Farewell {
    /// It does not.
    NotYet,
    /// They are waited for until then.
    Until(Instant),
    /// They were cut off.
    Over,
}

impl Worker {
    /// Makes the calling thread a worker of `server` that lets clients in; with a line for
    /// people where the network is another one than was asked for.
    ///
    /// # Errors
    /// The thread is refused by the store or the system.
    pub fn begin(
        server: &Arc<Server>,
        network: &Network,
    ) -> Result<(Worker, Option<String>), WorkerError> {
        let store = server.store.attach()?;
        let opened = (network.kind.open)().map_err(WorkerError::Network)?;
        let (mut net, notice) = (opened.net, opened.notice);
        let mut local = Vec::new();
        let mut listen = || {
            net.keep_alive(network.keep_alive_s)?;
            for door in &network.doors {
                net.listen(door.listener.share()?)?;
                local.push((door.address.clone(), door.language));
            }
            Ok(())
        };
        listen().map_err(WorkerError::Network)?;
        let worker = Worker {
            net,
            hub: Hub::new(Arc::clone(server), store, local),
            server: Arc::clone(server),
            farewell: Farewell::NotYet,
            spent: None,
        };
        Ok((worker, notice))
    }

    /// Serves until the server ends, and what was logged is durable.
    ///
    /// # Errors
    /// The network fails as a whole, or the log's end may be lost.
    pub fn serve(mut self) -> Result<(), WorkerError> {
        loop {
            let (wait, wake) = self.hub.sleep(CRON);
            let (net, hub) = (&mut self.net, &mut self.hub);
            let done = net.turn(wait, wake.fd(), &mut |event| hub.event(event));
            self.hub.rouse();
            done.map_err(WorkerError::Network)?;
            self.gather(wake.fd())?;
            self.hub.turn();
            self.hub.flush(&mut *self.net);
            self.watch();
            if self.server.phase() == Phase::Stopping && self.is_over() {
                return Ok(self.hub.sync()?);
            }
        }
    }

    /// Takes in what has come since the turn began, where that shares a sync.
    fn gather(&mut self, wake: BorrowedFd<'_>) -> Result<(), WorkerError> {
        for _ in 0..GATHERINGS {
            if !self.hub.gathers() {
                break;
            }
            let (hub, mut came) = (&mut self.hub, false);
            let done = self.net.turn(Duration::ZERO, wake, &mut |event| {
                came = true;
                hub.event(event);
            });
            done.map_err(WorkerError::Network)?;
            if !came {
                break;
            }
        }
        Ok(())
    }

    /// Notes how much CPU time the turn took, where the latency monitor is on: to ask for it is a system call,
    /// too dear where nobody wants to know.
    fn watch(&mut self) {
        if self.server.calls.latency.threshold_ms() == 0 {
            self.spent = None;
            return;
        }
        let now = seawall_sys::usage::thread_cpu();
        if let Some(before) = self.spent.replace(now) {
            self.server.extremes.turn(now.saturating_sub(before));
        }
    }

    /// Whether this worker may end: its clients have heard all that they asked, and so have those of
    /// the other workers, whom its shards served until then.
    fn is_over(&mut self) -> bool {
        match self.farewell {
            Farewell::NotYet => {
                self.farewell = Farewell::Until(Instant::now() + FAREWELL);
                self.net.deafen();
                self.hub.close_all();
            }
            Farewell::Until(end) if end < Instant::now() => {
                self.farewell = Farewell::Over;
                self.hub.break_all();
            }
            Farewell::Until(_) | Farewell::Over => {}
        }
        if self.hub.is_empty() && self.hub.leave() {
            self.server.tell_all(&Message::Look);
        }
        self.server.is_deserted()
    }
}

/// Why a worker cannot begin, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store has no seat for it, or could not make its log durable.
    #[error(transparent)]
    Store(#[from] seawall_store::StoreError),
    /// The network cannot be had, or failed.
    #[error("the network: {0}")]
    Network(#[source] io::Error),
}
