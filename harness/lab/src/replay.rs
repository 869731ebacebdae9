//! One trace through one policy at one size.
//!
//! Every request is a get; a miss is followed by an insertion. An object keeps the size that it was
//! inserted with; one larger than the cache misses and is not inserted; victims go until there is
//! room. These are libCacheSim's rules (0.3.5), so that counts can be compared to the last request.
//!
//! The trace's dense ids serve as entries and as identities, so the loop runs over arrays and hashes
//! nothing; the policy's type is known, so its calls are direct.

use std::cell::Cell;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Millis;
use seawall_store::evict::{EntryId, MarkRule, Marks, Policy, PolicySpec, Setup, Visitor};
use seawall_workloads::trace::Trace;

use crate::clock::Clock;
use crate::counts::Counts;
use crate::size::Unit;

/// The marks of all objects of a trace.
pub struct DenseMarks(Vec<Cell<u32>>);

impl DenseMarks {
    /// A mark of 0 for each of `objects`.
    pub fn new(objects: u32) -> DenseMarks {
        DenseMarks(vec![Cell::new(0); objects as usize])
    }
}

impl Marks for DenseMarks {
    fn get(&self, entry: EntryId) -> u32 {
        self.0[entry as usize].get()
    }

    fn set(&self, entry: EntryId, mark: u32) {
        self.0[entry as usize].set(mark);
    }
}

/// In the array of resident sizes: not resident. Traces hold no such size.
const ABSENT: u32 = u32::MAX;

/// Replays `trace` through the policy of `spec` in a cache of `size`.
pub fn replay(trace: &Trace, spec: &PolicySpec, size: u64, unit: Unit, seed: u64) -> Counts {
    let setup = Setup {
        capacity: unit.capacity(size),
        seed,
    };
    spec.visit(setup, Run { trace, setup, unit })
}

struct Run<'t> {
    trace: &'t Trace,
    setup: Setup,
    unit: Unit,
}

impl Visitor<DenseMarks> for Run<'_> {
    type Output = Counts;

    fn visit<P: Policy<DenseMarks> + 'static>(self, policy: P) -> Counts {
        let Run { trace, setup, unit } = self;
        replay_policy(trace, policy, setup.capacity.amount(), unit, setup.seed)
    }
}

/// Replays `trace` through `policy`, which was made for a cache of `size`.
pub fn replay_policy<P: Policy<DenseMarks>>(
    trace: &Trace,
    policy: P,
    size: u64,
    unit: Unit,
    seed: u64,
) -> Counts {
    let mut cache = Cache::new(trace, policy, size, seed);
    let mut counts = Counts::default();
    let mut clock = Clock::new(trace.times_s());
    for (request, &object) in trace.objects().iter().enumerate() {
        let now = clock.tick();
        let bytes = trace.size(request);
        let held_as = if unit == Unit::Objects { 1 } else { bytes };
        let hit = cache.get(object, now);
        if !hit {
            cache.insert(object, held_as, now);
        }
        counts.request(bytes, hit);
    }
    counts
}

struct Cache<P> {
    policy: P,
    rule: MarkRule,
    marks: DenseMarks,
    /// The size that each resident object was inserted with.
    held: Vec<u32>,
    occupied: u64,
    size: u64,
    random: Xoshiro256PlusPlus,
}

impl<P: Policy<DenseMarks>> Cache<P> {
    fn new(trace: &Trace, policy: P, size: u64, seed: u64) -> Cache<P> {
        Cache {
            rule: policy.mark_rule(),
            policy,
            marks: DenseMarks::new(trace.object_count()),
            held: vec![ABSENT; trace.object_count() as usize],
            occupied: 0,
            size,
            // Another stream than the policy's own, which starts from the same seed.
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6c61_622d_6d61_726b),
        }
    }

    /// Whether `object` is resident; if so the hit leaves its mark.
    fn get(&mut self, object: u32, now: Millis) -> bool {
        if self.held[object as usize] == ABSENT {
            return false;
        }
        match self.rule {
            MarkRule::Nothing => {}
            MarkRule::Touch => self.policy.touch(object),
            rule => {
                let random = match rule {
                    MarkRule::LogCount => self.random.next_u32(),
                    _ => 0,
                };
                let mark = self.marks.get(object);
                self.marks.set(object, rule.next(mark, now, random));
            }
        }
        true
    }

    fn insert(&mut self, object: u32, size: u32, now: Millis) {
        let (identity, bytes) = (u64::from(object), u64::from(size));
        if !self.policy.arrive(identity, bytes) || bytes > self.size {
            return;
        }
        while self.occupied + bytes > self.size {
            if self.policy.newcomer_goes() {
                return;
            }
            let Some(victim) = self.policy.victim(now, &self.marks) else {
                return;
            };
            let held = std::mem::replace(&mut self.held[victim as usize], ABSENT);
            assert_ne!(
                held, ABSENT,
                "the policy named {victim}, which is not resident"
            );
            self.occupied -= u64::from(held);
        }
        self.held[object as usize] = size;
        self.occupied += bytes;
        self.marks.set(object, 0);
        self.policy
            .insert(object, identity, bytes, now, &self.marks);
    }
}
