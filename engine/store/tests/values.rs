//! Hashes and sorted sets beside the simplest models of them, through both encodings.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::value::limits::Bounds;
use seawall_store::value::sorted_set::order;
use seawall_store::value::{Collection, Hash, SortedSet};

const HASH: Bounds = Bounds::HASH;
const SORTED_SET: Bounds = Bounds::SORTED_SET;

/// Bounds that steps cross: few entries or many, and lengths of one byte or two.
fn bounds() -> impl Strategy<Value = Bounds> {
    let bytes = prop_oneof![Just(64), Just(0), Just(128), Just(1 << 20)];
    (0..200_usize, bytes).prop_map(|(entries, bytes)| Bounds { entries, bytes })
}

#[derive(Clone, Debug)]
enum HashStep {
    Set(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    /// So many fields at once, from a number on.
    Fill(u16, u16),
    Drain(u16, u16),
}

/// Short names, so that steps meet; now and then one around the limit of the compact encoding.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (0..60_u16).prop_map(|n| format!("name{n}").into_bytes()),
        1 => (62..68_usize).prop_map(|len| vec![b'x'; len]),
        1 => (126..131_usize).prop_map(|len| vec![b'y'; len]),
        1 => Just(Vec::new()),
    ]
}

/// How many at once: now and then more than a segment of a directory holds.
fn fields() -> impl Strategy<Value = u16> {
    prop_oneof![4 => 0..150_u16, 1 => 150..900_u16]
}

fn hash_step() -> impl Strategy<Value = HashStep> {
    prop_oneof![
        6 => (name(), name()).prop_map(|(field, value)| HashStep::Set(field, value)),
        3 => name().prop_map(HashStep::Remove),
        1 => (0..200_u16, fields()).prop_map(|(from, count)| HashStep::Fill(from, count)),
        1 => (0..200_u16, fields()).prop_map(|(from, count)| HashStep::Drain(from, count)),
    ]
}

proptest! {
    #[test]
    fn a_hash_equals_a_map(
        steps in prop::collection::vec(hash_step(), 1..120),
        bounds in bounds(),
    ) {
        let mut hash = Hash::default();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut fits = true;
        for step in steps {
            match step {
                HashStep::Set(field, value) => {
                    let new = model.insert(field.clone(), value.clone()).is_none();
                    prop_assert_eq!(hash.set(&field, &value, bounds), new);
                    fits &= field.len().max(value.len()) <= bounds.bytes;
                }
                HashStep::Remove(field) => {
                    prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                }
                HashStep::Fill(from, count) => {
                    for n in from..from + count {
                        let field = format!("name{n}").into_bytes();
                        hash.set(&field, b"filled", bounds);
                        fits &= field.len().max(6) <= bounds.bytes;
                        model.insert(field, b"filled".to_vec());
                        fits &= model.len() <= bounds.entries;
                    }
                }
                HashStep::Drain(from, count) => {
                    for n in from..from + count {
                        let field = format!("name{n}").into_bytes();
                        prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                    }
                }
            }
            fits &= model.len() <= bounds.entries;
            prop_assert_eq!(hash.is_compact(), fits);
            prop_assert_eq!(hash.len(), model.len());
            prop_assert_eq!(hash.is_empty(), model.is_empty());
        }
        for (field, value) in &model {
            prop_assert_eq!(hash.get(field), Some(value.as_slice()));
        }
        let mut shown: Vec<_> = hash.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
        for (i, (field, _)) in shown.iter().enumerate() {
            prop_assert_eq!(hash.entry(i).expect("in range").0, field.as_slice());
        }
        prop_assert!(hash.entry(shown.len()).is_none());
        shown.sort();
        prop_assert!(shown.into_iter().eq(model));
    }

    #[test]
    fn a_scan_shows_all_that_stays(
        count in 1..40_usize,
        changes in prop::collection::vec((any::<bool>(), 200..900_u32), 1..60),
    ) {
        let mut hash = Hash::default();
        (0..600_u32).for_each(|n| {
            hash.set(&n.to_le_bytes(), b"", HASH);
        });
        let mut gone = std::collections::BTreeSet::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut cursor = 0;
        let mut changes = changes.iter();
        loop {
            cursor = hash.scan(cursor, count, |field, _| {
                seen.insert(field.to_vec());
            });
            if cursor == 0 {
                break;
            }
            if let Some(&(add, n)) = changes.next() {
                let field = n.to_le_bytes();
                if add {
                    hash.set(&field, b"", HASH);
                } else {
                    hash.remove(&field);
                    gone.insert(n);
                }
            }
        }
        for n in (0..600).filter(|n| !gone.contains(n)) {
            prop_assert!(seen.contains(n.to_le_bytes().as_slice()), "{n} was not shown");
        }
    }
}

