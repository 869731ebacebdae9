//! Lengths in packed forms: groups of seven bits, the lowest first; all but the last have the top bit.

/// The most groups that a length has.
const GROUPS_MAX: usize = usize::BITS.div_ceil(7) as usize;

/// How many bytes `len` takes.
#[inline]
pub(super) fn size(len: usize) -> usize {
    if len < 128 {
        return 1;
    }
    (usize::BITS - len.leading_zeros()).div_ceil(7) as usize
}

/// Group number `i` of `len`, which takes more than `i` bytes.
pub(super) fn group(len: usize, i: usize) -> u8 {
    let more = if i + 1 < size(len) { 0x80 } else { 0 };
    (len >> (7 * i)) as u8 & 0x7f | more
}

/// The groups of `len`.
pub(super) fn bytes(len: usize) -> impl Iterator<Item = u8> {
    (0..size(len)).map(move |i| group(len, i))
}

/// The groups of a length, in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    bytes: [u8; GROUPS_MAX],
    size: u8,
}

impl Packed {
    /// Those of `len`.
    #[inline]
    pub(super) fn of(len: usize) -> Packed {
        let mut packed = Packed {
            bytes: [0; GROUPS_MAX],
            size: 1,
        };
        if len < 128 {
            packed.bytes[0] = len as u8;
        } else {
            packed.size = size(len) as u8;
            for (i, byte) in bytes(len).enumerate() {
                packed.bytes[i] = byte;
            }
        }
        packed
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.size.into()]
    }
}

/// A length and how many bytes it took.
#[inline]
pub(super) fn read<'a>(mut bytes: impl Iterator<Item = &'a u8>) -> (usize, usize) {
    let mut len = match bytes.next() {
        // So most are.
        Some(&byte @ ..0x80) => return (byte.into(), 1),
        first => first.map_or(0, |byte| usize::from(byte & 0x7f)),
    };
    for (i, &byte) in (1..).zip(bytes) {
        len |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (len, i + 1);
        }
    }
    unreachable!("a length ends with a byte below 128")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 1 << 21, 512 << 20] {
            let mut written: Vec<u8> = bytes(len).collect();
            assert_eq!(written.len(), size(len));
            assert_eq!(Packed::of(len).as_slice(), written);
            written.push(0xff);
            assert_eq!(read(written.iter()), (len, size(len)));
        }
    }
}
