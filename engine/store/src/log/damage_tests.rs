//! Damage: logs that are cut, flipped, renamed, and what is said of them.

use std::io::Read;

use super::crash_tests::{config, effects, open};
use super::*;
use crate::disk::{Disk, DiskFile, MemoryDisk};
use frame::{Frames, Next};
use segment::HEAD_BYTES;

/// A frame's offset, kind and sequence.
type Placed = (usize, Kind, u64);

/// A log of one segment with marks in it: its bytes, and its frames.
fn written() -> (MemoryDisk, String, Vec<u8>, Vec<Placed>) {
    let disk = MemoryDisk::new();
    let (mut log, ..) = open(&config(&disk, Fsync::No, 1 << 20)).unwrap();
    for i in 1..=12 {
        log.append(&effects(i, i as usize));
        if i % 3 == 0 {
            log.sync().unwrap();
        }
    }
    let name = log.head.name();
    let mut bytes = Vec::new();
    disk.read(&name, 0)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    let room = bytes.split_off(log.segment_len as usize);
    assert!(!room.is_empty() && room.iter().all(|&byte| byte == 0));
    let mut frames = Vec::new();
    let mut reader = Frames::new(
        &bytes[HEAD_BYTES..],
        HEAD_BYTES as u64,
        bytes.len() as u64,
        log.head.salt,
    );
    loop {
        let offset = reader.offset() as usize;
        match reader.read().unwrap() {
            Next::Frame(frame) => frames.push((offset, frame.kind, frame.sequence)),
            Next::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        frames.iter().filter(|frame| frame.1 == Kind::Mark).count(),
        3
    );
    (disk, name, bytes, frames)
}

/// Lets there be this file alone.
fn replace(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    for name in disk.list().unwrap() {
        disk.remove(&name).unwrap();
    }
    let file = disk.create(name).unwrap();
    file.write_at(bytes, 0).unwrap();
}

#[test]
fn cut_at_every_byte() {
    let (disk, name, bytes, frames) = written();
    let config = config(&disk, Fsync::No, 1 << 20);
    for cut in 0..bytes.len() {
        replace(&disk, &name, &bytes[..cut]);
        let opened = open(&config);
        if cut < HEAD_BYTES {
            let error = opened.unwrap_err().to_string();
            assert!(
                error.contains(&name) && error.contains("inside its head"),
                "{error}"
            );
            continue;
        }
        let (log, recovery, records) = opened.unwrap();
        let ends = frames[1..].iter().map(|frame| frame.0).chain([bytes.len()]);
        let whole = frames
            .iter()
            .zip(ends)
            .filter(|(frame, end)| frame.1 == Kind::Effects && *end <= cut);
        assert_eq!(records.len(), whole.count(), "cut at {cut}");
        let at_a_frame = cut == HEAD_BYTES || frames.iter().any(|frame| frame.0 == cut);
        assert_eq!(recovery.torn.is_none(), at_a_frame, "cut at {cut}");
        if let Some(torn) = recovery.torn {
            assert_eq!(torn.offset + torn.bytes, cut as u64);
        }
        drop(log);
    }
}

#[test]
fn every_bit_flipped_is_a_torn_tail_or_damage() {
    let (disk, name, bytes, frames) = written();
    let config = config(&disk, Fsync::No, 1 << 20);
    for bit in 0..bytes.len() * 8 {
        let (at, mut flipped) = (bit / 8, bytes.clone());
        flipped[at] ^= 1 << (bit % 8);
        replace(&disk, &name, &flipped);
        let opened = open(&config);
        if at < HEAD_BYTES {
            assert!(matches!(opened, Err(LogError::Head { .. })), "bit {bit}");
            continue;
        }
        let hit = frames.iter().rposition(|frame| frame.0 <= at).unwrap();
        let whole = frames[..hit]
            .iter()
            .filter(|frame| frame.1 == Kind::Effects)
            .count() as u64;
        let marked = frames[hit + 1..]
            .iter()
            .any(|frame| frame.1 == Kind::Mark && frame.2 > whole);
        match opened {
            Ok((_, recovery, records)) => {
                assert!(!marked, "bit {bit}: durable records were thrown away");
                assert_eq!(records.len() as u64, whole, "bit {bit}");
                assert_eq!(recovery.torn.unwrap().offset, frames[hit].0 as u64);
            }
            Err(LogError::Damaged { file, offset, .. }) => {
                assert!(marked, "bit {bit}: a torn tail was taken for damage");
                assert!(file.ends_with(&name));
                assert_eq!(offset, frames[hit].0 as u64);
                assert_eq!(
                    disk.size(&name).unwrap(),
                    bytes.len() as u64,
                    "nothing is changed"
                );
            }
            Err(error) => panic!("bit {bit}: {error}"),
        }
    }
}

#[test]
fn room_that_was_not_written_to_is_no_damage() {
    let (disk, name, bytes, frames) = written();
    let config = config(&disk, Fsync::No, 1 << 20);
    for room in [1, 16, 17, 5_000] {
        let mut roomy = bytes.clone();
        roomy.resize(bytes.len() + room, 0);
        replace(&disk, &name, &roomy);
        let (_, recovery, records) = open(&config).unwrap();
        assert_eq!((recovery.torn, records.len()), (None, 12), "{room}");
        // A byte in it is the beginning of something.
        for at in [0, room / 2, room - 1] {
            let mut torn = roomy.clone();
            torn[bytes.len() + at] = 1;
            replace(&disk, &name, &torn);
            let (_, recovery, records) = open(&config).unwrap();
            assert_eq!(records.len(), 12, "{room} {at}");
            let torn = recovery.torn.expect("there is something");
            assert_eq!((torn.offset, torn.bytes), (bytes.len() as u64, room as u64));
        }
    }
    // What was durable and is blank is found, as long as a mark behind it tells of it.
    let (marks, records): (Vec<&Placed>, _) = frames.iter().partition(|it| it.1 == Kind::Mark);
    for &&(offset, _, sequence) in &records {
        let mut blank = bytes.clone();
        blank[offset..offset + 30].fill(0);
        replace(&disk, &name, &blank);
        let is_told = marks.iter().any(|mark| mark.2 >= sequence);
        match open(&config) {
            Err(LogError::Damaged { offset: at, .. }) => assert!(is_told && at == offset as u64),
            Ok((_, recovery, _)) => assert!(!is_told && recovery.torn.is_some()),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn segments_missing_renamed_or_of_another_store() {
    let disk = MemoryDisk::new();
    let small = config(&disk, Fsync::Always, 200);
    let (mut log, ..) = open(&small).unwrap();
    for i in 1..=20 {
        log.append(&effects(i, 50));
        log.turn(Millis(0)).unwrap();
        log.turn(Millis(0)).unwrap();
    }
    log.sync().unwrap();
    assert!(log.stats().segments > 3);
    drop(log);
    let names = || {
        let mut names = disk.list().unwrap();
        names.sort();
        names
    };
    let (_, recovery, records) = open(&small).unwrap();
    assert_eq!((records.len(), recovery.segments), (20, names().len()));

    let other = LogConfig {
        shards: 3,
        ..small.clone()
    };
    let error = open(&other).unwrap_err().to_string();
    assert!(
        error.contains("a store of 2 shards, and this one has 3"),
        "{error}"
    );

    // A shard sees its own segments alone.
    let (log, recovery) = Log::open(&small, 0, &mut |_| Err("not mine".into())).unwrap();
    assert_eq!((recovery.records, log.durable()), (0, 0));

    // A sealed segment that ends early is damage, whatever marks say.
    let names = names()
        .into_iter()
        .filter(|name| name.starts_with("00001"))
        .collect::<Vec<_>>();
    let second = &names[1];
    let len = disk.size(second).unwrap();
    disk.open(second).unwrap().set_len(len - 1).unwrap();
    let error = open(&small).unwrap_err();
    assert!(
        matches!(&error, LogError::Damaged { file, .. } if file.ends_with(second)),
        "{error}"
    );

    disk.remove(second).unwrap();
    let error = open(&small).unwrap_err();
    assert!(
        matches!(&error, LogError::Missing { file, .. } if file.ends_with(&names[2])),
        "{error}"
    );

    disk.rename(&names[2], second).unwrap();
    let error = open(&small).unwrap_err().to_string();
    assert!(error.contains("was renamed"), "{error}");
}

#[test]
fn a_record_that_cannot_be_applied_is_named() {
    let (disk, name, _, frames) = written();
    let mut left = 2;
    let error = Log::open(&config(&disk, Fsync::No, 1 << 20), 1, &mut |_| {
        left -= 1;
        if left < 0 {
            Err("no such command".into())
        } else {
            Ok(())
        }
    });
    let Err(LogError::Apply {
        file,
        offset,
        source,
    }) = error
    else {
        panic!("it was applied");
    };
    assert!(file.ends_with(&name));
    assert_eq!(offset, frames[2].0 as u64);
    assert_eq!(source.to_string(), "no such command");
}
