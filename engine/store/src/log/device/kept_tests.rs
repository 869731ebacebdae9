//! Devices on files: what they were given is what their files hold, however it came there.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::event::{EventfdFlags, eventfd};
use seawall_sys::ring::Ring;

use super::appender::Appender;
use super::file::FileDevice;
use super::room::Room;
use super::uring::{RING_ENTRIES, UringDevice};
use super::{Bell, Device, Progress};
use crate::disk::{Disk, DiskFile, RealDisk};

const HEAD: &[u8] = b"head";
const STEP_BYTES: u64 = 64 << 10;

/// Both devices, where there is a ring, each with a segment that has a head.
fn devices(folder: &Path) -> Vec<Box<dyn Device>> {
    let end = |name: &str| {
        fs::create_dir(folder.join(name)).unwrap();
        let disk = RealDisk::new(&folder.join(name));
        let file = disk.create("0").unwrap();
        file.write_at(HEAD, 0).unwrap();
        let len = HEAD.len() as u64;
        Appender::new(disk, "0".to_owned(), file, len, Room::new(STEP_BYTES, len))
    };
    let mut devices: Vec<Box<dyn Device>> = vec![Box::new(FileDevice::new(end("file")))];
    if let Ok(ring) = Ring::new(RING_ENTRIES) {
        devices.push(Box::new(UringDevice::new(ring, end("uring"))));
    }
    devices
}

fn bell() -> Bell {
    Bell {
        fd: Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap()),
        ring: Arc::new(|| ()),
        is_for_one: true,
    }
}

/// Waits until all is durable.
fn settle(device: &mut dyn Device) -> Progress {
    loop {
        let progress = device.poll(true).unwrap();
        if !device.is_under_way() {
            return progress;
        }
    }
}

/// Waits until the file is longer than that: room was filled ahead.
fn wait_for_room(path: &Path, device: &mut dyn Device, len: u64) {
    for _ in 0..3_000 {
        device.poll(false).unwrap();
        if fs::metadata(path).unwrap().len() > len {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no room was filled behind {len}");
}

#[test]
fn files_hold_what_was_given_whoever_wrote_it_and_zeroes_behind() {
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        for mut device in devices(folder.path()) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let name = device.name();
            assert!(device.wake_by(&bell()), "{name}");
            let folder = folder.path().join(name);
            let mut given = 0;
            for segment in 0..3 {
                let mut whole = HEAD.to_vec();
                for _ in 0..rng.random_range(1..200) {
                    // Mostly what is synced in the call, and at times what is larger than the room that there is.
                    let most = *[100, 3_000, 20_000, 300_000]
                        .get(rng.random_range(0..16))
                        .unwrap_or(&1_000);
                    let mut bytes = vec![0; rng.random_range(1..=most)];
                    rng.fill(&mut bytes[..]);
                    whole.extend_from_slice(&bytes);
                    given += bytes.len() as u64;
                    device.write(&mut bytes).unwrap();
                    assert!(bytes.is_empty());
                    match rng.random_range(0..10) {
                        0 => {}
                        1 if device.can_sync() => device.sync(false).unwrap(),
                        _ if device.can_sync() => {
                            device.sync(true).unwrap();
                            device.look_ahead();
                            device.look_ahead();
                        }
                        _ => {}
                    }
                    device.poll(false).unwrap();
                    while !device.can_write() {
                        device.poll(true).unwrap();
                    }
                }
                settle(&mut *device);
                device.sync(true).unwrap();
                assert_eq!(settle(&mut *device).synced, given, "{name}, seed {seed}");
                let path = folder.join(segment.to_string());
                let found = fs::read(&path).unwrap();
                assert!(found[..whole.len()] == whole, "{name}, seed {seed}");
                let behind = &found[whole.len()..];
                assert!(behind.iter().all(|byte| *byte == 0), "{name}, seed {seed}");
                let most = 3 * STEP_BYTES as usize;
                assert!(
                    behind.len() <= most,
                    "{name}, seed {seed}: {}",
                    behind.len()
                );
                device
                    .roll((segment + 1).to_string(), HEAD.to_vec())
                    .unwrap();
                settle(&mut *device);
                assert!(
                    fs::read(&path).unwrap() == whole,
                    "{name}, seed {seed}: sealed"
                );
            }
        }
    }
}

#[test]
fn room_is_filled_where_answers_wait_for_small_syncs() {
    let folder = tempfile::tempdir().unwrap();
    for mut device in devices(folder.path()) {
        let path = folder.path().join(device.name()).join("0");
        let mut commit = |urgent| {
            device.write(&mut vec![7; 100]).unwrap();
            device.sync(urgent).unwrap();
            if urgent {
                device.look_ahead();
            }
            settle(&mut *device);
        };
        commit(false);
        assert_eq!(fs::metadata(&path).unwrap().len(), STEP_BYTES, "reserved");
        commit(true);
        wait_for_room(&path, &mut *device, STEP_BYTES);
    }
}

#[test]
fn another_file_of_the_same_name_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for mut device in devices(folder.path()) {
        let folder = folder.path().join(device.name());
        fs::rename(folder.join("0"), folder.join("moved")).unwrap();
        fs::write(folder.join("0"), b"another").unwrap();
        for _ in 0..100 {
            device.write(&mut vec![7; 1_000]).unwrap();
            device.sync(true).unwrap();
            device.look_ahead();
            settle(&mut *device);
        }
        // The keeper's jobs are done in order: the filling that was asked for first, too.
        device.roll("1".to_owned(), HEAD.to_vec()).unwrap();
        settle(&mut *device);
        assert_eq!(fs::read(folder.join("0")).unwrap(), b"another");
        let moved = fs::metadata(folder.join("moved")).unwrap();
        assert_eq!(moved.len(), HEAD.len() as u64 + 100_000);
    }
}
