//! Logs on every device: what is promised is there when the log is opened again.

use std::path::Path;
use std::time::{Duration, Instant};

use seawall_store::log::device::{DEVICES, DeviceKind};
use seawall_store::log::{Found, Fsync, Log, LogConfig, LogError, Recovery};
use seawall_store::{Effects, Millis, Op};

fn effects(i: u64) -> Effects {
    let mut effects = Effects::default();
    let key = format!("key:{i}");
    effects.push(&Op::parse([&b"set"[..], key.as_bytes(), b"value"]).unwrap());
    effects
}

fn open(config: &LogConfig) -> Result<(Log, Recovery, Vec<Vec<u8>>), LogError> {
    let mut records = Vec::new();
    let (log, recovery) = Log::open(config, 0, &mut |bytes| {
        records.push(bytes.to_vec());
        Ok(())
    })?;
    if let Some(notice) = &recovery.notice {
        println!("{notice}");
    }
    Ok((log, recovery, records))
}

fn config(folder: &Path, device: &DeviceKind, fsync: Fsync) -> LogConfig {
    LogConfig {
        device: device.clone(),
        fsync,
        ..LogConfig::new(folder.join("made/here"), 1, 7)
    }
}

/// Turns until `sequence` is durable.
fn turn_until(log: &mut Log, now: Millis, sequence: u64) {
    let start = Instant::now();
    while log.turn(now).unwrap() < sequence {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            log.stats()
        );
        std::thread::yield_now();
    }
}

#[test]
fn every_device_under_every_setting_keeps_what_it_promised() {
    for entry in DEVICES {
        for fsync in [Fsync::Always, Fsync::EVERYSEC, Fsync::No] {
            let folder = tempfile::tempdir().unwrap();
            // Small segments: the log rolls again and again, with records waiting meanwhile.
            let config = LogConfig {
                segment_bytes: 500,
                ..config(folder.path(), &(entry.kind)(), fsync)
            };
            let (mut log, recovery, records) = open(&config).unwrap();
            assert_eq!((recovery.records, records.len()), (0, 0));
            for i in 1..=200 {
                assert_eq!(log.append(&effects(i)), i);
                if i % 3 == 0 {
                    log.turn(Millis(i * 10)).unwrap();
                }
                if i % 20 == 0 {
                    assert_eq!(log.sync().unwrap(), i);
                }
            }
            if fsync == Fsync::Always {
                turn_until(&mut log, Millis(2_000), 200);
            }
            assert_eq!(log.sync().unwrap(), 200);
            let stats = log.stats();
            assert_eq!(stats.buffered_bytes, 0);
            assert_eq!(stats.synced_bytes, stats.written_bytes);
            assert!(stats.segments > 3 && stats.syncs > 0, "{stats:?}");
            drop(log);

            let (mut log, recovery, records) = open(&config).unwrap();
            assert_eq!(recovery.torn, None, "{} {fsync}", entry.name);
            assert!(recovery.segments as u64 > stats.segments);
            let expected = (1..=200).map(|i| effects(i).as_bytes().to_vec());
            assert!(records.into_iter().eq(expected), "{} {fsync}", entry.name);
            assert_eq!((log.durable(), log.append(&effects(201))), (200, 201));
            log.sync().unwrap();
        }
    }
}

#[test]
fn every_second_syncs_once_a_second() {
    for entry in DEVICES {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), &(entry.kind)(), Fsync::EVERYSEC);
        let (mut log, ..) = open(&config).unwrap();
        for ms in 0..=3_500 {
            log.append(&effects(ms + 1));
            log.turn(Millis(1_000_000 + ms)).unwrap();
        }
        // One at 1, 2 and 3 seconds; a disk may still be busy with one of them.
        let syncs = log.stats().syncs;
        assert!(syncs <= 3, "{}: {syncs}", entry.name);
        turn_until(&mut log, Millis(1_003_500), 1);
        assert!(
            (1..=3).contains(&log.stats().syncs),
            "{}: {:?}",
            entry.name,
            log.stats()
        );
        // Another second, and the rest follows.
        turn_until(&mut log, Millis(1_005_000), 3_501);
    }
}

#[test]
fn devices_read_each_others_logs() {
    let folder = tempfile::tempdir().unwrap();
    let devices = [DeviceKind::Uring, DeviceKind::File, DeviceKind::Uring];
    for (i, device) in devices.iter().enumerate() {
        let (mut log, _, records) = open(&config(folder.path(), device, Fsync::Always)).unwrap();
        assert_eq!(records.len(), i);
        log.append(&effects(i as u64));
        log.sync().unwrap();
    }
}

#[test]
fn a_log_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &DeviceKind::File, Fsync::Always);
    let (log, ..) = open(&config).unwrap();
    let error = open(&config).unwrap_err().to_string();
    assert!(
        error.contains("00000-log.lock: another store has it open"),
        "{error}"
    );
    drop(log);
    open(&config).unwrap();
}

#[test]
fn segments_go_when_a_snapshot_covers_them() {
    for entry in DEVICES {
        let folder = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_bytes: 500,
            ..config(folder.path(), &(entry.kind)(), Fsync::Always)
        };
        let (mut log, ..) = open(&config).unwrap();
        for i in 1..=100 {
            log.append(&effects(i));
            log.sync().unwrap();
        }
        let removed = log.trim(90).unwrap();
        assert!(removed > 3, "{}: {removed}", entry.name);
        log.append(&effects(101));
        log.sync().unwrap();
        drop(log);
        let mut applied = 0;
        let opened = Found::find(&config, 0, 90, 0).unwrap().open(&mut |_| {
            applied += 1;
            Ok(())
        });
        assert_eq!(opened.unwrap().0.durable(), 101);
        assert_eq!(applied, 11, "{}", entry.name);
    }
}

#[test]
fn leftovers_and_strangers() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &DeviceKind::File, Fsync::Always);
    std::fs::create_dir_all(&config.dir).unwrap();
    let unfinished = config.dir.join("00000-00000000000000000009.log.tmp");
    let stranger = config.dir.join("readme.txt");
    std::fs::write(&unfinished, "half a head").unwrap();
    std::fs::write(&stranger, "mine").unwrap();
    open(&config).unwrap();
    assert!(!unfinished.exists() && stranger.exists());

    let text = config.dir.join("00000-00000000000000000001.log");
    std::fs::write(
        &text,
        "a text and no log, long enough for a head\n".repeat(5),
    )
    .unwrap();
    let error = open(&config).unwrap_err().to_string();
    assert!(
        error.contains("00000000001.log is not a segment of this log"),
        "{error}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("made"), "a file").unwrap();
    for device in [DeviceKind::File, DeviceKind::Uring] {
        let error = open(&config(folder.path(), &device, Fsync::No))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot make the folder"), "{error}");
        assert!(error.contains("made/here"), "{error}");
    }
}
