//! `lru-k` and `lfuda` against naive models, on random traces with sizes: written from the papers' sentences over
//! plain vectors, they must miss at the same requests. proptest prints the trace that repeats a failure.

use proptest::prelude::*;
use seawall_lab::{Subject, Unit};
use seawall_workloads::trace::Trace;

const OBJECTS: usize = 24;

/// A naive cache: what each object takes, and who goes.
trait Model {
    /// A hit on a resident.
    fn hit(&mut self, object: usize, now: u64);

    /// An object comes in, or was too large to.
    fn miss(&mut self, object: usize, now: u64, enters: bool);

    /// Of the residents, who goes.
    fn victim(&mut self, residents: &[usize], now: u64) -> usize;
}

/// O'Neil, O'Neil, Weikum 1993, figure 2.1, with K = 2: HIST(p, 1), HIST(p, 2) and LAST(p).
struct LruK {
    hist: [[u64; 2]; OBJECTS],
    last: [u64; OBJECTS],
    correlated: u64,
    history: u64,
}

impl Model for LruK {
    fn hit(&mut self, object: usize, now: u64) {
        if now - self.last[object] > self.correlated {
            let period = self.last[object] - self.hist[object][0];
            self.hist[object] = [now, self.hist[object][0] + period];
        }
        self.last[object] = now;
    }

    fn miss(&mut self, object: usize, now: u64, _enters: bool) {
        let known = self.last[object] > 0 && now - self.last[object] <= self.history;
        let before = if known { self.hist[object][0] } else { 0 };
        self.hist[object] = [now, before];
        self.last[object] = now;
    }

    fn victim(&mut self, residents: &[usize], now: u64) -> usize {
        let eligible = residents.iter().copied();
        let eligible = eligible.filter(|&object| now - self.last[object] > self.correlated);
        let oldest = eligible.min_by_key(|&object| (self.hist[object][1], self.last[object]));
        let used_longest_ago = residents.iter().copied();
        let used_longest_ago = used_longest_ago.min_by_key(|&object| self.last[object]);
        oldest.or(used_longest_ago).expect("the cache is full")
    }
}

/// Arlitt et al. 2000: K = C F + L with all costs 1; L is the key of the last victim.
#[derive(Default)]
struct LfuDa {
    uses: [u64; OBJECTS],
    keys: [u64; OBJECTS],
    last: [u64; OBJECTS],
    age: u64,
}

impl Model for LfuDa {
    fn hit(&mut self, object: usize, now: u64) {
        self.uses[object] += 1;
        self.keys[object] = self.age + self.uses[object];
        self.last[object] = now;
    }

    fn miss(&mut self, object: usize, now: u64, enters: bool) {
        if enters {
            self.uses[object] = 0;
            self.hit(object, now);
        }
    }

    fn victim(&mut self, residents: &[usize], _now: u64) -> usize {
        let residents = residents.iter().copied();
        let least = residents.min_by_key(|&object| (self.keys[object], self.last[object]));
        let least = least.expect("the cache is full");
        self.age = self.keys[least];
        least
    }
}

/// How often `model` misses in a cache of `capacity` bytes.
fn misses(mut model: impl Model, requests: &[(u64, u32)], capacity: u64) -> u64 {
    let (mut residents, mut sizes, mut missed) = (Vec::new(), [0; OBJECTS], 0);
    for (now, &(object, size)) in (1..).zip(requests) {
        let object = object as usize;
        if residents.contains(&object) {
            model.hit(object, now);
            continue;
        }
        missed += 1;
        let size = u64::from(size);
        let enters = size <= capacity;
        if enters {
            while residents.iter().map(|&held| sizes[held]).sum::<u64>() + size > capacity {
                let victim = model.victim(&residents, now);
                residents.retain(|&object| object != victim);
            }
            residents.push(object);
            sizes[object] = size;
        }
        model.miss(object, now, enters);
    }
    missed
}

fn requests() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let object = prop_oneof![3 => 0..8u64, 1 => 0..OBJECTS as u64];
    prop::collection::vec((object, 1..4u32), 1..400)
}

fn replayed(spec: &str, requests: &[(u64, u32)], capacity: u64) -> u64 {
    let trace = Trace::from_sized_keys("random", requests.iter().copied());
    let subjects = Subject::parse_list(spec).expect(spec);
    subjects[0].replay(&trace, capacity, Unit::Bytes, 0).misses
}

proptest! {
    #[test]
    fn lru_k_misses_as_its_model(
        requests in requests(),
        capacity in 1..30u64,
        correlated in prop_oneof![Just(0u64), 1..20u64],
        history in prop_oneof![Just(u64::from(u32::MAX)), 0..60u64],
    ) {
        let spec = format!("lru-k:correlated={correlated}:history={history}");
        let model = LruK {
            hist: [[0; 2]; OBJECTS],
            last: [0; OBJECTS],
            correlated,
            history,
        };
        prop_assert_eq!(
            replayed(&spec, &requests, capacity),
            misses(model, &requests, capacity),
            "{}", spec
        );
    }

    #[test]
    fn lfuda_misses_as_its_model(requests in requests(), capacity in 1..30u64) {
        prop_assert_eq!(
            replayed("lfuda", &requests, capacity),
            misses(LfuDa::default(), &requests, capacity)
        );
    }
}

/// What `lfu` never learns: a was popular once, and leaves when the age has passed it.
#[test]
fn lfuda_forgets() {
    let mut keys = vec![0; 20];
    for round in 1..200 {
        keys.extend([round % 2 + 1, round % 2 + 1]);
    }
    let requests: Vec<(u64, u32)> = keys.into_iter().map(|key| (key, 1)).collect();
    assert!(replayed("lfu", &requests, 2) > 100);
    assert!(replayed("lfuda", &requests, 2) < 40);
}
