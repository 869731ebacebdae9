//! The arena against a model, and its way with readers. Small enough for Miri.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use crate::time::Millis;

fn item<'a>(key: &'a [u8], value: &'a [u8], expires: Option<Millis>) -> NewItem<'a> {
    NewItem {
        kind: ItemKind::String,
        database: 0,
        key,
        value,
        expires,
        tag: None,
        entry: None,
        mark: 0,
    }
}

#[test]
fn every_layout_reads_back() {
    let mut arena = Arena::new().unwrap();
    let long = vec![b'k'; 2_000];
    let values: &[usize] = if cfg!(miri) {
        &[0, 1, 5_000]
    } else {
        &[0, 1, 131_071, 131_072, 3 << 20]
    };
    for key in [&b""[..], b"k", &long] {
        for &bytes in values {
            let tag = Tag {
                cas: 1 << 63 | 5,
                flags: 7,
                accessed_s: 11,
                stale: true,
                ..Tag::default()
            };
            // Every set of parts.
            for parts in 0..16 {
                let part = |at: u32| parts >> at & 1 == 1;
                let value = vec![b'v'; bytes];
                let new = NewItem {
                    kind: if part(0) {
                        ItemKind::Raw
                    } else {
                        ItemKind::String
                    },
                    database: if part(0) { 255 } else { 0 },
                    tag: part(1).then_some(&tag),
                    entry: part(2).then_some(7),
                    ..item(key, &value, part(3).then_some(Millis(1 << 40)))
                };
                let id = arena.insert(&new).unwrap();
                let read = arena.own(id);
                assert_eq!((read.key(), read.database()), (key, new.database));
                assert_eq!(read.kind(), new.kind);
                assert!(read.is_string());
                assert!(read.value() == value);
                assert_eq!((read.expires(), read.entry()), (new.expires, new.entry));
                assert_eq!(read.bytes(), new.bytes());
                let words = part(1) || part(3) || key.len() > 255 || bytes > 131_071;
                assert!(!words || id.offset().is_multiple_of(8));
                // What changes in place changes nothing beside it.
                assert_eq!(read.set_expires(Millis(5)), part(3));
                read.mark().store(u32::MAX, Ordering::Relaxed);
                if part(2) {
                    read.set_entry(9);
                }
                let later = Tag {
                    accessed_s: 12,
                    won: true,
                    stale: false,
                    ..tag
                };
                read.set_tag(later);
                assert_eq!(read.tag(), part(1).then_some(later));
                assert_eq!(read.entry(), part(2).then_some(9));
                assert_eq!(read.expires(), part(3).then_some(Millis(5)));
                assert_eq!((read.key(), read.database()), (key, new.database));
                assert!(read.value() == value);
                arena.retire(id);
            }
        }
    }
    assert_eq!(arena.used_bytes(), 0);
}

#[test]
fn short_items_pay_eight_bytes() {
    let short = item(b"key:0123456789ab", &[0; 8], None);
    assert_eq!((short.bytes(), Arena::block_bytes(32)), (32, 32));
    let value = [0; 100];
    let longer = item(b"key:0123456789ab", &value, None);
    assert_eq!(Arena::block_bytes(longer.bytes()), 8 + 16 + 100);
    let evicted = NewItem {
        entry: Some(0),
        ..short
    };
    assert_eq!(evicted.bytes(), 36);
    assert_eq!(NewItem::bytes_narrow(16, 8, false), short.bytes());
    assert_eq!(NewItem::bytes_narrow(16, 8, true), evicted.bytes());
}

