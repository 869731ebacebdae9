//! `lfuda`: the object used least often goes, above an age that rises with each victim.
//!
//! ```text
//!   key = uses + age at the last use        age = key of the last victim
//! ```
//!
//! What was popular once keeps its key while the age passes it, so it leaves in the end, which `lfu` never lets
//! it. Of equals, the one that has been at that key longest goes. No key is above the number of requests so
//! far, since an age is made of uses: so there is a line for each key, and a set of those that are not empty.

use seawall_store::evict::order::links::Links;
use seawall_store::evict::{Description, Params, Setup};
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};
use crate::bits::Bits;

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "lfuda",
        about: "evicts the object used least often, its uses counted above the key of the last victim before them",
        source: "Arlitt, Cherkasova, Dilley, Friedrich, Jin, ACM SIGMETRICS Performance Evaluation Review 27(4), \
                 2000, Evaluating content management techniques for web proxy caches (LFU-DA)",
        params: &[],
        cost: "hit: moves the entry; insertion: O(1); eviction: a few words looked at; 8 bytes a request of the trace",
        bytes_per_item: 24,
        bad_at: "bytes: a large object stays as long as a small one; scans, which raise the age by little",
    },
    replay: play::<LfuDa>,
};

/// The key of an object that is not resident.
const ABSENT: u32 = 0;

struct LfuDa {
    /// A list for each key.
    links: Links,
    /// The keys whose lists have objects, as what they lack to `key_max`: the least key is the greatest here.
    keys_used: Bits,
    key_max: u32,
    residents: Vec<Resident>,
    age: u32,
    occupied: u64,
    capacity: u64,
}

#[derive(Clone, Copy)]
struct Resident {
    key: u32,
    uses: u32,
    size: u64,
}

impl Cache for LfuDa {
    fn new(trace: &Trace, _params: Params<'_>, setup: Setup<'_>) -> LfuDa {
        let key_max = trace.len() as u32;
        let absent = Resident {
            key: ABSENT,
            uses: 0,
            size: 0,
        };
        LfuDa {
            links: Links::new(key_max + 1),
            keys_used: Bits::new(key_max as usize + 1),
            key_max,
            residents: vec![absent; trace.object_count() as usize],
            age: 0,
            occupied: 0,
            capacity: setup.capacity.amount(),
        }
    }

    #[inline]
    fn request(&mut self, object: u32, size: u64) -> bool {
        if self.residents[object as usize].key != ABSENT {
            self.hit(object);
            return true;
        }
        if size > self.capacity {
            return false;
        }
        while self.occupied + size > self.capacity {
            self.evict();
        }
        let key = self.age + 1;
        self.residents[object as usize] = Resident { key, uses: 1, size };
        self.occupied += size;
        self.links.push(key, object);
        self.keys_used.insert((self.key_max - key) as usize);
        false
    }
}

impl LfuDa {
    fn hit(&mut self, object: u32) {
        let resident = &mut self.residents[object as usize];
        resident.uses += 1;
        let key = self.age + resident.uses;
        let before = std::mem::replace(&mut resident.key, key);
        self.links.renew(key, object);
        self.keys_used.insert((self.key_max - key) as usize);
        self.left(before);
    }

    /// There is a resident: the cache is too full for one that would fit in an empty one.
    fn evict(&mut self) {
        let least = self.keys_used.greatest().expect("a resident has a key");
        let key = self.key_max - least as u32;
        let victim = self.links.pop_oldest(key).expect("the key is used");
        self.left(key);
        self.age = key;
        let gone = &mut self.residents[victim as usize];
        gone.key = ABSENT;
        self.occupied -= gone.size;
    }

    /// An object has left the list of `key`.
    #[inline]
    fn left(&mut self, key: u32) {
        if self.links.oldest(key).is_none() {
            self.keys_used.remove((self.key_max - key) as usize);
        }
    }
}
