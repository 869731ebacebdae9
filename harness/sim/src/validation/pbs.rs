//! Bailis et al., "Probabilistically Bounded Staleness": what reads of a part of the replicas see.

use super::{Measure, Source, Validation};

const NOT_BUILT: &str = "not reproduced: the replication dynamo is not built";

pub(super) static SOURCE: Source = Source {
    about: "Bailis et al., VLDB 2012 and CACM 2014",
    validations: &[
        Validation {
            id: "V14",
            what: "LNKD-SSD, N=3, R=W=1: 99.9th percentiles, and chance of a consistent read at once",
            published: "read and write 0.66 ms; 97.4 %; visible after 1.85 ms",
            tolerance: "latency ±2 %, chance ±0.5 points, visibility ±15 %",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
        Validation {
            id: "V15",
            what: "the same, LNKD-DISK",
            published: "0.66 and 10.99 ms; 43.9 %; 45.5 ms",
            tolerance: "as V14",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
        Validation {
            id: "V16",
            what: "the same, YMMR, and with W=2",
            published: "5.58 and 10.83 ms, 1364 ms; write with W=2 427 ms",
            tolerance: "as V14",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
        Validation {
            id: "V17",
            what: "stale reads where R + W > N",
            published: "none",
            tolerance: "exact",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
    ],
};
