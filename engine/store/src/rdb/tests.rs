//! Payloads of a real Redis 7.0.15 read and written, and damage of every sort.

use proptest::prelude::*;

use super::*;
use crate::keyspace::Owned;
use crate::value::limits::{Bounds, IntsMax};
use crate::value::{Hash, Limits, List, Set, SortedSet, Stored, Value};

fn string(bytes: &[u8]) -> Owned {
    Owned::String {
        bytes: bytes.to_vec(),
        raw: false,
        tag: None,
    }
}

fn value(owned: &Owned) -> Value<'_> {
    match owned {
        Owned::String { bytes, .. } => Value::String(bytes),
        Owned::Collection(stored) => stored.value(),
    }
}

/// What a payload says, under Redis's limits.
fn taken(payload: &[u8]) -> Result<Owned, RdbError> {
    read(payload, Limits::default())
}

fn again(owned: &Owned) -> Owned {
    taken(&write(value(owned))).expect("what was written is read")
}

/// `body` as a payload of `version`.
fn sealed(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&version.to_le_bytes());
    let check = crc64(&payload);
    payload.extend_from_slice(&check.to_le_bytes());
    payload
}

fn fields(hash: &Hash) -> Vec<(Vec<u8>, Vec<u8>)> {
    let owned = |(field, value): (&[u8], &[u8])| (field.to_vec(), value.to_vec());
    hash.iter().map(owned).collect()
}

#[test]
fn the_checksum_is_redis_s() {
    assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20),
        3 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        3 => (0..63_u32, any::<u64>()).prop_map(|(by, n)| (n >> by).to_string().into_bytes()),
        1 => (-5000_i64..5000).prop_map(|n| n.to_string().into_bytes()),
        1 => (0..70_000_usize).prop_map(|len| vec![b'x'; len]),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        pairs in prop::collection::btree_map(bytes(), (bytes(), -1e9..1e9), 1..40),
    ) {
        let (mut hash, mut set) = (Hash::default(), SortedSet::default());
        let (mut list, mut members) = (List::default(), Set::default());
        for (name, (text, score)) in &pairs {
            hash.set(name, text, Bounds::HASH);
            set.insert(name, *score, Bounds::SORTED_SET);
            list.push_back(text);
            members.insert(text, IntsMax::default());
            let Owned::String { bytes, .. } = again(&string(text)) else {
                panic!("a string");
            };
            prop_assert_eq!(&bytes, text);
        }
        let Owned::Collection(Stored::Hash(read)) = again(&Owned::collection(hash.clone())) else {
            panic!("a hash");
        };
        prop_assert_eq!(fields(&read), fields(&hash));
        prop_assert_eq!(read.is_compact(), hash.is_compact());
        let Owned::Collection(Stored::List(read)) = again(&Owned::collection(list.clone())) else {
            panic!("a list");
        };
        prop_assert!(read.iter().eq(list.iter()));
        let Owned::Collection(Stored::Set(read)) = again(&Owned::collection(members.clone())) else {
            panic!("a set");
        };
        prop_assert_eq!(read.len(), members.len());
        prop_assert!(members.iter().all(|member| read.has(member)));
        let Owned::Collection(Stored::SortedSet(read)) = again(&Owned::collection(set.clone())) else {
            panic!("a sorted set");
        };
        prop_assert!(read.iter().eq(set.iter()));
    }

    /// Nothing panics, and nothing takes more memory than it is long, whatever comes in.
    #[test]
    fn noise_is_refused_or_means_something(
        kind in 0..22_u8,
        body in prop::collection::vec(any::<u8>(), 0..80),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let _ = taken(&sealed(&[&[kind], body.as_slice()].concat(), 10));
        let mut hash = Hash::default();
        hash.set(&body, b"12", Bounds::HASH);
        hash.set(b"f", &body, Bounds::HASH);
        let whole = write(Value::Hash(&hash));
        let mut damaged = whole[..whole.len() - FOOTER_BYTES].to_vec();
        for (at, byte) in changes {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        let _ = taken(&sealed(&damaged, 10));
        damaged.truncate(damaged.len() - 1);
        let _ = taken(&sealed(&damaged, 10));
    }
}

#[test]
fn old_forms_are_read() {
    let pairs = |body: &[u8]| match taken(&sealed(body, 6)).expect("an old form") {
        Owned::Collection(Stored::Hash(hash)) => fields(&hash),
        other => panic!("{other:?}"),
    };
    let wanted = vec![
        (b"f".to_vec(), b"12".to_vec()),
        (b"g".to_vec(), b"".to_vec()),
    ];
    let zipmap = [2, 1, b'f', 2, 1, b'1', b'2', 0, 1, b'g', 0, 0, 0xff];
    let body = [&[kind::HASH_ZIPMAP, zipmap.len() as u8], &zipmap[..]].concat();
    assert_eq!(pairs(&body), wanted);
    let entries = [0, 1, b'f', 3, 0xfd, 2, 1, b'g', 3, 0];
    let ziplist = [&[21, 0, 0, 0, 18, 0, 0, 0, 4, 0][..], &entries, &[0xff]].concat();
    let body = [&[kind::HASH_ZIPLIST, ziplist.len() as u8], &ziplist[..]].concat();
    assert_eq!(pairs(&body)[0].0, b"f");
    assert_eq!(pairs(&body)[0].1, b"12");
    let text_scores = [
        kind::SORTED_SET,
        3,
        1,
        b'a',
        255,
        1,
        b'b',
        3,
        b'1',
        b'.',
        b'5',
        1,
        b'c',
        254,
    ];
    let Owned::Collection(Stored::SortedSet(set)) = taken(&sealed(&text_scores, 3)).unwrap() else {
        panic!("a sorted set");
    };
    let scores: Vec<f64> = set.iter().map(|(_, score)| score).collect();
    assert_eq!(scores, [f64::NEG_INFINITY, 1.5, f64::INFINITY]);
}

