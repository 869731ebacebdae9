//! Which arguments of a command are keys.

use smallvec::SmallVec;

use super::number::parse_int;
use crate::op::Op;

/// The positions of an op's keys.
pub type Positions = SmallVec<[usize; 8]>;

/// Which arguments are keys, counted from 0 without the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Every `step`-th argument from `first` to `last` (negative: from the end); `step` 0: none.
    Range {
        /// The first key's position.
        first: usize,
        /// The last key's position; -1 is the last argument.
        last: isize,
        /// The distance from one key to the next.
        step: usize,
    },
    /// The argument at `count` says how many keys follow it. Before it may stand one more key, at 0,
    /// where the result goes (`ZUNIONSTORE`).
    Counted {
        /// Where the number stands.
        count: usize,
        /// Whether argument 0 is a key.
        destination: bool,
    },
    /// None: the command looks at every key of its database, or of all. So all have to be there before it runs.
    Every,
    /// The first argument, and the one that follows the last of any of these words (`SORT … STORE key`).
    After {
        /// From which argument on the words may stand.
        from: usize,
        /// The words, in lower case.
        words: &'static [&'static str],
    },
}

impl Keys {
    /// No keys, and none is looked at: who drops all of them, or lets them be of another database, need not know them.
    pub const NONE: Keys = Keys::Range {
        first: 0,
        last: 0,
        step: 0,
    };
    /// The first argument alone.
    pub const ONE: Keys = Keys::Range {
        first: 0,
        last: 0,
        step: 1,
    };
    /// The first two arguments.
    pub const TWO: Keys = Keys::Range {
        first: 0,
        last: 1,
        step: 1,
    };
    /// Every argument.
    pub const ALL: Keys = Keys::Range {
        first: 0,
        last: -1,
        step: 1,
    };
    /// Every argument but the last (`BLPOP key … timeout`).
    pub const ALL_BUT_LAST: Keys = Keys::Range {
        first: 0,
        last: -2,
        step: 1,
    };
    /// Every second argument from the first (`MSET`).
    pub const PAIRS: Keys = Keys::Range {
        first: 0,
        last: -1,
        step: 2,
    };

    /// Whether arguments name the keys.
    pub fn are_named(self) -> bool {
        !matches!(self, Keys::Every | Keys::Range { step: 0, .. })
    }

    /// The positions of the keys of `op`. A number of keys that is none, or is larger than what follows
    /// it, is the handler's to refuse: the positions are then those that are there.
    pub fn positions(self, op: &Op) -> Positions {
        match self {
            Keys::Range { first, last, step } => {
                let last = if last < 0 {
                    op.len() as isize + last
                } else {
                    last
                };
                let end = if step == 0 {
                    0
                } else {
                    usize::try_from(last + 1).unwrap_or(0).min(op.len())
                };
                (first..end).step_by(step.max(1)).collect()
            }
            Keys::Every => Positions::new(),
            Keys::Counted { count, destination } => {
                let told = op.get(count).and_then(parse_int).unwrap_or(0);
                let first = count + 1;
                let end = first.saturating_add(usize::try_from(told).unwrap_or(0));
                let destination = (destination && !op.is_empty()).then_some(0);
                let counted = first..end.min(op.len()).max(first);
                destination.into_iter().chain(counted).collect()
            }
            Keys::After { from, words } => {
                let is_word = |i: &usize| {
                    let arg = &op[*i];
                    words
                        .iter()
                        .any(|word| arg.eq_ignore_ascii_case(word.as_bytes()))
                };
                let word = (from..op.len().saturating_sub(1)).rev().find(is_word);
                let first = (!op.is_empty()).then_some(0);
                first.into_iter().chain(word.map(|i| i + 1)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::string;

    /// The positions among the words of `args`.
    fn positions(keys: Keys, args: &str) -> Vec<usize> {
        let op = (args.split_whitespace()).fold(Op::new(&string::GET), Op::arg);
        keys.positions(&op).to_vec()
    }

    #[test]
    fn finds_keys_by_every_rule() {
        for none in [Keys::NONE, Keys::Every] {
            assert_eq!(positions(none, "a b"), []);
            assert!(!none.are_named());
        }
        assert!(Keys::ONE.are_named());
        assert_eq!(positions(Keys::ONE, "a b"), [0]);
        assert_eq!(positions(Keys::TWO, "a b c"), [0, 1]);
        assert_eq!(positions(Keys::ALL, "a b c"), [0, 1, 2]);
        assert_eq!(positions(Keys::ALL_BUT_LAST, "a b 0"), [0, 1]);
        assert_eq!(positions(Keys::PAIRS, "a 1 b 2"), [0, 2]);
        let counted = Keys::Counted {
            count: 0,
            destination: false,
        };
        assert_eq!(positions(counted, "2 a b WITHSCORES"), [1, 2]);
        assert_eq!(positions(counted, "9 a b"), [1, 2]);
        assert_eq!(positions(counted, "-1 a b"), []);
        assert_eq!(positions(counted, "x a b"), []);
        assert_eq!(positions(counted, "18446744073709551615 a"), []);
        let stored = Keys::Counted {
            count: 1,
            destination: true,
        };
        assert_eq!(positions(stored, "d 2 a b"), [0, 2, 3]);
        let sort = Keys::After {
            from: 1,
            words: &["store"],
        };
        assert_eq!(positions(sort, "a LIMIT 0 1 STORE b"), [0, 5]);
        assert_eq!(positions(sort, "a STORE b store c"), [0, 4]);
        assert_eq!(positions(sort, "a STORE"), [0]);
    }
}
