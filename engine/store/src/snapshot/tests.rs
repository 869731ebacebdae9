//! What is written is read; whatever one byte turns into is seen or does no harm; a crash leaves the
//! old file or the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use proptest::prelude::*;

use super::*;
use crate::disk::{Fault, MemoryDisk, PowerLoss};
use crate::keyspace::Entry;
use crate::time::Millis;
use crate::value::limits::{Bounds, IntsMax};
use crate::value::set::Member;
use crate::value::{Hash, List, Set, SortedSet, Value};

/// A value as a model keeps it.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    String(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    SortedSet(BTreeMap<Vec<u8>, f64>),
    List(Vec<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
}

type Keys = BTreeMap<Vec<u8>, (Model, Option<u64>)>;

const META: Meta = Meta {
    shard: 1,
    shards: 4,
    seed: 0x5eed,
    sequence: 1_000,
    taken: Millis(1_700_000_000_000),
    save: 0x5a7e,
};

fn push(writer: &mut Writer<'_>, key: &[u8], model: &Model, expiry: Option<u64>) {
    let mut push = |value: Value<'_>| {
        writer.push(&Entry {
            database: database_of(key),
            key,
            value,
            expires: expiry.map(Millis),
            tag: None,
        });
    };
    match model {
        Model::String(bytes) => push(Value::String(bytes)),
        Model::Hash(fields) => {
            let mut hash = Hash::default();
            for (field, value) in fields {
                hash.set(field, value, Bounds::HASH);
            }
            push(Value::Hash(&hash));
        }
        Model::List(elements) => {
            let mut list = List::default();
            for element in elements {
                list.push_back(element);
            }
            push(Value::List(&list));
        }
        Model::Set(members) => {
            let members = members.iter().map(|member| Member::Text(member));
            let set = Set::collect(members, IntsMax::default());
            push(Value::Set(&set));
        }
        Model::SortedSet(members) => {
            let mut set = SortedSet::default();
            for (member, score) in members {
                set.insert(member, *score, Bounds::SORTED_SET);
            }
            push(Value::SortedSet(&set));
        }
    }
}

fn model_of(record: &Record<'_>) -> (Model, Option<u64>) {
    let model = match &record.body {
        Body::String(bytes) => Model::String(bytes.to_vec()),
        Body::Hash(fields) => Model::Hash(
            fields
                .clone()
                .map(|(field, value)| (field.to_vec(), value.to_vec()))
                .collect(),
        ),
        Body::List(elements) => Model::List(elements.clone().map(<[u8]>::to_vec).collect()),
        Body::Set(members) => Model::Set(members.clone().map(<[u8]>::to_vec).collect()),
        Body::SortedSet(members) => Model::SortedSet(
            members
                .clone()
                .map(|(member, score)| (member.to_vec(), score))
                .collect(),
        ),
    };
    (model, record.expiry.map(|at| at.0))
}

/// The database that a key of these tests is in.
fn database_of(key: &[u8]) -> u8 {
    (key.len() % 3) as u8 * 100
}

fn write_keys(disk: &MemoryDisk, name: &str, keys: &Keys) -> Result<Summary, SnapshotError> {
    write_to(disk, name, &META, |writer| {
        for (key, (model, expiry)) in keys {
            push(writer, key, model, *expiry);
        }
    })
}

