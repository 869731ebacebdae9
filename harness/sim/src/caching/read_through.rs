//! Read-through: who misses asks the cache alone, which reads the database once for all who wait.

use super::cache_aside::{EARLY, JITTER};
use super::{CachingMember, Flights, PLAIN, Rules};

pub(super) static MEMBER: CachingMember = CachingMember {
    name: "read-through",
    about: "on a miss the cache itself reads the database, once for all who wait",
    source: "Oracle Coherence documentation, Read-Through Caching",
    params: &[EARLY, JITTER],
    rules: |values| Rules {
        flights: Flights::OfCache,
        early: values[0] as f64 / 100.0,
        jitter: values[1] as f64 / 100.0,
        ..PLAIN
    },
};
