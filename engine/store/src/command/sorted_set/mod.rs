//! Sorted sets: `add`, `read` (scores, ranks, counts), `range`, `remove`, `pop`, `block` (wait
//! for members), `algebra` (unions,
//! intersections, differences), `random`, `scan`.
//!
//! `bound` reads the ends of ranges, `combine` makes one set of several, `store` puts a set that a command
//! made at a key.

pub mod add;
pub mod algebra;
pub mod block;
pub mod bound;
mod combine;
pub mod pop;
pub mod random;
pub mod range;
pub mod read;
pub mod remove;
pub mod scan;
pub mod store;
