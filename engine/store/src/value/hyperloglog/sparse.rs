//! Registers as runs of equal ones.
//!
//! ```text
//!  00llllll             l + 1 registers of 0
//!  01llllll llllllll    l + 1 registers of 0
//!  1vvvvvll             l + 1 registers of v + 1
//! ```
//!
//! A change splits the run that holds the register and joins what became equal beside it, in Redis's
//! way, so that the bytes are its own.

use super::{Corrupt, REGISTERS};

/// All registers 0.
pub const EMPTY: [u8; 2] = [0x40 | 0x3f, 0xff];

/// The highest register that a run may have.
const VALUE_MAX: u8 = 32;
/// The most registers of a run that is not 0.
const VALUES_MAX: usize = 4;
/// The most registers of a run of zeroes in one byte.
const ZEROES_MAX: usize = 64;
/// How many runs are looked at for equal neighbours.
const JOINED: usize = 5;

/// Registers that are equal and beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What each is.
    pub value: u8,
    /// How many there are.
    pub len: usize,
    /// The bytes of the run.
    pub bytes: usize,
}

impl Run {
    /// The run at the front of `bytes`.
    fn read(bytes: &[u8]) -> Option<Run> {
        let (&first, rest) = bytes.split_first()?;
        Some(match first >> 6 {
            0 => Run {
                value: 0,
                len: usize::from(first) + 1,
                bytes: 1,
            },
            1 => Run {
                value: 0,
                len: (usize::from(first & 0x3f) << 8 | usize::from(*rest.first()?)) + 1,
                bytes: 2,
            },
            _ => Run {
                value: (first >> 2 & 0x1f) + 1,
                len: usize::from(first & 3) + 1,
                bytes: 1,
            },
        })
    }

    fn write(value: u8, len: usize, into: &mut Vec<u8>) {
        let less = len - 1;
        match value {
            0 if len > ZEROES_MAX => {
                into.extend_from_slice(&[0x40 | (less >> 8) as u8, less as u8]);
            }
            0 => into.push(less as u8),
            value => into.push(0x80 | (value - 1) << 2 | less as u8),
        }
    }
}

/// Shows the runs in order.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let run = Run::read(rest)?;
        rest = &rest[run.bytes..];
        Some(run)
    })
}

/// Shows every register that is not 0.
///
/// # Errors
/// The runs do not make up the registers exactly.
pub fn for_each(bytes: &[u8], mut each: impl FnMut(usize, u8)) -> Result<(), Corrupt> {
    let (mut at, mut read) = (0, 0);
    for run in runs(bytes) {
        let end = at + run.len;
        if end > REGISTERS {
            return Err(Corrupt);
        }
        if run.value > 0 {
            (at..end).for_each(|register| each(register, run.value));
        }
        at = end;
        read += run.bytes;
    }
    (at == REGISTERS && read == bytes.len())
        .then_some(())
        .ok_or(Corrupt)
}

/// What came of a change.
pub enum Set {
    /// The register is higher than it was.
    Changed,
    /// It was as high.
    Kept,
    /// Runs cannot hold it, or would take too many bytes; nothing changed.
    TooLarge,
}

/// Lets register `index` of the runs in `bytes`, from `head` on, be `count` at least, where that leaves
/// no more than `most` bytes.
///
/// # Errors
/// The runs end before the register.
pub fn set(
    bytes: &mut Vec<u8>,
    head: usize,
    index: usize,
    count: u8,
    most: usize,
) -> Result<Set, Corrupt> {
    if count > VALUE_MAX {
        return Ok(Set::TooLarge);
    }
    let (mut at, mut before, mut first) = (head, head, 0);
    let run = loop {
        let run = Run::read(&bytes[at..]).ok_or(Corrupt)?;
        if index < first + run.len {
            break run;
        }
        before = at;
        at += run.bytes;
        first += run.len;
    };
    if run.value >= count {
        return Ok(Set::Kept);
    }
    let mut made = Vec::with_capacity(5);
    if index > first {
        Run::write(run.value, index - first, &mut made);
    }
    Run::write(count, 1, &mut made);
    let last = first + run.len - 1;
    if index < last {
        Run::write(run.value, last - index, &mut made);
    }
    if made.len() > run.bytes && bytes.len() + made.len() - run.bytes > most {
        return Ok(Set::TooLarge);
    }
    bytes.splice(at..at + run.bytes, made);
    join(bytes, before);
    Ok(Set::Changed)
}

/// Joins equal runs beside each other from the one at `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED {
        let Some(run) = Run::read(&bytes[at..]) else {
            return;
        };
        let next = Run::read(&bytes[at + run.bytes..]);
        match next.filter(|next| run.value > 0 && next.value == run.value) {
            Some(next) if run.len + next.len <= VALUES_MAX => {
                let mut joined = Vec::with_capacity(1);
                Run::write(run.value, run.len + next.len, &mut joined);
                // Looked at again: it may be joined with what follows.
                bytes.splice(at..at + 2, joined);
            }
            _ => at += run.bytes,
        }
    }
}
