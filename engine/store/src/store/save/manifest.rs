//! The manifest: which save counts. A save's files mean nothing until this small file, published last, names it.
//!
//! ```text
//!    0  magic "SEAWALLM"     20  0
//!    8  format version       24  saves…
//!   12  saves                     XXH3 of what comes before
//!   16  shards
//!
//!  save   0  its number       16  number of the last joint before it
//!         8  when, in ms      24  for each shard: sequence, log (0: none), keys, bytes of its file
//! ```
//!
//! All numbers are little-endian; those of 8 to 20 have 4 bytes, the others 8. The first save is the newest one. A
//! second one is there where the first knows no logs, and the folder has logs that go on from the second. There is none
//! as long as a first save is being made.

use xxhash_rust::xxh3::xxh3_64;

use crate::time::Millis;

/// The manifest's name.
pub(crate) const NAME: &str = "snapshots.manifest";

/// No manifest has more.
const SAVES_MAX: usize = 2;

const MAGIC: &[u8; 8] = b"SEAWALLM";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 24;
const SAVE_BYTES: usize = 24;
const SHARD_BYTES: usize = 32;
const CHECK_BYTES: usize = 8;

/// The longest manifest.
pub(crate) const BYTES_MAX: usize = HEAD_BYTES
    + CHECK_BYTES
    + SAVES_MAX * (SAVE_BYTES + super::super::config::SHARDS_MAX * SHARD_BYTES);

/// Which saves count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The newest first.
    pub(crate) saves: Vec<Saved>,
}

/// A save of all shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Its number, above those of all before it.
    pub(crate) number: u64,
    /// When it was begun.
    pub(crate) taken: Millis,
    /// The number of the last joint before it.
    pub(crate) joints: u64,
    /// Of each shard.
    pub(crate) shards: Vec<Written>,
}

/// A shard's file of a save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The last record of the log that it has.
    pub(crate) sequence: u64,
    /// Tells that log from others; 0: there was none.
    pub(crate) log: u64,
    /// Keys.
    pub(crate) keys: u64,
    /// The file's length.
    pub(crate) bytes: u64,
}

impl Saved {
    /// Whether logs go on from it.
    pub(crate) fn is_logged(&self) -> bool {
        self.shards.iter().any(|shard| shard.log != 0)
    }

    /// The bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }
}

impl Manifest {
    /// The newest save.
    pub(crate) fn newest(&self) -> Option<&Saved> {
        self.saves.first()
    }

    /// The save that logs go on from.
    pub(crate) fn base(&self) -> Option<&Saved> {
        self.saves.iter().find(|saved| saved.is_logged())
    }

    /// This, with a newer save: what logs go on from stays where the newer one has none.
    pub(crate) fn with(&self, saved: Saved) -> Manifest {
        let base = self.base().filter(|_| !saved.is_logged()).cloned();
        Manifest {
            saves: [Some(saved), base].into_iter().flatten().collect(),
        }
    }

