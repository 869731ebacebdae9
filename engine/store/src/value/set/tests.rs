//! A set beside a tree of vectors, through its encodings; its account of its memory.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>),
    Remove(Vec<u8>),
    /// So many integers from a number on, so far apart.
    Fill(i64, u16, i64),
    Drain(i64, u16, i64),
}

/// Mostly integers, some of them wide, and what looks like one; or words, now and then a long one.
fn member(words: u32) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (-20..60_i64).prop_map(|n| n.to_string().into_bytes()),
        2 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        2 => (-40_000..40_000_i64).prop_map(|n| n.to_string().into_bytes()),
        words => (0..60_u16).prop_map(|n| format!("word{n}").into_bytes()),
        words => (62..68_usize).prop_map(|len| vec![b'x'; len]),
        words => prop::sample::select(vec![&b""[..], b"-0", b"01", b"+1", b" 1"]).prop_map(<[u8]>::to_vec),
    ]
}

fn step(words: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => member(words).prop_map(Step::Insert),
        4 => member(words).prop_map(Step::Remove),
        1 => (-300..300_i64, 0..300_u16, 1..3_i64).prop_map(|(a, n, by)| Step::Fill(a, n, by)),
        1 => (-300..300_i64, 0..300_u16, 1..3_i64).prop_map(|(a, n, by)| Step::Drain(a, n, by)),
    ]
}

fn run(steps: Vec<Step>, ints: usize) {
    let most = IntsMax::new(ints);
    let mut set = Set::default();
    let mut model: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut only_ints = true;
    let text = |from: i64, i: u16, by: i64| (from + i64::from(i) * by).to_string().into_bytes();
    for step in steps {
        match step {
            Step::Insert(member) => {
                only_ints &= parse_int(&member).is_some();
                assert_eq!(set.insert(&member, most), model.insert(member));
                only_ints &= model.len() <= ints;
            }
            Step::Remove(member) => assert_eq!(set.remove(&member), model.remove(&member)),
            Step::Fill(from, count, by) => {
                for i in 0..count {
                    let member = text(from, i, by);
                    assert_eq!(set.insert(&member, most), model.insert(member));
                    only_ints &= model.len() <= ints;
                }
            }
            Step::Drain(from, count, by) => {
                for i in 0..count {
                    let member = text(from, i, by);
                    assert_eq!(set.remove(&member), model.remove(&member));
                }
            }
        }
        assert_eq!(set.len(), model.len());
        assert_eq!(set.is_ints(), only_ints);
    }
    let shown: Vec<Vec<u8>> = set.iter().map(Member::to_vec).collect();
    for (i, member) in shown.iter().enumerate() {
        assert_eq!(set.get(i).map(Member::to_vec).as_ref(), Some(member));
        assert!(set.contains(member) && set.has(Member::Text(member)));
        if let Some(n) = parse_int(member) {
            assert!(set.has(Member::Int(n)));
        }
    }
    assert_eq!(set.get(shown.len()), None);
    if only_ints {
        let ints = shown.iter().filter_map(|member| parse_int(member));
        assert!(ints.is_sorted(), "integers come in order");
    }
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), model);
}

proptest! {
    #[test]
    fn a_set_equals_a_tree(steps in prop::collection::vec(step(4), 1..100)) {
        run(steps, IntsMax::default().get());
    }

    #[test]
    fn a_set_of_integers_equals_a_tree(
        steps in prop::collection::vec(step(0), 1..100),
        ints in 0..600_usize,
    ) {
        run(steps, ints);
    }

    #[test]
    fn a_scan_shows_all_that_stays(
        count in 1..40_usize,
        changes in prop::collection::vec((any::<bool>(), 200..900_u32), 1..60),
    ) {
        let mut set = Set::default();
        for n in 0..600_u32 {
            set.insert(&n.to_le_bytes(), IntsMax::default());
        }
        let (mut gone, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let (mut cursor, mut changes) = (0, changes.iter());
        loop {
            cursor = set.scan(cursor, count, |member| {
                seen.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            if let Some(&(add, n)) = changes.next() {
                if add {
                    set.insert(&n.to_le_bytes(), IntsMax::default());
                } else {
                    set.remove(&n.to_le_bytes());
                    gone.insert(n);
                }
            }
        }
        for n in (0..600).filter(|n| !gone.contains(n)) {
            prop_assert!(seen.contains(n.to_le_bytes().as_slice()), "{n} was not shown");
        }
    }
}

/// Each encoding costs what its members ask for, and gives it back.
#[test]
fn bytes_follow_the_contents() {
    let mut set = Set::default();
    assert_eq!(set.bytes(), 0);
    for n in 0..500 {
        set.insert(n.to_string().as_bytes(), IntsMax::default());
    }
    assert!(set.is_ints() && set.bytes() <= 1024, "{}", set.bytes());
    set.insert(b"word", IntsMax::default());
    assert!(set.is_table());
    let mut text = 0;
    for n in 0..20_000_u32 {
        let member = format!("member:{n:08}");
        text += member.len();
        set.insert(member.as_bytes(), IntsMax::default());
    }
    let full = set.bytes();
    assert!((text..text + 80 * 20_000).contains(&full), "{full}");
    for n in 0..19_990_u32 {
        set.remove(format!("member:{n:08}").as_bytes());
    }
    assert!(set.bytes() < full / 20, "{} of {full}", set.bytes());
}
