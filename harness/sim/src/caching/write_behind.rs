//! Write-behind: a write is done when the cache has it; the database gets a row's newest value later, once.
//!
//! What the serving primary does not hold when its time comes never reaches the database: it is lost.

use seawall_cluster::Nanos;
use seawall_store::spec::Param;

use super::{CachingMember, OnWrite, PLAIN, Rules};

pub(super) static MEMBER: CachingMember = CachingMember {
    name: "write-behind",
    about: "a write is done when the cache has it; the database gets a row's newest value later",
    source: "Oracle Coherence documentation, Write-Behind Caching",
    params: &[Param {
        name: "flush_ms",
        default: 1000,
        min: 1,
        max: 600_000,
        words: &[],
        about: "how long after its first write a row goes to the database",
    }],
    rules: |values| Rules {
        on_write: OnWrite::Behind(Nanos::from_millis(values[0])),
        ..PLAIN
    },
};
