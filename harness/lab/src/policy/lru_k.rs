//! `lru-k`, K = 2: the object whose last use but one is longest ago goes, those used once before all others.
//!
//! ```text
//!   uses of an object:   x        x x x          x       now
//!                        before   └─ one ─┘      last          uses closer than the correlated period count as one
//! ```
//!
//! The uses of an object that has left are remembered for a while (the paper's retained information), so one that
//! comes back is known by its earlier use. Who is within the correlated period of its last use may not go,
//! unless all are; then the one used longest ago goes, on which the paper is silent.
//!
//! Both times that residents are ordered by are numbers of requests, so they stand in sets of bits over
//! these; an object enters its set when its correlated period ends.

use seawall_store::evict::{Description, Params, Setup};
use seawall_store::spec::Param;
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};
use crate::bits::Bits;

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "lru-k",
        about: "evicts the object whose last use but one (K = 2) is longest ago, or that was used once",
        source: "O'Neil, O'Neil, Weikum, SIGMOD 1993, The LRU-K page replacement algorithm for database disk \
                 buffering (K = 2; figure 2.1)",
        params: &[
            Param {
                name: "correlated",
                about: "requests within which uses of an object count as one use",
                default: 0,
                min: 0,
                max: 1 << 20,
                words: &[],
            },
            Param {
                name: "history",
                about: "requests after its last use at which an object that has left is forgotten",
                default: u32::MAX as u64,
                min: 0,
                max: u32::MAX as u64,
                words: &[],
            },
        ],
        cost: "hit, insertion and eviction: a few words looked at (all correlated uses where every resident has \
               one); 4 bytes a request of the trace",
        bytes_per_item: 24,
        bad_at: "recency: what is new goes first, however soon it comes back, unless history is long",
    },
    replay: play::<LruK>,
};

/// The size of an object that is not resident.
const ABSENT: u64 = u64::MAX;

/// The uses of an object, as requests counted from 1; 0: none.
#[derive(Clone, Copy, Default)]
struct Uses {
    last: u32,
    /// The first of the uses that count as one with the last.
    first: u32,
    /// The use before those.
    before: u32,
}

struct LruK {
    /// The object of each request.
    objects: Vec<u32>,
    uses: Vec<Uses>,
    sizes: Vec<u64>,
    /// The residents that may go: those used once by their last use, the others by the one before. The oldest
    /// is the greatest here.
    once: Bits,
    twice: Bits,
    occupied: u64,
    capacity: u64,
    now: u32,
    correlated: u32,
    history: u32,
}

impl Cache for LruK {
    fn new(trace: &Trace, params: Params<'_>, setup: Setup<'_>) -> LruK {
        let objects = trace.object_count() as usize;
        LruK {
            objects: trace.objects().to_vec(),
            uses: vec![Uses::default(); objects],
            sizes: vec![ABSENT; objects],
            once: Bits::new(trace.len()),
            twice: Bits::new(trace.len()),
            occupied: 0,
            capacity: setup.capacity.amount(),
            now: 0,
            correlated: params.get("correlated") as u32,
            history: params.get("history") as u32,
        }
    }

    #[inline]
    fn request(&mut self, object: u32, size: u64) -> bool {
        self.now += 1;
        self.end_period();
        if self.sizes[object as usize] != ABSENT {
            self.hit(object);
            return true;
        }
        if size <= self.capacity {
            while self.occupied + size > self.capacity {
                self.evict();
            }
            self.sizes[object as usize] = size;
            self.occupied += size;
        }
        let uses = &mut self.uses[object as usize];
        let forgotten = uses.last == 0 || self.now - uses.last > self.history;
        *uses = Uses {
            last: self.now,
            first: self.now,
            before: if forgotten { 0 } else { uses.first },
        };
        false
    }
}

impl LruK {
    /// The object whose correlated period ends with this request may go from now on.
    #[inline]
    fn end_period(&mut self) {
        let Some(ended) = self.now.checked_sub(self.correlated + 1) else {
            return;
        };
        if ended == 0 {
            return;
        }
        let object = self.objects[ended as usize - 1];
        let uses = self.uses[object as usize];
        if uses.last == ended && self.sizes[object as usize] != ABSENT {
            let (set, number) = self.set(uses);
            set.insert(number);
        }
    }

    /// The set that a resident of `uses` stands in, and its number there.
    #[inline]
    fn set(&mut self, uses: Uses) -> (&mut Bits, usize) {
        let requests = self.objects.len();
        match uses.before {
            0 => (&mut self.once, requests - uses.last as usize),
            before => (&mut self.twice, requests - before as usize),
        }
    }

    #[inline]
    fn hit(&mut self, object: u32) {
        let uses = self.uses[object as usize];
        if self.now - uses.last > self.correlated {
            let (set, number) = self.set(uses);
            set.remove(number);
            self.uses[object as usize] = Uses {
                last: self.now,
                first: self.now,
                before: uses.last,
            };
        } else {
            self.uses[object as usize].last = self.now;
        }
    }

    /// There is a resident: the cache is too full for one that would fit in an empty one.
    fn evict(&mut self) {
        let victim = if let Some(number) = self.once.greatest() {
            self.once.remove(number);
            self.objects[self.objects.len() - number - 1]
        } else if let Some(number) = self.twice.greatest() {
            self.twice.remove(number);
            self.objects[self.objects.len() - number - 1]
        } else {
            self.used_longest_ago()
        };
        self.occupied -= std::mem::replace(&mut self.sizes[victim as usize], ABSENT);
    }

    /// Of residents that all are within their correlated periods.
    #[cold]
    fn used_longest_ago(&self) -> u32 {
        let oldest = self.now.saturating_sub(self.correlated).max(1);
        let mut last_uses = (oldest..self.now).filter_map(|request| {
            let object = self.objects[request as usize - 1];
            let is_last = self.uses[object as usize].last == request;
            (is_last && self.sizes[object as usize] != ABSENT).then_some(object)
        });
        last_uses.next().expect("a resident was used")
    }
}
