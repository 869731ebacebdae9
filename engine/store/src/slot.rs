//! Hash slots: where a key belongs, by Redis Cluster's rule.
//!
//! A key's slot is CRC16 (the XMODEM polynomial 0x1021) of the key, or of its hash tag, modulo
//! 16384 (Redis Cluster specification, "Key distribution model").

/// A hash slot, 0 to 16383.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// How many slots there are.
    pub const COUNT: u16 = 16384;

    /// The slot of `key`: of the part between the first `{` and the next `}` where that is not empty.
    pub fn of(key: &[u8]) -> Slot {
        let tag = key.iter().position(|&b| b == b'{').and_then(|open| {
            let rest = &key[open + 1..];
            rest.iter()
                .position(|&b| b == b'}')
                .filter(|&close| close > 0)
                .map(|c| &rest[..c])
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

const TABLE: [u16; 256] = {
    let mut table = [0u16; 256];
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
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &b| {
        (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ b)]
    })
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
    fn shards_split_the_slots_evenly() {
        assert_eq!(Slot(0).shard(3), 0);
        assert_eq!(Slot(16383).shard(3), 2);
        assert_eq!(Slot(16383).shard(1), 0);
    }
}
