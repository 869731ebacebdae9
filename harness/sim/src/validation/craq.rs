//! Terrace and Freedman, "Object Storage on CRAQ": reads at every node of a chain.

use super::{Measure, Source, Validation};

const NOT_BUILT: &str = "not reproduced: the replications chain and craq are not built";

pub(super) static SOURCE: Source = Source {
    about: "Terrace and Freedman, CRAQ, USENIX ATC 2009, figures 5, 6, 8, 9; ratios from an open reproduction",
    validations: &[
        Validation {
            id: "V18",
            what: "reads of CRAQ over those of chain replication, chain of 3",
            published: "2.85× (37,268 over 13,070 reads a second); in the paper 2.91×",
            tolerance: "2.8 to 3.0×",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
        Validation {
            id: "V19",
            what: "reads of CRAQ-3 at 0, 100 and 250 writes a second",
            published: "36,796, 31,253, 22,480 a second; dirty 0, 1.6, 5.6 %",
            tolerance: "±10 % on ratios",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
        Validation {
            id: "V20",
            what: "latency of CRAQ-3 without load: clean read, dirty read, write",
            published: "0.497, 0.994, 1.741 ms",
            tolerance: "dirty 2.0×, write 3.5× of clean",
            measure: Measure::Not,
            note: NOT_BUILT,
        },
    ],
};
