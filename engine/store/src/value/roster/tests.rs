//! A roster beside the simplest model of one, through growth and shrinking; its directory under hashes that are
//! not hashes; its account of its memory.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::group::{Group, SPOTS};
use super::*;
use crate::value::allocation;

/// An entry is a name of eight bytes and what follows.
#[derive(Clone, Copy, Debug)]
struct Eight;

impl Form for Eight {
    fn name(entry: &[u8]) -> &[u8] {
        &entry[..8]
    }
}

/// Entries in their places.
#[derive(Default)]
struct Model(Vec<Vec<u8>>);

impl Model {
    fn place(&self, name: u64) -> Option<usize> {
        let name = name.to_le_bytes();
        self.0.iter().position(|entry| entry[..8] == name)
    }
}

fn set(roster: &mut Roster<Eight>, name: u64, rest: &[u8]) {
    let name = name.to_le_bytes();
    match roster.look(&name) {
        Ok(place) => roster.replace(place, &[&name, rest]),
        Err(vacant) => roster.push(vacant, &[&name, rest]),
    }
}

fn check(roster: &Roster<Eight>) {
    let pages = roster.pages.iter().map(Page::bytes).sum::<usize>();
    assert_eq!(pages, roster.pages_bytes);
    assert_eq!(roster.pages.len(), roster.len.div_ceil(ENTRIES));
    let hash_of = |place: u32| names::hash(Eight::name(roster.entry(place as usize)));
    roster.directory.check(roster.len, hash_of);
}

#[derive(Clone, Debug)]
enum Step {
    Set(u64, usize),
    Remove(u64),
    Fill(u64, u64, usize),
    Drain(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let len = || prop_oneof![6 => 0..40_usize, 2 => 240..256_usize, 1 => 256..5000_usize];
    prop_oneof![
        4 => (0..300_u64, len()).prop_map(|(name, len)| Step::Set(name, len)),
        3 => (0..300_u64).prop_map(Step::Remove),
        2 => (0..1000_u64, 0..700_u64, 0..40_usize).prop_map(|(a, n, len)| Step::Fill(a, n, len)),
        2 => (0..1000_u64, 0..700_u64).prop_map(|(a, n)| Step::Drain(a, n)),
    ]
}

proptest! {
    #[test]
    fn a_roster_equals_a_vector(steps in prop::collection::vec(step(), 1..40)) {
        let mut roster = Roster::<Eight>::new();
        let mut model = Model::default();
        for step in steps {
            let (names, len) = match step {
                Step::Set(name, len) => (name..name + 1, Some(len)),
                Step::Remove(name) => (name..name + 1, None),
                Step::Fill(from, count, len) => (from..from + count, Some(len)),
                Step::Drain(from, count) => (from..from + count, None),
            };
            for name in names {
                let place = model.place(name);
                prop_assert_eq!(roster.look(&name.to_le_bytes()).ok(), place);
                if let Some(len) = len {
                    let rest = vec![name as u8; len];
                    set(&mut roster, name, &rest);
                    let entry = [&name.to_le_bytes()[..], &rest].concat();
                    match place {
                        Some(place) => model.0[place] = entry,
                        None => model.0.push(entry),
                    }
                } else if let Some(place) = place {
                    roster.remove(place);
                    model.0.swap_remove(place);
                }
            }
            check(&roster);
            prop_assert!(roster.iter().eq(model.0.iter().map(Vec::as_slice)));
        }
    }
}

/// Grown to many segments and back, with the last page and the last segment among those that move.
#[test]
fn a_roster_grows_and_shrinks() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut roster = Roster::<Eight>::new();
    for name in 0..40_000 {
        set(&mut roster, name, &[7; 16]);
    }
    check(&roster);
    let full = roster.bytes();
    assert!(full < 40_000 * (24 + 20), "{full}");
    while roster.len() > 20 {
        roster.remove(random.random_range(0..roster.len()));
        if roster.len().is_multiple_of(4_096) {
            check(&roster);
        }
    }
    check(&roster);
    assert!(roster.bytes() < 2_500, "{} bytes for 20", roster.bytes());
}

/// Hashes that differ in few bits, or in none, are found all the same.
#[test]
fn a_directory_bears_any_hash() {
    let few = |place: u32| u64::from(place % 5) << 30;
    let same_end = |place: u32| u64::from(place) << 40;
    let equal = |_: u32| 0;
    for hash in [few as fn(u32) -> u64, same_end, equal] {
        let mut directory = Directory::new();
        for place in 0..400 {
            directory.insert(hash(place), place, &hash);
        }
        directory.check(400, hash);
        directory.rename(hash(7), 7, 1_000);
        directory.rename(hash(7), 1_000, 7);
        for place in (100..400).rev() {
            directory.remove(hash(place), place, &hash);
        }
        directory.check(100, hash);
    }
}

/// Taken apart in steps, none of which frees much more than was asked for.
#[test]
fn a_roster_is_dismantled_in_steps() {
    let mut roster = Roster::<Eight>::new();
    for name in 0..30_000 {
        set(&mut roster, name, &[1; 30]);
    }
    let (mut steps, mut before) = (1, roster.bytes());
    while roster.dismantle(32) {
        let now = roster.bytes();
        assert!(
            before - now < 32 * 4_096,
            "{} bytes in a step",
            before - now
        );
        (before, steps) = (now, steps + 1);
    }
    assert!(steps > 10, "{steps}");
    assert!(roster.bytes() < 2_000, "{}", roster.bytes());
}

/// The checks themselves: a place that two entries share is found out.
#[test]
#[should_panic(expected = "assertion")]
fn a_directory_that_mistakes_a_place_is_found_out() {
    let mut roster = Roster::<Eight>::new();
    for name in 0..1_000 {
        set(&mut roster, name, &[]);
    }
    let hash = names::hash(&7_u64.to_le_bytes());
    roster.directory.rename(hash, 7, 8);
    check(&roster);
}

#[test]
fn sizes_of_allocations_are_those_of_the_allocator() {
    for (len, size) in [
        (0, 0),
        (1, 16),
        (64, 64),
        (65, 80),
        (128, 128),
        (129, 160),
        (1_281, 1_536),
    ] {
        assert_eq!(allocation(len), size, "{len}");
    }
}

/// However many places there are, one more moves no more of them than a segment or two have.
#[test]
fn no_change_of_a_directory_is_large() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let hashes: Vec<u64> = (0..60_000).map(|_| random.random()).collect();
    let asked = std::cell::Cell::new(0);
    let hash_of = |place: u32| {
        asked.set(asked.get() + 1);
        hashes[place as usize]
    };
    let mut directory = Directory::new();
    for place in 0..60_000 {
        asked.set(0);
        directory.insert(hashes[place as usize], place, &hash_of);
        assert!(asked.get() <= 512, "{} for {place}", asked.get());
    }
    // Nine spots of ten are taken before a segment splits, and then half as many.
    let spots = directory.bytes() / size_of::<Group>() * SPOTS;
    assert!((60_000..150_000).contains(&spots), "{spots}");
    for place in (0..60_000).rev() {
        asked.set(0);
        directory.remove(hashes[place as usize], place, &hash_of);
        assert!(asked.get() <= 256, "{} for {place}", asked.get());
    }
    assert!(directory.bytes() < 1_000, "{}", directory.bytes());
}
