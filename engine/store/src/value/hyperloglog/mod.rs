//! `HyperLogLog` in Redis's form: a string that estimates how many different elements it has seen.
//!
//! ```text
//!  0 "HYLL" · 4 encoding u8 (0 dense, 1 sparse) · 5 zeroes · 8 cached estimate u64, little-endian
//!  16 registers: 16,384 of 6 bits, dense or as runs ([`sparse`])
//! ```
//!
//! The cached estimate's highest bit says that it is out of date. An element's hash chooses a register
//! by its lower 14 bits; the register keeps the longest row of zeroes seen in the others (Flajolet et
//! al., 2007), and the estimate is Ertl's ("New cardinality estimation algorithms for `HyperLogLog`
//! sketches", 2017). The bytes are those that Redis 7.0 makes of the same calls.

mod estimate;
mod murmur;
pub mod sparse;

use sparse::Set;

/// How many registers there are.
pub const REGISTERS: usize = 1 << REGISTER_BITS;
const REGISTER_BITS: u32 = 14;
/// The bits of a hash that a register counts in.
const COUNTED_BITS: u32 = 64 - REGISTER_BITS;

const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_AT: usize = 4;
const CARD_AT: usize = 8;
const HEAD_BYTES: usize = 16;
const DENSE_BYTES: usize = HEAD_BYTES + REGISTERS * 6 / 8;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The bit of the cached estimate's last byte that says that it is out of date.
const STALE: u8 = 0x80;

/// Runs that do not fill the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// The registers, each in a byte.
pub type Registers = [u8; REGISTERS];

/// A `HyperLogLog`, as the bytes that its key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HyperLogLog {
    bytes: Vec<u8>,
}

impl Default for HyperLogLog {
    /// Sparse, and without elements.
    fn default() -> HyperLogLog {
        let mut bytes = vec![0; HEAD_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING_AT] = SPARSE;
        bytes.extend_from_slice(&sparse::EMPTY);
        HyperLogLog { bytes }
    }
}

impl HyperLogLog {
    /// The string as a `HyperLogLog`; `None` where it is none. Its runs are not looked at.
    pub fn of(bytes: &[u8]) -> Option<HyperLogLog> {
        let is_one = bytes.len() >= HEAD_BYTES
            && bytes.starts_with(MAGIC)
            && match bytes[ENCODING_AT] {
                DENSE => bytes.len() == DENSE_BYTES,
                SPARSE => true,
                _ => false,
            };
        is_one.then(|| HyperLogLog {
            bytes: bytes.to_vec(),
        })
    }

    /// The string.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the registers are kept as runs.
    pub fn is_sparse(&self) -> bool {
        self.bytes[ENCODING_AT] == SPARSE
    }

    /// The runs, or the dense registers.
    pub fn body(&self) -> &[u8] {
        &self.bytes[HEAD_BYTES..]
    }

    /// Adds an element; whether a register changed. The cached estimate is the caller's to
    /// [`HyperLogLog::invalidate`]. Runs that would take more than `sparse_max` bytes become dense
    /// registers.
    ///
    /// # Errors
    /// The runs are corrupt.
    pub fn add(&mut self, element: &[u8], sparse_max: usize) -> Result<bool, Corrupt> {
        let hash = murmur::hash(element);
        let register = hash as usize & (REGISTERS - 1);
        // The bit behind the last one ends every row of zeroes.
        let rest = hash >> REGISTER_BITS | 1 << COUNTED_BITS;
        self.raise(register, rest.trailing_zeros() as u8 + 1, sparse_max)
    }

    /// Lets `register` be `count` at least; whether it changed.
    ///
    /// # Errors
    /// As [`HyperLogLog::add`].
    pub fn raise(
        &mut self,
        register: usize,
        count: u8,
        sparse_max: usize,
    ) -> Result<bool, Corrupt> {
        if self.is_sparse() {
            match sparse::set(&mut self.bytes, HEAD_BYTES, register, count, sparse_max)? {
                Set::Changed => {
                    self.invalidate();
                    return Ok(true);
                }
                Set::Kept => return Ok(false),
                Set::TooLarge => self.make_dense()?,
            }
        }
        let raised = count > dense_get(self.body(), register);
        if raised {
            dense_set(&mut self.bytes[HEAD_BYTES..], register, count);
        }
        Ok(raised)
    }

    /// Says that the cached estimate is out of date.
    pub fn invalidate(&mut self) {
        self.bytes[HEAD_BYTES - 1] |= STALE;
    }

    /// The registers, each `into`'s or this one's, whichever is higher.
    ///
    /// # Errors
    /// As [`HyperLogLog::add`].
    pub fn merge_into(&self, into: &mut Registers) -> Result<(), Corrupt> {
        if self.is_sparse() {
            return sparse::for_each(self.body(), |register, count| {
                into[register] = into[register].max(count);
            });
        }
        for (register, into) in into.iter_mut().enumerate() {
            *into = dense_get(self.body(), register).max(*into);
        }
        Ok(())
    }

