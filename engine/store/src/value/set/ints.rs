//! Sets of integers: a sorted array, as narrow as its widest member asks for.

use crate::value::allocation;

/// Different integers in order.
#[derive(Clone, Debug)]
pub(super) enum Ints {
    Narrow(Vec<i16>),
    Middle(Vec<i32>),
    Wide(Vec<i64>),
}

impl Default for Ints {
    fn default() -> Ints {
        Ints::Narrow(Vec::new())
    }
}

impl Ints {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Ints::Narrow(ints) => ints.len(),
            Ints::Middle(ints) => ints.len(),
            Ints::Wide(ints) => ints.len(),
        }
    }

    /// The integer in place `i`, which is below the length.
    pub(super) fn get(&self, i: usize) -> i64 {
        match self {
            Ints::Narrow(ints) => ints[i].into(),
            Ints::Middle(ints) => ints[i].into(),
            Ints::Wide(ints) => ints[i],
        }
    }

    /// Where `int` is.
    pub(super) fn place(&self, int: i64) -> Option<usize> {
        match self {
            Ints::Narrow(ints) => place(ints, int)?.ok(),
            Ints::Middle(ints) => place(ints, int)?.ok(),
            Ints::Wide(ints) => place(ints, int)?.ok(),
        }
    }

    /// Adds `int`; whether it is new.
    pub(super) fn insert(&mut self, int: i64) -> bool {
        loop {
            let new = match self {
                Ints::Narrow(ints) => insert(ints, int),
                Ints::Middle(ints) => insert(ints, int),
                Ints::Wide(ints) => insert(ints, int),
            };
            match new {
                Some(new) => return new,
                None => self.widen(),
            }
        }
    }

    /// Removes the integer in place `i`, which is below the length.
    pub(super) fn remove(&mut self, i: usize) {
        match self {
            Ints::Narrow(ints) => remove(ints, i),
            Ints::Middle(ints) => remove(ints, i),
            Ints::Wide(ints) => remove(ints, i),
        }
    }

    /// The bytes that they take on the heap.
    pub(super) fn heap(&self) -> usize {
        allocation(match self {
            Ints::Narrow(ints) => ints.capacity() * size_of::<i16>(),
            Ints::Middle(ints) => ints.capacity() * size_of::<i32>(),
            Ints::Wide(ints) => ints.capacity() * size_of::<i64>(),
        })
    }

    fn widen(&mut self) {
        *self = match self {
            Ints::Narrow(ints) => Ints::Middle(ints.iter().copied().map(Into::into).collect()),
            Ints::Middle(ints) => Ints::Wide(ints.iter().copied().map(Into::into).collect()),
            Ints::Wide(_) => unreachable!("every integer fits the widest array"),
        };
    }
}

/// Where `int` is or would be; `None` where the array is too narrow for it.
fn place<T: TryFrom<i64> + Ord>(ints: &[T], int: i64) -> Option<Result<usize, usize>> {
    let int = T::try_from(int).ok()?;
    Some(ints.binary_search(&int))
}

/// Whether `int` is new, and in now; `None` where the array is too narrow for it.
fn insert<T: TryFrom<i64> + Ord>(ints: &mut Vec<T>, int: i64) -> Option<bool> {
    let int = T::try_from(int).ok()?;
    let place = ints.binary_search(&int);
    if let Err(place) = place {
        ints.insert(place, int);
    }
    Some(place.is_err())
}

fn remove<T>(ints: &mut Vec<T>, i: usize) {
    ints.remove(i);
    if ints.len() < ints.capacity() / 4 {
        ints.shrink_to(ints.len() * 2);
    }
}
