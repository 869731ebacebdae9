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
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::hub::Hub;
use crate::mailbox::Message;
use crate::net::{self, Listener, Net};
use crate::port::Port;
use crate::server::{Phase, Server};

/// Between two looks at what no event tells of: clients' silence, expired keys.
const CRON: Duration = Duration::from_millis(100);

/// A socket that workers share, and what its clients are told of it.
#[derive(Debug)]
pub struct Door {
    /// It.
    pub listener: Listener,
    /// Its address in words.
    pub local: String,
}

impl Door {
    /// On this address. Port 0: one that is free.
    ///
    /// # Errors
    /// The system refuses.
    pub fn tcp(address: SocketAddr) -> io::Result<Door> {
        let listener = std::net::TcpListener::bind(address)?;
        let local = listener.local_addr()?.to_string();
        Ok(Door {
            listener: Listener::Tcp(listener),
            local,
        })
    }

    fn share(&self) -> io::Result<Listener> {
        Ok(match &self.listener {
            Listener::Tcp(listener) => Listener::Tcp(listener.try_clone()?),
            Listener::Unix(listener) => Listener::Unix(listener.try_clone()?),
        })
    }
}

/// A worker's network, and those whom it serves.
pub struct Worker {
    net: Box<dyn Net>,
    hub: Hub,
    server: Arc<Server>,
    deaf: bool,
}

impl Worker {
    /// Makes the calling thread a worker of `server` that lets clients in at `doors`; with a line for
    /// people where the network is another one than was asked for.
    ///
    /// # Errors
    /// The thread is refused by the store or the system.
    pub fn begin(
        server: &Arc<Server>,
        doors: &[Door],
        kind: &net::Entry,
        keep_alive_s: u32,
    ) -> Result<(Worker, Option<String>), WorkerError> {
        let port = Port::new(server.store.attach()?);
        let opened = (kind.open)().map_err(WorkerError::Network)?;
        let (mut net, notice) = (opened.net, opened.notice);
        net.keep_alive(keep_alive_s).map_err(WorkerError::Network)?;
        let mut local = Vec::new();
        for door in doors {
            let listener = door.share().map_err(WorkerError::Network)?;
            net.listen(listener).map_err(WorkerError::Network)?;
            local.push(door.local.clone());
        }
        let worker = Worker {
            net,
            hub: Hub::new(Arc::clone(server), port, local),
            server: Arc::clone(server),
            deaf: false,
        };
        Ok((worker, notice))
    }

    /// Serves until the server ends.
    ///
    /// # Errors
    /// The network fails as a whole.
    pub fn serve(mut self) -> io::Result<()> {
        loop {
            let (wait, wake) = self.hub.sleep(CRON);
            let (net, hub) = (&mut self.net, &mut self.hub);
            let done = net.turn(wait, wake.fd(), &mut |event| hub.event(event));
            self.hub.rouse();
            done?;
            self.hub.turn();
            self.hub.flush(&mut *self.net);
            if self.server.phase() == Phase::Stopping && self.is_over() {
                return Ok(());
            }
        }
    }

    /// Whether this worker may end: its clients have heard all that they asked, and so have those of
    /// the other workers, whom its shards served until then.
    fn is_over(&mut self) -> bool {
        if !self.deaf {
            self.deaf = true;
            self.net.deafen();
            self.hub.close_all();
        }
        if self.hub.is_empty() && self.hub.leave() {
            self.server.tell_all(&Message::Look);
        }
        self.server.is_deserted()
    }
}

/// Why a worker cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store has no seat for it.
    #[error(transparent)]
    Store(#[from] seawall_store::StoreError),
    /// The network cannot be had.
    #[error("the network: {0}")]
    Network(#[source] io::Error),
}
