//! Disks that lie: the judge has to find them out.

use seawall_store::disk::MemoryDisk;

use crate::anywhere;

/// Of so many runs at least one has to be found out.
const RUNS: u64 = 200;

fn is_caught(lie: impl Fn(&MemoryDisk)) -> bool {
    (0..RUNS).any(|seed| anywhere::run(seed, &lie).is_err())
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
