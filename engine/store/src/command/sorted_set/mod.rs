//! Sorted sets: `add`, `read` (scores, ranks, counts), `range`, `remove`; `bound` reads the ends of
//! ranges.

pub mod add;
pub mod bound;
pub mod range;
pub mod read;
pub mod remove;
