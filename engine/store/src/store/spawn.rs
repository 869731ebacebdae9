//! Worker threads that the store starts itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Store, StoreError};

/// The longest sleep of a worker without requests: expired keys and logs wait no longer.
const SLEEP_IDLE: Duration = Duration::from_millis(50);
/// The sleep between looks at a log that is being synced.
const SLEEP_BUSY: Duration = Duration::from_micros(20);

/// Workers on threads of their own. Dropping it stops and joins them; their logs are synced.
pub struct Workers {
    store: Store,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn spawn(store: &Store) -> Result<Workers, StoreError> {
        store.follow_clock();
        let mut workers = Workers {
            store: store.clone(),
            stop: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        let (attached, report) = mpsc::channel();
        // One report by each thread: it has attached, or why it could not.
        for number in 0..store.workers() {
            let (store, stop, attached) =
                (store.clone(), Arc::clone(&workers.stop), attached.clone());
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || run(&store, &stop, &attached));
            workers.threads.push(thread.map_err(StoreError::Thread)?);
        }
        let mut begun = 0;
        for result in report.iter().take(store.workers()) {
            match result {
                Ok(()) => begun += 1,
                // Callers' own threads have attached before: those seats are theirs.
                Err(StoreError::NoSeat { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if begun == 0 {
            let workers = store.workers();
            return Err(StoreError::NoSeat { workers });
        }
        Ok(workers)
    }
}

fn run(store: &Store, stop: &AtomicBool, attached: &mpsc::Sender<Result<(), StoreError>>) {
    let mut worker = match store.attach() {
        Ok(worker) => worker,
        Err(error) => {
            // The receiver lives until every thread has told.
            let _ = attached.send(Err(error));
            return;
        }
    };
    let _ = attached.send(Ok(()));
    // Relaxed: the wake-up that comes with it orders it.
    while !stop.load(Ordering::Relaxed) {
        let turn = worker.turn(store.now());
        if turn.requests == 0 {
            let idle = worker.next_sync().map_or(SLEEP_IDLE, |at| {
                SLEEP_IDLE.min(Duration::from_millis(at.since(store.now())))
            });
            worker.wait(if turn.busy { SLEEP_BUSY } else { idle });
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for door in &self.store.inner.doors {
            door.waker().wake();
        }
        for thread in self.threads.drain(..) {
            // A worker's panic was printed by its thread; here it must not become a second one.
            let _ = thread.join();
        }
    }
}
