//! Elements that leave at an end: `LPOP`, `RPOP`, and from the first of several lists `LMPOP`.

use super::End;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::value::List;

/// `LPOP key [count]`
pub static LPOP: Command = Command {
    name: "lpop",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove and give the first elements of a list",
    run: |call| pop(call, End::Head),
};

/// `RPOP key [count]`
pub static RPOP: Command = Command {
    name: "rpop",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "remove and give the last elements of a list",
    run: |call| pop(call, End::Tail),
};

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub static LMPOP: Command = Command {
    name: "lmpop",
    arity: -4,
    flags: Flags::of(&[Flag::Write, Flag::Movablekeys]),
    keys: Keys::Counted {
        count: 0,
        destination: false,
    },
    about: "remove and give elements of the first list that is there",
    run: lmpop,
};

fn pop(call: &mut Call<'_>, end: End) -> Result<(), CommandError> {
    let op = call.op;
    let count = match op.len() {
        1 => None,
        2 => Some(number::positive(&op[1])?),
        _ => return Err(CommandError::arity(op.command())),
    };
    let taken = match count {
        // The list's kind matters even then.
        Some(0) => {
            let list = call.keyspace.collection::<List>(&op[0])?;
            match list {
                Some(_) => call.out.reply.array(0),
                None => call.out.reply.nil_array(),
            }
            return Ok(());
        }
        Some(count) => take(call, &op[0], end, count, ReplyBuf::array)?,
        None => take(call, &op[0], end, 1, |_, _| {})?,
    };
    if taken > 0 {
        call.propagate();
    } else if count.is_some() {
        call.out.reply.nil_array();
    } else {
        call.out.reply.nil();
    }
    Ok(())
}

fn lmpop(call: &mut Call<'_>) -> Result<(), CommandError> {
    let several = Several::parse(call.op, 0)?;
    let mut keys = call.op.keys();
    if !take_first(call, &mut keys, several.end, several.count)? {
        call.out.reply.nil_array();
    }
    Ok(())
}

/// What `LMPOP` and `BLMPOP` are told besides their keys.
pub(super) struct Several {
    pub(super) end: End,
    pub(super) count: usize,
}

impl Several {
    /// Reads the arguments from the number of keys on, which is argument `from`.
    pub(super) fn parse(op: &Op, from: usize) -> Result<Several, CommandError> {
        let keys = at_least_one(&op[from], "ERR numkeys should be greater than 0")?;
        let end = keys.checked_add(from + 1).and_then(|at| op.get(at));
        let end = End::parse(end.ok_or(CommandError::SYNTAX)?)?;
        let mut count = None;
        let mut rest = op.args().skip(keys + from + 2);
        while let Some(word) = rest.next() {
            match rest.next() {
                Some(text) if count.is_none() && word.eq_ignore_ascii_case(b"count") => {
                    let told = at_least_one(text, "ERR count should be greater than 0")?;
                    count = Some(told);
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(Several {
            end,
            count: count.unwrap_or(1),
        })
    }
}

fn at_least_one(text: &[u8], words: &'static str) -> Result<usize, CommandError> {
    let number = number::parse_int(text).and_then(|n| usize::try_from(n).ok());
    let number = number.filter(|&n| n > 0);
    number.ok_or(CommandError::fixed(words))
}

/// Takes up to `count` elements off the first of the lists that is there, and replies with its key and
/// them; whether there was one. Log and replicas hear `LPOP` or `RPOP`.
pub(super) fn take_first(
    call: &mut Call<'_>,
    keys: &mut dyn Iterator<Item = &[u8]>,
    end: End,
    count: usize,
) -> Result<bool, CommandError> {
    for key in keys {
        let taken = take(call, key, end, count, |reply, taken| {
            reply.array(2);
            reply.bulk(key);
            reply.array(taken);
        })?;
        if taken > 0 {
            tell(call, key, end, Some(taken));
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells log and replicas of elements that left the list at `key`.
pub(super) fn tell(call: &mut Call<'_>, key: &[u8], end: End, count: Option<usize>) {
    let command = match end {
        End::Head => &LPOP,
        End::Tail => &RPOP,
    };
    let op = Op::new(command).arg(key);
    call.effect(&match count {
        Some(count) => op.text(count),
        None => op,
    });
}

/// Takes up to `count` elements, at least one, off the list at `key`; how many. They are replied after
/// what `head` writes of their number; where there is no list nothing is written.
pub(super) fn take(
    call: &mut Call<'_>,
    key: &[u8],
    end: End,
    count: usize,
    head: impl FnOnce(&mut ReplyBuf, usize),
) -> Result<usize, CommandError> {
    let reply = &mut call.out.reply;
    let taken = call.keyspace.update_existing(key, |list: &mut List| {
        let (len, taken) = (list.len(), count.min(list.len()));
        head(reply, taken);
        let indices = match end {
            End::Head => 0..taken,
            End::Tail => len - taken..len,
        };
        let elements = list.range(indices.clone());
        match end {
            End::Head => elements.for_each(|element| reply.bulk(element)),
            End::Tail => elements.rev().for_each(|element| reply.bulk(element)),
        }
        list.remove(indices);
        Ok((taken, list.is_empty()))
    })?;
    let Some((taken, emptied)) = taken else {
        return Ok(0);
    };
    call.notify(Class::List, end.popped(), key);
    if emptied {
        call.notify(Class::Generic, "del", key);
    }
    Ok(taken)
}