fn bytes_of(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    disk.read(name, 0).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn written(keys: &Keys) -> Vec<u8> {
    let disk = MemoryDisk::new();
    let summary = write_keys(&disk, "s", keys).unwrap();
    let bytes = bytes_of(&disk, "s");
    assert_eq!(
        (summary.records, summary.bytes),
        (keys.len() as u64, bytes.len() as u64)
    );
    bytes
}

/// Everything that a reader says, or its first error.
fn read_all(reader: &Reader) -> Result<Keys, SnapshotError> {
    let mut keys = Keys::new();
    reader.for_each(|record| {
        assert_eq!(record.database, database_of(record.key));
        keys.insert(record.key.to_vec(), model_of(&record));
    })?;
    Ok(keys)
}

/// Keys of every kind, in several blocks, one of them with a record larger than a block.
fn some_keys(count: u32) -> Keys {
    let model = |i: u32| match i % 4 {
        0 | 1 => Model::String(vec![i as u8; (i as usize * 37) % 900]),
        2 => Model::Hash(
            (0..i % 30)
                .map(|f| (format!("f{f}").into(), vec![7; f as usize]))
                .collect(),
        ),
        _ => Model::SortedSet(
            (0..=i % 20)
                .map(|m| (format!("m{m}").into(), f64::from(m) - 2.5))
                .collect(),
        ),
    };
    let mut keys: Keys = (0..count)
        .map(|i| {
            (
                format!("key:{i}").into(),
                (model(i), (i % 3 == 0).then_some(u64::from(i))),
            )
        })
        .collect();
    keys.insert(b"large".to_vec(), (Model::String(vec![9; 20_000]), None));
    keys.insert(Vec::new(), (Model::String(Vec::new()), Some(u64::MAX)));
    keys
}

#[test]
fn what_is_written_is_found_and_streamed() {
    for keys in [Keys::new(), some_keys(0), some_keys(1), some_keys(700)] {
        let reader = Reader::from_bytes("s", written(&keys)).unwrap();
        assert_eq!((*reader.meta(), reader.len()), (META, keys.len() as u64));
        assert_eq!(read_all(&reader).unwrap(), keys);
        for (key, expected) in &keys {
            let record = reader
                .get(database_of(key), key)
                .unwrap()
                .expect("a key that was written");
            assert_eq!(&model_of(&record), expected);
        }
        for i in 0..100 {
            assert!(
                reader
                    .get(0, format!("none:{i}").as_bytes())
                    .unwrap()
                    .is_none()
            );
        }
    }
}

#[test]
fn a_file_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/00001.snapshot");
    let keys = some_keys(300);
    write(&path, &META, |writer| {
        for (key, (model, expiry)) in &keys {
            push(writer, key, model, *expiry);
        }
    })
    .unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(read_all(&reader).unwrap(), keys);
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "no leftover"
    );
    let error = Reader::open(&folder.path().join("none"))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with("cannot map") && error.contains("none"),
        "{error}"
    );
    // A folder in the file's place: the new file cannot take the name, and is not left behind.
    std::fs::create_dir(path.with_file_name("folder")).unwrap();
    let error = write(&path.with_file_name("folder"), &META, |_| {}).unwrap_err();
    assert!(
        matches!(error, SnapshotError::Io { doing: "write", .. }),
        "{error}"
    );
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2
    );
}

