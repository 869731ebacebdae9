//! How deep in the stack of recent use an object lies: a Fenwick tree over the times of last uses.
//!
//! Each use takes the next slot; an object holds the slot of its last use, with what it takes. What lies above it is the
//! sum over later slots. Slots are twice the objects; when they run out, those in use are moved together.

/// No slot.
const NONE: u32 = u32::MAX;
const SLOTS_MIN: usize = 1 << 10;

/// The stack.
pub(super) struct Depths {
    /// Sums over slots, as Fenwick has them, slot `i` at `i + 1`.
    tree: Vec<u64>,
    /// What the object in each slot takes; 0: nobody is there.
    takes: Vec<u64>,
    /// Whose slot it is.
    object: Vec<u32>,
    /// The slot of each object.
    slot: Vec<u32>,
    next: usize,
    total: u64,
}

impl Depths {
    /// An empty stack.
    pub fn new(objects: u32) -> Depths {
        let slots = (objects as usize * 2).max(SLOTS_MIN);
        Depths {
            tree: vec![0; slots + 1],
            takes: vec![0; slots],
            object: vec![NONE; slots],
            slot: vec![NONE; objects as usize],
            next: 0,
            total: 0,
        }
    }

    /// `object` is used and comes to the top, where it takes as much as it did or, the first time, `takes`. How
    /// deep it lay, itself included; nothing the first time.
    pub fn request(&mut self, object: u32, takes: u64) -> Option<u64> {
        if self.next == self.takes.len() {
            self.compact();
        }
        let slot = self.slot[object as usize];
        if slot == NONE {
            self.push(object, takes);
            return None;
        }
        let slot = slot as usize;
        let takes = self.takes[slot];
        let depth = self.total - self.sum_before(slot);
        self.remove(slot);
        self.push(object, takes);
        Some(depth)
    }

    /// Takes `object` out of the stack.
    pub fn forget(&mut self, object: u32) {
        let slot = std::mem::replace(&mut self.slot[object as usize], NONE);
        if slot != NONE {
            self.remove(slot as usize);
        }
    }

    fn push(&mut self, object: u32, takes: u64) {
        let slot = self.next;
        self.next += 1;
        self.takes[slot] = takes;
        self.object[slot] = object;
        self.slot[object as usize] = slot as u32;
        self.total += takes;
        self.change(slot, takes, u64::wrapping_add);
    }

    fn remove(&mut self, slot: usize) {
        let takes = std::mem::replace(&mut self.takes[slot], 0);
        self.object[slot] = NONE;
        self.total -= takes;
        self.change(slot, takes, u64::wrapping_sub);
    }

    fn change(&mut self, slot: usize, by: u64, how: fn(u64, u64) -> u64) {
        let mut at = slot + 1;
        while at < self.tree.len() {
            self.tree[at] = how(self.tree[at], by);
            at += at & at.wrapping_neg();
        }
    }

    /// What the slots before `slot` hold.
    fn sum_before(&self, slot: usize) -> u64 {
        let mut at = slot;
        let mut sum = 0;
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }

    /// Moves all to the lowest slots, in their order.
    fn compact(&mut self) {
        let mut to = 0;
        for from in 0..self.takes.len() {
            let object = self.object[from];
            if object != NONE {
                self.takes[to] = self.takes[from];
                self.object[to] = object;
                self.slot[object as usize] = to as u32;
                to += 1;
            }
        }
        self.takes[to..].fill(0);
        self.object[to..].fill(NONE);
        self.next = to;
        self.tree.fill(0);
        for at in 1..self.tree.len() {
            self.tree[at] += self.takes[at - 1];
            let parent = at + (at & at.wrapping_neg());
            if parent < self.tree.len() {
                self.tree[parent] += self.tree[at];
            }
        }
    }
}
