//! Lists read: their length, their elements, where an element stands.

use super::{index, indices};
use crate::command::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::op::Op;
use crate::value::List;

/// `LLEN key`
pub static LLEN: Command = Command {
    name: "llen",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "how many elements a list has",
    run: llen,
};

/// `LRANGE key start stop`
pub static LRANGE: Command = Command {
    name: "lrange",
    arity: 4,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the elements in a range of indices",
    run: lrange,
};

/// `LINDEX key index`
pub static LINDEX: Command = Command {
    name: "lindex",
    arity: 3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the element at an index",
    run: lindex,
};

/// `LPOS key element [RANK rank] [COUNT count] [MAXLEN len]`
pub static LPOS: Command = Command {
    name: "lpos",
    arity: -3,
    flags: Flags::of(&[Flag::Readonly]),
    keys: Keys::ONE,
    about: "the indices of the elements that equal a value",
    run: lpos,
};

fn llen(call: &mut Call<'_>) -> Result<(), CommandError> {
    let list = call.keyspace.collection::<List>(&call.op[0])?;
    call.out.reply.int(list.map_or(0, List::len) as i64);
    Ok(())
}

fn lrange(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (start, stop) = (number::int(&op[1])?, number::int(&op[2])?);
    let reply = &mut call.out.reply;
    match call.keyspace.collection::<List>(&op[0])? {
        None => reply.array(0),
        Some(list) => {
            let elements = list.range(indices(start, stop, list.len()));
            reply.array(elements.len());
            elements.for_each(|element| reply.bulk(element));
        }
    }
    Ok(())
}

fn lindex(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let mut element = None;
    if let Some(list) = call.keyspace.collection::<List>(&op[0])? {
        element = index(number::int(&op[1])?, list.len()).and_then(|index| list.get(index));
    }
    match element {
        Some(element) => call.out.reply.bulk(element),
        None => call.out.reply.nil(),
    }
    Ok(())
}

/// What `LPOS` is asked for.
struct Search {
    /// How many matches are left out.
    skip: u64,
    from_back: bool,
    /// How many matches are wanted (0: all); `None`: one, and not in an array.
    count: Option<u64>,
    /// How many elements are looked at.
    most: usize,
}

impl Search {
    fn parse(op: &Op) -> Result<Search, CommandError> {
        let (mut rank, mut count, mut most) = (1, None, 0);
        let mut i = 2;
        while let Some(word) = op.get(i) {
            let text = op.get(i + 1).ok_or(CommandError::SYNTAX)?;
            let not_negative = |words| {
                let number = number::parse_int(text).and_then(|n| u64::try_from(n).ok());
                number.ok_or(CommandError::fixed(words))
            };
            if word.eq_ignore_ascii_case(b"rank") {
                rank = number::int(text)?;
                if rank == 0 {
                    return Err(CommandError::fixed(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the \
                         second ... or use negative to start from the end of the list",
                    ));
                }
            } else if word.eq_ignore_ascii_case(b"count") {
                count = Some(not_negative("ERR COUNT can't be negative")?);
            } else if word.eq_ignore_ascii_case(b"maxlen") {
                most = not_negative("ERR MAXLEN can't be negative")?;
            } else {
                return Err(CommandError::SYNTAX);
            }
            i += 2;
        }
        if rank == i64::MIN {
            // Redis 7.0 negates it in 64 bits, where it stays below every count of matches, and is then
            // never done with counting them.
            count = count.map(|_| 0);
        }
        Ok(Search {
            skip: rank.checked_abs().map_or(0, |rank| rank as u64 - 1),
            from_back: rank < 0,
            count,
            most: match most {
                0 => usize::MAX,
                most => usize::try_from(most).unwrap_or(usize::MAX),
            },
        })
    }

    /// The indices of what is found.
    fn run(&self, list: &List, value: &[u8]) -> Vec<usize> {
        let wanted = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let found = |(i, element): (usize, &[u8])| (element == value).then_some(i);
        if self.from_back {
            let end = list.len();
            let elements = list.iter().rev().take(self.most).enumerate();
            let matches = elements.filter_map(found).skip(skip).take(wanted);
            return matches.map(|i| end - 1 - i).collect();
        }
        let elements = list.iter().take(self.most).enumerate();
        elements.filter_map(found).skip(skip).take(wanted).collect()
    }
}

fn lpos(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let search = Search::parse(op)?;
    let list = call.keyspace.collection::<List>(&op[0])?;
    let found = list.map_or(Vec::new(), |list| search.run(list, &op[1]));
    let reply = &mut call.out.reply;
    if search.count.is_some() {
        reply.array(found.len());
        for index in found {
            reply.int(index as i64);
        }
    } else {
        match found.first() {
            Some(&index) => reply.int(index as i64),
            None => reply.nil(),
        }
    }
    Ok(())
}
