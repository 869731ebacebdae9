//! Small traces whose misses were counted by hand, and a policy broken on purpose that they catch.

mod broken;

use broken::NeverClears;
use seawall_lab::admission::AdmissionSpec;
use seawall_lab::replay::replay_policy;
use seawall_lab::residents::{Residents, WordMarks};
use seawall_lab::{Subject, Unit};
use seawall_store::Millis;
use seawall_store::evict::{Capacity, Identities, LIST, Marks, PolicySpec, Setup};
use seawall_workloads::trace::{Op, Request, Trace};

fn letters(requests: &str) -> Trace {
    Trace::from_keys("letters", requests.bytes().map(u64::from))
}

fn misses(subject: &str, trace: &Trace, size: u64, unit: Unit) -> u64 {
    let subjects = Subject::parse_list(subject).expect(subject);
    subjects[0].replay(trace, size, unit, 1).misses
}

/// ```text
///          a  b  c  a  d  a  b  e  a        three places; lower case: a hit
/// fifo     A  B  C  a  D  A  B  E  a        a goes for d, b for a, c for b, d for e
/// lru      A  B  C  a  D  a  B  E  a        b goes for d, c for b, d for e
/// clock    A  B  C  a  D  a  B  E  a        a is spared for d, b goes; c, then d
/// sieve    A  B  C  a  D  a  B  E  a        likewise, but the hand stays: c goes for b, d for e
/// lfu      A  B  C  a  D  a  B  E  a
/// belady   A  B  C  a  D  a  b  E  a        c goes for d, nothing else is needed
/// ```
#[test]
fn unit_sizes() {
    let trace = letters("abcadabea");
    for (subject, expected) in [
        ("none", 5),
        ("fifo", 7),
        ("lru", 6),
        ("clock", 6),
        ("sieve", 6),
        ("lfu", 6),
        ("belady", 5),
        ("unbounded", 5),
    ] {
        assert_eq!(
            misses(subject, &trace, 3, Unit::Objects),
            expected,
            "{subject}"
        );
    }
}

/// Two bits remember the second hit: a survives two rounds of the hand, with one bit only one.
///
/// ```text
///              a  a  a  b  c  d  a         two places
/// clock        A  a  a  B  C  D  A         a spared for c (b goes), a goes for d
/// clock:bits=2 A  a  a  B  C  D  a         a spared for c (b goes) and for d (c goes)
/// ```
#[test]
fn a_second_bit_counts() {
    let trace = letters("aaabcda");
    assert_eq!(misses("clock", &trace, 2, Unit::Objects), 5);
    assert_eq!(misses("clock:bits=2", &trace, 2, Unit::Objects), 4);
}

/// Twenty places: two in the small queue, eighteen in the main queue, eighteen ghosts. Before the
/// first eviction a and b fill the small queue, c to t the main queue. u evicts a, which becomes a
/// ghost; so a comes back to the main queue, for which b goes. That queue is now one over its share:
/// v evicts from there, c. Then a hits and c misses.
#[test]
fn s3fifo_sifts_and_remembers() {
    let trace = letters("abcdefghijklmnopqrst");
    assert_eq!(misses("s3fifo", &trace, 20, Unit::Objects), 20);
    let trace = letters("abcdefghijklmnopqrstuavac");
    assert_eq!(misses("s3fifo", &trace, 20, Unit::Objects), 24);
    // Below twenty places the small queue has room for less than two, and takes nothing.
    assert_eq!(misses("s3fifo", &letters("aaaa"), 19, Unit::Objects), 4);
}

/// ```text
///   (a 4) (b 4) (c 9) (a 4) (d 3) (a 1) (b 4)    ten bytes, and c does not fit beside a and b
/// ```
/// A hit keeps the inserted size: a counts 4 to the end.
#[test]
fn byte_sizes() {
    let requests = [(1, 4), (2, 4), (3, 9), (1, 4), (4, 3), (1, 1), (2, 4)];
    let trace = Trace::from_sized_keys("bytes", requests);
    // c evicts a and b; a evicts c; d fits beside a (7); a hits; b (4) evicts a by age.
    assert_eq!(misses("fifo", &trace, 10, Unit::Bytes), 6);
    // c is larger than eight bytes: it misses and nothing goes. d evicts a; a, of one byte by now,
    // fits beside b and d; b hits.
    assert_eq!(misses("fifo", &trace, 8, Unit::Bytes), 5);
    let counts =
        Subject::parse_list("unbounded").expect("a bound")[0].replay(&trace, 1, Unit::Bytes, 1);
    assert_eq!(
        (counts.misses, counts.bytes_requested, counts.bytes_missed),
        (4, 29, 20)
    );
}

