//! Any keys are read back, and no bytes make a reader panic, whoever chose them.

use proptest::prelude::*;

use super::*;

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
    ), cell_bits in 0..=48_u8, seed: u64) {
        let codec = if seed % 2 == 0 { Codec::Plain } else { Codec::Lz4 };
        let meta = Meta { cell_bits, codec, ..meta() };
        let reader = Reader::from_bytes("s", written_as(&keys, &meta, seed)).unwrap();
        prop_assert_eq!(&read_all(&reader).unwrap(), &keys);
        for (key, expected) in &keys {
            let found = get(&reader, key).unwrap();
            prop_assert_eq!(found.as_ref(), Some(expected));
        }
    }

    /// A hostile hand knows the seed and makes checksums good again: no panic, no endless search.
    #[test]
    fn forged_pages_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        codec in prop_oneof![Just(Codec::Plain), Just(Codec::Lz4)],
    ) {
        let keys = some_keys(40);
        let mut bytes = written_as(&keys, &Meta { codec, ..meta() }, 7);
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
        let pages = (bytes.len() - head::TAIL_BYTES) / PAGE_BYTES;
        for page in head.index..pages as u64 {
            let start = page as usize * PAGE_BYTES;
            forge(&mut bytes[start..start + PAGE_BYTES], page);
        }
        if let Ok(reader) = Reader::from_bytes("s", bytes) {
            let _ = reader.for_each(|record| drop(model_of(&record)));
            for key in keys.keys() {
                for page in reader.blocks_of(position_of(key)) {
                    if let Ok(block) = reader.block(page) {
                        let _ = block.for_each(|record| drop(model_of(&record)));
                    }
                }
            }
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
    let check = block::checksum(&page_bytes[8..], page, meta().check_seed());
    page_bytes[..8].copy_from_slice(&check.to_le_bytes());
}

/// Bytes that no answer rests on: what fills up a block's last page has a checksum all the same, so
/// there are none, and every flip must be seen by who touches it.
#[test]
fn every_byte_changed_is_seen_or_does_no_harm() {
    let mut keys = some_keys(60);
    keys.insert(b"large".to_vec(), (Model::String(vec![9; 5_000]), None));
    let whole = written(&keys);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let Ok(reader) = Reader::from_bytes("s", bytes) else {
            continue;
        };
        let index = (reader_index(&whole) as usize) * PAGE_BYTES;
        assert!(
            (PAGE_BYTES..index).contains(&at),
            "byte {at} of head, index or tail"
        );
        assert!(read_all(&reader).is_err(), "byte {at}");
        let mut seen = 0;
        // One key in some, so that all bytes can be tried.
        for (key, expected) in keys.iter().skip(at % 7).step_by(7) {
            match get(&reader, key) {
                Ok(Some(found)) => assert_eq!(&found, expected, "byte {at}"),
                Ok(None) => panic!("byte {at}: a key is gone, and nobody says so"),
                Err(SnapshotError::Damaged { offset, .. }) => {
                    assert!(offset <= at as u64);
                    seen += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(seen < keys.len(), "byte {at}: damage is of its block alone");
    }
}

/// A log could not go on behind it.
#[test]
fn no_head_covers_the_last_sequence_there_is() {
    let covering = |sequence| {
        let meta = Meta { sequence, ..meta() };
        Reader::from_bytes("s", written_as(&some_keys(3), &meta, 0))
    };
    assert!(covering(u64::MAX - 1).is_ok());
    let error = covering(u64::MAX).err().unwrap().to_string();
    assert_eq!(
        error,
        "s is damaged at byte 64: its head says what cannot be"
    );
}

/// What a disk kept of another save, or gives in the place of another shard's, is no block of this one.
#[test]
fn blocks_of_other_saves_and_shards_are_no_blocks() {
    let keys = some_keys(40);
    let whole = written(&keys);
    let index = reader_index(&whole) as usize * PAGE_BYTES;
    let others = [
        Meta {
            save: 0x5a7d,
            ..meta()
        },
        Meta { shard: 2, ..meta() },
        Meta {
            seed: 0x5eee,
            ..meta()
        },
    ];
    for other in others {
        let other = written_as(&keys, &other, 0);
        assert_eq!(other.len(), whole.len());
        let mut mixed = whole.clone();
        mixed[PAGE_BYTES..index].copy_from_slice(&other[PAGE_BYTES..index]);
        let reader = Reader::from_bytes("s", mixed).unwrap();
        assert!(read_all(&reader).is_err());
        let mut mixed = whole.clone();
        let end = whole.len() - head::TAIL_BYTES;
        mixed[index..end].copy_from_slice(&other[index..end]);
        assert!(Reader::from_bytes("s", mixed).is_err());
        let mut mixed = whole.clone();
        mixed[end..].copy_from_slice(&other[end..]);
        assert!(Reader::from_bytes("s", mixed).is_err());
    }
}

/// Any bit: a byte above tries one of each.
#[test]
fn every_bit_of_a_small_file_is_seen() {
    let keys: Keys = [(b"k".to_vec(), (Model::String(b"v".to_vec()), Some(9)))].into();
    let whole = written(&keys);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = Reader::from_bytes("s", bytes).and_then(|reader| get(&reader, b"k"));
        assert!(read.is_err(), "bit {bit}");
    }
}
