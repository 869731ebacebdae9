//! What is compared: a store that threads share, each from a seat of its own.

use super::key::{VALUE_BYTES, key, told};

/// How many gets go together.
pub const BATCH: usize = 32;

/// A store with all its keys.
pub trait Peer: Sync + Sized {
    /// Its name in the table.
    const NAME: &str;
    /// A thread's way to it.
    type Seat<'a>: Seat
    where
        Self: 'a;

    /// The store with the values of all numbers below `keys`, for `threads` threads.
    fn load(keys: u32, threads: usize) -> Self;

    /// The seat of a thread, which asks for it once it is pinned.
    fn seat(&self, thread: usize) -> Self::Seat<'_>;
}

/// A thread's way to a store.
pub trait Seat {
    /// Appends the value of `number` to `value`; whether there is one.
    fn get(&mut self, number: u32, value: &mut Vec<u8>) -> bool;

    /// Sets the value of `number`.
    fn set(&mut self, number: u32);

    /// Sets the values of all `numbers`.
    fn set_batch(&mut self, numbers: &[u32]) {
        for &number in numbers {
            self.set(number);
        }
    }

    /// Appends the values of all `numbers`; how many there are.
    fn get_batch(&mut self, numbers: &[u32], values: &mut Vec<u8>) -> usize {
        let found = numbers.iter().filter(|&&number| self.get(number, values));
        found.count()
    }

    /// The number whose value stands for that of `number`: of those that share nothing, each thread has
    /// a part of the numbers, and asks for its own.
    fn stands_for(&self, number: u32) -> u32 {
        number
    }

    /// Takes part until all are done.
    fn leave(&mut self, _all_done: impl Fn() -> bool) {}
}

/// A map or cache as its users hold it, whose handle is a reference.
pub trait Shared: Sync + Sized {
    /// Its name in the table.
    const NAME: &str;

    /// It, empty, with room for `keys` without evicting any.
    fn empty(keys: u32) -> Self;

    /// As [`Seat::get`].
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool;

    /// As [`Seat::set`].
    fn set(&self, key: &[u8], value: &[u8]);

    /// Appends the values of all `keys`; how many there are.
    fn get_batch(&self, keys: &[[u8; 16]], values: &mut Vec<u8>) -> usize {
        keys.iter().filter(|key| self.get(*key, values)).count()
    }
}

impl<S: Shared> Peer for S {
    const NAME: &str = S::NAME;
    type Seat<'a>
        = &'a S
    where
        S: 'a;

    fn load(keys: u32, _threads: usize) -> S {
        let shared = S::empty(keys);
        (0..keys).for_each(|number| shared.set(&key(number), &super::key::value(number)));
        shared
    }

    fn seat(&self, _thread: usize) -> &S {
        self
    }
}

impl<S: Shared> Seat for &S {
    #[inline]
    fn get(&mut self, number: u32, value: &mut Vec<u8>) -> bool {
        S::get(self, &key(number), value)
    }

    #[inline]
    fn set(&mut self, number: u32) {
        S::set(self, &key(number), &super::key::value(number));
    }

    #[inline]
    fn get_batch(&mut self, numbers: &[u32], values: &mut Vec<u8>) -> usize {
        let mut keys = [[0; 16]; BATCH];
        for (key, &number) in keys.iter_mut().zip(numbers) {
            *key = super::key::key(number);
        }
        S::get_batch(self, &keys[..numbers.len()], values)
    }
}

/// The sum of the numbers that `values` tell, one value after the other.
pub fn sum_told(values: &[u8]) -> u64 {
    let told = values
        .chunks(VALUE_BYTES)
        .map(|value| u64::from(told(value)));
    told.sum()
}
