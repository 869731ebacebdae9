//! The commands of lists.
//!
//! An element leaves or enters at an end; what waits for an element is in [`block`].

pub mod block;
pub mod change;
pub mod pop;
pub mod push;
pub mod read;
pub mod transfer;

use super::CommandError;
use crate::value::List;

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Head,
    Tail,
}

impl End {
    /// `LEFT` or `RIGHT`.
    pub(crate) fn parse(word: &[u8]) -> Result<End, CommandError> {
        if word.eq_ignore_ascii_case(b"left") {
            Ok(End::Head)
        } else if word.eq_ignore_ascii_case(b"right") {
            Ok(End::Tail)
        } else {
            Err(CommandError::SYNTAX)
        }
    }

    /// What listeners are told of an element that enters here.
    fn pushed(self) -> &'static str {
        match self {
            End::Head => "lpush",
            End::Tail => "rpush",
        }
    }

    /// What listeners are told of an element that leaves here.
    fn popped(self) -> &'static str {
        match self {
            End::Head => "lpop",
            End::Tail => "rpop",
        }
    }

    fn push(self, list: &mut List, value: &[u8]) {
        match self {
            End::Head => list.push_front(value),
            End::Tail => list.push_back(value),
        }
    }
}

/// The index that a number means, which counts from the end where it is negative.
fn index(number: i64, len: usize) -> Option<usize> {
    let index = if number < 0 {
        (len as i64).checked_add(number)?
    } else {
        number
    };
    usize::try_from(index).ok().filter(|&index| index < len)
}

/// The indices from `start` to `stop`, which is among them; both count from the end where they are
/// negative.
fn indices(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    let from_end = |n: i64| {
        if n < 0 {
            n.saturating_add(len).max(0)
        } else {
            n
        }
    };
    let begin = from_end(start).min(len);
    // A stop before the first element, counted from the end, takes none.
    let end = if stop < -len {
        0
    } else {
        from_end(stop).min(len - 1) + 1
    };
    begin as usize..(end as usize).max(begin as usize)
}
