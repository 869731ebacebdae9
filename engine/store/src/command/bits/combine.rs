//! Strings combined bit by bit: `BITOP`.

use super::super::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::keyspace::Expire;

/// `BITOP AND | OR | XOR | NOT destkey key [key ...]`
pub static BITOP: Command = Command {
    name: "bitop",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::Range {
        first: 1,
        last: -1,
        step: 1,
    },
    about: "combine strings bit by bit",
    run: bitop,
};

/// How a byte of the result becomes of what it was and the next string's.
type Combine = fn(u8, u8) -> u8;

fn bitop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (destination, sources) = (&op[1], op.len() - 2);
    let combine: Option<Combine> = match op[0].to_ascii_lowercase().as_slice() {
        b"and" => Some(|a, b| a & b),
        b"or" => Some(|a, b| a | b),
        b"xor" => Some(|a, b| a ^ b),
        b"not" => None,
        _ => return Err(CommandError::SYNTAX),
    };
    if combine.is_none() && sources != 1 {
        return Err(CommandError::new(
            "ERR BITOP NOT must be called with a single source key.",
        ));
    }
    call.keyspace.count_reads(true);
    // The longest says how long the result is; what is shorter, or not there, ends in zeroes.
    let mut len = 0;
    for key in op.args().skip(2) {
        let bytes = call.keyspace.string(key)?;
        len = len.max(bytes.map_or(0, <[u8]>::len));
    }
    call.keyspace.count_reads(false);
    let mut result = Vec::with_capacity(len);
    for (i, key) in op.args().skip(2).enumerate() {
        let bytes = match call.keyspace.peek(key) {
            Some(crate::value::Value::String(bytes)) => bytes,
            _ => &[],
        };
        if i == 0 {
            result.extend_from_slice(bytes);
            result.resize(len, 0);
            continue;
        }
        if let Some(combine) = combine {
            let (covered, behind) = result.split_at_mut(bytes.len());
            for (a, &b) in covered.iter_mut().zip(bytes) {
                *a = combine(*a, b);
            }
            for a in behind {
                *a = combine(*a, 0);
            }
        }
    }
    if combine.is_none() {
        for byte in &mut result {
            *byte = !*byte;
        }
    }
    if result.is_empty() {
        call.remove(destination);
    } else {
        call.keyspace.set_raw(destination, &result, Expire::Never)?;
        call.notify(Class::String, "set", destination);
        call.propagate();
    }
    call.out.reply.int(len as i64);
    Ok(())
}
