//! How entries stand in line: the dense structures that policies are made of.
//!
//! All are arrays indexed by [`EntryId`](super::EntryId), without an allocation per entry: rings where
//! entries leave in order, links where they leave from the middle, ghosts for identities that have
//! left, lists by count of uses, members and a pool for sampling, and what policies that sample have alike.

pub mod ghost;
pub mod links;
pub mod ring;
pub mod sample;
pub mod sampled;
pub mod uses;