    /// The file; `None`: its saves are not of one layout, which no file can say.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let shards = self.newest().map_or(0, |saved| saved.shards.len());
        let is_of_one = (self.saves.iter()).all(|saved| saved.shards.len() == shards);
        is_of_one.then(|| encode(&self.saves, shards))
    }

    /// The file that names no save.
    pub(crate) fn of_none() -> Vec<u8> {
        encode(&[], 0)
    }

    /// Reads it; what is wrong with it otherwise.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Manifest, String> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err("it does not begin as a manifest does".to_owned());
        }
        let u32_at = |at: usize| -> Option<u32> {
            let four = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(four.try_into().ok()?))
        };
        let version = u32_at(8).ok_or("it ends inside its head")?;
        if version != VERSION {
            return Err(format!(
                "format version {version}; this program reads {VERSION}"
            ));
        }
        let damaged = || "its checksum does not match".to_owned();
        let (content, check) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if u64::from_le_bytes(*check) != xxh3_64(content) {
            return Err(damaged());
        }
        let strange = || "it says what cannot be".to_owned();
        let (Some(saves), Some(shards), Some(0)) = (u32_at(12), u32_at(16), u32_at(20)) else {
            return Err(strange());
        };
        let (saves, shards) = (saves as usize, shards as usize);
        let fits = saves <= SAVES_MAX
            && shards <= super::super::config::SHARDS_MAX
            && content.len() == HEAD_BYTES + saves * (SAVE_BYTES + shards * SHARD_BYTES);
        if !fits {
            return Err(strange());
        }
        let (numbers, _) = content[HEAD_BYTES..].as_chunks::<8>();
        let mut numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let mut manifest = Manifest::default();
        for _ in 0..saves {
            let (number, taken, joints) = (next(), Millis(next()), next());
            let shards = (0..shards).map(|_| Written {
                sequence: next(),
                log: next(),
                keys: next(),
                bytes: next(),
            });
            manifest.saves.push(Saved {
                number,
                taken,
                joints,
                shards: shards.collect(),
            });
        }
        let mut all = manifest.saves.iter().flat_map(|saved| &saved.shards);
        // A log goes on behind what a save covers.
        if all.any(|written| written.sequence == u64::MAX) {
            return Err(strange());
        }
        Ok(manifest)
    }
}

fn encode(saves: &[Saved], shards: usize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for number in [VERSION, saves.len() as u32, shards as u32, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for saved in saves {
        let of_all = [saved.number, saved.joints, saved.taken.0];
        let [number, joints, taken] = of_all;
        let of_shards = (saved.shards.iter())
            .flat_map(|shard| [shard.sequence, shard.log, shard.keys, shard.bytes]);
        for number in [number, taken, joints].into_iter().chain(of_shards) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    let check = xxh3_64(&bytes);
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(number: u64, log: u64) -> Saved {
        let written = |shard: u64| Written {
            sequence: 10 * number + shard,
            log,
            keys: shard,
            bytes: 4096 * (shard + 1),
        };
        Saved {
            number,
            taken: Millis(1_700_000_000_000 + number),
            joints: number / 2,
            shards: (0..3).map(written).collect(),
        }
    }

    #[test]
    fn it_reads_back_and_keeps_what_logs_go_on_from() {
        let empty = Manifest::default();
        let logged = empty.with(saved(1, 7));
        let plain = logged.with(saved(2, 0));
        let again = plain.with(saved(3, 0));
        assert_eq!(again.newest(), Some(&saved(3, 0)));
        assert_eq!(again.base(), Some(&saved(1, 7)));
        let relogged = again.with(saved(4, 7));
        assert_eq!(relogged.saves, [saved(4, 7)]);
        for manifest in [empty, logged, plain, again, relogged] {
            let bytes = manifest.encode().unwrap();
            assert!(bytes.len() <= BYTES_MAX);
            assert_eq!(Manifest::decode(&bytes), Ok(manifest));
        }
    }

    #[test]
    fn two_layouts_are_no_manifest() {
        let mut other = saved(2, 0);
        other.shards.pop();
        let both = Manifest::default().with(saved(1, 7)).with(other.clone());
        assert_eq!(both.encode(), None);
        // Who goes on from nothing may change it.
        assert!(
            Manifest::default()
                .with(saved(1, 0))
                .with(other)
                .encode()
                .is_some()
        );
        assert_eq!(Some(Manifest::of_none()), Manifest::default().encode());
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let whole = Manifest::default()
            .with(saved(1, 7))
            .with(saved(2, 0))
            .encode()
            .unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&bytes).is_err(), "bit {bit}");
        }
        for len in 0..whole.len() {
            assert!(Manifest::decode(&whole[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = Manifest::of_none();
        bytes[8] = 2;
        let why = "format version 2; this program reads 1";
        assert_eq!(Manifest::decode(&bytes), Err(why.to_owned()));
    }
}