proptest! {
    /// As for hashes. The first hundred members stay; of the others so many go that the set gives memory
    /// back, and so moves members, while the scan goes on.
    #[test]
    fn a_scan_shows_all_members_that_stay(
        count in 1..40_usize,
        changes in prop::collection::vec((0..20_u8, 100..700_u32), 1000..3000),
        pace in 1..300_usize,
    ) {
        let mut set = SortedSet::default();
        (0..600_u32).for_each(|n| {
            set.insert(&n.to_le_bytes(), f64::from(n % 13), SORTED_SET);
        });
        let mut gone = std::collections::BTreeSet::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut cursor = 0;
        let mut changes = changes.iter();
        loop {
            cursor = set.scan(cursor, count, |member, _| {
                seen.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            for &(what, n) in changes.by_ref().take(pace) {
                let member = n.to_le_bytes();
                if what == 0 {
                    set.insert(&member, f64::from(n % 7), SORTED_SET);
                } else {
                    set.remove(&member);
                    gone.insert(n);
                }
            }
        }
        for n in (0..600).filter(|n| !gone.contains(n)) {
            prop_assert!(seen.contains(n.to_le_bytes().as_slice()), "{n} was not shown");
        }
    }

    #[test]
    fn a_set_made_in_order_equals_one_that_grew(
        members in prop::collection::btree_map(name(), score(), 0..300),
    ) {
        let mut grown = SortedSet::default();
        for (member, score) in &members {
            grown.insert(member, *score, SORTED_SET);
        }
        let ordered: Vec<_> = grown.iter().collect();
        let made = SortedSet::from_ordered(ordered.iter().copied(), SORTED_SET);
        prop_assert_eq!(made.is_compact(), grown.is_compact());
        prop_assert!(made.iter().eq(ordered));
        for (member, score) in &members {
            prop_assert_eq!(made.score(member), Some(*score));
        }
    }
}

#[derive(Clone, Debug)]
enum SetStep {
    Insert(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Fill(u16, u16),
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-5..5_i32).prop_map(f64::from),
        -1e3..1e3,
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
    ]
}

fn set_step() -> impl Strategy<Value = SetStep> {
    prop_oneof![
        8 => (name(), score()).prop_map(|(member, score)| SetStep::Insert(member, score)),
        3 => name().prop_map(SetStep::Remove),
        1 => (0..300_usize, 0..20_usize).prop_map(|(from, count)| SetStep::RemoveRanks(from, count)),
        1 => (0..400_u16, 0..300_u16).prop_map(|(from, count)| SetStep::Fill(from, count)),
    ]
}

/// Members with scores, in order.
type Model = Vec<(f64, Vec<u8>)>;

fn model_insert(model: &mut Model, member: &[u8], score: f64) -> Option<f64> {
    let old = model.iter().position(|(_, other)| other == member);
    let old_score = old.map(|rank| model[rank].0);
    if old_score == Some(score) {
        return old_score;
    }
    old.map(|rank| model.remove(rank));
    let rank = model.partition_point(|(s, m)| (*s, m.as_slice()) < (score, member));
    model.insert(rank, (score, member.to_vec()));
    old_score
}

proptest! {
    #[test]
    fn a_sorted_set_equals_a_sorted_vector(
        steps in prop::collection::vec(set_step(), 1..100),
        (a, b) in (0..300_usize, 0..300_usize),
        at in score(),
        bounds in bounds(),
    ) {
        let mut set = SortedSet::default();
        let mut model = Model::new();
        let mut fits = true;
        for step in steps {
            match step {
                SetStep::Insert(member, score) => {
                    fits &= member.len() <= bounds.bytes;
                    prop_assert_eq!(
                        set.insert(&member, score, bounds),
                        model_insert(&mut model, &member, score)
                    );
                }
                SetStep::Remove(member) => {
                    let rank = model.iter().position(|(_, other)| *other == member);
                    prop_assert_eq!(set.rank(&member), rank);
                    prop_assert_eq!(set.remove(&member), rank.map(|rank| model.remove(rank).0));
                }
                SetStep::RemoveRanks(from, count) => {
                    let to = (from + count).min(model.len());
                    let gone = if from < to { model.drain(from..to).count() } else { 0 };
                    prop_assert_eq!(set.remove_ranks(from..from + count), gone);
                }
                SetStep::Fill(from, count) => {
                    for n in from..from + count {
                        let (member, score) = (format!("name{n}"), f64::from(n % 7));
                        set.insert(member.as_bytes(), score, bounds);
                        fits &= member.len() <= bounds.bytes;
                        model_insert(&mut model, member.as_bytes(), score);
                        fits &= model.len() <= bounds.entries;
                    }
                }
            }
            fits &= model.len() <= bounds.entries;
            prop_assert_eq!(set.is_compact(), fits);
            prop_assert_eq!(set.len(), model.len());
        }
        let owned = |(member, score): (&[u8], f64)| (score, member.to_vec());
        prop_assert!(set.iter().map(owned).eq(model.iter().cloned()));
        for (rank, (score, member)) in model.iter().enumerate() {
            prop_assert_eq!(set.rank(member), Some(rank));
            prop_assert_eq!(set.score(member), Some(*score));
        }
        let ranks = a.min(b).min(model.len())..a.max(b).min(model.len());
        let part = &model[ranks.clone()];
        prop_assert!(set.range(ranks.clone(), false).map(owned).eq(part.iter().cloned()));
        prop_assert!(set.range(ranks, true).map(owned).eq(part.iter().rev().cloned()));
        prop_assert_eq!(
            set.partition_by_score(|score| score < at),
            model.partition_point(|(score, _)| *score < at)
        );
    }
}

/// Members by the tens of thousands, grown and shrunk at random, beside a map that is sorted when it is asked.
#[test]
fn a_large_sorted_set_equals_a_map() {
    for seed in 0..3 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut set, mut model) = (SortedSet::default(), BTreeMap::new());
        for step in 0..60_000_u32 {
            let member = random.random_range(0..20_000_u32).to_be_bytes();
            // Most are set at first, and most are removed in the end.
            if random.random_ratio(60_000 - step, 60_000) {
                let score = f64::from(random.random_range(0..1_000_u32));
                let old = model.insert(member, score);
                assert_eq!(set.insert(&member, score, SORTED_SET), old, "seed {seed}");
            } else {
                assert_eq!(set.remove(&member), model.remove(&member), "seed {seed}");
            }
            if step % 20_000 == 19_999 {
                let mut sorted: Vec<_> = model.iter().map(|(m, s)| (&m[..], *s)).collect();
                sorted.sort_by(order);
                assert!(set.iter().eq(sorted.iter().copied()), "seed {seed}");
                for (rank, (member, score)) in sorted.iter().enumerate().step_by(97) {
                    assert_eq!(set.rank(member), Some(rank), "seed {seed}");
                    assert_eq!(set.score(member), Some(*score), "seed {seed}");
                }
            }
        }
    }
}

