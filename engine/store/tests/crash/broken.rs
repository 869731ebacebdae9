//! Disks that lie, and a client that is told too early: the judge has to find them out.

use seawall_store::disk::MemoryDisk;

use crate::anywhere;
use crate::run::Run;

/// Of so many runs at least one has to be found out.
const RUNS: u64 = 200;

fn is_caught(lie: impl Fn(&MemoryDisk)) -> bool {
    (0..RUNS).any(|seed| anywhere::run(seed, |run| lie(&run.disk)).is_err())
}

#[test]
fn a_disk_that_does_not_sync_files() {
    assert!(is_caught(MemoryDisk::break_syncs));
}

/// What a snapshot covers of the logs is gone when it counts: it has to be durable by then.
#[test]
fn a_disk_that_does_not_sync_snapshots() {
    assert!(is_caught(|disk| disk.break_syncs_of(".snapshot")));
}

/// The manifest is synced before it has its name.
#[test]
fn a_disk_that_does_not_sync_manifests() {
    assert!(is_caught(|disk| disk.break_syncs_of(".manifest.tmp")));
}

#[test]
fn a_disk_that_does_not_sync_its_folder() {
    assert!(is_caught(MemoryDisk::break_folder_syncs));
}

/// It is found out by what a program reads that is started again after a sync failed, and serves.
#[test]
fn a_disk_that_keeps_nothing_once_a_sync_failed() {
    assert!(is_caught(MemoryDisk::break_by_failure));
}

/// What needs no op is done before the log has it: its answer is to wait for that.
#[test]
fn an_answer_that_is_not_withheld() {
    assert!((0..RUNS).any(|seed| anywhere::run(seed, Run::be_hasty).is_err()));
}