#[test]
fn a_clock_that_never_clears_is_caught() {
    let trace = letters("aaabcda");
    let counts = replay_policy(&trace, NeverClears::default(), 2, Unit::Objects, 1);
    assert_eq!(counts.misses, 4, "one too few");
    assert_eq!(misses("clock", &trace, 2, Unit::Objects), 5);
}

/// Removal from outside and expiry, which replays do not know.
#[test]
fn only_what_expires_goes_under_volatile_policies() {
    let volatile = LIST
        .iter()
        .filter(|policy| policy.name.starts_with("volatile-"));
    let checked = volatile.inspect(|policy| only_what_expires_goes(policy.name));
    assert_eq!(checked.count(), 4);
}

fn only_what_expires_goes(name: &str) {
    let setup = Setup {
        capacity: Capacity::Objects(10),
        identities: Identities::Hashed,
        seed: 3,
    };
    let spec: PolicySpec = name.parse().expect("a policy");
    let mut policy = spec.build::<WordMarks>(setup);
    let marks = WordMarks::new(10);
    let now = Millis(0);
    for entry in 0..10 {
        policy.insert(entry, u64::from(entry), 1, now, &marks);
    }
    assert_eq!(policy.victim(now, &marks), None, "{name}: nothing expires");
    policy.expires(4, Some(Millis(900)));
    policy.expires(5, Some(Millis(100)));
    policy.expires(6, Some(Millis(500)));
    policy.expires(6, None);
    policy.remove(5);
    assert_eq!(policy.victim(now, &marks), Some(4));
    assert_eq!(
        policy.victim(now, &marks),
        None,
        "{name}: who does not expire stays"
    );
}

/// Of what expires, the volatile forms choose as those over all keys do.
#[test]
fn of_what_expires_the_least_used_goes() {
    for (name, hits) in [("volatile-lru", 1), ("volatile-lfu", 40)] {
        let spec: PolicySpec = format!("{name}:samples=64").parse().expect("a policy");
        let mut policy = spec.build::<WordMarks>(Setup {
            capacity: Capacity::Objects(10),
            identities: Identities::Hashed,
            seed: 3,
        });
        let marks = WordMarks::new(10);
        for entry in 0..10 {
            policy.insert(entry, u64::from(entry), 1, Millis(0), &marks);
        }
        for entry in [2, 5, 7] {
            policy.expires(entry, Some(Millis(90_000)));
        }
        let later = Millis(50_000);
        for entry in [2, 7] {
            for _ in 0..hits {
                let mark = policy.mark_rule().next(marks.get(entry), later, 0);
                marks.set(entry, mark);
            }
        }
        assert_eq!(policy.victim(later, &marks), Some(5), "{name}");
    }
}

/// Counts beyond those that have a list: the least goes, of equals the one longest so; who was removed and comes
/// back starts anew.
#[test]
fn lfu_counts_without_end() {
    let spec: PolicySpec = "lfu".parse().expect("a policy");
    let mut policy = spec.build::<WordMarks>(Setup {
        capacity: Capacity::Objects(10),
        identities: Identities::Hashed,
        seed: 3,
    });
    let (marks, now) = (WordMarks::new(6), Millis(0));
    for (entry, hits) in [
        (0, 3_000),
        (1, 1_500),
        (2, 2_000),
        (3, 1_500),
        (4, 5_000),
        (5, 7),
    ] {
        policy.insert(entry, u64::from(entry), 1, now, &marks);
        (0..hits).for_each(|_| policy.touch(entry));
    }
    policy.remove(1);
    policy.insert(1, 1, 1, now, &marks);
    (0..600).for_each(|_| policy.touch(3));
    let order: Vec<u32> = std::iter::from_fn(|| policy.victim(now, &marks)).collect();
    assert_eq!(order, [1, 5, 2, 3, 0, 4]);
}

/// Ops and TTLs: `g` a get, `s` a set, `d` a delete, with the second, the object, its size and TTL.
fn mixed(requests: &[(u32, Op, u64, u32, u32)]) -> Trace {
    let request = |&(time_s, op, key, size, ttl_s): &(u32, Op, u64, u32, u32)| Request {
        key,
        size: Some(size),
        time_s: Some(time_s),
        op: Some(op),
        ttl_s: Some(ttl_s),
    };
    Trace::from_requests("mixed", requests.iter().map(request))
}

