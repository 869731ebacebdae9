//! Murphy, "Resharding, Reimagined": slots that move whole, against key by key.

use super::{Measure, Source, Validation};

pub(super) static SOURCE: Source = Source {
    about: "Murphy, Resharding, Reimagined: Introducing Atomic Slot Migration, valkey.io, 2025-10",
    validations: &[Validation {
        id: "V28",
        what: "time to move a quarter of 16,384 slots key by key, over moving them whole: without load and with",
        published: "3 to 4 shards 9.52×, under load 4.75×; 4 to 3 shards 8.44×, under load 4.62×",
        tolerance: "±20 %",
        measure: Measure::Not,
        note: "not reproduced: slots move 256 at a time here, held back meanwhile, and migration key by key is not built; \
               how heavy the load was is not published",
    }],
};
