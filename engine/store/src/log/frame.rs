//! Frames: how a record lies in a segment.
//!
//! ```text
//!  0        4        8      9                17
//!  ┌────────┬────────┬──────┬────────────────┬─────────────┐
//!  │ check  │ length │ kind │    sequence    │   payload   │   little-endian
//!  └────────┴────────┴──────┴────────────────┴─────────────┘
//!            └──────────── covered by check ──────────────┘
//! ```
//!
//! `check` is the CRC-32C of all that follows it, exclusive-or the segment's *salt*. The salt is not
//! known to clients, so no value that one stores can pass for a frame; and bytes of another segment
//! cannot either. `length` is the payload's. Three kinds: [`Kind::Effects`] and [`Kind::Part`] take the next
//! sequence; [`Kind::Mark`] has no payload and says that everything up to its sequence was durable when it was
//! written, which is how recovery tells damage from a torn tail.
//!
//! The payload of a part begins with what it is a part of; effects follow.
//!
//! ```text
//!  0                8         12                    12 + 4 n
//!  ┌────────────────┬─────────┬─────────────────────┬─────────────┐
//!  │     joint      │    n    │      n shards       │   effects   │
//!  └────────────────┴─────────┴─────────────────────┴─────────────┘
//! ```

use std::io::{self, Read};

use crc_fast::crc32_iscsi;

/// The bytes before the payload.
pub const HEAD_BYTES: usize = 17;

/// The most payload that a record may have: 1 GiB, twice Redis's limit on a string.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Effects of one append, with the next sequence.
    Effects,
    /// Everything up to the sequence was durable.
    Mark,
    /// Effects of a shard's part in a [joint](super::joint), with the next sequence.
    Part,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Kind::Effects => 1,
            Kind::Mark => 2,
            Kind::Part => 3,
        }
    }

    fn of(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Effects),
            2 => Some(Kind::Mark),
            3 => Some(Kind::Part),
            _ => None,
        }
    }
}

/// A whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its sequence; a mark's: up to where all was durable.
    pub sequence: u64,
    /// Its content.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Appends the frame to `bytes`.
    ///
    /// # Panics
    /// Where the payload is longer than [`PAYLOAD_BYTES_MAX`]: the log refuses it before.
    pub fn encode(&self, salt: u32, bytes: &mut Vec<u8>) {
        self.encode_behind(&[], salt, bytes);
    }

    /// As [`Frame::encode`], with `before` in front of the payload, and as a part of it.
    ///
    /// # Panics
    /// As [`Frame::encode`], where both together are longer.
    pub fn encode_behind(&self, before: &[u8], salt: u32, bytes: &mut Vec<u8>) {
        let start = begin(self.kind, self.sequence, bytes);
        bytes.reserve(before.len() + self.payload.len());
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(self.payload);
        end(bytes, start, salt);
    }
}

/// Appends the head of a frame whose payload follows, up to [`end`]; where it begins.
pub(super) fn begin(kind: Kind, sequence: u64, bytes: &mut Vec<u8>) -> usize {
    let start = bytes.len();
    let mut head = [0; HEAD_BYTES];
    head[8] = kind.code();
    head[9..].copy_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&head);
    start
}

/// Fills in the length and the check of the frame that begins at `start` and has all of its payload.
///
/// # Panics
/// As [`Frame::encode`].
pub(super) fn end(bytes: &mut [u8], start: usize, salt: u32) {
    let len = bytes.len() - start - HEAD_BYTES;
    assert!(len <= PAYLOAD_BYTES_MAX, "the log bounds payloads");
    bytes[start + 4..start + 8].copy_from_slice(&(len as u32).to_le_bytes());
    let check = crc32_iscsi(&bytes[start + 4..]) ^ salt;
    bytes[start..start + 4].copy_from_slice(&check.to_le_bytes());
}

/// What stands where a frame was expected.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// The end, exactly.
    End,
    /// No whole frame, and why: torn or damaged.
    Broken(&'static str),
    /// A whole frame of a kind that only a newer version writes.
    Unknown(u8),
}

/// Reads frames one after another.
#[derive(Debug)]
pub struct Frames<R> {
    from: R,
    /// Where the next frame begins in the file.
    offset: u64,
    /// Where the file ends.
    end: u64,
    salt: u32,
    frame: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Reads from `from`, which stands at `offset` of a file of `end` bytes.
    pub fn new(from: R, offset: u64, end: u64, salt: u32) -> Frames<R> {
        Frames {
            from,
            offset,
            end,
            salt,
            frame: Vec::new(),
        }
    }

