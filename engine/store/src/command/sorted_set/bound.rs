//! The ends of ranges: by rank, by score, by member.
//!
//! Whatever a range is given by, a set turns it into ranks, which is what it reads and removes by.

use std::cmp::Ordering;
use std::ops::Range;

use crate::command::{CommandError, number};
use crate::value::SortedSet;

/// A range of members as arguments give it.
#[derive(Clone, Copy, Debug)]
pub enum Bounds<'a> {
    /// From a rank to a rank, both inside; negative ones count from the end.
    Rank(i64, i64),
    /// From a score to a score.
    Score(ScoreBound, ScoreBound),
    /// From a member to a member, among members of one score.
    Lex(LexBound<'a>, LexBound<'a>),
}

/// An end of a range of scores.
#[derive(Clone, Copy, Debug)]
pub struct ScoreBound {
    /// The score.
    pub score: f64,
    /// Whether the score itself is outside.
    pub exclusive: bool,
}

/// An end of a range of members.
#[derive(Clone, Copy, Debug)]
pub enum LexBound<'a> {
    /// Before all members (`-`).
    Least,
    /// After all members (`+`).
    Greatest,
    /// This member is inside (`[`).
    Inclusive(&'a [u8]),
    /// This member is outside (`(`).
    Exclusive(&'a [u8]),
}

impl<'a> Bounds<'a> {
    /// A range of ranks.
    ///
    /// # Errors
    /// [`CommandError::NOT_AN_INTEGER`]
    pub fn rank(start: &[u8], stop: &[u8]) -> Result<Bounds<'a>, CommandError> {
        Ok(Bounds::Rank(number::int(start)?, number::int(stop)?))
    }

    /// A range of scores.
    ///
    /// # Errors
    /// An end is not a number.
    pub fn score(min: &[u8], max: &[u8]) -> Result<Bounds<'a>, CommandError> {
        match (ScoreBound::parse(min), ScoreBound::parse(max)) {
            (Some(min), Some(max)) => Ok(Bounds::Score(min, max)),
            _ => Err(CommandError::new("ERR min or max is not a float")),
        }
    }

    /// A range of members.
    ///
    /// # Errors
    /// An end is neither `-` nor `+` nor begins with `[` or `(`.
    pub fn lex(min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, CommandError> {
        match (LexBound::parse(min), LexBound::parse(max)) {
            (Some(min), Some(max)) => Ok(Bounds::Lex(min, max)),
            _ => Err(CommandError::new(
                "ERR min or max not valid string range item",
            )),
        }
    }

    /// The ranks in `set` that lie inside, from the front, or, for ranks alone, from the end where
    /// `reverse`.
    pub fn ranks(self, set: &SortedSet, reverse: bool) -> Range<usize> {
        let ranks = match self {
            Bounds::Rank(start, stop) => {
                let ranks = clamp(start, stop, set.len());
                if reverse {
                    set.len() - ranks.end..set.len() - ranks.start
                } else {
                    ranks
                }
            }
            Bounds::Score(min, max) => {
                let start = set.partition_by_score(|score| !min.admits_from_below(score));
                start..set.partition_by_score(|score| max.admits_from_above(score))
            }
            Bounds::Lex(min, max) => {
                let start = set.partition_by_member(|member| !min.admits_from_below(member));
                start..set.partition_by_member(|member| max.admits_from_above(member))
            }
        };
        ranks.start..ranks.end.max(ranks.start)
    }
}

/// Ranks from `start` to `stop`, both inside, of `len`.
fn clamp(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let place = |i: i64| if i < 0 { (i + len).max(0) } else { i.min(len) };
    // A last rank before the first member leaves nothing.
    let end = if stop < 0 {
        stop + len + 1
    } else {
        stop.saturating_add(1)
    };
    let (start, end) = (place(start), end.clamp(0, len));
    start as usize..end.max(start) as usize
}

impl ScoreBound {
    fn parse(text: &[u8]) -> Option<ScoreBound> {
        let (exclusive, text) = match text {
            [b'(', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let score = number::parse_bound(text)?;
        Some(ScoreBound { score, exclusive })
    }

    fn admits_from_below(self, score: f64) -> bool {
        score > self.score || !self.exclusive && score == self.score
    }

    fn admits_from_above(self, score: f64) -> bool {
        score < self.score || !self.exclusive && score == self.score
    }
}

impl<'a> LexBound<'a> {
    fn parse(text: &'a [u8]) -> Option<LexBound<'a>> {
        match text {
            [b'-'] => Some(LexBound::Least),
            [b'+'] => Some(LexBound::Greatest),
            [b'[', member @ ..] => Some(LexBound::Inclusive(member)),
            [b'(', member @ ..] => Some(LexBound::Exclusive(member)),
            _ => None,
        }
    }

    /// How `member` lies to this end; equal means inside.
    fn order(self, member: &[u8], outside: Ordering) -> Ordering {
        match self {
            LexBound::Least => Ordering::Greater,
            LexBound::Greatest => Ordering::Less,
            LexBound::Inclusive(end) => member.cmp(end),
            LexBound::Exclusive(end) => member.cmp(end).then(outside),
        }
    }

    fn admits_from_below(self, member: &[u8]) -> bool {
        self.order(member, Ordering::Less).is_ge()
    }

    fn admits_from_above(self, member: &[u8]) -> bool {
        self.order(member, Ordering::Greater).is_le()
    }
}
