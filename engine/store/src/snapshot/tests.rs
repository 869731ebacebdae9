//! What is written is read; whatever one byte turns into is seen or does no harm; a crash leaves the
//! old file or the new one.

mod hostile;
mod unreadable;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::*;
use crate::disk::{Fault, MemoryDisk, PowerLoss, RealDisk};
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

const SEED: u64 = 0x5eed;

fn meta() -> Meta {
    Meta {
        shard: 1,
        shards: 4,
        seed: SEED,
        sequence: 1_000,
        log: 0x106,
        taken: Millis(1_700_000_000_000),
        save: 0x5a7e,
        cell_bits: 5,
        places: Places::from_fn(|number| match number {
            1 => 200,
            200 => 1,
            same => same,
        }),
        ..Meta::default()
    }
}

/// Where a key of these tests is.
fn position_of(key: &[u8]) -> u64 {
    xxh3_64(key) & index::POSITION_MAX
}

fn push<S: Sink>(writer: &mut Writer<S>, key: &[u8], model: &Model, expiry: Option<u64>) {
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

/// Pushes all keys: each cell by the walk or ahead of it, as `seed` says.
fn fill<S: Sink>(writer: &mut Writer<S>, keys: &Keys, meta: &Meta, seed: u64) {
    let mut cells: BTreeMap<u64, Vec<&Vec<u8>>> = BTreeMap::new();
    for key in keys.keys() {
        let cell = meta.cell_of(position_of(key));
        cells.entry(cell).or_default().push(key);
    }
    let push_all = |writer: &mut Writer<S>, cell: &[&Vec<u8>]| {
        for &key in cell {
            let (model, expiry) = &keys[key];
            push(writer, key, model, *expiry);
        }
    };
    while let Some((first, walked)) = cells.pop_first() {
        let draw = xxh3_64_with_seed(&first.to_le_bytes(), seed);
        let ahead: Vec<u64> = cells.keys().copied().collect();
        for cell in ahead {
            if xxh3_64_with_seed(&cell.to_le_bytes(), draw).is_multiple_of(13) {
                let keys = cells.remove(&cell).unwrap();
                writer.ahead(position_of(keys[0]));
                push_all(writer, &keys);
            }
        }
        writer.walked(position_of(walked[0]));
        push_all(writer, &walked);
    }
}

fn write_keys(disk: &MemoryDisk, name: &str, keys: &Keys) -> Result<Summary, SnapshotError> {
    write_to(disk, name, &meta(), |writer| fill(writer, keys, &meta(), 0))
}

fn bytes_of(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    disk.read(name, 0).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn written(keys: &Keys) -> Vec<u8> {
    written_as(keys, &meta(), 0)
}

fn written_as(keys: &Keys, meta: &Meta, seed: u64) -> Vec<u8> {
    let disk = MemoryDisk::new();
    let summary = write_to(&disk, "s", meta, |writer| fill(writer, keys, meta, seed)).unwrap();
    let bytes = bytes_of(&disk, "s");
    assert_eq!(
        (summary.keys, summary.bytes),
        (keys.len() as u64, bytes.len() as u64)
    );
    bytes
}

/// Adds a record to what was read, behind the parts before it.
fn note(keys: &mut Keys, record: &Record<'_>) {
    assert_eq!(record.database, database_of(record.key));
    let found = model_of(record);
    if record.is_first {
        let before = keys.insert(record.key.to_vec(), found);
        assert!(before.is_none(), "a key came twice");
        return;
    }
    let (before, expiry) = keys.get_mut(record.key).expect("parts come in order");
    assert_eq!(found.1, *expiry);
    match (before, found.0) {
        (Model::Hash(before), Model::Hash(more)) => before.extend(more),
        (Model::SortedSet(before), Model::SortedSet(more)) => before.extend(more),
        (Model::List(before), Model::List(more)) => before.extend(more),
        (Model::Set(before), Model::Set(more)) => before.extend(more),
        (before, more) => panic!("{before:?} goes on as {more:?}"),
    }
}

/// Everything that a reader says, or its first error.
fn read_all(reader: &Reader) -> Result<Keys, SnapshotError> {
    let mut keys = Keys::new();
    reader.for_each(|record| note(&mut keys, &record))?;
    Ok(keys)
}

/// All that the blocks of a key have, that among them.
fn read_cell(reader: &Reader, key: &[u8]) -> Result<Keys, SnapshotError> {
    let mut keys = Keys::new();
    for page in reader.blocks_of(position_of(key)) {
        let block = reader.block(page)?;
        block.for_each(|record| {
            // Others may have their first parts elsewhere, or their last.
            if record.key == key {
                note(&mut keys, &record);
            }
        })?;
    }
    Ok(keys)
}

fn get(reader: &Reader, key: &[u8]) -> Result<Option<(Model, Option<u64>)>, SnapshotError> {
    Ok(read_cell(reader, key)?.remove(key))
}

/// A list of several parts and, where it is long, several blocks.
fn long_list(count: u32) -> Model {
    let element = |i: u32| format!("element {i:>0$}", (i % 30) as usize).into_bytes();
    Model::List((0..=count * 10).map(element).collect())
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
    keys.insert(b"large".to_vec(), (Model::String(vec![9; 70_000]), None));
    keys.insert(b"list".to_vec(), (long_list(count), Some(5)));
    keys.insert(Vec::new(), (Model::String(Vec::new()), Some(u64::MAX)));
    keys
}

#[test]
fn what_is_written_is_found_and_streamed() {
    for keys in [Keys::new(), some_keys(0), some_keys(1), some_keys(700)] {
        for (seed, codec) in [(0, Codec::Plain), (1, Codec::Lz4), (2, Codec::Plain)] {
            let meta = Meta { codec, ..meta() };
            let reader = Reader::from_bytes("s", written_as(&keys, &meta, seed)).unwrap();
            assert_eq!((reader.meta(), reader.len()), (&meta, keys.len() as u64));
            assert_eq!(read_all(&reader).unwrap(), keys);
            for (key, expected) in &keys {
                assert_eq!(get(&reader, key).unwrap().as_ref(), Some(expected));
            }
            for i in 0..100 {
                let none = format!("none:{i}");
                assert_eq!(get(&reader, none.as_bytes()).unwrap(), None);
            }
        }
    }
}

#[test]
fn a_file_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/00001.snapshot");
    let keys = some_keys(300);
    let disk = RealDisk::new(path.parent().unwrap());
    disk.prepare().unwrap();
    let write = |name| {
        write_to(&disk, name, &meta(), |writer| {
            fill(writer, &keys, &meta(), 0);
        })
    };
    write("00001.snapshot").unwrap();
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
    let error = write("folder").unwrap_err();
    assert!(
        matches!(error, SnapshotError::Io { doing: "write", .. }),
        "{error}"
    );
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2
    );
}

