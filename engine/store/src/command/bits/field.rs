//! Integers of any width in a string: `BITFIELD`.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use super::{bit, scaled_offset, set_bit};
use crate::event::Class;
use crate::keyspace::Expire;
use crate::op::Op;

/// `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
/// INCRBY type offset increment ...]`
pub static BITFIELD: Command = Command {
    name: "bitfield",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "read and change integers in a string",
    run: |call| bitfield(call, true),
};

/// `BITFIELD_RO key [GET type offset ...]`
pub static BITFIELD_RO: Command = Command {
    name: "bitfield_ro",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "read integers in a string",
    run: |call| bitfield(call, false),
};

/// Where an integer lies.
#[derive(Clone, Copy, Debug)]
struct Field {
    signed: bool,
    bits: u32,
    offset: u64,
}

/// What becomes of a sum that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// Its upper bits are lost.
    Wrap,
    /// It is the nearest that fits.
    Saturate,
    /// Nothing changes.
    Fail,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    field: Field,
    action: Action,
    overflow: Overflow,
}

impl Field {
    fn parse(kind: &[u8], offset: &[u8]) -> Result<Field, CommandError> {
        let signed = matches!(kind, [b'i', ..]);
        let most = match kind {
            [b'i', ..] => 64,
            [b'u', ..] => 63,
            _ => 0,
        };
        let bits = kind.get(1..).and_then(number::parse_int);
        let bits = bits.and_then(|bits| u32::try_from(bits).ok());
        let bits = bits
            .filter(|bits| (1..=most).contains(bits))
            .ok_or(CommandError::fixed(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
                 supported but i64 is.",
            ))?;
        let offset = match offset {
            [b'#', count @ ..] => scaled_offset(count, bits)?,
            _ => scaled_offset(offset, 1)?,
        };
        Ok(Field {
            signed,
            bits,
            offset,
        })
    }

    fn get(self, bytes: &[u8]) -> i64 {
        let end = self.offset + u64::from(self.bits);
        let value = (self.offset..end).fold(0_u64, |n, at| n << 1 | u64::from(bit(bytes, at)));
        self.of_bits(value)
    }

    fn set(self, bytes: &mut [u8], value: i64) {
        for i in 0..self.bits {
            let at = self.offset + u64::from(self.bits - 1 - i);
            set_bit(bytes, at, value >> i & 1 == 1);
        }
    }

    /// The integer whose lowest bits are those of `value`.
    fn of_bits(self, value: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed {
            (value << unused) as i64 >> unused
        } else {
            (value << unused >> unused) as i64
        }
    }

    /// `value` and `by` together, as this field holds them; `None` where they do not fit and must. Without
    /// a sign, `value` is the bits of a `u64`.
    fn sum(self, value: i64, by: i64, overflow: Overflow) -> Option<i64> {
        let (low, high, under, over) = if self.signed {
            let high = ((1_u64 << (self.bits - 1)) - 1) as i64;
            let low = -high - 1;
            // Redis lets the room wrap around, so that a value far below a narrow field's range counts
            // as above it.
            let (above, below) = (high.wrapping_sub(value), low.wrapping_sub(value));
            let narrow = self.bits < 64;
            let over = value > high || by > above && (narrow || value >= 0 && by > 0);
            let under = value < low || by < below && (narrow || value < 0 && by < 0);
            (low, high, under, over)
        } else {
            let (high, value) = ((1_u64 << self.bits) - 1, value as u64);
            let over = value > high || by > 0 && by as u64 > high - value;
            let under = by < 0 && by.unsigned_abs() > value;
            (0, high as i64, under, over)
        };
        match overflow {
            _ if !over && !under => Some(value + by),
            Overflow::Wrap => Some(self.of_bits(value.wrapping_add(by) as u64)),
            Overflow::Saturate => Some(if over { high } else { low }),
            Overflow::Fail => None,
        }
    }
}

fn parse(op: &Op) -> Result<Vec<Step>, CommandError> {
    let (mut steps, mut overflow) = (Vec::new(), Overflow::Wrap);
    let mut i = 1;
    while let Some(word) = op.get(i) {
        let left = op.len() - i - 1;
        let word = word.to_ascii_lowercase();
        if word == b"overflow" && left >= 1 {
            overflow = match op[i + 1].to_ascii_lowercase().as_slice() {
                b"wrap" => Overflow::Wrap,
                b"sat" => Overflow::Saturate,
                b"fail" => Overflow::Fail,
                _ => {
                    return Err(CommandError::new("ERR Invalid OVERFLOW type specified"));
                }
            };
            i += 2;
            continue;
        }
        let action: Option<fn(i64) -> Action> = match word.as_slice() {
            b"get" if left >= 2 => None,
            b"set" if left >= 3 => Some(Action::Set),
            b"incrby" if left >= 3 => Some(Action::Add),
            _ => return Err(CommandError::SYNTAX),
        };
        let field = Field::parse(&op[i + 1], &op[i + 2])?;
        let action = match action {
            Some(action) => action(number::int(&op[i + 3])?),
            None => Action::Get,
        };
        i += if matches!(action, Action::Get) { 3 } else { 4 };
        steps.push(Step {
            field,
            action,
            overflow,
        });
    }
    Ok(steps)
}

fn bitfield(call: &mut Call<'_>, may_write: bool) -> Result<(), CommandError> {
    let steps = parse(call.op)?;
    let key = &call.op[0];
    let written = (steps.iter()).filter(|step| !matches!(step.action, Action::Get));
    let end = written.map(|step| step.field.offset + u64::from(step.field.bits));
    let end = end.max();
    if end.is_some() && !may_write {
        return Err(CommandError::new(
            "ERR BITFIELD_RO only supports the GET subcommand",
        ));
    }
    call.keyspace.count_reads(end.is_none());
    let old = call.keyspace.string(key)?;
    let Some(end) = end else {
        let bytes = old.unwrap_or_default();
        call.out.reply.array(steps.len());
        for step in steps {
            call.out.reply.int(step.field.get(bytes));
        }
        return Ok(());
    };
    let mut bytes = old.unwrap_or_default().to_vec();
    let wanted = end.div_ceil(8) as usize;
    let grows = old.is_none() || bytes.len() < wanted;
    let (mut changed, mut succeeded) = (false, false);
    bytes.resize(bytes.len().max(wanted), 0);
    call.out.reply.array(steps.len());
    for Step {
        field,
        action,
        overflow,
    } in steps
    {
        let before = field.get(&bytes);
        let after = match action {
            Action::Get => Some(before),
            Action::Set(value) => field.sum(value, 0, overflow),
            Action::Add(by) => field.sum(before, by, overflow),
        };
        let Some(after) = after else {
            call.out.reply.nil();
            continue;
        };
        if after != before {
            field.set(&mut bytes, after);
            changed = true;
        }
        succeeded |= !matches!(action, Action::Get);
        let answer = if matches!(action, Action::Add(_)) {
            after
        } else {
            before
        };
        call.out.reply.int(answer);
    }
    // Where every step failed the string has grown all the same, and nobody listening hears of it.
    if changed || grows {
        call.keyspace.set_raw(key, &bytes, Expire::Keep)?;
        call.propagate();
    }
    if changed || grows && succeeded {
        call.notify(Class::String, "setbit", key);
    }
    Ok(())
}
