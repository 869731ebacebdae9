//! Hash slots: where a key belongs, by Redis Cluster's rule.
//!
//! A key's slot is CRC16 (the XMODEM polynomial 0x1021) of the key, or of its hash tag, modulo
//! 16384 (Redis Cluster specification, "Key distribution model").

use memchr::memchr;

/// A hash slot, 0 to 16383.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// How many slots there are.
    pub const COUNT: u16 = 16384;

    /// The slot of `key`: of the part between the first `{` and the next `}` where that is not empty.
    #[inline]
    pub fn of(key: &[u8]) -> Slot {
        let (sum, may_have_tag) = sum(key);
        if may_have_tag {
            return Slot::of_tagged(key);
        }
        Slot(sum % Slot::COUNT)
    }

    /// As [`Slot::of`], of a key in which there is a `{`.
    #[inline(never)]
    fn of_tagged(key: &[u8]) -> Slot {
        let tag = memchr(b'{', key).and_then(|open| {
            let rest = &key[open + 1..];
            let close = memchr(b'}', rest).filter(|&close| close > 0)?;
            Some(&rest[..close])
        });
        Slot(crc16(tag.unwrap_or(key)) % Slot::COUNT)
    }

    /// The slot as a number.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Which of `shards` equal, contiguous ranges of slots holds this one.
    pub fn shard(self, shards: usize) -> usize {
        self.index() * shards / usize::from(Slot::COUNT)
    }
}

/// For each byte, what it makes of the sum, followed by as many bytes of 0 as the table's number says.
static TABLES: [[u16; 256]; STEP] = {
    let mut tables = [[0u16; 256]; STEP];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < STEP {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = (before << 8) ^ tables[0][(before >> 8) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
};

/// How many bytes are summed at once: their look-ups do not wait for each other.
const STEP: usize = 8;

fn crc16(bytes: &[u8]) -> u16 {
    sum(bytes).0
}

/// The sum of `bytes`, by several tables at once (Kounavis and Berry, "A Systematic Approach to Building High
/// Performance Software-Based CRC Generators", 2005), and whether there is a `{` among them.
#[inline]
fn sum(bytes: &[u8]) -> (u16, bool) {
    let (steps, rest) = bytes.as_chunks::<STEP>();
    let (mut crc, mut braces) = (0, 0);
    for step in steps {
        let word = u64::from_be_bytes(*step);
        braces |= has_brace(word);
        let word = word ^ u64::from(crc) << (u64::BITS - u16::BITS);
        let summed = TABLES.iter().enumerate();
        crc = summed.fold(0, |crc, (zeros, table)| {
            crc ^ table[usize::from((word >> (zeros * 8)) as u8)]
        });
    }
    for &byte in rest {
        braces |= u64::from(byte == b'{');
        crc = (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)];
    }
    (crc, braces != 0)
}

/// Not 0 where a byte of `word` is a `{`.
#[inline]
fn has_brace(word: u64) -> u64 {
    const EVERY: u64 = 0x0101_0101_0101_0101;
    let zeroed = word ^ (EVERY * u64::from(b'{'));
    zeroed.wrapping_sub(EVERY) & !zeroed & (EVERY << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(
            Slot::of(b"{user1000}.following"),
            Slot::of(b"{user1000}.followers")
        );
        assert_eq!(
            Slot::of(b"foo{}{bar}").index(),
            usize::from(crc16(b"foo{}{bar}") % 16384)
        );
        assert_eq!(Slot::of(b"foo{{bar}}zap"), Slot::of(b"{bar"));
    }

    #[test]
    fn a_tag_is_seen_wherever_it_stands() {
        let slot = Slot(crc16(b"tag"));
        for before in 0..20 {
            let key = |open: &str| format!("{}{open}tag}}after it", "b".repeat(before));
            let tagged = Slot(slot.0 % Slot::COUNT);
            assert_eq!(Slot::of(key("{").as_bytes()), tagged, "{before}");
            // Its neighbours in the alphabet open none.
            for other in ["z", "|", "\u{fb}"] {
                let key = key(other);
                let whole = Slot(crc16(key.as_bytes()) % Slot::COUNT);
                assert_eq!(Slot::of(key.as_bytes()), whole, "{key}");
            }
        }
    }

    #[test]
    fn many_bytes_at_once_are_bytes_one_by_one() {
        let one_by_one = |bytes: &[u8]| {
            bytes.iter().fold(0u16, |crc, &byte| {
                (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                    (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
                })
            })
        };
        let bytes: Vec<u8> = (0..100_u32).map(|n| (n * n * 31 + 7) as u8).collect();
        for from in 0..bytes.len() {
            for to in from..bytes.len() {
                let some = &bytes[from..to];
                assert_eq!(crc16(some), one_by_one(some), "{some:?}");
            }
        }
    }

    #[test]
    fn shards_split_the_slots_evenly() {
        assert_eq!(Slot(0).shard(3), 0);
        assert_eq!(Slot(16383).shard(3), 2);
        assert_eq!(Slot(16383).shard(1), 0);
    }
}
