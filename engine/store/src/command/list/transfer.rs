//! An element from an end of one list to an end of another, or of the same: `LMOVE`, `RPOPLPUSH`.

use super::End;
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys};
use crate::event::Class;
use crate::value::List;

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
pub static LMOVE: Command = Command {
    name: "lmove",
    arity: 5,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::TWO,
    about: "move an element from an end of a list to an end of another",
    run: |call| {
        let (from, to) = (End::parse(&call.op[2])?, End::parse(&call.op[3])?);
        lmove(call, from, to)
    },
};

/// `RPOPLPUSH source destination`: the old name of a [`LMOVE`].
pub static RPOPLPUSH: Command = Command {
    name: "rpoplpush",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::TWO,
    about: "move the last element of a list before the first of another",
    run: |call| lmove(call, End::Tail, End::Head),
};

fn lmove(call: &mut Call<'_>, from: End, to: End) -> Result<(), CommandError> {
    if transfer(call, from, to)? {
        call.propagate();
    } else {
        call.out.reply.nil();
    }
    Ok(())
}

/// Moves an element from the list at the first key to that at the second, and replies with it; whether
/// there was one.
pub(super) fn transfer(call: &mut Call<'_>, from: End, to: End) -> Result<bool, CommandError> {
    let (source, destination) = (&call.op[0], &call.op[1]);
    let Some(list) = call.keyspace.collection::<List>(source)? else {
        return Ok(false);
    };
    let end = match from {
        End::Head => 0..1,
        End::Tail => list.len() - 1..list.len(),
    };
    let element = list.get(end.start).expect("a list is not empty").to_vec();
    let emptied = if source == destination {
        call.keyspace.update(source, |list: &mut List| {
            list.remove(end);
            to.push(list, &element);
            Ok(false)
        })?
    } else {
        // First what may be refused.
        call.keyspace.update(destination, |list: &mut List| {
            to.push(list, &element);
            Ok(())
        })?;
        call.keyspace.update(source, |list: &mut List| {
            list.remove(end);
            Ok(list.is_empty())
        })?
    };
    call.out.reply.bulk(&element);
    call.notify(Class::List, to.pushed(), destination);
    call.notify(Class::List, from.popped(), source);
    if emptied {
        call.notify(Class::Generic, "del", source);
    }
    Ok(true)
}
