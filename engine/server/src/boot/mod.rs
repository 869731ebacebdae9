//! Starting and ending a server.

mod listen;
mod store;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use seawall_store::{Store, StoreError};
use seawall_sys::limit::raise_descriptors;
use seawall_sys::usage::resident_bytes;

use crate::config::{FILES_OF_ITS_OWN, Live, Settings};
use crate::net;
use crate::server::Server;
use crate::worker::{Network, Worker, WorkerError};

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A parameter's value is none.
    #[error("{name} {value}: {accepted}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error(
        "{} cannot be used as the data folder: {source}; give another one as dir, or make it writable",
        dir.display()
    )]
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
    /// What the data folder holds cannot be opened.
    #[error("{source}; `seawall check {}` tells what is there", dir.display())]
    Files {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        #[source]
        source: StoreError,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A worker cannot begin, or did not end well.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A thread cannot be started.
    #[error("cannot start a worker's thread: {0}")]
    Thread(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[source] io::Error),
    /// A worker panicked; its thread told why.
    #[error("a worker failed")]
    Panicked,
}

/// A server that runs.
pub struct Running {
    server: Arc<Server>,
    addresses: Vec<SocketAddr>,
    memcached: Vec<SocketAddr>,
    notices: Vec<String>,
    threads: Vec<JoinHandle<Result<(), WorkerError>>>,
    /// Held as long as the data folder is used.
    _folder: Option<std::fs::File>,
}

/// Starts a server with these settings, which came from `file` where there is one: when this returns,
/// clients are answered.
///
/// # Errors
/// The settings cannot be had: the error says what of them.
pub fn serve(mut settings: Settings, file: Option<PathBuf>) -> Result<Running, ServeError> {
    let config = store::config(&settings, u64::from_le_bytes(random()?))?;
    let dir = config.dir.clone();
    let folder = dir.as_deref().map(take_folder).transpose()?;
    let listen::Opened {
        doors,
        addresses,
        memcached,
    } = listen::open(&settings)?;
    let store = Store::open(config).map_err(|source| match dir {
        Some(dir) if source.is_of_files() => ServeError::Files { dir, source },
        _ => source.into(),
    })?;
    store.follow_clock();
    let run_id = random::<20>()?.map(|byte| format!("{byte:02x}")).concat();
    let network = Network {
        kind: net::find(settings.text("net")).unwrap_or(&net::LOOPS[0]),
        keep_alive_s: settings.number("tcp-keepalive") as u32,
        doors,
    };
    let mut notices: Vec<String> = store
        .resharded()
        .map(ToString::to_string)
        .into_iter()
        .collect();
    if !settings.text("save").is_empty() && settings.text("dir").is_empty() {
        let text = "save needs a folder: without dir no snapshot is made, at the end neither";
        notices.push(text.to_owned());
    }
    let wanted = settings.number("maxclients") + FILES_OF_ITS_OWN;
    // Where the kernel tells no limit, clients are refused when it is met.
    if let Ok(files) = raise_descriptors(wanted)
        && files < wanted
    {
        // As many clients as there can be, so that the next is told that there are too many.
        let most = files.saturating_sub(FILES_OF_ITS_OWN).max(1).to_string();
        notices.push(format!(
            "maxclients {} needs {wanted} open files; this process may have {files}: it is {most} now",
            settings.number("maxclients")
        ));
        // It is a number within the parameter's bounds.
        let _ = settings.set_named("maxclients", &most);
    }
    let mut running = Running {
        server: Arc::new(Server::new(store, Live::new(settings, file), run_id)),
        addresses,
        memcached,
        notices,
        threads: Vec::new(),
        _folder: folder,
    };
    let mut failed = None;
    let (began, reports) = mpsc::channel();
    let network = Arc::new(network);
    for number in 0..running.server.store.workers() {
        let (server, network) = (Arc::clone(&running.server), Arc::clone(&network));
        let began = began.clone();
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || work(&server, &network, began));
        match thread {
            Ok(thread) => running.threads.push(thread),
            Err(error) => {
                running.server.desert();
                failed = Some(ServeError::Thread(error));
            }
        }
    }
    drop(began);
    for report in reports {
        match report {
            Ok(notice) => running.notices.extend(notice),
            Err(error) => failed = Some(error.into()),
        }
    }
    let Some(error) = failed else {
        running.notices.dedup();
        let recovered = running.server.store.recovered().iter();
        let kept = recovered.map(|shard| shard.bytes).sum();
        let resident = resident_bytes().unwrap_or(0);
        (running.server.extremes).begin(resident.saturating_sub(kept));
        return Ok(running);
    };
    running.stop();
    // The workers that began end by themselves; why one did not is what matters.
    let _ = running.wait();
    Err(error)
}

type Began = mpsc::Sender<Result<Option<String>, WorkerError>>;

/// Ends the server where a worker does not end as it should: without one it would serve half of its keys.
struct Alarm<'a> {
    server: &'a Server,
    is_over: bool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.server.desert();
            self.server.stop();
        }
    }
}

/// A worker's thread.
fn work(server: &Arc<Server>, network: &Network, began: Began) -> Result<(), WorkerError> {
    // It is dropped after the worker, also where that panics.
    let mut alarm = Alarm {
        server,
        is_over: false,
    };
    let (worker, report) = match Worker::begin(server, network) {
        Ok((worker, notice)) => (Some(worker), Ok(notice)),
        Err(error) => (None, Err(error)),
    };
    // The receiver waits until every worker has told, or dropped its sender.
    let _ = began.send(report);
    drop(began);
    let Some(worker) = worker else {
        return Ok(());
    };
    worker.serve()?;
    alarm.is_over = true;
    Ok(())
}

impl ServeError {
    /// Whether what was asked for is wrong, and not the machine.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            ServeError::Value { .. }
                | ServeError::Listen { .. }
                | ServeError::Folder { .. }
                | ServeError::FolderTaken { .. }
                | ServeError::Files { .. }
        )
    }
}

impl Running {
    /// Where clients connect.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The addresses where it listens for Memcached's clients.
    pub fn memcached_addresses(&self) -> &[SocketAddr] {
        &self.memcached
    }

    /// Lines for the operator.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What its workers share.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Ends without a snapshot: connections are closed when they have heard what they asked, logs are
    /// synced. [`Server::shut_down`] makes one where there are save points.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// A worker failed, or the end of a log may be lost.
    pub fn wait(self) -> Result<(), ServeError> {
        let mut outcome = Ok(());
        for thread in self.threads {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(error.into()),
                Err(_) => outcome = Err(ServeError::Panicked),
            }
        }
        outcome
    }
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
