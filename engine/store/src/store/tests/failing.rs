//! What the log of one shard takes with it when it fails: of the others as much as must not be kept without its part, and
//! no more.

use super::durable::logged;
use super::tagged::Bench;
use crate::disk::{Fault, MemoryDisk, PowerLoss};
use crate::log::Fsync;
use crate::store::{Store, StoreConfig};

const EIO: i32 = 5;

/// Two shards, with a worker each where the machine has two cores, and a key of each.
struct Two {
    disk: MemoryDisk,
    bench: Bench,
    healthy: String,
    failing: String,
}

impl Two {
    fn new(fsync: Fsync) -> Two {
        let disk = MemoryDisk::new();
        let bench = Bench::open(Two::config(&disk, fsync));
        let [healthy, failing] = keys(&bench.store);
        let mut two = Two {
            disk,
            bench,
            healthy,
            failing,
        };
        // Room for what comes is made with the first write of each.
        for key in [two.healthy.clone(), two.failing.clone()] {
            assert_eq!(two.bench.run(0, &format!("set {key} 0")), "+OK ");
        }
        two.bench.pass(2_000);
        two
    }

    fn config(disk: &MemoryDisk, fsync: Fsync) -> StoreConfig {
        StoreConfig {
            shards: 2,
            ..logged(disk, fsync)
        }
    }

    /// The next step of the disk fails.
    fn fail_next(&self) {
        let next = self.disk.steps() + 1;
        self.disk.fail_at(next, Fault::Error(EIO));
    }

    /// The worker that owns the shard of `key`.
    fn owner(&self, key: &str) -> usize {
        let store = &self.bench.store;
        store.placement()[store.shard_of(key.as_bytes())].worker
    }

    /// The next write to the failing shard's log fails.
    fn fail(&mut self) {
        self.fail_next();
        let write = format!("set {} lost", self.failing);
        let refused = self.bench.run(0, &write);
        assert!(refused.starts_with("-MISCONF "), "{refused}");
    }

    /// Which shards' logs have failed.
    fn failed(&self) -> Vec<usize> {
        let failures = self.bench.store.log_failures();
        failures.map(|(shard, _)| shard).collect()
    }

    /// The healthy shard takes writes, and makes them durable.
    fn goes_on(&mut self) {
        for value in 5..8 {
            let write = format!("set {} {value}", self.healthy);
            assert_eq!(self.bench.run(value, &write), "+OK ");
            self.bench.pass(2_000);
        }
        assert_eq!(self.failed(), [1]);
    }

    /// What both keys hold when power was lost and the store is opened again.
    fn after_power_loss(self) -> [String; 2] {
        let Two {
            disk,
            bench,
            healthy,
            failing,
        } = self;
        drop(bench);
        disk.lose_power(PowerLoss::Nothing, 1);
        let mut bench = Bench::open(Two::config(&disk, Fsync::No));
        [healthy, failing].map(|key| bench.run(0, &format!("get {key}")))
    }
}

/// A key of each shard.
fn keys(store: &Store) -> [String; 2] {
    [0, 1].map(|shard| {
        let mut keys = (0..).map(|number| format!("k{number}"));
        keys.find(|key| store.shard_of(key.as_bytes()) == shard)
            .expect("slots are spread")
    })
}

/// A shard whose log failed has no part in what others write: they would lose it with that shard's part.
#[test]
fn a_log_that_failed_before_leaves_the_others_whole() {
    let mut two = Two::new(Fsync::EVERYSEC);
    two.fail();
    let (healthy, failing) = (two.healthy.clone(), two.failing.clone());
    let get = format!("get {failing}");
    for worker in 0..2 {
        let write = format!("set {healthy} {worker}!");
        let both = two.bench.transact(worker, &[&get, &write], None);
        assert!(
            both.starts_with("-EXECABORT ") && both.contains("MISCONF "),
            "{both}"
        );
        let read = format!("get {healthy}");
        assert_ne!(two.bench.run(worker, &read), format!("$2 {worker}! "));
        // What writes nothing is answered, and the other shard goes on.
        let reads = two.bench.transact(worker, &[&get, &read], None);
        assert!(reads.starts_with("*2 "), "{reads}");
        two.goes_on();
    }
}

/// The log fails after its shard has agreed to stand still, and before anything is changed: what was to be done is
/// refused, and the other shard loses nothing.
#[test]
fn a_log_that_fails_before_anything_is_changed_takes_no_other_with_it() {
    for transacts in [false, true] {
        let mut two = Two::new(Fsync::EVERYSEC);
        let (healthy, failing) = (two.healthy.clone(), two.failing.clone());
        let (asks, fails) = (two.owner(&healthy), two.owner(&failing));
        if asks == fails {
            // One worker does all of it in one turn.
            return;
        }
        // It is given to the disk in the turn in which the shard is asked to stand still.
        let first = two.bench.send(fails, &format!("set {failing} lost"));
        two.fail_next();
        let refused = if transacts {
            let ops = [format!("set {healthy} 1"), format!("set {failing} 1")];
            two.bench.transact(asks, &[&ops[0], &ops[1]], None)
        } else {
            two.bench
                .run(asks, &format!("mset {healthy} 1 {failing} 1"))
        };
        assert!(refused.contains("MISCONF "), "{refused}");
        assert_eq!(refused.starts_with("-EXECABORT "), transacts, "{refused}");
        let lost = two.bench.heard(first);
        assert!(lost.starts_with("-MISCONF "), "{lost}");
        assert_eq!(two.bench.run(asks, &format!("get {healthy}")), "$1 0 ");
        two.goes_on();
        assert_eq!(two.after_power_loss(), ["$1 7 ", "$1 0 "]);
    }
}

/// What only read on a shard leaves nothing there that hangs on others: its log goes on, and is not cut there.
#[test]
fn a_log_that_fails_leaves_those_whole_of_shards_that_were_only_read() {
    let mut two = Two::new(Fsync::EVERYSEC);
    let ops = [
        format!("get {}", two.healthy),
        format!("set {} 1", two.failing),
    ];
    for worker in 0..2 {
        let both = two.bench.transact(worker, &[&ops[0], &ops[1]], None);
        assert_eq!(both, "*2 $1 0 +OK ");
    }
    two.fail();
    two.goes_on();
    assert_eq!(two.after_power_loss(), ["$1 7 ", "$1 0 "]);
}

/// What changed both is kept by both or by none: where one log fails before its part is durable, the other stops, too,
/// since memory has what its log must not keep.
#[test]
fn a_log_that_fails_takes_those_with_it_that_were_changed_together_with_its_shard() {
    let mut two = Two::new(Fsync::EVERYSEC);
    let (healthy, failing) = (two.healthy.clone(), two.failing.clone());
    assert_eq!(
        two.bench.run(0, &format!("mset {healthy} 1 {failing} 1")),
        "+OK "
    );
    two.fail();
    for worker in 0..2 {
        let refused = two.bench.run(worker, &format!("set {healthy} 2"));
        assert!(refused.starts_with("-MISCONF "), "{refused}");
    }
    assert_eq!(two.failed(), [0, 1]);
    assert_eq!(two.after_power_loss(), ["$1 0 ", "$1 0 "]);
}
