//! Caching: a family of ways in which an application uses a cache and a database, and guards itself against
//! what can go wrong between them.
//!
//! A member turns its parameters into [`Rules`], plain data that the application's state machine
//! (`world/application`) follows. What guards against what:
//!
//! | danger | guard |
//! |---|---|
//! | stampede: everybody who misses a key asks the database | `lease_s`, `single_flight`, `early_percent` |
//! | stale set: a fill that was read before a write lands after its invalidation | `lease_s` |
//! | expiry at one moment of what was filled at one moment | `jitter_percent` |
//! | a key that is more than a node's share | `copies` of the `hot_rows`, `local_ms` |
//! | a cache node that does not answer | `gutter_s` |
//! | retries that keep an overloaded database overloaded | `budget_percent` |
//! | all connections opened anew at one moment | `connecting` |

mod cache_aside;
mod read_through;
mod write_behind;
mod write_through;

use seawall_cluster::Nanos;
use seawall_store::spec::{Param, Spec, SpecError};

/// Every member, the trivial one first.
pub const CACHINGS: &[&CachingMember] = &[
    &cache_aside::MEMBER,
    &read_through::MEMBER,
    &write_through::MEMBER,
    &write_behind::MEMBER,
];

/// A way to use a cache in the list.
#[derive(Debug)]
pub struct CachingMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// What the application does with these values of the parameters.
    pub(crate) rules: fn(&[u64]) -> Rules,
}

/// What an application does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rules {
    pub(crate) on_write: OnWrite,
    pub(crate) flights: Flights,
    /// For how many seconds a lease keeps others away from the database; 0: there are none.
    pub(crate) lease_s: u64,
    /// How eagerly a row is read anew before it expires (the β of [`cache_aside::EARLY`]); 0: never.
    pub(crate) early: f64,
    /// By how much of itself an expiry differs at most, up or down.
    pub(crate) jitter: f64,
    /// How many keys a hot row has.
    pub(crate) copies: u8,
    /// How many rows, the most popular, are hot.
    pub(crate) hot_rows: u64,
    /// For how many seconds a gutter node keeps what it is given; 0: it is not asked.
    pub(crate) gutter_s: u64,
    /// Retries that a client may make for each hundred requests; 0: as many as it likes.
    pub(crate) budget_percent: u64,
    /// How many connections a client opens to a node at a time; 0: as many as it needs.
    pub(crate) connecting: u64,
    /// For how long a client keeps rows in its own memory, in ms; 0: it does not.
    pub(crate) local_ms: u64,
}

/// What a write does to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnWrite {
    /// The database has it, then the key is deleted.
    Invalidate,
    /// The database has it, then the cache gets the new value.
    Update,
    /// The cache has it, and the database after so long.
    Behind(Nanos),
}

/// Who shares a read of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flights {
    /// Nobody.
    Each,
    /// Those who miss the same row in the same client.
    OfClient,
    /// All who miss the same row: the cache reads the database itself.
    OfCache,
}

/// What members differ from.
const PLAIN: Rules = Rules {
    on_write: OnWrite::Invalidate,
    flights: Flights::Each,
    lease_s: 0,
    early: 0.0,
    jitter: 0.0,
    copies: 1,
    hot_rows: 0,
    gutter_s: 0,
    budget_percent: 0,
    connecting: 0,
    local_ms: 0,
};

impl Rules {
    /// How many keys a row has.
    pub(crate) fn copies_of(&self, row: u64) -> u8 {
        if row < self.hot_rows { self.copies } else { 1 }
    }
}

/// The member that `text` names, as the rules that its parameters' values make.
///
/// # Errors
/// An unknown name or parameter, or a number out of range.
pub(crate) fn find(text: &str) -> Result<Rules, SpecError> {
    let spec = Spec::parse(text)?;
    let member = CACHINGS
        .iter()
        .find(|member| member.name == spec.name())
        .ok_or_else(|| spec.unknown_name("caching", CACHINGS.iter().map(|member| member.name)))?;
    Ok((member.rules)(&spec.numbers(member.params)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_parameters_nobody_guards_against_anything() {
        assert_eq!(find("cache-aside").unwrap(), PLAIN);
    }

    #[test]
    fn only_hot_rows_have_copies() {
        let rules = find("cache-aside:copies=4:hot_rows=2").unwrap();
        assert_eq!([0, 1, 2].map(|row| rules.copies_of(row)), [4, 4, 1]);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for text in [
            "cache-beside",
            "cache-aside:copies=0",
            "write-behind:flush_ms=0",
        ] {
            assert!(find(text).is_err(), "{text}");
        }
    }
}
