//! Places on top of sorted sets: a member's score is its place, as a geohash of 52 bits.
//!
//! `point` converts between coordinates, hashes and distances, `cover` finds the cells of the
//! geohash grid that a search must look at, `query` reads a search's arguments; `add`, `read` and
//! `search` are the commands.

pub mod add;
pub mod cover;
pub mod point;
pub mod query;
pub mod read;
pub mod search;
