//! Starting and ending a server.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use seawall_store::{Store, StoreConfig, StoreError};

use crate::limits::Limits;
use crate::net;
use crate::server::Server;
use crate::worker::{Door, Worker, WorkerError};

/// How long clients that do not read are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a server is started with.
#[derive(Clone)]
pub struct Setup {
    /// Where Redis's clients connect; port 0: one that is free.
    pub listen: Vec<SocketAddr>,
    /// The network loop.
    pub net: &'static net::Entry,
    /// The store. Its folder is created.
    pub store: StoreConfig,
    /// Bounds on clients.
    pub limits: Limits,
    /// Seconds of silence before a client is asked whether it is there (`tcp-keepalive`).
    pub keep_alive_s: u32,
}

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("{}: {source}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has the data folder.
    #[error("the data folder {} is in use by another process", dir.display())]
    FolderTaken {
        /// The folder.
        dir: PathBuf,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A worker cannot begin.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A thread cannot be started.
    #[error("cannot start a worker's thread: {0}")]
    Thread(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[source] io::Error),
    /// A worker's network failed.
    #[error("a worker's network failed: {0}")]
    Network(#[source] io::Error),
    /// A worker panicked; its thread told why.
    #[error("a worker failed")]
    Panicked,
}

/// A server that runs.
pub struct Running {
    server: Arc<Server>,
    addresses: Vec<SocketAddr>,
    notices: Vec<String>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    /// Held as long as the data folder is used.
    _folder: Option<std::fs::File>,
}

/// Starts a server: when this returns, clients are answered.
///
/// # Errors
/// The setup cannot be had: the error says what of it.
pub fn serve(setup: &Setup) -> Result<Running, ServeError> {
    let folder = setup.store.dir.as_deref().map(take_folder).transpose()?;
    let mut doors = Vec::new();
    let mut addresses = Vec::new();
    for &address in &setup.listen {
        let listen = |source| ServeError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        doors.push(Door {
            listener: listener.into(),
            local: bound.to_string(),
        });
        addresses.push(bound);
    }
    let store = Store::open(StoreConfig {
        seed: u64::from_le_bytes(random()?),
        ..setup.store.clone()
    })?;
    store.follow_the_clock();
    let run_id = random::<20>()?.map(|byte| format!("{byte:02x}")).concat();
    let server = Arc::new(Server::new(store, setup.limits.clone(), run_id));
    let doors: Arc<[Door]> = doors.into();
    let mut running = Running {
        server,
        addresses,
        notices: Vec::new(),
        threads: Vec::new(),
        _folder: folder,
    };
    let (began, reports) = mpsc::channel();
    for number in 0..running.server.store.workers() {
        let (server, doors, began) = (
            Arc::clone(&running.server),
            Arc::clone(&doors),
            began.clone(),
        );
        let (net, keep_alive_s) = (setup.net, setup.keep_alive_s);
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(
                move || match Worker::begin(&server, &doors, net, keep_alive_s) {
                    Ok((worker, notice)) => {
                        // The receiver waits for every worker.
                        let _ = began.send(Ok(notice));
                        worker.serve().inspect_err(|_| server.stop())
                    }
                    Err(error) => {
                        server.desert();
                        let _ = began.send(Err(error));
                        Ok(())
                    }
                },
            );
        running.threads.push(thread.map_err(ServeError::Thread)?);
    }
    drop(began);
    for report in reports {
        match report {
            Ok(notice) => running.notices.extend(notice),
            Err(error) => {
                running.stop();
                // The threads that began end by themselves; why one did not is what matters.
                let _ = running.wait();
                return Err(error.into());
            }
        }
    }
    Ok(running)
}

impl Running {
    /// Where clients connect.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Lines for the operator.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What its workers share.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Ends: connections are closed when they have heard what they asked, logs are synced.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// A worker failed.
    pub fn wait(self) -> Result<(), ServeError> {
        let mut outcome = Ok(());
        for thread in self.threads {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(ServeError::Network(error)),
                Err(_) => outcome = Err(ServeError::Panicked),
            }
        }
        outcome
    }
}

/// When clients that do not read are no longer waited for.
pub fn farewell() -> Instant {
    Instant::now() + FAREWELL
}

/// Takes a data folder, made where there is none, for this process alone.
fn take_folder(dir: &Path) -> Result<std::fs::File, ServeError> {
    let folder = |source| ServeError::Folder {
        dir: dir.to_owned(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(folder)?;
    let lock = std::fs::File::create(dir.join("seawall.lock")).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::FolderTaken {
            dir: dir.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(folder(source)),
    }
}

fn random<const N: usize>() -> Result<[u8; N], ServeError> {
    use std::io::Read;
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").map_err(ServeError::Random)?;
    source.read_exact(&mut bytes).map_err(ServeError::Random)?;
    Ok(bytes)
}