#[test]
fn sets_fill_deletes_empty_and_what_expires_is_gone() {
    let trace = mixed(&[
        (0, Op::Set, 1, 10, 5),
        (1, Op::Get, 1, 10, 5), // hit
        (2, Op::Set, 1, 10, 5), // lives until 7
        (6, Op::Get, 1, 10, 5), // hit
        (8, Op::Get, 1, 10, 0), // expired: miss, filled for ever
        (9, Op::Get, 1, 10, 0), // hit
        (10, Op::Delete, 1, 10, 0),
        (11, Op::Get, 1, 10, 0), // miss
        (12, Op::Set, 1, 60, 0), // too large for the cache: what was there is gone
        (13, Op::Get, 1, 60, 0), // miss
    ]);
    for policy in [
        "lru",
        "s3fifo-sosp23:small=90",
        "volatile-ttl",
        "slru:segments=2",
        "gdsf",
    ] {
        let spec = Subject::Policy(policy.parse().expect("a policy"));
        let counts = spec.replay(&trace, 50, Unit::Bytes, 1);
        assert_eq!(
            (
                counts.requests,
                counts.misses,
                counts.bytes_requested,
                counts.bytes_missed
            ),
            (6, 3, 110, 80),
            "{policy}"
        );
    }
    let spec = Subject::Policy("lru".parse().expect("a policy"));
    let gets = spec.replay(&trace.as_gets_alone(), 50, Unit::Bytes, 1);
    assert_eq!(
        (gets.requests, gets.misses),
        (10, 1),
        "the first, then one size"
    );
}

fn admitted(admission: &str, trace: &Trace, size: u64) -> u64 {
    let policies = Subject::parse_list("fifo").expect("a policy");
    let admissions = AdmissionSpec::parse_list(admission).expect("an admission");
    let subjects = Subject::behind(&policies, &admissions);
    assert_eq!(subjects.len(), 1);
    subjects[0].replay(trace, size, Unit::Bytes, 1).misses
}

#[test]
fn admissions_let_in_whom_they_say() {
    let trace = letters("abacabad");
    assert_eq!(admitted("always", &trace, 100), 4);
    assert_eq!(
        admitted("bloom", &trace, 100),
        6,
        "a and b miss twice, c and d once"
    );
    assert_eq!(admitted("tinylfu", &trace, 100), 6, "as at the second use");
    assert_eq!(
        admitted("tinylfu:uses=3", &trace, 100),
        7,
        "a alone, at its third"
    );
    let sized = Trace::from_sized_keys("sized", [(1, 10), (2, 90), (1, 10), (2, 90)]);
    assert_eq!(admitted("size:max=10", &sized, 100), 3);
    assert_eq!(
        admitted("probabilistic:percent=100:c=1", &sized, 100),
        4,
        "10 bytes: e^-10"
    );
    assert_eq!(admitted("probabilistic:percent=100", &sized, 100), 2);
}

/// Who was asked for long ago is forgotten, after one to two fillings.
#[test]
fn bloom_forgets() {
    let others = |count: u64| (0..count).map(|other| 1_000 + other);
    let trace =
        |between: u64| Trace::from_keys("t", [7].into_iter().chain(others(between)).chain([7, 7]));
    let missed = |between| admitted("bloom:objects=64", &trace(between), 1_000_000) - between;
    assert_eq!(missed(20), 2, "the second lets it in");
    assert_eq!(missed(200), 3, "the second is as the first");
}

/// Only policies of the store take an admission; the others stand once, as they are, beside `always`.
#[test]
fn who_keeps_residents_itself_takes_all() {
    let all = Subject::parse_list("lru,lirs,belady").expect("a list");
    let behind = |admissions: &str| -> Vec<String> {
        let admissions = AdmissionSpec::parse_list(admissions).expect("admissions");
        let subjects = Subject::behind(&all, &admissions);
        subjects.iter().map(Subject::to_string).collect()
    };
    assert_eq!(
        behind("always,bloom"),
        ["lru", "lirs", "belady", "lru+bloom"]
    );
    assert_eq!(behind("size:max=3"), ["lru+size:max=3"]);
    let error = AdmissionSpec::parse_list("blom").expect_err("no such");
    assert!(
        error
            .to_string()
            .starts_with("unknown admission `blom`; accepted: always, bloom")
    );
}
