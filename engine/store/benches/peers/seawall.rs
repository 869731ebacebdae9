//! Ours: a store in this process, each thread one of its workers.

use seawall_store::command::set::SET;
use seawall_store::{Op, Store, StoreConfig, Worker};

use super::key::{VALUE_BYTES, key, value};
use super::store::{BATCH, Peer, Seat};

/// How often a thread takes in what the other one answered.
const REAP: u32 = 64;

impl Peer for Store {
    const NAME: &str = "Seawall";
    type Seat<'a> = WorkerSeat;

    fn load(keys: u32, threads: usize) -> Store {
        let store = Store::open(StoreConfig {
            shards: threads,
            ..StoreConfig::default()
        })
        .expect("a store in memory opens");
        let workers = store.spawn().expect("its workers start");
        let mut session = store.session();
        for number in 0..keys {
            session.submit(&Op::new(&SET).arg(key(number)).arg(value(number)));
            if number % 256 == 0 {
                session.ready(|reply| assert!(reply.is_ok()));
            }
        }
        session.complete(|reply| assert!(reply.is_ok()));
        drop(workers);
        store
    }

    fn seat(&self, _thread: usize) -> WorkerSeat {
        WorkerSeat {
            worker: self.attach().expect("a seat is free"),
            store: self.clone(),
            alone: self.workers() == 1,
            ops: 0,
            pairs: [([0; 16], [0; VALUE_BYTES]); BATCH],
        }
    }
}

/// A worker, and how many writes it sent since it last looked at answers.
pub struct WorkerSeat {
    worker: Worker,
    store: Store,
    alone: bool,
    ops: u32,
    pairs: [([u8; 16], [u8; VALUE_BYTES]); BATCH],
}

impl Seat for WorkerSeat {
    #[inline]
    fn get(&mut self, number: u32, value: &mut Vec<u8>) -> bool {
        self.worker.get(&key(number), value) == Ok(true)
    }

    #[inline]
    fn get_batch(&mut self, numbers: &[u32], values: &mut Vec<u8>) -> usize {
        let mut keys = [[0; 16]; BATCH];
        for (key, &number) in keys.iter_mut().zip(numbers) {
            *key = super::key::key(number);
        }
        let mut found = 0;
        self.worker.get_each(&keys[..numbers.len()], |_, value| {
            if let Ok(Some(value)) = value {
                values.extend_from_slice(value);
                found += 1;
            }
        });
        found
    }

    #[inline]
    fn set(&mut self, number: u32) {
        let (key, value) = (key(number), value(number));
        if self.alone || self.worker.is_own(&key) {
            assert_eq!(self.worker.set(&key, &value), Ok(()));
            return;
        }
        // What goes to the other worker is not waited for.
        self.worker.submit(&Op::new(&SET).arg(key).arg(value));
        self.ops += 1;
        if self.ops.is_multiple_of(REAP) {
            self.worker.ready(|reply| assert!(reply.is_ok()));
        }
    }

    #[inline]
    fn set_batch(&mut self, numbers: &[u32]) {
        let mut own = 0;
        for &number in numbers {
            let key = key(number);
            if self.alone || self.worker.is_own(&key) {
                self.pairs[own] = (key, value(number));
                own += 1;
            } else {
                self.set(number);
            }
        }
        assert_eq!(self.worker.set_each(&self.pairs[..own]), Ok(()));
    }

    fn leave(&mut self, all_done: impl Fn() -> bool) {
        self.worker.complete(|reply| assert!(reply.is_ok()));
        // The other thread's last ops may still come here.
        while !all_done() {
            self.worker.turn(self.store.now());
        }
    }
}
