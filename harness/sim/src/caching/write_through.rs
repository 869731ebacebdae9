//! Write-through: a write goes to the database, then its value to the cache.
//!
//! Two writes of a row may reach the cache in the other order than the database; then the cache is stale
//! until the row expires or is written again.

use super::cache_aside::JITTER;
use super::{CachingMember, OnWrite, PLAIN, Rules};

pub(super) static MEMBER: CachingMember = CachingMember {
    name: "write-through",
    about: "as cache-aside, and a write gives the cache its value instead of deleting the key",
    source: "ElastiCache user guide, Caching strategies: Write-through",
    params: &[JITTER],
    rules: |values| Rules {
        on_write: OnWrite::Update,
        jitter: values[0] as f64 / 100.0,
        ..PLAIN
    },
};