    /// Where the next frame begins; after a broken one: where that begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame. After [`Next::Broken`] there is nothing more to read.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&mut self) -> io::Result<Next<'_>> {
        let left = self.end - self.offset;
        if left == 0 {
            return Ok(Next::End);
        }
        if left < HEAD_BYTES as u64 {
            return Ok(Next::Broken("the file ends inside a record's head"));
        }
        self.frame.resize(HEAD_BYTES, 0);
        if !self.fill(0)? {
            return Ok(Next::Broken("the file is shorter than it was"));
        }
        let length = u32_at(&self.frame, 4) as usize;
        // Bounded by what is there before memory is taken for it.
        if length > PAYLOAD_BYTES_MAX || length as u64 > left - HEAD_BYTES as u64 {
            return Ok(Next::Broken("a record reaches beyond the end of the file"));
        }
        self.frame.resize(HEAD_BYTES + length, 0);
        if !self.fill(HEAD_BYTES)? {
            return Ok(Next::Broken("the file is shorter than it was"));
        }
        Ok(match decode(&self.frame, self.salt) {
            Ok(frame) => {
                self.offset += (HEAD_BYTES + length) as u64;
                Next::Frame(frame)
            }
            Err(next) => next,
        })
    }

    /// The payload of the frame that was read last.
    pub fn payload(&self) -> &[u8] {
        self.frame.get(HEAD_BYTES..).unwrap_or_default()
    }

    /// Reads into the frame from byte `start` of it; `false` where the file ends before.
    fn fill(&mut self, start: usize) -> io::Result<bool> {
        match self.from.read_exact(&mut self.frame[start..]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            result => result.map(|()| true),
        }
    }
}

/// Reads `bytes` as exactly one frame; what else stands there.
fn decode(bytes: &[u8], salt: u32) -> Result<Frame<'_>, Next<'static>> {
    if crc32_iscsi(&bytes[4..]) ^ salt != u32_at(bytes, 0) {
        return Err(Next::Broken("a record's checksum does not match"));
    }
    if bytes[8] == 0 {
        return Err(Next::Broken("no record begins here"));
    }
    let kind = Kind::of(bytes[8]).ok_or(Next::Unknown(bytes[8]))?;
    Ok(Frame {
        kind,
        sequence: u64::from_le_bytes(bytes[9..HEAD_BYTES].try_into().expect("eight bytes")),
        payload: &bytes[HEAD_BYTES..],
    })
}

/// The whole frame at the front of `bytes`, where one is there and `wanted` says of its kind, sequence and length
/// that it is worth a check.
pub fn at_front(
    bytes: &[u8],
    salt: u32,
    wanted: impl FnOnce(Kind, u64, usize) -> bool,
) -> Option<Frame<'_>> {
    let head = bytes.get(..HEAD_BYTES)?;
    let kind = Kind::of(head[8])?;
    let length = u32_at(head, 4) as usize;
    let frame = bytes.get(..HEAD_BYTES.checked_add(length)?)?;
    let sequence = u64::from_le_bytes(head[9..].try_into().expect("eight bytes"));
    wanted(kind, sequence, length)
        .then(|| decode(frame, salt).ok())
        .flatten()
}

/// The highest sequence that a mark anywhere in `from` proves durable: looks at every offset, since
/// what stands before a mark is damaged.
///
/// # Errors
/// Where the file cannot be read.
pub fn highest_mark(mut from: impl Read, salt: u32) -> io::Result<Option<u64>> {
    const CHUNK_BYTES: usize = 64 << 10;
    let mut highest = None;
    let mut window = Vec::new();
    loop {
        let kept = window.len();
        let read = from
            .by_ref()
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut window)?;
        if read == 0 {
            return Ok(highest);
        }
        for candidate in window.windows(HEAD_BYTES) {
            // A mark has no payload; nearly every offset ends at this test.
            if candidate[4..9] != [0, 0, 0, 0, Kind::Mark.code()] {
                continue;
            }
            if let Ok(frame) = decode(candidate, salt) {
                highest = highest.max(Some(frame.sequence));
            }
        }
        debug_assert!(kept < HEAD_BYTES, "a window keeps less than one frame");
        window.drain(..window.len().saturating_sub(HEAD_BYTES - 1));
    }
}

