//! A list beside a deque of vectors; its account of its memory beside its chunks.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    PushFront(Vec<u8>),
    PushBack(Vec<u8>),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    RemoveEqual(Vec<u8>, usize, bool),
    /// So many elements of this length, at the back or alternately at both ends.
    Fill(usize, usize, bool),
    /// As a queue: so many in at the back and out at the front.
    Queue(usize),
}

/// Short elements that meet each other, and now and then one about as long as a chunk or a length's
/// groups.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (0..30_u8).prop_map(|n| vec![b'a' + n % 26; usize::from(n % 4)]),
        2 => (126..131_usize).prop_map(|len| vec![b'x'; len]),
        1 => (4085..4100_usize).prop_map(|len| vec![b'y'; len]),
        1 => (8180..8195_usize).prop_map(|len| vec![b'y'; len]),
        1 => (16_380..16_390_usize).prop_map(|len| vec![b'z'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => element().prop_map(Step::PushFront),
        4 => element().prop_map(Step::PushBack),
        4 => (any::<usize>(), element()).prop_map(|(index, value)| Step::Set(index, value)),
        6 => (any::<usize>(), element()).prop_map(|(index, value)| Step::Insert(index, value)),
        4 => (any::<usize>(), 0..6_usize).prop_map(|(from, count)| Step::Remove(from, count)),
        1 => (any::<usize>(), 0..2000_usize).prop_map(|(from, count)| Step::Remove(from, count)),
        2 => (element(), 0..8_usize, any::<bool>())
            .prop_map(|(value, most, back)| Step::RemoveEqual(value, most, back)),
        1 => (element(), Just(usize::MAX), any::<bool>())
            .prop_map(|(value, most, back)| Step::RemoveEqual(value, most, back)),
        2 => (0..1500_usize, 0..20_usize, any::<bool>())
            .prop_map(|(count, len, both)| Step::Fill(count, len, both)),
        1 => (0..3000_usize).prop_map(Step::Queue),
    ]
}

fn remove_equal(model: &mut VecDeque<Vec<u8>>, value: &[u8], most: usize, back: bool) -> usize {
    let matches = model.iter().enumerate().filter(|(_, e)| *e == value);
    let mut places: Vec<usize> = matches.map(|(i, _)| i).collect();
    if back {
        places.reverse();
    }
    places.truncate(most);
    places.sort_unstable();
    for place in places.iter().rev() {
        model.remove(*place);
    }
    places.len()
}

fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, step: Step) {
    match step {
        Step::PushFront(value) => {
            list.push_front(&value);
            model.push_front(value);
        }
        Step::PushBack(value) => {
            list.push_back(&value);
            model.push_back(value);
        }
        Step::Set(index, value) if !model.is_empty() => {
            let index = index % model.len();
            list.set(index, &value);
            model[index] = value;
        }
        Step::Set(..) => {}
        Step::Insert(index, value) => {
            let index = index % (model.len() + 1);
            list.insert(index, &value);
            model.insert(index, value);
        }
        Step::Remove(from, count) => {
            let from = from % (model.len() + 1);
            let to = (from + count).min(model.len());
            list.remove(from..to);
            model.drain(from..to);
        }
        Step::RemoveEqual(value, most, back) => {
            let removed = list.remove_equal(&value, most, back);
            assert_eq!(removed, remove_equal(model, &value, most, back));
        }
        Step::Fill(count, len, both) => {
            for n in 0..count {
                let mut value = n.to_string().into_bytes();
                value.resize(len, b'.');
                if both && n % 2 == 1 {
                    list.push_front(&value);
                    model.push_front(value);
                } else {
                    list.push_back(&value);
                    model.push_back(value);
                }
            }
        }
        Step::Queue(count) => {
            for n in 0..count {
                let value = n.to_string().into_bytes();
                list.push_back(&value);
                model.push_back(value);
                list.remove(0..1);
                model.pop_front();
            }
        }
    }
}

/// What holds of the chunks between any two changes.
fn check(list: &List) {
    let heap: usize = list.chunks.iter().map(Chunk::heap).sum();
    assert_eq!(list.heap, heap);
    assert_eq!(list.len, list.chunks.iter().map(Chunk::len).sum::<usize>());
    for chunk in &list.chunks {
        assert!(chunk.len() > 0, "no chunk is empty");
        assert!(list.fill.holds(chunk.len(), chunk.used()));
    }
}

proptest! {
    #[test]
    fn a_list_equals_a_deque(
        steps in prop::collection::vec(step(), 1..60),
        (a, b) in (any::<usize>(), any::<usize>()),
        setting in prop_oneof![-5..0_i64, 1..200_i64],
    ) {
        let mut list = List::new(Fill::of_setting(setting));
        let mut model = VecDeque::new();
        for step in steps {
            apply(&mut list, &mut model, step);
            check(&list);
            prop_assert_eq!(list.len(), model.len());
        }
        prop_assert!(list.iter().eq(model.iter().map(Vec::as_slice)));
        prop_assert!(list.iter().rev().eq(model.iter().rev().map(Vec::as_slice)));
        for index in (0..model.len()).step_by(model.len() / 50 + 1) {
            prop_assert_eq!(list.get(index), Some(model[index].as_slice()));
        }
        prop_assert_eq!(list.get(model.len()), None);
        let (a, b) = (a % (model.len() + 1), b % (model.len() + 1));
        let range = a.min(b)..a.max(b);
        let part = model.range(range.clone()).map(Vec::as_slice);
        prop_assert!(list.range(range.clone()).eq(part.clone()));
        prop_assert!(list.range(range.clone()).rev().eq(part.rev()));
        // From both ends at once.
        let mut both = list.range(range.clone());
        let mut met = 0;
        while both.next().is_some() {
            met += 1 + usize::from(both.next_back().is_some());
        }
        prop_assert_eq!(met, range.len());
    }
}

/// An element costs little more than itself, and memory comes back.
#[test]
fn bytes_follow_the_contents() {
    let mut list = List::default();
    assert_eq!(list.bytes(), 0);
    list.push_back(b"one");
    assert!(list.bytes() <= 96, "{}", list.bytes());
    for n in 0..100_000_u32 {
        let value = format!("element:{n:08}");
        if n % 2 == 0 {
            list.push_back(value.as_bytes());
        } else {
            list.push_front(value.as_bytes());
        }
    }
    let full = list.bytes();
    assert!(full < 100_000 * 20, "{full}");
    list.remove(10..list.len() - 10);
    check(&list);
    assert!(list.bytes() < full / 100, "{} of {full}", list.bytes());
}
