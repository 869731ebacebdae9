//! Bits counted and found: `BITCOUNT`, `BITPOS`.

use std::ops::Range;

use super::super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use super::bit;
use crate::op::Op;

/// `BITCOUNT key [start end [BYTE | BIT]]`
pub static BITCOUNT: Command = Command {
    name: "bitcount",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "how many bits of a string are set",
    run: bitcount,
};

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub static BITPOS: Command = Command {
    name: "bitpos",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the first bit of a string that is set, or that is not",
    run: bitpos,
};

fn bitcount(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let Some(bytes) = call.keyspace.string(&op[0])? else {
        // Redis does not look at the range then.
        call.out.reply.int(0);
        return Ok(());
    };
    let bits = match op.len() {
        1 => 0..bytes.len() as u64 * 8,
        3 | 4 => {
            let (start, end) = (number::int(&op[1])?, number::int(&op[2])?);
            if start < 0 && end < 0 && start > end {
                0..0
            } else {
                range(start, end, bytes.len(), unit_bits(op, 3)?)
            }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let count = count(bytes, bits);
    call.out.reply.int(count as i64);
    Ok(())
}

fn bitpos(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let wanted = match number::int(&op[1])? {
        0 => false,
        1 => true,
        _ => {
            return Err(CommandError::new("ERR The bit argument must be 1 or 0."));
        }
    };
    let Some(bytes) = call.keyspace.string(&op[0])? else {
        // A key that is not there is an endless row of zeroes, wherever one looks.
        call.out.reply.int(if wanted { -1 } else { 0 });
        return Ok(());
    };
    let len = bytes.len();
    let bits = match op.len() {
        2 => 0..len as u64 * 8,
        3..=5 => {
            let start = number::int(&op[2])?;
            let unit = unit_bits(op, 4)?;
            let end = match op.get(3) {
                Some(end) => number::int(end)?,
                None => -1,
            };
            range(start, end, len, unit)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let found = find(bytes, bits.clone(), wanted);
    let position = match found {
        Some(at) => at as i64,
        // Behind the string there are zeroes, unless it was said where to end.
        None if !wanted && op.len() < 4 && !bits.is_empty() => len as i64 * 8,
        None => -1,
    };
    call.out.reply.int(position);
    Ok(())
}

/// The bits of the unit that a range is given in; argument `at` names it.
fn unit_bits(op: &Op, at: usize) -> Result<u64, CommandError> {
    match op.get(at) {
        None => Ok(8),
        Some(unit) if unit.eq_ignore_ascii_case(b"byte") => Ok(8),
        Some(unit) if unit.eq_ignore_ascii_case(b"bit") => Ok(1),
        Some(_) => Err(CommandError::SYNTAX),
    }
}

/// The bits from `start` to `end`, that included, counted in units; negative: from the end.
fn range(start: i64, end: i64, len: usize, unit_bits: u64) -> Range<u64> {
    let units = (len as u64 * 8 / unit_bits) as i64;
    let place = |n: i64| if n < 0 { (n + units).max(0) } else { n };
    let (start, end) = (place(start), place(end).min(units - 1));
    if start > end {
        return 0..0;
    }
    start as u64 * unit_bits..(end as u64 + 1) * unit_bits
}

/// The bytes that lie in the range whole, and the bits before and behind them.
fn split(bits: &Range<u64>) -> (Range<u64>, Range<usize>, Range<u64>) {
    let (first, last) = (bits.start.div_ceil(8), bits.end / 8);
    if first > last {
        return (bits.clone(), 0..0, 0..0);
    }
    (
        bits.start..first * 8,
        first as usize..last as usize,
        last * 8..bits.end,
    )
}

fn count(bytes: &[u8], bits: Range<u64>) -> u64 {
    let (before, whole, behind) = split(&bits);
    let (words, rest) = bytes[whole].as_chunks::<8>();
    let in_words: u64 = words
        .iter()
        .map(|word| u64::from(u64::from_le_bytes(*word).count_ones()))
        .sum();
    let in_rest: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let single = before.chain(behind).filter(|&at| bit(bytes, at)).count();
    in_words + in_rest + single as u64
}

fn find(bytes: &[u8], bits: Range<u64>, wanted: bool) -> Option<u64> {
    let (mut before, whole, mut behind) = split(&bits);
    let is_wanted = |at: &u64| bit(bytes, *at) == wanted;
    let none = if wanted { 0 } else { u8::MAX };
    before.find(is_wanted).or_else(|| {
        let start = whole.start;
        let byte = bytes[whole].iter().position(|&byte| byte != none);
        let in_byte = byte.and_then(|byte| {
            let at = (start + byte) as u64 * 8;
            (at..at + 8).find(is_wanted)
        });
        in_byte.or_else(|| behind.find(is_wanted))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counting_and_finding_agree_with_one_bit_after_another(
            bytes in prop::collection::vec(prop::sample::select(&[0, 0xff, 0x10, 0x01, 0x7f][..]), 0..40),
            (start, end) in (-400_i64..400, -400_i64..400),
            unit in prop::sample::select(&[1_u64, 8][..]),
            wanted in any::<bool>(),
        ) {
            let bits = range(start, end, bytes.len(), unit);
            prop_assert!(bits.is_empty() || bits.end <= bytes.len() as u64 * 8);
            let set = bits.clone().filter(|&at| bit(&bytes, at)).count() as u64;
            prop_assert_eq!(count(&bytes, bits.clone()), set);
            let first = bits.clone().find(|&at| bit(&bytes, at) == wanted);
            prop_assert_eq!(find(&bytes, bits, wanted), first);
        }
    }
}
