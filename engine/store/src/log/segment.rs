//! Segments: the files of a log, their names and heads.
//!
//! A shard's log is a row of files, each named by shard and first sequence
//! (`00003-00000000000000000001.log`). All but the last are *sealed*: whole and durable before the
//! next one got its name. Each begins with a head:
//!
//! ```text
//!    0  magic "SEAWALLG"          32  salt of the records' checks
//!    8  format version            36  cipher of the records (0: none)
//!   12  length of the head        40  room for the key that encrypts them, wrapped; zeroes
//!   16  shard                    116  what tells the log from others
//!   20  how many shards there are 124 CRC-32C of what comes before
//!   24  first sequence                                                     little-endian
//! ```

use crc_fast::crc32_iscsi;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The length of a segment's head.
pub const HEAD_BYTES: usize = 128;

const MAGIC: &[u8; 8] = b"SEAWALLG";
const VERSION: u32 = 2;
const LOG_AT: usize = 116;
const SUFFIX: &str = ".log";

/// What a segment's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The shard whose log it is.
    pub shard: u32,
    /// How many shards the store had.
    pub shards: u32,
    /// The sequence of its first record.
    pub first: u64,
    /// What the records' checks are exclusive-or'ed with.
    pub salt: u32,
    /// What tells the log from others: the same in all of its segments, never 0.
    pub log: u64,
}

impl Head {
    /// The head of a new segment of `log`; `seed` is secret, and so is the salt that comes of it.
    pub fn new(shard: u32, shards: u32, first: u64, seed: u64, log: u64) -> Head {
        let mut place = [0; 12];
        place[..4].copy_from_slice(&shard.to_le_bytes());
        place[4..].copy_from_slice(&first.to_le_bytes());
        Head {
            shard,
            shards,
            first,
            salt: xxh3_64_with_seed(&place, seed) as u32,
            log,
        }
    }

    /// The segment's name.
    pub fn name(&self) -> String {
        format!("{}{:020}{SUFFIX}", prefix(self.shard), self.first)
    }

    /// The head as it is written.
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(HEAD_BYTES as u32).to_le_bytes());
        bytes[16..20].copy_from_slice(&self.shard.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.shards.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.salt.to_le_bytes());
        bytes[LOG_AT..LOG_AT + 8].copy_from_slice(&self.log.to_le_bytes());
        let check = crc32_iscsi(&bytes[..HEAD_BYTES - 4]);
        bytes[HEAD_BYTES - 4..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Reads a head; what is wrong with it otherwise.
    pub fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<Head, String> {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        if &bytes[..8] != MAGIC {
            return Err("it does not begin as a log does".to_owned());
        }
        let version = u32_at(8);
        if version != VERSION {
            return Err(format!(
                "format version {version}; this program reads {VERSION}"
            ));
        }
        if crc32_iscsi(&bytes[..HEAD_BYTES - 4]) != u32_at(HEAD_BYTES - 4) {
            return Err("the checksum of its head does not match".to_owned());
        }
        if u32_at(12) as usize != HEAD_BYTES || bytes[36..LOG_AT].iter().any(|&b| b != 0) {
            return Err("its head has fields that this version does not know".to_owned());
        }
        Ok(Head {
            shard: u32_at(16),
            shards: u32_at(20),
            first: u64::from_le_bytes(bytes[24..32].try_into().expect("eight")),
            salt: u32_at(32),
            log: u64::from_le_bytes(bytes[LOG_AT..LOG_AT + 8].try_into().expect("eight")),
        })
    }
}

/// What the names of a shard's files begin with.
pub fn prefix(shard: u32) -> String {
    format!("{shard:05}-")
}

/// The shard and the first sequence of the segment that has this name, where it is one.
pub fn place_of(name: &str) -> Option<(u32, u64)> {
    let shard = name.split_once('-')?.0.parse().ok()?;
    Some((shard, first_of(name, shard)?))
}

/// The first sequence of the segment of `shard` that has this name, where it is one.
pub fn first_of(name: &str, shard: u32) -> Option<u64> {
    let digits = name.strip_prefix(&prefix(shard))?.strip_suffix(SUFFIX)?;
    let digits = Some(digits).filter(|it| it.len() == 20 && it.bytes().all(|b| b.is_ascii_digit()));
    // Records are counted from 1, and behind the last there is a next.
    (digits?.parse().ok()).filter(|&first| first != 0 && first != u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_names_read_back() {
        let head = Head::new(3, 8, 1_000_000, 42, 9);
        assert_eq!(Head::decode(&head.encode()), Ok(head));
        assert_eq!(head.name(), "00003-00000000000001000000.log");
        assert_eq!(first_of(&head.name(), 3), Some(1_000_000));
        assert_eq!(first_of(&head.name(), 30), None);
        assert_eq!(place_of(&head.name()), Some((3, 1_000_000)));
        for stranger in [
            "00003-1.log",
            "00003-0000000000000100000x.log",
            "00003-.log",
            "00003-00000000000000000000.log",
            "00003-18446744073709551615.log",
            "00003-18446744073709551616.log",
            "",
            "x",
        ] {
            assert_eq!(first_of(stranger, 3), None, "{stranger}");
            assert_eq!(place_of(stranger), None, "{stranger}");
        }
        assert_ne!(head.salt, Head::new(3, 8, 1_000_001, 42, 9).salt);
        assert_ne!(head.salt, Head::new(3, 8, 1_000_000, 43, 9).salt);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let whole = Head::new(3, 8, 7, 42, 9).encode();
        for bit in 0..HEAD_BYTES * 8 {
            let mut bytes = whole;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = Head::new(3, 8, 7, 42, 9).encode();
        bytes[8] = 3;
        assert_eq!(
            Head::decode(&bytes).unwrap_err(),
            "format version 3; this program reads 2"
        );
    }
}
