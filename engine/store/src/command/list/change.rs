//! Changes inside a list: an element set, put in, taken out; the list trimmed.

use super::{index, indices};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::value::List;

/// `LSET key index element`
pub static LSET: Command = Command {
    name: "lset",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set the element at an index",
    run: lset,
};

/// `LINSERT key BEFORE|AFTER pivot element`
pub static LINSERT: Command = Command {
    name: "linsert",
    arity: 5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "put an element before or behind another",
    run: linsert,
};

/// `LREM key count element`
pub static LREM: Command = Command {
    name: "lrem",
    arity: 4,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ONE,
    about: "remove elements that equal a value",
    run: lrem,
};

/// `LTRIM key start stop`
pub static LTRIM: Command = Command {
    name: "ltrim",
    arity: 4,
    flags: Flags::of(&[Flag::Write]),
    keys: Keys::ONE,
    about: "remove the elements outside a range of indices",
    run: ltrim,
};

fn lset(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let set = call.keyspace.update_existing(&op[0], |list: &mut List| {
        let index = index(number::int(&op[1])?, list.len());
        let index = index.ok_or(CommandError::fixed("ERR index out of range"))?;
        list.set(index, &op[2]);
        Ok(())
    })?;
    set.ok_or(CommandError::fixed("ERR no such key"))?;
    call.out.reply.ok();
    call.notify(Class::List, "lset", &op[0]);
    call.propagate();
    Ok(())
}

fn linsert(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let behind = if op[1].eq_ignore_ascii_case(b"after") {
        1
    } else if op[1].eq_ignore_ascii_case(b"before") {
        0
    } else {
        return Err(CommandError::SYNTAX);
    };
    let len = call.keyspace.update_existing(&op[0], |list: &mut List| {
        let pivot = list.iter().position(|element| *element == op[2]);
        Ok(pivot.map(|pivot| {
            list.insert(pivot + behind, &op[3]);
            list.len()
        }))
    })?;
    match len {
        None => call.out.reply.int(0),
        Some(None) => call.out.reply.int(-1),
        Some(Some(len)) => {
            call.out.reply.int(len as i64);
            call.notify(Class::List, "linsert", &op[0]);
            call.propagate();
        }
    }
    Ok(())
}

fn lrem(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let count = number::int(&op[1])?;
    let most = match count.unsigned_abs() {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let removed = call.keyspace.update_existing(&op[0], |list: &mut List| {
        let removed = list.remove_equal(&op[2], most, count < 0);
        Ok((removed, list.is_empty()))
    })?;
    let (removed, emptied) = removed.unwrap_or_default();
    call.out.reply.int(removed as i64);
    if removed > 0 {
        call.notify(Class::List, "lrem", &op[0]);
        if emptied {
            call.notify(Class::Generic, "del", &op[0]);
        }
        call.propagate();
    }
    Ok(())
}

fn ltrim(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (start, stop) = (number::int(&op[1])?, number::int(&op[2])?);
    let trimmed = call.keyspace.update_existing(&op[0], |list: &mut List| {
        let len = list.len();
        let kept = indices(start, stop, len);
        list.remove(kept.end..len);
        list.remove(0..kept.start.min(kept.end));
        Ok((list.len() < len, list.is_empty()))
    })?;
    call.out.reply.ok();
    if let Some((changed, emptied)) = trimmed {
        call.notify(Class::List, "ltrim", &op[0]);
        if emptied {
            call.notify(Class::Generic, "del", &op[0]);
        }
        if changed {
            call.propagate();
        }
    }
    Ok(())
}
