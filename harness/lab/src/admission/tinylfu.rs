//! `tinylfu`: who was asked for often enough lately comes in.
//!
//! The sketch is that of `wtinylfu`: four-bit counters, halved from time to time. The paper's own rule asks whether the newcomer
//! is used more than the victim; here the policy has not named one yet, so the bar is a number.

use seawall_store::evict::Description;
use seawall_store::evict::wtinylfu::sketch::Sketch;
use seawall_store::spec::Param;

use super::{Admission, Member, hash};

/// The admission.
pub(super) const MEMBER: Member = Member {
    description: Description {
        name: "tinylfu",
        about: "admits an object that was asked for often enough lately",
        source: "Einziger, Friedman, Manes 2017, TinyLFU: a highly efficient cache admission policy, ACM TOS 13(4); \
                 with a bar in place of the victim's count",
        params: &[
            Param {
                name: "uses",
                about: "requests, this one among them, that let an object in",
                default: 2,
                min: 1,
                max: 15,
                words: &[],
            },
            Param {
                name: "objects",
                about: "objects that the sketch is made for; it forgets by half after ten times as many requests",
                default: 100_000,
                min: 64,
                max: 100_000_000,
                words: &[],
            },
        ],
        cost: "four counters raised a request",
        bytes_per_item: 0,
        bad_at: "new objects that are about to be popular",
    },
    make: |params, _| {
        Box::new(TinyLfu {
            sketch: Sketch::new(params.get("objects")),
            uses: params.get("uses"),
        })
    },
};

struct TinyLfu {
    sketch: Sketch,
    uses: u64,
}

impl Admission for TinyLfu {
    fn hear(&mut self, object: u32) {
        self.sketch.add(hash(object, 3));
    }

    fn admits(&mut self, object: u32, _size: u64) -> bool {
        self.sketch.estimate(hash(object, 3)) >= self.uses
    }
}
