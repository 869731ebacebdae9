//! SR-LRU: least recently used, of what was not used again; what was is out of a scan's reach.
//!
//! ```text
//!   reused R:  [ r · r · r ]  the oldest is demoted to S when R overflows
//!   single S:  [ n · d · n · n ]  n: new, d: demoted; the oldest goes        history H:  [ h · h · .. ]
//! ```
//!
//! A hit in S and a miss that H remembers lead to R. New objects that come back from H show that S is too small, and
//! give it room of R's. The paper gives room back when a demoted object is hit; the reference loses
//! the mark of the demoted in the moment of that hit, so there R only shrinks, and so it does here.

use seawall_store::evict::order::links::Links;

/// The lists: an object is in one of them at most.
const REUSED: u32 = 0;
const SINGLE: u32 = 1;
const HISTORY: u32 = 2;
/// In the list of an object that is in none.
const NONE: u32 = 3;

#[derive(Clone, Copy)]
struct Object {
    size: u64,
    list: u32,
    /// In S or in H: it was not in R since it came. In S, what is not new was demoted.
    is_new: bool,
}

/// The expert, which keeps sizes for all.
pub(super) struct SrLru {
    links: Links,
    objects: Vec<Object>,
    /// What each list holds.
    held: [u64; 3],
    reused_share: u64,
    single_share: u64,
    capacity: u64,
    /// New objects that S let go since the beginning.
    new_left: u64,
    /// Objects demoted and not let go since.
    demoted: u64,
}

impl SrLru {
    pub(super) fn new(objects: u32, capacity: u64) -> SrLru {
        let absent = Object {
            size: 0,
            list: NONE,
            is_new: false,
        };
        SrLru {
            links: Links::new(3),
            objects: vec![absent; objects as usize],
            held: [0; 3],
            reused_share: capacity / 2,
            single_share: capacity / 2,
            capacity,
            new_left: 0,
            demoted: 0,
        }
    }

    #[inline]
    pub(super) fn is_resident(&self, object: u32) -> bool {
        self.objects[object as usize].list < HISTORY
    }

    /// Whether `object` left lately.
    pub(super) fn remembers(&self, object: u32) -> bool {
        self.objects[object as usize].list == HISTORY
    }

    /// What `object` took when it came in last.
    pub(super) fn size(&self, object: u32) -> u64 {
        self.objects[object as usize].size
    }

    /// What residents take.
    #[inline]
    pub(super) fn occupied(&self) -> u64 {
        self.held[REUSED as usize] + self.held[SINGLE as usize]
    }

    /// A hit on a resident.
    #[inline]
    pub(super) fn hit(&mut self, object: u32) {
        if self.objects[object as usize].list == REUSED {
            self.links.renew(REUSED, object);
            return;
        }
        self.leave(object);
        self.objects[object as usize].is_new = false;
        self.enter(REUSED, object);
        self.demote_above(self.reused_share);
    }

    /// Whether the list that a miss would bring `object` to may hold as much.
    pub(super) fn takes(&self, object: u32, size: u64) -> bool {
        let share = if self.remembers(object) {
            self.reused_share
        } else {
            self.single_share
        };
        size <= share
    }

    /// `object` comes in, and what overflows for it is still there.
    pub(super) fn insert(&mut self, object: u32, size: u64) {
        let Object { list, is_new, .. } = self.objects[object as usize];
        if list == HISTORY {
            self.leave(object);
            self.demote_above(self.reused_share - size);
        }
        let inserted = &mut self.objects[object as usize];
        inserted.size = size;
        inserted.is_new = list != HISTORY;
        if list != HISTORY {
            self.enter(SINGLE, object);
            return;
        }
        self.enter(REUSED, object);
        if is_new {
            self.widen_single();
        }
    }

    /// Who has to leave S, if anybody.
    pub(super) fn overflowing(&self) -> Option<u32> {
        let overflows = self.held[SINGLE as usize] > self.single_share;
        self.links.oldest(SINGLE).filter(|_| overflows)
    }

    /// Whom this expert would let go; `None` if nobody is there.
    pub(super) fn victim(&self) -> Option<u32> {
        let single = self.links.oldest(SINGLE);
        single.or_else(|| self.links.oldest(REUSED))
    }

    /// A resident leaves, and is remembered.
    pub(super) fn remove(&mut self, object: u32) {
        let Object { list, is_new, .. } = self.objects[object as usize];
        if is_new {
            self.new_left += 1;
        } else if list == SINGLE {
            self.demoted -= 1;
        }
        self.leave(object);
        self.enter(HISTORY, object);
        while self.held[HISTORY as usize] >= self.capacity
            && let Some(oldest) = self.links.oldest(HISTORY)
        {
            self.leave(oldest);
        }
    }

    /// S was too small: it gets room of R's, but not all that is in use.
    fn widen_single(&mut self) {
        let step = (self.demoted / self.new_left).max(1);
        let most = self.occupied().saturating_sub(1);
        self.single_share = (self.single_share + step).min(most);
        self.reused_share = self.capacity - self.single_share;
    }

    fn demote_above(&mut self, bound: u64) {
        while self.held[REUSED as usize] > bound
            && let Some(oldest) = self.links.oldest(REUSED)
        {
            self.leave(oldest);
            self.enter(SINGLE, oldest);
            self.demoted += 1;
        }
    }

    fn enter(&mut self, list: u32, object: u32) {
        self.links.push(list, object);
        let entered = &mut self.objects[object as usize];
        entered.list = list;
        self.held[list as usize] += entered.size;
    }

    fn leave(&mut self, object: u32) {
        self.links.remove(object);
        let gone = &mut self.objects[object as usize];
        self.held[gone.list as usize] -= gone.size;
        gone.list = NONE;
    }
}
