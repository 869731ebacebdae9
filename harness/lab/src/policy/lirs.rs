//! `lirs`: what comes back soon stays, whatever its last use; the rest passes through one percent of the room.
//!
//! ```text
//!   stack S, by last use:   [ L · h · L · n · L · .. · L ]   L: low recency, resident      (99 %)
//!   queue Q:                [ h · h · .. ]                    h: high recency, resident     (1 %)
//!   ghosts:                 [ n · n · .. ]                    n: high recency, left, yet in S
//! ```
//!
//! The distance between the last two uses decides: who is used again while in S comes back sooner than the oldest L,
//! and takes its place. S is pruned so that its oldest is an L, and holds at most twice the capacity.
//!
//! This is libCacheSim's (0.3.5) to the last request, with what sets it apart: a hit on one that is in Q alone makes an L
//! give way first though nobody takes its place; where Q holds a single object, that object leaves Q and yet
//! hits as long as S remembers it (and room is made for another size than its own); one that comes back has the
//! size that it had; what is larger than Q is refused.

use seawall_store::evict::order::links::Links;
use seawall_store::evict::{Description, Params, Setup};
use seawall_workloads::trace::Trace;

use super::{Cache, LabPolicy, play};

/// The policy.
pub const POLICY: LabPolicy = LabPolicy {
    description: Description {
        name: "lirs",
        about: "keeps what was used twice at a short distance; the rest passes through one percent of the room",
        source: "Jiang, Zhang, SIGMETRICS 2002, LIRS: an efficient low inter-reference recency set \
                 replacement policy; as in libCacheSim 0.3.5",
        params: &[],
        cost: "hit: moves the entry in up to two lines; insertion and eviction: O(1) amortised",
        bytes_per_item: 40,
        bad_at: "recency: what is new has one percent of the room to prove itself in",
    },
    replay: play::<Lirs>,
};

/// The share of Q.
const Q_SHARE: f64 = 0.01;
/// The list of the stack.
const STACK: u32 = 0;
/// The lists beside it: an object is in one of them at most.
const Q: u32 = 0;
const GHOSTS: u32 = 1;

/// An object's state, as bits.
const LOW: u8 = 1;
/// What the stack says of it: resident.
const RESIDENT: u8 = 2;
const IN_Q: u8 = 4;
const IS_GHOST: u8 = 8;

struct Lirs {
    stack: Links,
    beside: Links,
    states: Vec<u8>,
    sizes: Vec<u64>,
    stack_held: u64,
    low_held: u64,
    q_held: u64,
    low_share: u64,
    q_share: u64,
    capacity: u64,
}

impl Cache for Lirs {
    fn new(trace: &Trace, _params: Params<'_>, setup: Setup<'_>) -> Lirs {
        let objects = trace.object_count() as usize;
        let capacity = setup.capacity.amount();
        let q_share = ((Q_SHARE * capacity as f64) as u64).max(1);
        Lirs {
            stack: Links::new(1),
            beside: Links::new(2),
            states: vec![0; objects],
            sizes: vec![0; objects],
            stack_held: 0,
            low_held: 0,
            q_held: 0,
            low_share: capacity.saturating_sub(q_share),
            q_share,
            capacity,
        }
    }

    fn request(&mut self, object: u32, size: u64) -> bool {
        let in_stack = self.stack.contains(object);
        if in_stack {
            self.stack.renew(STACK, object);
        }
        let state = self.states[object as usize];
        if state & IN_Q != 0 {
            self.beside.renew(Q, object);
        }
        let hit = if in_stack {
            match (state & LOW != 0, state & RESIDENT != 0) {
                (true, _) => {
                    self.prune();
                    true
                }
                (false, true) => {
                    self.rises(object);
                    true
                }
                (false, false) => {
                    self.comes_back(object, size);
                    false
                }
            }
        } else if state & IN_Q != 0 {
            self.enters_stack(object);
            true
        } else {
            self.comes(object, size);
            false
        };
        self.bound_stack();
        hit
    }
}

impl Lirs {
    fn size(&self, object: u32) -> u64 {
        self.sizes[object as usize]
    }

    fn is(&self, object: u32, bit: u8) -> bool {
        self.states[object as usize] & bit != 0
    }

    fn occupied(&self) -> u64 {
        self.low_held + self.q_held
    }

    /// One of high recency was used while in the stack: it is of low recency from now on.
    fn rises(&mut self, object: u32) {
        if self.is(object, IN_Q) {
            self.leave_q(object);
        }
        self.make_low(object);
    }

