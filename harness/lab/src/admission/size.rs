//! `size`: what is larger than a limit stays outside.

use seawall_store::evict::Description;
use seawall_store::spec::Param;

use super::{Admission, Member};

/// The admission.
pub(super) const MEMBER: Member = Member {
    description: Description {
        name: "size",
        about: "admits objects up to a size",
        source: "folklore of content delivery: Maggs, Sitaraman 2015, Algorithmic nuggets in content delivery, CCR 45(3)",
        params: &[Param {
            name: "max",
            about: "bytes of the largest object admitted",
            default: 65_536,
            min: 1,
            max: u32::MAX as u64,
            words: &[],
        }],
        cost: "a comparison a miss",
        bytes_per_item: 0,
        bad_at: "large objects that are popular; with sizes ignored it admits all",
    },
    make: |params, _| Box::new(Size(params.get("max"))),
};

struct Size(u64);

impl Admission for Size {
    fn admits(&mut self, _object: u32, size: u64) -> bool {
        size <= self.0
    }
}
