//! `lhd`: of a few residents drawn at random, the one from which the fewest hits per byte and time are expected goes.
//!
//! What is expected follows from statistics: objects are classed by how long ago their last two uses were, and for each
//! class and age it is counted how many were used and how many evicted at that age. Once in a million uses
//! the counts become densities: of those that reached this age, the hits still to come over the time still to be spent.
//!
//! A few objects are explorers, which the ranking favours, so that ages are seen which it would never let
//! anybody reach. The last that came in with a poor expectation are always among those ranked.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::evict::{Description, Params, Setup};
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "lhd",
        about: "of a few objects drawn at random, evicts the one with the least expected hits per byte and time",
        source: "Beckmann, Chen, Cidon, NSDI 2018, LHD: improving cache hit rate by maximizing hit density; \
                 32 draws (8 at first), 16 classes by age, as in libCacheSim 0.3.5",
        params: &[],
        cost: "hit: counts an age; insertion: O(1); eviction: two random accesses per draw; once in a million uses: \
               all densities",
        bytes_per_item: 44,
        bad_at: "its first million uses, when it knows nothing of ages; it takes 4 MB of counts besides",
    },
    replay: play::<Lhd>,
};

const CLASSES: usize = 16;
const MAX_AGE: usize = 20_000;
const DRAWS: usize = 32;
const DRAWS_AT_FIRST: usize = 8;
const RECENT: usize = 8;
const RECONFIGURE_EVERY: u64 = 1 << 20;
const DECAY: f32 = 0.9;
const EXPLORE_ONE_IN: u32 = 32;
const EXPLORERS_SHARE: f64 = 0.01;
/// So many reconfigurations make up the beginning.
const BEGINNING: u32 = 50;
/// At these reconfigurations the unit of age is fitted to how many objects there are.
const FITTED_AT: [u32; 2] = [5, 25];
const FIT_TOLERANCE: f32 = 0.01;
const SHIFT_AT_FIRST: u32 = 10;
/// Densities at first fall with age and rise with the class, as the reference numbers its classes.
const FIRST_CLASS: usize = 17;

const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Resident {
    object: u32,
    used: u64,
    /// How old it was at its last use, and at the one before; [`MAX_AGE`] where there was none.
    last_age: u16,
    age_before: u16,
    is_explorer: bool,
    /// As it was last asked for, and as it came in.
    size: u64,
    held: u64,
}

/// What happened at each age, and what follows.
struct Class {
    hits: Vec<f32>,
    evictions: Vec<f32>,
    densities: Vec<f32>,
}

struct Lhd {
    residents: Vec<Resident>,
    /// Where each object stands among the residents.
    place: Vec<u32>,
    classes: Vec<Class>,
    occupied: u64,
    capacity: u64,
    uses: u64,
    /// An age is a number of uses, shifted so far.
    shift: u32,
    reconfigurations: u32,
    /// Residents at reconfigurations, decayed, and their weight.
    count: f32,
    count_weight: f32,
    victim_density: f32,
    explorers_left: i64,
    recent: [u32; RECENT],
    next_recent: usize,
    random: Xoshiro256PlusPlus,
}

impl Cache for Lhd {
    fn new(trace: &Trace, _params: Params<'_>, setup: Setup<'_>) -> Lhd {
        let class = |class: usize| Class {
            hits: vec![0.0; MAX_AGE],
            evictions: vec![0.0; MAX_AGE],
            densities: (1..=MAX_AGE)
                .map(|age| (FIRST_CLASS + class) as f32 / age as f32)
                .collect(),
        };
        let capacity = setup.capacity.amount();
        Lhd {
            residents: Vec::new(),
            place: vec![ABSENT; trace.object_count() as usize],
            classes: (0..CLASSES).map(class).collect(),
            occupied: 0,
            capacity,
            uses: 0,
            shift: SHIFT_AT_FIRST,
            reconfigurations: 0,
            count: 0.0,
            count_weight: 0.0,
            victim_density: 0.0,
            explorers_left: (capacity as f64 * EXPLORERS_SHARE) as i64,
            recent: [ABSENT; RECENT],
            next_recent: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(setup.seed),
        }
    }

    fn request(&mut self, object: u32, size: u64) -> bool {
        let place = self.place[object as usize] as usize;
        if place < self.residents.len() {
            self.hit(place, size);
            return true;
        }
        if size > self.capacity {
            return false;
        }
        while self.occupied + size > self.capacity {
            self.evict();
        }
        self.insert(object, size);
        false
    }
}

impl Lhd {
    fn age(&self, resident: &Resident) -> usize {
        let age = (self.uses - resident.used) >> self.shift;
        (age as usize).min(MAX_AGE - 1)
    }

    fn density(&self, resident: &Resident) -> f32 {
        let age = self.age(resident);
        if age == MAX_AGE - 1 {
            return f32::MIN;
        }
        let density = self.classes[class_of(resident)].densities[age] / resident.size as f32;
        density + f32::from(u8::from(resident.is_explorer))
    }

    fn hit(&mut self, place: usize, size: u64) {
        let mut resident = self.residents[place];
        let age = self.age(&resident);
        self.classes[class_of(&resident)].hits[age] += 1.0;
        if resident.is_explorer {
            self.explorers_left += resident.size as i64;
        }
        resident.age_before = resident.last_age;
        resident.last_age = age as u16;
        resident.used = self.uses;
        resident.size = size;
        self.draw_explorer(&mut resident);
        self.residents[place] = resident;
        self.count_use();
    }