    fn make_low(&mut self, object: u32) {
        let size = self.size(object);
        self.make_room_of_low(size);
        self.states[object as usize] |= LOW | RESIDENT;
        self.low_held += size;
    }

    fn make_room_of_low(&mut self, size: u64) {
        while self.low_held + size > self.low_share && self.low_held > 0 {
            self.sink();
        }
    }

    /// A ghost of the stack comes back, as large as it was.
    fn comes_back(&mut self, object: u32, size: u64) {
        if size > self.capacity {
            return;
        }
        let was = self.size(object);
        self.make_room_of_low(was);
        if self.is(object, IS_GHOST) {
            self.states[object as usize] &= !IS_GHOST;
            self.beside.remove(object);
        }
        while self.occupied() + size > self.capacity && self.occupied() > 0 {
            while self.q_held >= self.q_share && self.leave() {}
            if self.low_held == 0 {
                break;
            }
            self.sink();
        }
        self.states[object as usize] |= LOW | RESIDENT;
        self.low_held += was;
    }

    /// One in Q alone was used: the stack takes it up.
    fn enters_stack(&mut self, object: u32) {
        let mut size = self.size(object);
        while self.low_held + size > self.low_share && self.low_held > 0 {
            let lowest = self.stack.oldest(STACK);
            self.sink();
            // The reference asks for the size anew, and once the object itself has had to leave Q it reads
            // freed memory: that of the L which came into Q since. Counts are to be equal to the last request.
            if !self.is(object, IN_Q)
                && let Some(lowest) = lowest
                && self.is(lowest, IN_Q)
            {
                size = self.size(lowest);
            }
        }
        self.push_stack(object, RESIDENT);
    }

    /// One that nothing is known of.
    fn comes(&mut self, object: u32, size: u64) {
        if size > self.low_share || size > self.q_share {
            return;
        }
        self.sizes[object as usize] = size;
        if self.low_held + size <= self.low_share {
            self.push_stack(object, LOW | RESIDENT);
            self.low_held += size;
            return;
        }
        while self.q_held + size > self.q_share && self.leave() {}
        self.push_stack(object, RESIDENT);
        self.push_q(object);
    }

    fn push_stack(&mut self, object: u32, state: u8) {
        self.states[object as usize] = self.states[object as usize] & IN_Q | state;
        self.stack.push(STACK, object);
        self.stack_held += self.size(object);
    }

    fn push_q(&mut self, object: u32) {
        self.states[object as usize] |= IN_Q;
        self.beside.push(Q, object);
        self.q_held += self.size(object);
    }

    fn leave_q(&mut self, object: u32) {
        self.states[object as usize] &= !IN_Q;
        self.beside.remove(object);
        self.q_held -= self.size(object);
    }

    /// The oldest of the stack, of low recency, goes to Q.
    fn sink(&mut self) {
        let Some(object) = self.stack.oldest(STACK) else {
            return;
        };
        let size = self.size(object);
        self.low_held -= size;
        self.pop_stack(object);
        if size <= self.q_share {
            while self.q_held + size > self.q_share && self.leave() {}
            self.push_q(object);
        }
        self.prune();
    }

    /// The oldest of Q leaves the cache; the stack remembers it. Whether there was one.
    fn leave(&mut self) -> bool {
        let Some(object) = self.beside.oldest(Q) else {
            return false;
        };
        self.leave_q(object);
        if self.stack.contains(object) {
            let state = &mut self.states[object as usize];
            *state = *state & !RESIDENT | IS_GHOST;
            self.beside.push(GHOSTS, object);
        }
        true
    }

    fn pop_stack(&mut self, object: u32) {
        self.stack.remove(object);
        self.stack_held -= self.size(object);
        if self.is(object, IS_GHOST) {
            self.beside.remove(object);
        }
        self.states[object as usize] &= IN_Q;
    }

    /// The oldest of the stack is of low recency, or alone in it.
    fn prune(&mut self) {
        while let Some(object) = self.stack.oldest(STACK)
            && !self.is(object, LOW)
            && self.stack.newer(object).is_some()
        {
            self.pop_stack(object);
        }
    }

    /// The stack forgets the ghosts that left first.
    fn bound_stack(&mut self) {
        while self.stack_held > 2 * self.capacity
            && let Some(object) = self.beside.oldest(GHOSTS)
        {
            self.pop_stack(object);
        }
    }
}
