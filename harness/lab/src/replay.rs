//! One trace through one policy at one size.
//!
//! A get that misses is followed by an insertion. An object keeps the size that it was
//! inserted with; one larger than the cache misses and is not inserted; victims go until there is
//! room. These are libCacheSim's rules (0.3.5), so that counts can be compared to the last request.
//!
//! A trace that tells of ops and TTLs is replayed as the store would have served it: a set is neither hit nor miss,
//! inserts its object, or uses it as a hit does where that has the size already, and gives it its TTL; a
//! delete removes it; what has expired is gone. A get that misses inserts its object with the TTL that the trace
//! has beside the get. Only gets are counted.
//!
//! The trace's dense ids serve as entries and as identities, so the loop runs over arrays and hashes
//! nothing; the policy's type is known, so its calls are direct.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Millis;
use seawall_store::evict::{EntryId, Identities, MarkRule, Policy, PolicySpec, Setup, Visitor};
use seawall_workloads::trace::{Op, Outline, Trace, TraceError};

use crate::admission::{Admission, Always, AsStore};
use crate::clock::Clock;
use crate::counts::{Counts, Parts};
use crate::expiry::Expiry;
use crate::residents::{Held, HeldBytes, HeldObjects, Residents, SmallMarks, WordMarks};
use crate::size::Unit;
use crate::source::{Source, Stretch};

/// Replays `source` through the policy of `spec` in a cache of `size`, which takes all that comes; what each part counts.
pub(crate) fn replay(
    source: Source<'_>,
    parts: &Parts,
    spec: &PolicySpec,
    size: u64,
    unit: Unit,
    seed: u64,
) -> Result<Vec<Counts>, TraceError> {
    let setup = setup(source.outline(), size, unit, seed);
    admitted(source, parts, spec, setup, unit, Always)
}

/// Replays `source` as the running store would serve it, in whose `maxmemory` of `size` bytes lie items of the trace's
/// sizes: no newcomer is refused.
pub(crate) fn foretell(
    source: Source<'_>,
    parts: &Parts,
    spec: &PolicySpec,
    size: u64,
    seed: u64,
) -> Result<Vec<Counts>, TraceError> {
    let setup = setup(source.outline(), size, Unit::Bytes, seed);
    admitted(source, parts, spec, setup, Unit::Bytes, AsStore)
}

/// Replays `source` through the policy of `spec`, behind an admission.
pub(crate) fn admitted<A: Admission>(
    source: Source<'_>,
    parts: &Parts,
    spec: &PolicySpec,
    setup: Setup<'_>,
    unit: Unit,
    admission: A,
) -> Result<Vec<Counts>, TraceError> {
    let run = Run {
        source,
        parts,
        setup,
        unit,
        admission,
    };
    if SmallMarks::hold(spec.mark_rule(setup)) {
        spec.visit::<SmallMarks, _>(setup, run)
    } else {
        spec.visit::<WordMarks, _>(setup, run)
    }
}

/// What a policy is built with for a cache of `size`.
pub(crate) fn setup(trace: &Outline, size: u64, unit: Unit, seed: u64) -> Setup<'_> {
    Setup {
        capacity: unit.capacity(size),
        identities: Identities::Dense {
            count: trace.object_count(),
            numbers: trace.numbers(),
        },
        seed,
    }
}

struct Run<'t, A> {
    source: Source<'t>,
    parts: &'t Parts,
    setup: Setup<'t>,
    unit: Unit,
    admission: A,
}

impl<R: Residents, A: Admission> Visitor<R> for Run<'_, A> {
    type Output = Result<Vec<Counts>, TraceError>;

    fn visit<P: Policy<R> + 'static>(self, policy: P) -> Self::Output {
        let Run {
            source,
            parts,
            setup,
            unit,
            admission,
        } = self;
        let size = setup.capacity.amount();
        play(source, parts, policy, admission, size, unit, setup.seed)
    }
}

/// Replays `trace` through `policy`, which was made for a cache of `size`.
pub fn replay_policy<R: Residents, P: Policy<R>>(
    trace: &Trace,
    policy: P,
    size: u64,
    unit: Unit,
    seed: u64,
) -> Counts {
    let parts = Parts::whole(trace);
    let counts = play(trace.into(), &parts, policy, Always, size, unit, seed);
    let counts = counts.expect("a trace in memory is read");
    counts.into_iter().sum()
}

fn play<R: Residents, P: Policy<R>, A: Admission>(
    source: Source<'_>,
    parts: &Parts,
    policy: P,
    admission: A,
    size: u64,
    unit: Unit,
    seed: u64,
) -> Result<Vec<Counts>, TraceError> {
    let objects = source.outline().object_count();
    match unit {
        Unit::Objects => Cache::<P, R, HeldObjects, A>::new(objects, policy, admission, size, seed)
            .play(source, parts),
        Unit::Bytes => Cache::<P, R, HeldBytes, A>::new(objects, policy, admission, size, seed)
            .play(source, parts),
    }
}

struct Cache<P, R, H, A> {
    policy: P,
    admission: A,
    residents: R,
    held: H,
    occupied: u64,
    size: u64,
    random: Xoshiro256PlusPlus,
}