    fn insert(&mut self, object: u32, size: u64) {
        let mut resident = Resident {
            object,
            used: self.uses,
            last_age: 0,
            age_before: MAX_AGE as u16,
            is_explorer: false,
            size,
            held: size,
        };
        let drawn = self.draw_explorer(&mut resident);
        if !drawn && self.density(&resident) < self.victim_density {
            self.recent[self.next_recent % RECENT] = object;
            self.next_recent += 1;
        }
        self.place[object as usize] = self.residents.len() as u32;
        self.residents.push(resident);
        self.occupied += size;
        self.count_use();
    }

    /// Lets chance make an explorer of a resident; whether it would have, had there been room for more.
    fn draw_explorer(&mut self, resident: &mut Resident) -> bool {
        let drawn = self.random.random_range(0..EXPLORE_ONE_IN) == 0;
        resident.is_explorer =
            drawn && self.explorers_left > 0 && self.reconfigurations < BEGINNING;
        if resident.is_explorer {
            self.explorers_left -= resident.size as i64;
        }
        drawn
    }

    fn evict(&mut self) {
        let draws = if self.reconfigurations > BEGINNING {
            DRAWS
        } else {
            DRAWS_AT_FIRST
        };
        let mut least = (f32::MAX, usize::MAX);
        for draw in 0..draws + RECENT {
            let place = if draw < draws {
                self.random.random_range(0..self.residents.len())
            } else {
                let object = self.recent[draw - draws];
                self.place
                    .get(object as usize)
                    .map_or(usize::MAX, |&place| place as usize)
            };
            let Some(resident) = self.residents.get(place) else {
                continue;
            };
            let density = self.density(resident);
            if density < least.0 {
                least = (density, place);
            }
        }
        self.victim_density = DECAY * self.victim_density + (1.0 - DECAY) * least.0;
        self.remove(least.1);
    }

    fn remove(&mut self, place: usize) {
        let gone = self.residents.swap_remove(place);
        if let Some(moved) = self.residents.get(place) {
            self.place[moved.object as usize] = place as u32;
        }
        self.place[gone.object as usize] = ABSENT;
        self.occupied -= gone.held;
        let age = self.age(&gone);
        self.classes[class_of(&gone)].evictions[age] += 1.0;
        if gone.is_explorer {
            self.explorers_left += gone.size as i64;
        }
    }

    fn count_use(&mut self) {
        self.uses += 1;
        if self.uses.is_multiple_of(RECONFIGURE_EVERY) {
            self.reconfigure();
            self.reconfigurations += 1;
        }
    }

    fn reconfigure(&mut self) {
        for class in &mut self.classes {
            for count in class.hits.iter_mut().chain(&mut class.evictions) {
                *count *= DECAY;
            }
        }
        self.count = DECAY * self.count + self.residents.len() as f32;
        self.count_weight = DECAY * self.count_weight + 1.0;
        if FITTED_AT.contains(&self.reconfigurations) {
            self.fit_age();
        }
        self.classes.iter_mut().for_each(Class::expect);
    }

    /// Chooses the unit of age so that ages up to [`MAX_AGE`] tell as many uses as there are objects apart.
    fn fit_age(&mut self) {
        let wanted = self.count / self.count_weight / (FIT_TOLERANCE * MAX_AGE as f32);
        let mut shift = 1;
        while ((1u64 << shift) as f32) < wanted {
            shift += 1;
        }
        let before = std::mem::replace(&mut self.shift, shift);
        self.count *= 8.0;
        self.count_weight *= 8.0;
        for class in &mut self.classes {
            for counts in [&mut class.hits, &mut class.evictions] {
                if shift < before {
                    refine(counts, before - shift);
                } else {
                    coarsen(counts, shift - before);
                }
            }
        }
    }
}

/// The class of a resident: the less time passed between its last uses, the higher.
fn class_of(resident: &Resident) -> usize {
    let age = usize::from(resident.last_age) + usize::from(resident.age_before);
    match age {
        0 => CLASSES - 1,
        _ => (0..CLASSES - 1)
            .find(|log| age << log >= MAX_AGE)
            .unwrap_or(CLASSES - 1),
    }
}

impl Class {
    /// What is expected at each age: from the oldest down, hits to come over time to be spent.
    fn expect(&mut self) {
        let last = MAX_AGE - 1;
        let mut hits = self.hits[last];
        let mut events = self.hits[last] + self.evictions[last];
        let mut time = events;
        for age in (0..last).rev() {
            hits += self.hits[age];
            events += self.hits[age] + self.evictions[age];
            time += events;
            self.densities[age] = if events > 1e-5 { hits / time } else { 0.0 };
        }
    }
}

/// Each age becomes `1 << by` ages, which share its counts.
fn refine(counts: &mut [f32], by: u32) {
    let last = counts.len() - 1;
    let beyond: f32 = counts[counts.len() >> by..last].iter().sum();
    counts[last] += beyond;
    for age in (0..last).rev() {
        counts[age] = counts[age >> by] / (1u64 << by) as f32;
    }
}

/// `1 << by` ages become one.
fn coarsen(counts: &mut [f32], by: u32) {
    let last = counts.len() - 1;
    for age in 0..last {
        let from = age << by;
        counts[age] = match counts.get(from..from + (1 << by)) {
            Some(ages) if age < counts.len() >> by => ages.iter().sum(),
            _ => 0.0,
        };
    }
}