    /// Keeps the registers densely from now on.
    ///
    /// # Errors
    /// As [`HyperLogLog::add`].
    pub fn make_dense(&mut self) -> Result<(), Corrupt> {
        if !self.is_sparse() {
            return Ok(());
        }
        let mut bytes = self.bytes[..HEAD_BYTES].to_vec();
        bytes[ENCODING_AT] = DENSE;
        bytes.resize(DENSE_BYTES, 0);
        sparse::for_each(self.body(), |register, count| {
            dense_set(&mut bytes[HEAD_BYTES..], register, count);
        })?;
        self.bytes = bytes;
        Ok(())
    }

    /// The estimate that is cached, unless it is out of date.
    pub fn cached(&self) -> Option<u64> {
        let card = self.bytes[CARD_AT..HEAD_BYTES].try_into();
        let fresh = self.bytes[HEAD_BYTES - 1] & STALE == 0;
        fresh.then(|| u64::from_le_bytes(card.expect("eight bytes")))
    }

    /// Estimates how many different elements there were, and caches that.
    ///
    /// # Errors
    /// As [`HyperLogLog::add`].
    pub fn count(&mut self) -> Result<u64, Corrupt> {
        let mut registers = [0; REGISTERS];
        self.merge_into(&mut registers)?;
        let count = estimate(&registers);
        self.bytes[CARD_AT..HEAD_BYTES].copy_from_slice(&count.to_le_bytes());
        Ok(count)
    }
}

/// How many different elements were seen by these registers together.
pub fn estimate(registers: &Registers) -> u64 {
    estimate::of(registers)
}

/// Where the bits of a dense register begin: their first byte, and the bit in it.
fn dense_place(register: usize) -> (usize, u32) {
    (register * 6 / 8, (register * 6 % 8) as u32)
}

fn dense_get(registers: &[u8], register: usize) -> u8 {
    let (byte, shift) = dense_place(register);
    let next = registers.get(byte + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([registers[byte], next]) >> shift & 0x3f) as u8
}

fn dense_set(registers: &mut [u8], register: usize, count: u8) {
    let (byte, shift) = dense_place(register);
    let next = registers.get(byte + 1).copied().unwrap_or(0);
    let pair = u16::from_le_bytes([registers[byte], next]);
    let pair = pair & !(0x3f << shift) | u16::from(count) << shift;
    let [low, high] = pair.to_le_bytes();
    registers[byte] = low;
    if let Some(next) = registers.get_mut(byte + 1) {
        *next = high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_registers_are_apart() {
        let mut packed = vec![0; REGISTERS * 6 / 8];
        let wanted: Vec<u8> = (0..REGISTERS).map(|n| (n * 37 % 64) as u8).collect();
        for (register, &count) in wanted.iter().enumerate().rev() {
            dense_set(&mut packed, register, 63);
            dense_set(&mut packed, register, count);
        }
        let read: Vec<u8> = (0..REGISTERS).map(|n| dense_get(&packed, n)).collect();
        assert_eq!(read, wanted);
    }

    #[test]
    fn sparse_and_dense_agree_and_the_estimate_is_near() {
        let (mut one, mut dense) = (HyperLogLog::default(), HyperLogLog::default());
        dense.make_dense().unwrap();
        let mut was_sparse = 0;
        for n in 1..=50_000_u32 {
            let element = n.to_be_bytes();
            assert_eq!(
                one.add(&element, 3000),
                dense.add(&element, 3000),
                "element {n}"
            );
            was_sparse += u32::from(one.is_sparse());
            if n.is_power_of_two() || n % 10_000 == 0 {
                let (mut a, mut b) = ([0; REGISTERS], [0; REGISTERS]);
                one.merge_into(&mut a).unwrap();
                dense.merge_into(&mut b).unwrap();
                assert!(a == b, "after {n}");
                // Four standard errors of 1.04 / sqrt(registers).
                let error = (estimate(&a) as f64 / f64::from(n) - 1.0).abs();
                assert!(error < 0.0325, "{error} after {n}");
            }
        }
        assert!((500..20_000).contains(&was_sparse), "{was_sparse}");
        assert!(!one.is_sparse());
    }

    #[test]
    fn what_is_none_is_told() {
        let whole = HyperLogLog::default();
        assert!(HyperLogLog::of(whole.as_bytes()).is_some());
        assert!(HyperLogLog::of(&whole.as_bytes()[..15]).is_none());
        for (at, byte) in [(0, b'h'), (ENCODING_AT, 2), (ENCODING_AT, DENSE)] {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] = byte;
            assert!(HyperLogLog::of(&bytes).is_none());
        }
        let cut = HyperLogLog::of(&whole.as_bytes()[..17]).expect("its runs are not looked at");
        assert_eq!(cut.clone().add(b"x", 3000), Err(Corrupt));
        assert_eq!(cut.clone().count(), Err(Corrupt));
        assert_eq!(cut.clone().make_dense(), Err(Corrupt));
    }
}
