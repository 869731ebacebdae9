//! Cache-aside: the application reads the cache, on a miss the database, and fills the cache; it writes the
//! database and deletes the key. The family's trivial member where no guard is given.

use seawall_store::spec::Param;

use super::{CachingMember, Flights, PLAIN, Rules};

/// Expiry times differ by so much.
pub(super) const JITTER: Param = Param {
    name: "jitter_percent",
    default: 0,
    min: 0,
    max: 100,
    words: &[],
    about: "by how much of itself an expiry differs at most, up or down",
};

/// A row is read anew before it expires, the likelier the nearer its end is and the longer its last read took: when
/// now − took · β · ln(u) reaches its end, for a uniform u (Vattani, Chierichetti and Lowenstein, "Optimal
/// Probabilistic Cache Stampede Prevention", VLDB 2015, `XFetch`).
pub(super) const EARLY: Param = Param {
    name: "early_percent",
    default: 0,
    min: 0,
    max: 10_000,
    words: &[],
    about: "how eagerly a row is read anew before it expires; 100 is the paper's choice",
};

pub(super) static MEMBER: CachingMember = CachingMember {
    name: "cache-aside",
    about: "read the cache, on a miss the database, then fill; write the database, then delete the key",
    source: "Nishtala et al., Scaling Memcache at Facebook, NSDI 2013, sections 2, 3.2.1 and 3.3",
    params: &[
        Param {
            name: "lease_s",
            default: 0,
            min: 0,
            max: 3600,
            words: &[],
            about: "for how long a lease keeps others away from the database; 10 in the paper; 0: no leases",
        },
        Param {
            name: "single_flight",
            default: 0,
            min: 0,
            max: 1,
            words: &[],
            about: "whether those who miss a row in one client share one read of the database",
        },
        EARLY,
        JITTER,
        Param {
            name: "copies",
            default: 1,
            min: 1,
            max: 16,
            words: &[],
            about: "how many keys a hot row has, on whatever shards they fall",
        },
        Param {
            name: "hot_rows",
            default: 10,
            min: 1,
            max: 1_000_000,
            words: &[],
            about: "how many rows, the most popular, are hot",
        },
        Param {
            name: "gutter_s",
            default: 0,
            min: 0,
            max: 3600,
            words: &[],
            about: "for how long a gutter node keeps what it is given; 0: it is not asked",
        },
        Param {
            name: "budget_percent",
            default: 0,
            min: 0,
            max: 100,
            words: &[],
            about: "retries that a client may make for each hundred requests; Finagle's choice is 20; 0: no limit",
        },
        Param {
            name: "connecting",
            default: 0,
            min: 0,
            max: 1000,
            words: &[],
            about: "how many connections a client opens to a node at a time; 0: as many as it needs",
        },
        Param {
            name: "local_ms",
            default: 0,
            min: 0,
            max: 600_000,
            words: &[],
            about: "for how long a client keeps rows in its own memory; 0: it does not",
        },
    ],
    rules: |values| Rules {
        lease_s: values[0],
        flights: if values[1] == 1 {
            Flights::OfClient
        } else {
            Flights::Each
        },
        early: values[2] as f64 / 100.0,
        jitter: values[3] as f64 / 100.0,
        copies: values[4] as u8,
        hot_rows: if values[4] > 1 { values[5] } else { 0 },
        gutter_s: values[6],
        budget_percent: values[7],
        connecting: values[8],
        local_ms: values[9],
        ..PLAIN
    },
};