/// Whether there is nothing but zeroes in `from`.
///
/// # Errors
/// Where the file cannot be read.
pub fn is_blank(mut from: impl Read) -> io::Result<bool> {
    let mut chunk = [0; 16 << 10];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(true),
            Ok(read) if chunk[..read].iter().any(|&byte| byte != 0) => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (Kind, u64, Vec<u8>);

    fn encode(records: &[Owned], salt: u32) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for (kind, sequence, payload) in records {
            let frame = Frame {
                kind: *kind,
                sequence: *sequence,
                payload,
            };
            frame.encode(salt, &mut bytes);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// Every frame up to the first that is broken, and what broke.
    fn read(bytes: &[u8], salt: u32) -> (Vec<Owned>, Option<&'static str>) {
        let mut frames = Frames::new(bytes, 0, bytes.len() as u64, salt);
        let mut records = Vec::new();
        loop {
            match frames.read().unwrap() {
                Next::End => return (records, None),
                Next::Broken(why) => return (records, Some(why)),
                Next::Unknown(kind) => panic!("kind {kind} was not written"),
                Next::Frame(frame) => {
                    records.push((frame.kind, frame.sequence, frame.payload.to_vec()));
                }
            }
        }
    }

    fn records() -> impl Strategy<Value = Vec<Owned>> {
        let effects = (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..80))
            .prop_map(|(sequence, payload)| (Kind::Effects, sequence, payload));
        let mark = any::<u64>().prop_map(|sequence| (Kind::Mark, sequence, Vec::new()));
        proptest::collection::vec(prop_oneof![3 => effects, 1 => mark], 1..12)
    }

    #[test]
    fn the_layout_is_as_drawn() {
        let frame = Frame {
            kind: Kind::Effects,
            sequence: 0x0102,
            payload: b"123456789",
        };
        let mut bytes = Vec::new();
        frame.encode(0, &mut bytes);
        assert_eq!(bytes[4..17], [9, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[17..], b"123456789");
        // The check value of CRC-32C (RFC 3720, appendix B.4 names the polynomial).
        assert_eq!(crc32_iscsi(b"123456789"), 0xe306_9283);
        let (mut salted, check) = (Vec::new(), u32_at(&bytes, 0));
        frame.encode(0xffff_0000, &mut salted);
        assert_eq!(u32_at(&salted, 0), check ^ 0xffff_0000);
    }

    #[test]
    fn a_kind_of_the_future_is_not_taken_for_damage() {
        let mut bytes = [0; HEAD_BYTES];
        bytes[8] = 4;
        let check = crc32_iscsi(&bytes[4..]) ^ 9;
        bytes[..4].copy_from_slice(&check.to_le_bytes());
        let mut frames = Frames::new(&bytes[..], 0, bytes.len() as u64, 9);
        assert_eq!(frames.read().unwrap(), Next::Unknown(4));
    }

    #[test]
    fn a_long_length_takes_no_memory() {
        let mut bytes = [0; 64];
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut frames = Frames::new(&bytes[..], 0, 64, 0);
        assert!(matches!(frames.read().unwrap(), Next::Broken(_)));
        assert!(frames.frame.capacity() < 1024);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(records in records(), salt in any::<u32>()) {
            let (bytes, _) = encode(&records, salt);
            prop_assert_eq!(read(&bytes, salt), (records, None));
        }

        #[test]
        fn a_cut_leaves_the_whole_records_before_it(records in records(), at in any::<prop::sample::Index>()) {
            let (bytes, ends) = encode(&records, 5);
            let cut = at.index(bytes.len());
            let whole = ends.iter().filter(|&&end| end <= cut).count() - 1;
            let (read, broken) = read(&bytes[..cut], 5);
            prop_assert_eq!(&read[..], &records[..whole]);
            prop_assert_eq!(broken.is_none(), ends.contains(&cut));
        }

        #[test]
        fn a_flipped_bit_ends_the_log_at_its_record(records in records(), at in any::<prop::sample::Index>(), bit in 0u32..8) {
            let (mut bytes, ends) = encode(&records, 5);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            let whole = ends.iter().filter(|&&end| end <= at).count() - 1;
            let (read, broken) = read(&bytes, 5);
            prop_assert_eq!(&read[..], &records[..whole]);
            prop_assert!(broken.is_some());
        }

        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), salt in any::<u32>()) {
            let (records, broken) = read(&bytes, salt);
            prop_assert!(bytes.is_empty() || records.is_empty() && broken.is_some());
            prop_assert_eq!(highest_mark(&bytes[..], salt).unwrap(), None);
        }

        #[test]
        fn marks_are_found_behind_damage(records in records(), skip in 1usize..HEAD_BYTES) {
            let (bytes, ends) = encode(&records, 5);
            // From inside the first record on.
            let start = skip.min(ends[1]);
            let highest = records[1..].iter().filter(|(kind, ..)| *kind == Kind::Mark).map(|r| r.1).max();
            prop_assert_eq!(highest_mark(&bytes[start..], 5).unwrap(), highest);
            prop_assert_eq!(highest_mark(&bytes[start..], 6).unwrap(), None);
        }
    }
}
