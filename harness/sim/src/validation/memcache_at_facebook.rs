//! Nishtala et al., "Scaling Memcache at Facebook": leases and the gutter.

use super::{Measure, Source, Validation};

pub(super) static SOURCE: Source = Source {
    about: "Nishtala et al., NSDI 2013, §3.2.1 and §3.3",
    validations: &[
        Validation {
            id: "V21",
            what: "peak of database queries in a stampede, without leases over with them",
            published: "17 k over 1.3 k a second: 13×",
            tolerance: "10× at least, with a hot key's herd",
            measure: Measure::Not,
            note: "not reproduced: leases are not built",
        },
        Validation {
            id: "V22",
            what: "failures that clients see, with a gutter of 1 % of the servers",
            published: "99 % fewer",
            tolerance: "95 % fewer at least",
            measure: Measure::Not,
            note: "not reproduced: the gutter is not built",
        },
    ],
};
