//! Policies against naive models, on random histories with deletions; and what holds of all of them.
//!
//! A model is a plain vector and a count per object, written from the paper's sentence. It must name
//! the same victims in the same order. proptest prints the history that repeats a failure.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seawall_lab::residents::{Residents, WordMarks};
use seawall_lab::{Subject, Unit};
use seawall_store::Millis;
use seawall_store::evict::{
    Capacity, Identities, LIST, MarkRule, Marks, Policy, PolicySpec, Setup,
};
use seawall_workloads::trace::Trace;

const OBJECTS: u32 = 24;

#[derive(Clone, Copy, Debug)]
enum Step {
    Get(u32),
    Delete(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let object = prop_oneof![3 => 0..8u32, 1 => 0..OBJECTS];
    let step = (object, 0..12u32).prop_map(|(object, kind)| match kind {
        0 => Step::Delete(object),
        _ => Step::Get(object),
    });
    prop::collection::vec(step, 0..400)
}

/// An object in a model: oldest first in the line.
#[derive(Clone, Copy, Debug)]
struct Seat {
    object: u32,
    hits: u32,
    /// When it came to the count that it has.
    since: usize,
}

/// The naive cache: a line, oldest first, and SIEVE's hand as an index into it.
struct Model {
    name: &'static str,
    line: Vec<Seat>,
    hand: usize,
    step: usize,
}

impl Model {
    fn at(&self, object: u32) -> Option<usize> {
        self.line.iter().position(|seat| seat.object == object)
    }

    fn hit(&mut self, at: usize) {
        let step = self.step;
        let seat = &mut self.line[at];
        match self.name {
            "lru" => {
                let seat = self.line.remove(at);
                self.line.push(seat);
            }
            "lfu" => (seat.hits, seat.since) = (seat.hits + 1, step),
            "clock:bits=2" => seat.hits = (seat.hits + 1).min(3),
            _ => seat.hits = 1,
        }
    }

    fn remove(&mut self, at: usize) -> u32 {
        if at < self.hand {
            self.hand -= 1;
        }
        let object = self.line.remove(at).object;
        // So does a hand whose object was the newest, even if others come in meanwhile.
        if self.hand == self.line.len() {
            self.hand = 0;
        }
        object
    }

    fn victim(&mut self) -> u32 {
        match self.name {
            "fifo" | "lru" => self.remove(0),
            "lfu" => {
                let seats = self.line.iter().enumerate();
                let rarest = seats.min_by_key(|(_, seat)| (seat.hits, seat.since));
                let at = rarest.expect("the cache is full").0;
                self.remove(at)
            }
            "sieve" => loop {
                // Past the newest, the hand begins again at the oldest.
                if self.hand == self.line.len() {
                    self.hand = 0;
                }
                let hand = self.hand;
                if self.line[hand].hits == 0 {
                    return self.remove(hand);
                }
                self.line[hand].hits = 0;
                self.hand += 1;
            },
            _ => loop {
                let mut seat = self.line.remove(0);
                if seat.hits == 0 {
                    return seat.object;
                }
                seat.hits -= 1;
                self.line.push(seat);
            },
        }
    }
}

/// The policy as the store drives it, without a store.
struct Driven {
    policy: Box<dyn Policy<WordMarks>>,
    rule: MarkRule,
    marks: WordMarks,
    resident: BTreeSet<u32>,
}

impl Driven {
    fn new(spec: &str, capacity: u64) -> Driven {
        let spec: PolicySpec = spec.parse().expect("a policy");
        let policy = spec.build::<WordMarks>(Setup {
            capacity: Capacity::Objects(capacity),
            identities: Identities::Hashed,
            seed: 11,
        });
        Driven {
            rule: policy.mark_rule(),
            policy,
            marks: WordMarks::new(OBJECTS),
            resident: BTreeSet::new(),
        }
    }

    fn hit(&mut self, object: u32, now: Millis) {
        match self.rule {
            MarkRule::Touch => self.policy.touch(object),
            rule => {
                let mark = rule.next(self.marks.get(object), now, 0);
                self.marks.set(object, mark);
            }
        }
    }

