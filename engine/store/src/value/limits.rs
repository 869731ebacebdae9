//! How far the compact forms of values go: what `hash-max-listpack-entries` and its like set.
//!
//! Whoever writes asks here whether a compact form still holds what it becomes. A limit is looked at
//! when a write may cross it and at no other time, as in Redis: lowering one converts nothing by
//! itself, and a value that left its compact form does not come back to it.

/// The most bytes of a compact form, whatever the limits say: it is searched from its front, and moved
/// whole. (Redis: `LISTPACK_MAX_SAFETY_LIMIT`.)
const COMPACT_BYTES_MAX: usize = 1 << 30;
/// The most members of a set of integers, whatever the limit says.
const INTS_MAX: usize = 1 << 30;

/// The limits of every compact form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of hashes (`hash-max-listpack-entries`, `hash-max-listpack-value`).
    pub hash: Bounds,
    /// Of sorted sets (`zset-max-listpack-entries`, `zset-max-listpack-value`).
    pub sorted_set: Bounds,
    /// Of sets of integers (`set-max-intset-entries`).
    pub ints: IntsMax,
    /// Of the chunks of a list that is made (`list-max-listpack-size`).
    pub list: Fill,
    /// The bytes above which the registers of a `HyperLogLog` are kept densely (`hll-sparse-max-bytes`).
    pub sparse_bytes: usize,
}

impl Default for Limits {
    /// Redis's.
    fn default() -> Limits {
        Limits {
            hash: Bounds::HASH,
            sorted_set: Bounds::SORTED_SET,
            ints: IntsMax::default(),
            list: Fill::default(),
            sparse_bytes: 3_000,
        }
    }
}

/// How many entries a compact form has at most, and how long one of them is at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most entries.
    pub entries: usize,
    /// The most bytes of a field, a value or a member.
    pub bytes: usize,
}

impl Bounds {
    /// Redis's for hashes.
    pub const HASH: Bounds = Bounds {
        entries: 512,
        bytes: 64,
    };
    /// Redis's for sorted sets.
    pub const SORTED_SET: Bounds = Bounds {
        entries: 128,
        bytes: 64,
    };

    /// Whether a compact form of `entries` entries that takes `bytes` bytes in all may be.
    pub(super) fn hold(self, entries: usize, bytes: usize) -> bool {
        entries <= self.entries && bytes <= COMPACT_BYTES_MAX
    }
}

/// The most members of a set of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntsMax(usize);

impl IntsMax {
    /// So many.
    pub fn new(members: usize) -> IntsMax {
        IntsMax(members.min(INTS_MAX))
    }

    /// How many.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for IntsMax {
    fn default() -> IntsMax {
        IntsMax(512)
    }
}

/// What a chunk of a list holds at most, but for one that holds a single longer element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    bytes: u32,
    elements: u32,
}

impl Fill {
    /// The bytes of a chunk whose elements are counted.
    const COUNTED_BYTES: u32 = 8 << 10;
    /// The most elements that are counted.
    const ELEMENTS_MAX: i64 = 1 << 15;
    /// The sizes that -1 to -5 stand for.
    const SIZES: [u32; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

    /// What `list-max-listpack-size` says: a number of elements, or (negative) one of five sizes.
    pub fn of_setting(setting: i64) -> Fill {
        if setting < 0 {
            let size = usize::try_from(-1 - setting.max(-5)).unwrap_or_default();
            return Fill {
                bytes: Self::SIZES[size],
                elements: u32::MAX,
            };
        }
        Fill {
            bytes: Self::COUNTED_BYTES,
            elements: setting.clamp(1, Self::ELEMENTS_MAX) as u32,
        }
    }

    /// The most bytes.
    pub(super) fn bytes(self) -> usize {
        self.bytes as usize
    }

    /// Whether a chunk of so many elements and bytes may be.
    pub(super) fn holds(self, elements: usize, bytes: usize) -> bool {
        elements <= 1 || elements <= self.elements as usize && bytes <= self.bytes()
    }

    /// Whether a chunk of so many elements and bytes is not so full that it would soon be split again.
    pub(super) fn merges(self, elements: usize, bytes: usize) -> bool {
        elements <= self.elements as usize && bytes <= self.eased_bytes()
    }

    /// Up to this many bytes a chunk moves its elements to make room at an end; past it the list begins
    /// another chunk, so that no push of a long row of pushes moves much.
    pub(super) fn eased_bytes(self) -> usize {
        self.bytes() / 4 * 3
    }
}

impl Default for Fill {
    fn default() -> Fill {
        Fill::of_setting(-2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_counts_elements_or_names_a_size() {
        for (setting, bytes, elements) in [
            (-1, 4096, u32::MAX),
            (-2, 8192, u32::MAX),
            (-5, 65536, u32::MAX),
            (-6, 65536, u32::MAX),
            (i64::MIN, 65536, u32::MAX),
            (0, 8192, 1),
            (3, 8192, 3),
            (i64::MAX, 8192, 1 << 15),
        ] {
            let fill = Fill { bytes, elements };
            assert_eq!(Fill::of_setting(setting), fill, "{setting}");
        }
    }

    #[test]
    fn one_element_is_held_whatever_its_size() {
        let fill = Fill::of_setting(2);
        assert!(fill.holds(1, 1 << 20) && fill.holds(2, 8192));
        assert!(!fill.holds(2, 8193) && !fill.holds(3, 10));
    }

    #[test]
    fn limits_end_where_a_compact_form_would_be_slow() {
        let bounds = Bounds {
            entries: usize::MAX,
            bytes: usize::MAX,
        };
        assert!(bounds.hold(1 << 20, COMPACT_BYTES_MAX) && !bounds.hold(1, COMPACT_BYTES_MAX + 1));
        assert_eq!(IntsMax::new(usize::MAX).get(), INTS_MAX);
    }
}
