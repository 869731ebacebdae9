//! A slab: values by small numbers that are reused.

use seawall_sys::map::prefetch;

/// Values by number.
#[derive(Debug)]
pub(super) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab {
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Takes `value` in; its number.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.values[number as usize] = Some(value);
            return number;
        }
        self.values.push(Some(value));
        u32::try_from(self.values.len() - 1).expect("items are fewer than 2^32")
    }

    /// The value that has this number.
    pub(super) fn get(&self, number: u32) -> &T {
        let value = self.values[number as usize].as_ref();
        value.expect("a number in use names a value")
    }

    /// Asks the processor to fetch the value that has this number.
    #[inline]
    pub(super) fn prefetch(&self, number: u32) {
        let begin = self.values.as_ptr().wrapping_add(number as usize);
        prefetch(begin.cast());
        prefetch(begin.wrapping_add(1).cast::<u8>().wrapping_sub(1));
    }

    /// As [`Slab::get`], to change.
    pub(super) fn get_mut(&mut self, number: u32) -> &mut T {
        let value = self.values[number as usize].as_mut();
        value.expect("a number in use names a value")
    }

    /// Takes the value out.
    pub(super) fn remove(&mut self, number: u32) -> T {
        self.free.push(number);
        let value = self.values[number as usize].take();
        value.expect("a number in use names a value")
    }

    /// Every value.
    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_iter().flatten()
    }
}
