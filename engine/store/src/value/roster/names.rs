//! The hash of a name within a collection, and its seed.
//!
//! The seed is the process's and not a collection's: a collection knows no shard, and 64 bytes in each would be
//! many. Nothing that a client or a replica sees follows from it but the account of memory, which is why it is no
//! accident: unless somebody sets it, it is the same in every run.

use std::sync::OnceLock;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

static SECRETS: OnceLock<RapidSecrets> = OnceLock::new();

/// The seed where nobody sets one.
const SEED: u64 = 0x5ea3_a110_0c01_1ec7;

/// Sets the seed, so that nobody who does not know it can choose names that collide. It has to be done before
/// the first large collection is made; later, nothing changes.
pub(crate) fn seed(seed: u64) {
    SECRETS.get_or_init(|| RapidSecrets::seed(seed));
}

/// The hash of `name`.
#[inline]
pub(super) fn hash(name: &[u8]) -> u64 {
    let secrets = SECRETS.get_or_init(|| RapidSecrets::seed(SEED));
    rapidhash_v3_seeded(name, secrets)
}
