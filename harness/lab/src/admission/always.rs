//! `always`: all come in.

use seawall_store::evict::Description;

use super::{Admission, Member};

/// The admission.
pub(super) const MEMBER: Member = Member {
    description: Description {
        name: "always",
        about: "admits every object",
        source: "what Redis and Memcached do",
        params: &[],
        cost: "nothing",
        bytes_per_item: 0,
        bad_at: "objects that are asked for once",
    },
    make: |_, _| Box::new(Always),
};

/// Admits all.
pub struct Always;

impl Admission for Always {
    #[inline]
    fn admits(&mut self, _object: u32, _size: u64) -> bool {
        true
    }
}

/// Admits all, as a store does: also whom the policy would refuse.
pub(crate) struct AsStore;

impl Admission for AsStore {
    #[inline]
    fn admits(&mut self, _object: u32, _size: u64) -> bool {
        true
    }

    #[inline]
    fn heeds_policy(&self) -> bool {
        false
    }
}
