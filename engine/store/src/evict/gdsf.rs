//! `gdsf`: the object that is worth least goes: uses over size, above the worth at which the last one went.
//!
//! ```text
//!   worth = floor + uses × 10^6 / size        floor = worth of the last victim, so what stays ages
//! ```
//!
//! A hit raises an entry's worth, never lowers it, so what stands in the heap is a lower bound: a hit only
//! writes the new worth beside the entry, and the heap hears of it when the entry comes up. Of equals, the one
//! used longest ago goes. An object that arrives is weighed with the others, and may be the one that goes
//! where the caller can leave it out, as in libCacheSim (0.3.5).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

const SCALE: f64 = 1e6;
/// The smallest heap that is cleared of entries that have left.
const HEAP_MIN: usize = 64;

/// How an entry stands in the heap: its worth, whose bits order as positive numbers do, and the use that gave it.
type Queued = Reverse<(u64, u32, EntryId)>;

#[derive(Clone, Copy, Default)]
struct Resident {
    worth: f64,
    uses: u32,
    size: u32,
    /// The request that used it last, and the one that it stands in the heap by; 0: not resident.
    used: u32,
    queued: u32,
}

/// Greedy dual size with frequency.
pub struct Gdsf {
    heap: BinaryHeap<Queued>,
    residents: Vec<Resident>,
    count: usize,
    floor: f64,
    requests: u32,
    /// The worth of the object that arrived last.
    incoming: f64,
}

impl Member for Gdsf {
    const DESCRIPTION: Description = Description {
        name: "gdsf",
        about: "evicts the object with the fewest uses per byte, aged by the worth of earlier victims",
        source: "Cherkasova 1998, Improving WWW proxies performance with greedy-dual-size-frequency \
                 caching policy, HP Labs HPL-98-69R1; all costs equal, as in libCacheSim 0.3.5",
        params: &[],
        cost: "hit: writes the worth, by the owner; insertion and eviction: O(log n)",
        bytes_per_item: 40,
        bad_at: "bytes: it keeps many small objects and lets large ones miss",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Gdsf {
        Gdsf {
            heap: BinaryHeap::new(),
            residents: Vec::new(),
            count: 0,
            floor: 0.0,
            requests: 0,
            incoming: 0.0,
        }
    }
}

impl Gdsf {
    /// The number of this request; never 0.
    #[inline]
    fn next_request(&mut self) -> u32 {
        self.requests = self.requests.wrapping_add(1).max(1);
        self.requests
    }

    #[inline]
    fn worth(&self, uses: u32, size: u32) -> f64 {
        self.floor + f64::from(uses) * SCALE / f64::from(size.max(1))
    }

    fn queue(&mut self, entry: EntryId) {
        let resident = &mut self.residents[entry as usize];
        resident.queued = resident.used;
        let queued = Reverse((resident.worth.to_bits(), resident.used, entry));
        if self.heap.len() >= HEAP_MIN && self.heap.len() > 2 * self.count {
            let residents = &self.residents;
            self.heap
                .retain(|Reverse((_, queued, entry))| residents[*entry as usize].queued == *queued);
        }
        self.heap.push(queued);
    }

    /// The entry of least worth, which then stands in the heap by its true worth.
    fn least(&mut self) -> Option<EntryId> {
        loop {
            let &Reverse((_, queued, entry)) = self.heap.peek()?;
            let resident = self.residents[entry as usize];
            if resident.queued != queued {
                self.heap.pop();
            } else if resident.used == queued {
                return Some(entry);
            } else {
                self.residents[entry as usize].queued = resident.used;
                let mut top = self.heap.peek_mut()?;
                *top = Reverse((resident.worth.to_bits(), resident.used, entry));
            }
        }
    }
}

impl<M: Marks> Policy<M> for Gdsf {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, _identity: u64, size: u64) -> bool {
        self.next_request();
        self.incoming = self.worth(1, u32::try_from(size).unwrap_or(u32::MAX));
        true
    }

    fn newcomer_goes(&mut self) -> bool {
        let Some(entry) = self.least() else {
            return false;
        };
        let goes = self.incoming < self.residents[entry as usize].worth;
        if goes {
            self.floor = self.incoming;
        }
        goes
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, size: u64, _now: Millis, _marks: &M) {
        let index = entry as usize;
        if index >= self.residents.len() {
            let room = (index + 1).next_power_of_two();
            self.residents.resize(room, Resident::default());
        }
        self.residents[index] = Resident {
            worth: self.incoming,
            uses: 1,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            used: self.requests,
            queued: 0,
        };
        self.count += 1;
        self.queue(entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        let used = self.next_request();
        let floor = self.floor;
        if let Some(resident) = self.residents.get_mut(entry as usize)
            && resident.queued != 0
        {
            resident.uses = resident.uses.saturating_add(1);
            resident.used = used;
            resident.worth =
                floor + f64::from(resident.uses) * SCALE / f64::from(resident.size.max(1));
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        let entry = self.least()?;
        self.heap.pop();
        let resident = &mut self.residents[entry as usize];
        self.floor = resident.worth;
        resident.queued = 0;
        self.count -= 1;
        Some(entry)
    }

    fn remove(&mut self, entry: EntryId) {
        self.residents[entry as usize].queued = 0;
        self.count -= 1;
    }
}