    fn insert(&mut self, object: u32, now: Millis) {
        self.marks.set(object, 0);
        self.policy
            .insert(object, u64::from(object), 1, now, &self.marks);
        self.policy.expires(object, Some(now + 1000));
        self.resident.insert(object);
    }
}

fn same_victims(name: &'static str, steps: &[Step], capacity: usize) -> Result<(), TestCaseError> {
    let mut driven = Driven::new(name, capacity as u64);
    let mut model = Model {
        name,
        line: Vec::new(),
        hand: 0,
        step: 0,
    };
    for (number, &step) in steps.iter().enumerate() {
        let now = Millis(number as u64);
        model.step = number;
        match (step, model.at(step.object())) {
            (Step::Get(object), Some(at)) => {
                model.hit(at);
                driven.hit(object, now);
            }
            (Step::Get(object), None) => {
                prop_assert!(driven.policy.arrive(u64::from(object), 1));
                if model.line.len() == capacity {
                    let victim = driven.policy.victim(now, &driven.marks);
                    prop_assert_eq!(victim, Some(model.victim()), "{} at step {}", name, number);
                }
                model.line.push(Seat {
                    object,
                    hits: 0,
                    since: number,
                });
                driven.insert(object, now);
            }
            (Step::Delete(object), Some(at)) => {
                model.remove(at);
                driven.policy.remove(object);
            }
            (Step::Delete(_), None) => {}
        }
    }
    Ok(())
}

impl Step {
    fn object(self) -> u32 {
        match self {
            Step::Get(object) | Step::Delete(object) => object,
        }
    }
}

/// What the caller may rely on, of any policy: a victim is resident, each resident goes once, and
/// deleted ones do not come up.
fn residents_hold(name: &str, steps: &[Step], capacity: usize) -> Result<(), TestCaseError> {
    let mut driven = Driven::new(name, capacity as u64);
    for (number, &step) in steps.iter().enumerate() {
        let now = Millis(number as u64 * 977);
        match step {
            Step::Get(object) if driven.resident.contains(&object) => driven.hit(object, now),
            Step::Get(object) => {
                let mut refused = !driven.policy.arrive(u64::from(object), 1);
                if !refused && driven.resident.len() == capacity {
                    match driven.policy.victim(now, &driven.marks) {
                        Some(victim) => {
                            prop_assert!(driven.resident.remove(&victim), "{name}: {victim} went");
                        }
                        None => refused = true,
                    }
                }
                if !refused {
                    driven.insert(object, now);
                }
                prop_assert!(driven.resident.len() <= capacity);
            }
            Step::Delete(object) => {
                if driven.resident.remove(&object) {
                    driven.policy.remove(object);
                }
            }
        }
        // A touch that was buffered when its entry left must do nothing.
        if driven.rule == MarkRule::Touch && !driven.resident.contains(&step.object()) {
            driven.policy.touch(step.object());
        }
    }
    if name != "none" {
        let now = Millis(1 << 20);
        while let Some(victim) = driven.policy.victim(now, &driven.marks) {
            prop_assert!(
                driven.resident.remove(&victim),
                "{name}: {victim} went at the end"
            );
        }
        prop_assert!(
            driven.resident.is_empty(),
            "{name} keeps {:?}",
            driven.resident
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn victims_are_those_of_the_model(steps in steps(), capacity in 1..12usize) {
        for name in ["fifo", "lru", "clock", "clock:bits=2", "sieve", "lfu"] {
            same_victims(name, &steps, capacity)?;
        }
    }

    #[test]
    fn residents_are_what_policies_say(steps in steps(), capacity in 1..22usize) {
        for policy in LIST {
            residents_hold(policy.name, &steps, capacity)?;
        }
    }

    #[test]
    fn nothing_passes_the_bounds(
        keys in prop::collection::vec(prop_oneof![3 => 0..30u64, 1 => 0..200u64], 1..600),
        size in 1..60u64,
    ) {
        let trace = Trace::from_keys("random", keys);
        let misses = |subject: &Subject| subject.replay(&trace, size, Unit::Objects, 5).misses;
        let [belady, unbounded] = ["belady", "unbounded"]
            .map(|bound| misses(&Subject::parse_list(bound).expect("a bound")[0]));
        prop_assert!(unbounded <= belady);
        for subject in Subject::parse_list("all,clock:bits=3,s3fifo:small=30").expect("a list") {
            // These may keep what they have and leave out what comes: they bypass, which Belady here does not.
            let bypassing = ["none", "unbounded", "gdsf", "wtinylfu"];
            let bypasses = bypassing.contains(&subject.name())
                || subject.name().starts_with("volatile-");
            let found = misses(&subject);
            prop_assert!(found >= if bypasses { unbounded } else { belady }, "{subject}");
        }
    }

    /// In bytes, whatever the sizes: every replay ends, and none has fewer misses than objects.
    #[test]
    fn bytes_end_well(
        requests in prop::collection::vec((0..40u64, 0..5000u32), 1..300),
        size in 1..20_000u64,
    ) {
        let trace = Trace::from_sized_keys("random", requests);
        for subject in Subject::parse_list("all").expect("a list") {
            let counts = subject.replay(&trace, size, Unit::Bytes, 5);
            prop_assert!(counts.misses >= u64::from(trace.object_count()), "{subject}");
            prop_assert!(counts.bytes_missed <= counts.bytes_requested);
        }
    }
}