impl<P: Policy<R>, R: Residents, H: Held, A: Admission> Cache<P, R, H, A> {
    fn new(objects: u32, policy: P, admission: A, size: u64, seed: u64) -> Self {
        Cache {
            policy,
            admission,
            residents: R::new(objects),
            held: H::new(objects),
            occupied: 0,
            size,
            // Another stream than the policy's own, which starts from the same seed.
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6c61_622d_6d61_726b),
        }
    }

    fn play(mut self, source: Source<'_>, parts: &Parts) -> Result<Vec<Counts>, TraceError> {
        let outline = source.outline();
        let mut clock = Clock::new(outline.seconds());
        let mut expiry = Expiry::new(if outline.is_gets_alone() {
            0
        } else {
            outline.object_count()
        });
        let mut counts = vec![Counts::default(); parts.count()];
        source.play(parts, &mut |stretch| {
            let part = stretch.part;
            let counted = if outline.is_gets_alone() {
                self.play_gets(stretch, &mut clock)
            } else {
                self.play_ops(stretch, &mut clock, &mut expiry)
            };
            counts[part] += counted;
        })?;
        Ok(counts)
    }

    fn play_gets(&mut self, stretch: Stretch<'_>, clock: &mut Clock<'_>) -> Counts {
        let Stretch {
            columns,
            range,
            before,
            requested: mut counts,
            ..
        } = stretch;
        for (at, &object) in range.clone().zip(&columns.objects()[range]) {
            self.admission.hear(object);
            if self.residents.contains(object) {
                self.hit(object, before + at, clock);
            } else {
                let bytes = columns.size(at);
                counts.miss(bytes);
                let now = self.now(before + at, clock);
                self.insert(object, bytes, now);
            }
        }
        counts
    }

    fn play_ops(
        &mut self,
        stretch: Stretch<'_>,
        clock: &mut Clock<'_>,
        expiry: &mut Expiry,
    ) -> Counts {
        let Stretch {
            columns,
            range,
            before,
            ..
        } = stretch;
        let mut counts = Counts::default();
        for (at, &object) in range.clone().zip(&columns.objects()[range]) {
            let request = before + at;
            let now = clock.at(request);
            while let Some(expired) = expiry.due(now) {
                self.remove(expired);
            }
            self.admission.hear(object);
            let bytes = columns.size(at);
            let resident = self.residents.contains(object);
            match columns.op(at) {
                Op::Get => {
                    counts.get(bytes);
                    if resident {
                        self.hit(object, request, clock);
                        continue;
                    }
                    counts.miss(bytes);
                }
                Op::Set if resident && self.held.of(object) == H::room(bytes) => {
                    self.hit(object, request, clock);
                }
                Op::Set => self.remove(object),
                Op::Delete => {
                    self.remove(object);
                    continue;
                }
            }
            if !self.residents.contains(object) {
                self.insert(object, bytes, now);
            }
            if self.residents.contains(object) {
                let ttl_s = u64::from(columns.ttl_s(at));
                let at = (ttl_s > 0).then(|| now + ttl_s * 1000);
                expiry.set(object, at);
                self.policy.expires(object, at);
            }
        }
        counts
    }

    /// `object` leaves, if it is resident, for a reason that is not the policy's.
    fn remove(&mut self, object: EntryId) {
        if self.residents.contains(object) {
            self.policy.remove(object);
            self.leave(object);
        }
    }

    /// A request for a resident leaves its mark.
    #[inline]
    fn hit(&mut self, object: EntryId, request: usize, clock: &mut Clock<'_>) {
        // Asked for each time: inlined, it is a constant, and so is the way taken here.
        let rule = self.policy.mark_rule();
        match rule {
            MarkRule::Nothing => {}
            MarkRule::Bit => self.residents.set(object, 1),
            MarkRule::Count { max } => {
                let mark = self.residents.get(object);
                self.residents.set(object, (mark + 1).min(max));
            }
            MarkRule::Touch => {
                self.policy.touch(object);
                self.drop_overflow();
            }
            MarkRule::Stamp | MarkRule::Second | MarkRule::LogCount => {
                let mark = self.residents.get(object);
                let next = rule.next(mark, clock.at(request), self.random.next_u32());
                self.residents.set(object, next);
            }
        }
    }

    /// The time, where the policy's marks tell of it.
    #[inline]
    fn now(&self, request: usize, clock: &mut Clock<'_>) -> Millis {
        if self.policy.mark_rule().is_timed() {
            clock.at(request)
        } else {
            Millis(0)
        }
    }

    #[inline]
    fn insert(&mut self, object: EntryId, bytes: u32, now: Millis) {
        let (identity, room) = (u64::from(object), H::room(bytes));
        if !self.admission.admits(object, u64::from(bytes)) {
            return;
        }
        let refused = !self.policy.arrive(identity, room) && self.admission.heeds_policy();
        if refused || room > self.size {
            return;
        }
        while self.occupied + room > self.size {
            if self.admission.heeds_policy() && self.policy.newcomer_goes() {
                return;
            }
            let Some(victim) = self.policy.victim(now, &self.residents) else {
                return;
            };
            self.leave(victim);
        }
        self.residents.enter(object);
        self.held.enter(object, bytes);
        self.occupied += room;
        self.policy
            .insert(object, identity, room, now, &self.residents);
        self.drop_overflow();
    }

    /// Drops who was let go though there is room; to a store they are its next victims.
    #[inline]
    fn drop_overflow(&mut self) {
        if !self.admission.heeds_policy() {
            return;
        }
        while let Some(gone) = self.policy.overflow() {
            self.leave(gone);
        }
    }

    #[inline]
    fn leave(&mut self, gone: EntryId) {
        self.residents.leave(gone);
        self.occupied -= self.held.of(gone);
    }
}