/// What large collections and cells saved ahead make of a file: one of several blocks, several in one.
#[test]
fn cells_take_several_blocks_and_blocks_several_cells() {
    let mut keys = some_keys(3_000);
    let list = long_list(20_000);
    keys.insert(b"longer".to_vec(), (list, None));
    let meta = Meta {
        cell_bits: 12,
        ..meta()
    };
    for seed in 0..4 {
        let bytes = written_as(&keys, &meta, seed);
        let reader = Reader::from_bytes("s", bytes).unwrap();
        let blocks = reader.blocks_of(position_of(b"longer"));
        let blocks: Vec<u64> = blocks.collect();
        assert!(blocks.len() > 10 && blocks.is_sorted(), "{blocks:?}");
        // The rest of a cell stands alone, so nobody else's key leads to half of it.
        for &page in &blocks[1..] {
            reader
                .block(page)
                .unwrap()
                .for_each(|record| {
                    assert_eq!(
                        meta.cell_of(position_of(record.key)),
                        meta.cell_of(position_of(b"longer"))
                    );
                })
                .unwrap();
        }
        assert_eq!(read_all(&reader).unwrap(), keys);
        for (key, expected) in &keys {
            assert_eq!(get(&reader, key).unwrap().as_ref(), Some(expected));
        }
    }
}

#[test]
fn finished_parts_leave_at_once() {
    let mut largest = 0;
    let mut parts = 0;
    let mut writer = Writer::new(
        |part: Part| {
            assert_eq!(part.offset % PAGE_BYTES as u64, 0);
            largest = largest.max(part.bytes.len());
            parts += 1;
        },
        &meta(),
    );
    let mut list = List::default();
    (0..200_000_u32).for_each(|i| list.push_back(&i.to_le_bytes()));
    let entry = Entry {
        database: 0,
        key: b"list",
        value: Value::List(&list),
        expires: None,
        tag: None,
    };
    writer.walked(0);
    let mut from = 0;
    while from < list.len() {
        let next = writer.part(&entry, from, 100);
        assert_eq!(next, (from + 100).min(list.len()));
        from = next;
    }
    writer.close().map(drop).unwrap();
    assert!(parts > 20 && largest <= 68 << 10, "{parts} of {largest}");
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
    let old = {
        let mut bytes = whole.clone();
        bytes[8] = 3;
        bytes
    };
    let error = Reader::from_bytes("s", old).err().unwrap().to_string();
    assert!(
        error.contains("format version 3; this program reads 4"),
        "{error}"
    );
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
                (Model::String(vec![i as u8; 800]), None),
            )
        })
        .collect();
    let mut bytes = written(&keys);
    // Two blocks of as many pages.
    let (first, second) = (PAGE_BYTES, PAGE_BYTES * 10);
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
