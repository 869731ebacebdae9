//! What lies beyond a key that is sought: the collection that its item stands for, fetched ahead like the item.

use super::{Keyspace, Sought};
use crate::value::Stored;

impl Keyspace {
    /// The number of the collection that most likely is what is sought, once it was
    /// [approached](Keyspace::approach); the processor is asked to fetch what [`Keyspace::beyond`] gives.
    #[inline]
    pub(crate) fn reach(&self, sought: &Sought) -> Option<u32> {
        let number = self.number(sought.near()?)?;
        self.collections.prefetch(number);
        Some(number)
    }

    /// The collection of that number, which nothing has changed since.
    #[inline]
    pub(crate) fn beyond(&self, number: u32) -> &Stored {
        self.collections.get(number)
    }
}