#[test]
fn compressed_strings_are_read() {
    // 0x01 "ab", then a run of 9 + 1 bytes from 2 before.
    let body = [kind::STRING, 0xc3, 6, 12, 1, b'a', b'b', 0xe0, 1, 1];
    let Owned::String { bytes, .. } = taken(&sealed(&body, 10)).unwrap() else {
        panic!("a string");
    };
    assert_eq!(bytes, b"abababababab");
    for body in [
        [kind::STRING, 0xc3, 6, 13, 1, b'a', b'b', 0xe0, 1, 1],
        [kind::STRING, 0xc3, 6, 11, 1, b'a', b'b', 0xe0, 1, 1],
        [kind::STRING, 0xc3, 6, 12, 1, b'a', b'b', 0xe0, 1, 2],
        [kind::STRING, 0xc3, 7, 12, 1, b'a', b'b', 0xe0, 1, 1],
    ] {
        assert_eq!(taken(&sealed(&body, 10)).err(), Some(RdbError::Format));
    }
    let bomb = [
        &[kind::STRING, 0xc3, 1, 0x81][..],
        &(1_u64 << 40).to_be_bytes(),
        &[0],
    ]
    .concat();
    assert_eq!(taken(&sealed(&bomb, 10)).err(), Some(RdbError::Format));
}

#[test]
fn footers_are_checked() {
    let whole = write(Value::String(b"v"));
    assert!(taken(&whole).is_ok());
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        assert_eq!(taken(&damaged).err(), Some(RdbError::Footer), "byte {at}");
    }
    assert_eq!(
        taken(&sealed(&[0, 1, b'v'], 11)).err(),
        Some(RdbError::Footer)
    );
    assert_eq!(taken(b"short").err(), Some(RdbError::Footer));
    assert_eq!(taken(&sealed(&[], 10)).err(), Some(RdbError::Format));
    for empty in [kind::HASH, kind::SORTED_SET, kind::SET, kind::LIST].map(|kind| [kind, 0]) {
        assert_eq!(taken(&sealed(&empty, 10)).err(), Some(RdbError::Format));
    }
}

/// A payload says in which form its value was kept; the limits of who reads it say in which it is.
#[test]
fn the_reader_has_limits_of_its_own() {
    let (mut hash, mut set) = (Hash::default(), SortedSet::default());
    let (mut ints, most) = (Set::default(), IntsMax::default());
    for n in 0..3_u8 {
        let text = n.to_string().into_bytes();
        hash.set(&text, b"value", Bounds::HASH);
        set.insert(&text, f64::from(n), Bounds::SORTED_SET);
        ints.insert(&text, most);
    }
    let payloads = [
        write(Value::Hash(&hash)),
        write(Value::SortedSet(&set)),
        write(Value::Set(&ints)),
    ];
    let forms = |entries: usize, bytes: usize| {
        let limits = Limits {
            hash: Bounds { entries, bytes },
            sorted_set: Bounds { entries, bytes },
            ints: IntsMax::new(entries),
            ..Limits::default()
        };
        payloads.each_ref().map(|payload| {
            match read(payload, limits).expect("it was just written") {
                Owned::Collection(Stored::Hash(hash)) => hash.is_compact(),
                Owned::Collection(Stored::SortedSet(set)) => set.is_compact(),
                Owned::Collection(Stored::Set(set)) => set.is_ints(),
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(forms(3, 5), [true, true, true]);
    assert_eq!(forms(2, 5), [false, false, false]);
    assert_eq!(forms(3, 4), [false, true, true]);
    // Back within them they are compact again, as Redis makes them when it loads.
    let kept = fields(&hash);
    hash.set(b"long", &[b'x'; 65], Bounds::HASH);
    hash.remove(b"long");
    assert!(!hash.is_compact());
    let Owned::Collection(Stored::Hash(read)) = again(&Owned::collection(hash)) else {
        panic!("a hash");
    };
    assert!(read.is_compact() && fields(&read) == kept);
}

/// Redis's small form has no sign of a zero; its large one has, for every member.
#[test]
fn zeros_keep_their_sign_where_redis_keeps_it() {
    for (count, wanted) in [(2_u8, false), (200, true)] {
        let mut body = vec![kind::SORTED_SET_BINARY, 0x40, count];
        for member in 0..count {
            body.extend([2, b'a' + member / 16, b'a' + member % 16]);
            body.extend((-0.0_f64).to_le_bytes());
        }
        let Owned::Collection(Stored::SortedSet(set)) = taken(&sealed(&body, 10)).unwrap() else {
            panic!("a sorted set");
        };
        assert_eq!(set.len(), usize::from(count));
        assert_eq!(set.is_compact(), !wanted);
        assert!(
            set.iter()
                .all(|(_, score)| score.is_sign_negative() == wanted)
        );
    }
}
