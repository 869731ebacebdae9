//! Admissions: chance against its probability, sketches against a set of all that was asked for, and every admission in
//! a replay against a naive cache. proptest prints the trace that repeats a failure.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use seawall_lab::admission::{Admission, AdmissionSpec};
use seawall_lab::{Subject, Unit};
use seawall_store::evict::{Capacity, Identities, Setup};
use seawall_workloads::trace::Trace;

const SEED: u64 = 5;

fn built(admission: &str) -> Box<dyn Admission> {
    let specs = AdmissionSpec::parse_list(admission).expect(admission);
    specs[0].build(Setup {
        capacity: Capacity::Bytes(1),
        identities: Identities::Hashed,
        seed: SEED,
    })
}

/// The requests of `trace` that a `fifo` behind `admission` misses, in bytes.
fn missed(admission: &str, trace: &Trace, size: u64) -> u64 {
    let policies = Subject::parse_list("fifo").expect("a policy");
    let admissions = AdmissionSpec::parse_list(admission).expect(admission);
    let subjects = Subject::behind(&policies, &admissions);
    subjects[0].replay(trace, size, Unit::Bytes, SEED).misses
}

/// The same by a naive cache: a hit changes nothing, and is not asked about.
fn missed_naively(mut admission: Box<dyn Admission>, trace: &Trace, size: u64) -> u64 {
    let mut line: VecDeque<(u32, u64)> = VecDeque::new();
    let mut misses = 0;
    for (request, &object) in trace.objects().iter().enumerate() {
        admission.hear(object);
        if line.iter().any(|&(resident, _)| resident == object) {
            continue;
        }
        misses += 1;
        let bytes = u64::from(trace.size(request));
        if !admission.admits(object, bytes) || bytes > size {
            continue;
        }
        while line.iter().map(|&(_, held)| held).sum::<u64>() + bytes > size {
            line.pop_front();
        }
        line.push_back((object, bytes));
    }
    misses
}

/// Ten thousand objects of 1,000 bytes, each asked for twice: the second request hits where the first let it in.
/// No standard deviation is above 50, and five of them are allowed.
#[test]
fn chance_is_as_told() {
    let twice = (0..20_000u64).map(|request| (request / 2, 1000));
    let trace = Trace::from_sized_keys("twice", twice);
    for (admission, share) in [
        ("probabilistic", 0.5),
        ("probabilistic:percent=20", 0.2),
        ("probabilistic:percent=100:c=1000", (-1f64).exp()),
        ("probabilistic:c=500", 0.5 * (-2f64).exp()),
    ] {
        let hits = 20_000 - missed(admission, &trace, 100_000_000);
        let off = (hits as f64 - 10_000.0 * share).abs();
        assert!(off < 250.0, "{admission}: {hits} hits, seed {SEED}");
    }
}

/// ```text
///             (a 4) (b 9) (b 9) (a 4)      twelve bytes
/// always        A     B     b     A        b displaces a, and a comes back
/// size:max=9    A     B     b     A
/// size:max=8    A     B     B     a        b stays out
/// ```
#[test]
fn what_is_large_stays_out() {
    let trace = Trace::from_sized_keys("bytes", [(1, 4), (2, 9), (2, 9), (1, 4)]);
    let policies = Subject::parse_list("lru").expect("a policy");
    for (admission, bytes_missed) in [("always", 17), ("size:max=9", 17), ("size:max=8", 22)] {
        let admissions = AdmissionSpec::parse_list(admission).expect(admission);
        let behind = &Subject::behind(&policies, &admissions)[0];
        let counts = behind.replay(&trace, 12, Unit::Bytes, SEED);
        assert_eq!(
            (counts.misses, counts.bytes_missed),
            (3, bytes_missed),
            "{admission}"
        );
    }
}

/// An admission at the second request that is wrong on purpose: it remembers the last object alone.
#[derive(Default)]
struct Forgetful {
    last: Option<u32>,
}

impl Admission for Forgetful {
    fn admits(&mut self, object: u32, _size: u64) -> bool {
        self.last.replace(object) == Some(object)
    }
}

/// Which requests `admission` lets in, asked at each.
fn let_in(admission: &mut dyn Admission, trace: &Trace) -> Vec<bool> {
    let ask = |&object: &u32| {
        admission.hear(object);
        admission.admits(object, 1)
    };
    trace.objects().iter().map(ask).collect()
}

/// The same by a set of all that was asked for before.
fn asked_before(trace: &Trace) -> Vec<bool> {
    let mut seen = BTreeSet::new();
    let objects = trace.objects().iter();
    objects.map(|&object| !seen.insert(object)).collect()
}

#[test]
fn one_that_forgets_is_caught() {
    let trace = Trace::from_keys("letters", "ababab".bytes().map(u64::from));
    let forgetful = Box::new(Forgetful::default());
    assert_ne!(
        let_in(&mut Forgetful::default(), &trace),
        asked_before(&trace)
    );
    assert_ne!(
        missed_naively(forgetful, &trace, 100),
        missed("bloom", &trace, 100)
    );
}

/// An admission that is asked at hits too, on purpose, lets other objects in.
#[test]
fn asking_at_hits_is_caught() {
    let keys = (0..2_000u64).map(|request| (request * request % 97, 1));
    let trace = Trace::from_sized_keys("squares", keys);
    let mut chance = built("probabilistic");
    let mut resident = BTreeSet::new();
    let mut misses = 0;
    for &object in trace.objects() {
        let admitted = chance.admits(object, 1);
        if !resident.contains(&object) {
            misses += 1;
            if admitted {
                resident.insert(object);
            }
        }
    }
    assert_ne!(misses, missed("probabilistic", &trace, 1_000));
}

proptest! {
    /// As long as nothing is forgotten, two ways of counting to two are one set.
    #[test]
    fn the_second_request_is_let_in(keys in prop::collection::vec(0..24u64, 1..300)) {
        let trace = Trace::from_keys("random", keys);
        for admission in ["bloom", "tinylfu"] {
            let found = let_in(&mut *built(admission), &trace);
            prop_assert_eq!(found, asked_before(&trace), "{}", admission);
        }
    }

    #[test]
    fn hits_change_nothing_behind_any(
        requests in prop::collection::vec((0..40u64, 1..60u32), 1..300),
        size in 1..400u64,
    ) {
        let trace = Trace::from_sized_keys("random", requests);
        for admission in ["always", "bloom", "bloom:objects=64", "size:max=30", "tinylfu",
            "tinylfu:uses=3", "probabilistic", "probabilistic:percent=90:c=40"] {
            let naively = missed_naively(built(admission), &trace, size);
            prop_assert_eq!(missed(admission, &trace, size), naively, "{}", admission);
        }
    }
}