#[test]
fn a_reader_keeps_what_it_reads() {
    let mut arena = Arena::new().unwrap();
    let range = arena.share();
    let id = arena.insert(&item(b"a", b"first", None)).unwrap();
    let guard = crossbeam_epoch::pin();
    let read = range.item(id, &guard);
    arena.retire(id);
    arena.quiesce();
    // The same size, so it would take the same block if that were free.
    let other = arena.insert(&item(b"a", b"other", None)).unwrap();
    assert_ne!(other, id);
    assert_eq!(read.value(), b"first");
    assert!(arena.limbo_bytes() > 0);
    drop(guard);
    for _ in 0..16 {
        arena.quiesce();
    }
    assert_eq!(arena.limbo_bytes(), 0);
    assert_eq!(arena.insert(&item(b"a", b"third", None)).unwrap(), id);
}

#[test]
fn a_full_range_is_an_error_and_room_returns() {
    let mut arena = Arena::new().unwrap();
    // Of the 16 GiB of a range a twentieth is taken.
    let lengths = if cfg!(miri) { 1 << 20 } else { 400 << 20 };
    let value = vec![0; lengths];
    let mut ids = Vec::new();
    let most = if cfg!(miri) { 8 } else { 2 };
    for _ in 0..most {
        match arena.insert(&item(b"k", &value, None)) {
            Ok(id) => ids.push(id),
            Err(Full { bytes }) => assert!(bytes > lengths),
        }
    }
    assert_eq!(ids.len() < most, cfg!(miri));
    for id in ids {
        arena.retire(id);
    }
    assert_eq!(arena.used_bytes(), 0);
}

/// Pages that are asked for ahead, and given back in between, are never those of an item.
#[test]
fn pages_that_come_ahead_change_no_item() {
    let mut arena = Arena::new().unwrap();
    arena.populate_by(Populator::start().unwrap());
    // Chunks of small pages first, and then as many of huge ones.
    let items: u32 = if cfg!(miri) { 40 } else { 36_000 };
    let mut ids = Vec::new();
    for number in 0..items {
        let value = number.to_le_bytes().repeat(250);
        ids.push(arena.insert(&item(b"key", &value, None)).unwrap());
        if number % 500 == 0 {
            arena.rest();
        }
    }
    for (number, id) in ids.into_iter().enumerate() {
        let value = (number as u32).to_le_bytes().repeat(250);
        assert!(arena.own(id).value() == value, "item {number}");
    }
}

#[test]
fn marks_change_from_any_core() {
    let mut arena = Arena::new().unwrap();
    let id = arena.insert(&item(b"k", b"v", None)).unwrap();
    let range = arena.share();
    let ready = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let guard = crossbeam_epoch::pin();
                for _ in 0..50 {
                    range
                        .item(id, &guard)
                        .mark()
                        .fetch_add(1, Ordering::Relaxed);
                }
                ready.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(arena.own(id).mark().load(Ordering::Relaxed), 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 64 }, ..ProptestConfig::default() })]
    #[test]
    fn items_keep_their_bytes_and_accounts_are_exact(
        steps in prop::collection::vec((0u8..12, 0usize..6_000, any::<bool>()), 1..if cfg!(miri) { 40 } else { 400 })
    ) {
        let mut arena = Arena::new().unwrap();
        let mut model: HashMap<u8, (ItemId, Vec<u8>, u64)> = HashMap::new();
        for (key, bytes, fine) in steps {
            let bytes = if fine { bytes % 200 } else { bytes * 40 % if cfg!(miri) { 9_000 } else { 300_000 } };
            let value = vec![key ^ bytes as u8; bytes];
            let new = item(std::slice::from_ref(&key), &value, fine.then_some(Millis(9)));
            let id = arena.insert(&new).unwrap();
            let account = Arena::block_bytes(new.bytes());
            if let Some((old, ..)) = model.insert(key, (id, value, account)) {
                arena.retire(old);
            }
            prop_assert_eq!(arena.used_bytes(), model.values().map(|held| held.2).sum::<u64>());
        }
        for (key, (id, value, _)) in &model {
            prop_assert_eq!(arena.own(*id).key(), std::slice::from_ref(key));
            prop_assert!(arena.own(*id).value() == value.as_slice());
        }
    }
}
