//! Those whose threads share nothing: a hash map for each core, and the floor.
//!
//! The floor is what memory itself allows: bare slots of 128 bytes on huge pages, found by their number,
//! prefetched a batch at a time as a store's items are. No hash, no key, no index, no lock.

use std::sync::{Mutex, MutexGuard};

use hashbrown::HashMap;
use memmap2::MmapMut;
use seawall_sys::map::prefetch;

use super::key::{VALUE_BYTES, key, value};
use super::machine::huge;
use super::store::{Peer, Seat};

const SLOT: usize = 128;

/// The numbers of one thread, all below `count`.
#[derive(Clone, Copy)]
struct Part {
    count: u32,
}

impl Part {
    fn new(keys: u32, threads: usize) -> Part {
        Part {
            count: keys.div_ceil(threads as u32),
        }
    }

    #[inline]
    fn fold(self, number: u32) -> u32 {
        // Two threads at most, so once is enough.
        number.checked_sub(self.count).unwrap_or(number)
    }
}

type Map = HashMap<Box<[u8]>, Box<[u8]>, std::hash::RandomState>;

/// A hash map for each thread, without a lock: the mutex is taken once for a whole run.
pub struct MapEach {
    part: Part,
    maps: Vec<Mutex<Map>>,
}

/// A thread's own map.
pub struct MapSeat<'a> {
    part: Part,
    map: MutexGuard<'a, Map>,
}

impl Peer for MapEach {
    const NAME: &str = "hashbrown a core";
    type Seat<'a> = MapSeat<'a>;

    fn load(keys: u32, threads: usize) -> MapEach {
        let part = Part::new(keys, threads);
        let load = |_| {
            let pairs = (0..part.count).map(|number| (key(number).into(), value(number).into()));
            Mutex::new(pairs.collect())
        };
        let maps = (0..threads).map(load).collect();
        MapEach { part, maps }
    }

    fn seat(&self, thread: usize) -> MapSeat<'_> {
        MapSeat {
            part: self.part,
            map: self.maps[thread].lock().expect("nobody panics"),
        }
    }
}

impl Seat for MapSeat<'_> {
    #[inline]
    fn get(&mut self, number: u32, value: &mut Vec<u8>) -> bool {
        let found = self.map.get(key(self.part.fold(number)).as_slice());
        found.map(|found| value.extend_from_slice(found)).is_some()
    }

    #[inline]
    fn set(&mut self, number: u32) {
        let number = self.part.fold(number);
        self.map.insert(key(number).into(), value(number).into());
    }

    fn stands_for(&self, number: u32) -> u32 {
        self.part.fold(number)
    }
}

/// The floor.
pub struct Floor {
    part: Part,
    slots: Vec<Mutex<MmapMut>>,
}

/// A thread's own slots.
pub struct FloorSeat<'a> {
    part: Part,
    slots: MutexGuard<'a, MmapMut>,
}

impl FloorSeat<'_> {
    #[inline]
    fn slot(&mut self, number: u32) -> &mut [u8; SLOT] {
        let number = self.part.fold(number);
        &mut self.slots.as_chunks_mut().0[number as usize]
    }
}

impl Peer for Floor {
    const NAME: &str = "floor";
    type Seat<'a> = FloorSeat<'a>;

    fn load(keys: u32, threads: usize) -> Floor {
        let part = Part::new(keys, threads);
        let load = |_| {
            let mut memory = huge(part.count as usize * SLOT);
            let (slots, _) = memory.as_chunks_mut::<SLOT>();
            for (number, slot) in (0..part.count).zip(slots) {
                slot[..VALUE_BYTES].copy_from_slice(&value(number));
            }
            Mutex::new(memory)
        };
        let slots = (0..threads).map(load).collect();
        Floor { part, slots }
    }

    fn seat(&self, thread: usize) -> FloorSeat<'_> {
        FloorSeat {
            part: self.part,
            slots: self.slots[thread].lock().expect("nobody panics"),
        }
    }
}

impl Seat for FloorSeat<'_> {
    #[inline]
    fn get(&mut self, number: u32, value: &mut Vec<u8>) -> bool {
        value.extend_from_slice(&self.slot(number)[..VALUE_BYTES]);
        true
    }

    #[inline]
    fn get_batch(&mut self, numbers: &[u32], values: &mut Vec<u8>) -> usize {
        for &number in numbers {
            let slot = self.slot(number).as_ptr();
            prefetch(slot);
            prefetch(slot.wrapping_add(SLOT / 2));
        }
        let found = numbers.iter().filter(|&&number| self.get(number, values));
        found.count()
    }

    #[inline]
    fn set(&mut self, number: u32) {
        let folded = self.part.fold(number);
        self.slot(number)[..VALUE_BYTES].copy_from_slice(&value(folded));
    }

    fn stands_for(&self, number: u32) -> u32 {
        self.part.fold(number)
    }
}