/// Bytes that no answer rests on: what fills up a block's last page has a checksum all the same, so
/// there are none, and every flip must be seen by who touches it.
#[test]
fn every_byte_changed_is_seen_or_does_no_harm() {
    let keys = some_keys(60);
    let whole = written(&keys);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let Ok(reader) = Reader::from_bytes("s", bytes) else {
            continue;
        };
        let index = (reader_index(&whole) as usize) * PAGE_BYTES;
        assert!(
            (PAGE_BYTES..whole.len() - 16).contains(&at),
            "byte {at} of head or tail"
        );
        let streamed = read_all(&reader);
        assert_eq!(streamed.is_err(), at < index, "byte {at}");
        if let Ok(streamed) = streamed {
            assert_eq!(streamed, keys, "byte {at}");
        }
        // One key in some, so that all bytes can be tried.
        for (key, expected) in keys.iter().skip(at % 7).step_by(7) {
            match reader.get(database_of(key), key) {
                Ok(Some(record)) => assert_eq!(&model_of(&record), expected, "byte {at}"),
                Ok(None) => panic!("byte {at}: a key is gone, and nobody says so"),
                Err(SnapshotError::Damaged { offset, .. }) => assert!(offset <= at as u64),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn reader_index(file: &[u8]) -> u64 {
    head::Head::decode(file).unwrap().index
}

#[test]
fn every_length_but_the_whole_is_refused() {
    let whole = written(&some_keys(20));
    for len in 0..whole.len() {
        assert!(
            Reader::from_bytes("s", whole[..len].to_vec()).is_err(),
            "{len} bytes"
        );
    }
    let longer = [&whole[..], &[0]].concat();
    let error = Reader::from_bytes("s", longer).err().unwrap().to_string();
    assert!(error.contains("not as long as its head says"), "{error}");
    let error = Reader::from_bytes("s", b"REDIS0011".repeat(1_000))
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        error,
        "s is not a snapshot that this program reads: it does not begin as a snapshot does"
    );
}

#[test]
fn pages_that_changed_places_are_seen() {
    let keys: Keys = (0..200u32)
        .map(|i| {
            (
                i.to_le_bytes().to_vec(),
                (Model::String(vec![i as u8; 200]), None),
            )
        })
        .collect();
    let mut bytes = written(&keys);
    // The first two blocks, four or five pages each.
    let (first, second) = (PAGE_BYTES, PAGE_BYTES * 5);
    let pages = bytes[first..second].to_vec();
    bytes.copy_within(second..second + pages.len(), first);
    bytes[second..second + pages.len()].copy_from_slice(&pages);
    let reader = Reader::from_bytes("s", bytes).unwrap();
    let error = read_all(&reader).unwrap_err().to_string();
    assert_eq!(
        error,
        "s is damaged at byte 4096: the checksum does not match"
    );
}

#[test]
fn a_crash_at_every_step_leaves_the_old_or_the_new() {
    let (old, new) = (some_keys(10), some_keys(60));
    let steps = {
        let disk = MemoryDisk::new();
        write_keys(&disk, "s", &old).unwrap();
        let before = disk.steps();
        write_keys(&disk, "s", &new).unwrap();
        (before, disk.steps())
    };
    for fault in [Fault::PowerOff, Fault::Error(28)] {
        for (loss, seed) in PowerLoss::ALL
            .into_iter()
            .flat_map(|loss| (0..4).map(move |s| (loss, s)))
        {
            for step in steps.0 + 1..=steps.1 + 1 {
                let disk = MemoryDisk::new();
                write_keys(&disk, "s", &old).unwrap();
                disk.fail_at(step, fault);
                let finished = write_keys(&disk, "s", &new).is_ok();
                assert_eq!(finished, step > steps.1);
                disk.lose_power(loss, seed);
                let reader = Reader::from_bytes("s", bytes_of(&disk, "s"));
                let found = reader.and_then(|reader| read_all(&reader));
                let found =
                    found.unwrap_or_else(|e| panic!("{fault:?} {loss:?} {seed} {step}: {e}"));
                assert!(
                    found == new || !finished && found == old,
                    "{fault:?} {loss:?} {seed} {step}"
                );
            }
        }
    }
}

#[test]
fn a_writer_that_does_not_sync_is_caught() {
    let disk = MemoryDisk::new();
    write_keys(&disk, "s", &some_keys(10)).unwrap();
    disk.break_syncs();
    write_keys(&disk, "s", &some_keys(60)).unwrap();
    disk.lose_power(PowerLoss::Nothing, 0);
    assert!(Reader::from_bytes("s", bytes_of(&disk, "s")).is_err());
}

fn model() -> impl Strategy<Value = Model> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400).prop_map(Model::String),
        prop::collection::btree_map(bytes(), bytes(), 1..20).prop_map(Model::Hash),
        prop::collection::btree_map(bytes(), -1e9..1e9f64, 1..20).prop_map(Model::SortedSet),
        prop::collection::vec(bytes(), 1..20).prop_map(Model::List),
        prop::collection::btree_set(bytes(), 1..20).prop_map(Model::Set),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_keys_read_back(keys in prop::collection::btree_map(
        prop::collection::vec(any::<u8>(), 0..20),
        (model(), prop::option::of(any::<u64>())),
        0..120,
    )) {
        let reader = Reader::from_bytes("s", written(&keys)).unwrap();
        prop_assert_eq!(&read_all(&reader).unwrap(), &keys);
        for (key, expected) in &keys {
            prop_assert_eq!(&model_of(&reader.get(database_of(key), key).unwrap().unwrap()), expected);
        }
    }

    /// A hostile hand knows the seed and makes checksums good again: no panic, no endless search.
    #[test]
    fn forged_pages_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let keys = some_keys(40);
        let mut bytes = written(&keys);
        let head = head::Head::decode(&bytes).unwrap();
        let body = PAGE_BYTES..bytes.len() - head::TAIL_BYTES;
        for (at, byte) in changes {
            bytes[body.start + at.index(body.len())] = byte;
        }
        let mut page = 1;
        while page < head.index {
            let start = page as usize * PAGE_BYTES;
            let end = head.index as usize * PAGE_BYTES;
            let Some(block) = block::Block::bounded(&bytes[start..end]) else { break };
            let len = block.pages() as usize * PAGE_BYTES;
            forge(&mut bytes[start..start + len], page);
            page += (len / PAGE_BYTES) as u64;
        }
        for page in head.index..head.index + head.index_pages {
            let start = page as usize * PAGE_BYTES;
            forge(&mut bytes[start..start + PAGE_BYTES], page);
        }
        let reader = Reader::from_bytes("s", bytes).unwrap();
        let _ = reader.for_each(|record| drop(model_of(&record)));
        for key in keys.keys() {
            let _ = reader.get(database_of(key), key);
        }
    }

    #[test]
    fn noise_is_no_record(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Some((record, rest)) = Record::decode(&bytes) {
            prop_assert!(record.key.len() + rest.len() <= bytes.len());
            let _ = model_of(&record);
        }
    }
}

fn forge(page_bytes: &mut [u8], page: u64) {
    let check = block::checksum(&page_bytes[8..], page, META.seed);
    page_bytes[..8].copy_from_slice(&check.to_le_bytes());
}