/// A search looks at few members however many there are: a tenth of them would be ten thousand here.
#[test]
fn a_search_looks_at_few_members() {
    let mut set = SortedSet::default();
    for n in 0..100_000_u32 {
        set.insert(&n.to_le_bytes(), f64::from(n), SORTED_SET);
    }
    for wanted in [0, 1, 50_000, 99_999, 100_000] {
        let looked_at = std::cell::Cell::new(0);
        let found = set.partition_by_score(|score| {
            looked_at.set(looked_at.get() + 1);
            score < f64::from(wanted)
        });
        assert_eq!(found, wanted as usize);
        assert!(looked_at.get() < 50, "{} members", looked_at.get());
    }
}

/// What a collection says that it takes is held against what it must at least and may at most take.
#[test]
fn bytes_follow_the_contents() {
    let mut hash = Hash::default();
    let mut set = SortedSet::default();
    assert_eq!((hash.bytes(), set.bytes()), (0, 0));
    let mut text = 0;
    for n in 0..20_000_u32 {
        let name = format!("member:{n:08}");
        text += name.len();
        hash.set(name.as_bytes(), name.as_bytes(), HASH);
        set.insert(name.as_bytes(), f64::from(n), SORTED_SET);
        if n % 1000 == 999 {
            let count = n as usize + 1;
            assert!(
                (2 * text..2 * text + 140 * count).contains(&hash.bytes()),
                "{}",
                hash.bytes()
            );
            assert!(
                (text..text + 140 * count).contains(&set.bytes()),
                "{}",
                set.bytes()
            );
        }
    }
    let full = (hash.bytes(), set.bytes());
    for n in 0..19_990_u32 {
        let name = format!("member:{n:08}");
        hash.remove(name.as_bytes());
        set.remove(name.as_bytes());
    }
    assert!(hash.bytes() < full.0 / 50, "{} of {}", hash.bytes(), full.0);
    assert!(set.bytes() < full.1 / 50, "{} of {}", set.bytes(), full.1);
}

/// Drawn fields are all there, different where they must be, and each is drawn sooner or later.
#[test]
fn fields_are_drawn_at_random() {
    use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};
    let ask = |shard: &mut Shard, words: &str| {
        let mut out = Out::default();
        let op = Op::parse(words.split(' ').map(str::as_bytes)).expect(words);
        shard.apply(Millis(0), &op, &mut out);
        match Reply::parse(out.reply.as_bytes()).expect(words).0 {
            Reply::Array(fields) => fields.iter().map(|field| format!("{field:?}")).collect(),
            single => vec![format!("{single:?}")],
        }
    };
    let mut shard = Shard::new(&ShardConfig::default());
    for n in 0..300 {
        ask(&mut shard, &format!("hset h f{n} v"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let drawn = ask(&mut shard, "hrandfield h 20");
        let different: std::collections::BTreeSet<_> = drawn.iter().cloned().collect();
        assert_eq!((drawn.len(), different.len()), (20, 20));
        seen.extend(drawn);
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(ask(&mut shard, "hrandfield h -1000").len(), 1000);
    let refused = ask(&mut shard, "hrandfield h -9223372036854775808");
    assert!(refused[0].contains("out of range"), "{refused:?}");
}
