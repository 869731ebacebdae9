//! "Amazon `MemoryDB`: A Fast and Durable Memory-First Cloud Database".

use super::{Measure, Source, Validation};

pub(super) static SOURCE: Source = Source {
    about: "Amazon MemoryDB, SIGMOD 2024, §6.1",
    validations: &[Validation {
        id: "V26",
        what: "MemoryDB over Redis 7.0.7 at 100 B: reads, writes, latency of writes",
        published: "500 k over 330 k reads a second, 185 k over 300 k writes; p50 3 ms, p99 6 ms",
        tolerance: "ratios ±15 %",
        measure: Measure::Not,
        note: "not reproduced: the replication zone-log is not built",
    }],
};
