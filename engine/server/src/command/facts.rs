//! What Redis 7.0 says of each of its commands: a table of facts, as `COMMAND` and `COMMAND DOCS` of a
//! real server answered them.
//!
//! The facts are data (`facts.tsv`, a line for each command and subcommand), so that what is ours can be
//! held against them and what is not ours can be told. They run nothing; `table` does.

use std::sync::LazyLock;

/// One command of Redis 7.0.
#[derive(Debug)]
pub struct Facts {
    /// Its name, in lower case; a subcommand's after its container's: `client|id`.
    pub name: &'static str,
    /// How many words a call has, all names counted; negative: at least so many.
    pub arity: i8,
    /// Its flags, by name, in Redis's order.
    pub flags: Vec<&'static str>,
    /// The first key, the last key (negative: from the end) and the step between keys; the name is 0.
    pub positions: [i64; 3],
    /// The categories of its access rules, without the `@`.
    pub categories: Vec<&'static str>,
    /// Hints for clients that route commands.
    pub tips: Vec<&'static str>,
    /// Where its keys are.
    pub keys: Vec<KeySpec>,
    /// Its family.
    pub group: &'static str,
    /// The version of Redis that brought it.
    pub since: &'static str,
    /// How its time grows, where one formula says it.
    pub complexity: Option<&'static str>,
    /// `deprecated`, `syscmd`.
    pub marks: Vec<&'static str>,
    /// The version of Redis that deprecated it, and what replaces it.
    pub deprecated: Option<(&'static str, &'static str)>,
}

/// Where some of a command's keys are, and what happens to them.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// What happens to the keys, in Redis's words.
    pub flags: Vec<&'static str>,
    /// Where to look for the first.
    pub begin: Begin,
    /// How to find all from there.
    pub find: Find,
}

/// Where to look for the first key.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this word; the name is 0.
    Index(usize),
    /// After this word, which stands at `from` or behind; a negative `from` counts from the end and
    /// looks backwards.
    Keyword {
        /// The word.
        word: &'static str,
        /// Where to look first.
        from: i64,
    },
    /// It depends on other arguments.
    Unknown,
}

/// How to find all keys from where the first is.
#[derive(Debug, PartialEq, Eq)]
pub enum Find {
    /// Every `step`-th word up to `last`, which counts from the first key, or, where it is negative,
    /// from the end; then `limit` says by which share of the words to stop (2: half of them).
    Range {
        /// The last key.
        last: i64,
        /// From one key to the next.
        step: usize,
        /// Which share of the words are keys; 0 and 1: all.
        limit: usize,
    },
    /// A number says how many there are.
    Counted {
        /// Where the number is, from the beginning.
        number: usize,
        /// Where the first key is, from the beginning.
        first: usize,
        /// From one key to the next.
        step: usize,
    },
    /// It depends on other arguments.
    Unknown,
}

/// Every command and subcommand, by name.
pub fn all() -> &'static [Facts] {
    static ALL: LazyLock<Vec<Facts>> = LazyLock::new(|| {
        let lines = include_str!("facts.tsv").lines();
        let mut all: Vec<Facts> = lines.filter(|l| !l.starts_with('#')).map(read).collect();
        all.sort_unstable_by_key(|facts| facts.name);
        all
    });
    &ALL
}

/// What is said of the command of this name, in lower case.
pub fn find(name: &str) -> Option<&'static Facts> {
    let all = all();
    let place = all.binary_search_by_key(&name, |facts| facts.name).ok()?;
    Some(&all[place])
}

impl KeySpec {
    /// Whether a call may stand without these keys: they follow a word that may be missing.
    pub fn is_optional(&self) -> bool {
        matches!(self.begin, Begin::Keyword { .. })
    }

    /// The positions of the keys among `words` (the name is 0). `None`: these words do not have keys
    /// where the spec says, or it does not say.
    pub fn positions(&self, words: &[&[u8]]) -> Option<Vec<usize>> {
        let first = match self.begin {
            Begin::Index(index) => index,
            Begin::Keyword { word, from } => after_keyword(words, word, from)?,
            Begin::Unknown => return None,
        };
        if first >= words.len() {
            return None;
        }
        let (first, last, step) = match self.find {
            Find::Range { last, step, limit } => {
                let last = if last >= 0 {
                    first as i64 + last
                } else if limit <= 1 {
                    words.len() as i64 + last
                } else {
                    first as i64 + (words.len() - first) as i64 / limit as i64 + last
                };
                (first, last, step)
            }
            Find::Counted {
                number,
                first: offset,
                step,
            } => {
                let text = std::str::from_utf8(words.get(first + number)?).ok()?;
                let count: i64 = text.parse().ok()?;
                let first = first + offset;
                let span = count.checked_sub(1)?.checked_mul(step as i64)?;
                (first, (first as i64).checked_add(span)?, step)
            }
            Find::Unknown => return None,
        };
        let last = usize::try_from(last).ok()?;
        let inside = last >= first && last < words.len();
        inside.then(|| (first..=last).step_by(step.max(1)).collect())
    }
}

/// Where the word after `keyword` stands.
fn after_keyword(words: &[&[u8]], keyword: &str, from: i64) -> Option<usize> {
    let is_it = |&at: &usize| words[at].eq_ignore_ascii_case(keyword.as_bytes());
    let place = if from >= 0 {
        (from as usize..words.len()).find(is_it)
    } else {
        let start = usize::try_from(words.len() as i64 + from).ok()?;
        (1..=start.min(words.len() - 1)).rev().find(is_it)
    };
    place.map(|at| at + 1)
}

fn read(line: &'static str) -> Facts {
    let columns: Vec<&str> = line.split('\t').collect();
    let [
        name,
        arity,
        flags,
        positions,
        categories,
        tips,
        keys,
        group,
        since,
        complexity,
        marks,
        deprecated,
        replaced,
    ] = columns[..]
    else {
        panic!("facts.tsv: {line}");
    };
    let positions: Vec<i64> = positions.split(',').map(number).collect();
    Facts {
        name,
        arity: number(arity),
        flags: list(flags),
        positions: positions.try_into().expect("facts.tsv: three positions"),
        categories: list(categories),
        tips: list(tips),
        keys: keys.split_terminator(';').map(key_spec).collect(),
        group,
        since,
        complexity: (!complexity.is_empty()).then_some(complexity),
        marks: list(marks),
        deprecated: (!deprecated.is_empty()).then_some((deprecated, replaced)),
    }
}

/// A spec is `flags@begin@find`, each of the last two a kind and its numbers: `index:1`, `range:0,1,0`.
fn key_spec(text: &'static str) -> KeySpec {
    let parts: Vec<&str> = text.split('@').collect();
    let [flags, begin, find] = parts[..] else {
        panic!("facts.tsv: {text}");
    };
    let begin = match begin.split_once(':') {
        Some(("index", index)) => Begin::Index(number(index)),
        Some(("keyword", rest)) => {
            let (word, from) = rest.split_once(',').expect("facts.tsv: a keyword's start");
            Begin::Keyword {
                word,
                from: number(from),
            }
        }
        _ => Begin::Unknown,
    };
    let numbers = |text: &'static str| -> [i64; 3] {
        let numbers: Vec<i64> = text.split(',').map(number).collect();
        numbers.try_into().expect("facts.tsv: three numbers")
    };
    let find = match find.split_once(':') {
        Some(("range", text)) => {
            let [last, step, limit] = numbers(text);
            Find::Range {
                last,
                step: step as usize,
                limit: limit as usize,
            }
        }
        Some(("keynum", text)) => {
            let [number, first, step] = numbers(text).map(|n| n as usize);
            Find::Counted {
                number,
                first,
                step,
            }
        }
        _ => Find::Unknown,
    };
    KeySpec {
        flags: list(flags),
        begin,
        find,
    }
}

fn list(text: &'static str) -> Vec<&'static str> {
    text.split_terminator(',').collect()
}

fn number<N: std::str::FromStr>(text: &'static str) -> N {
    let parsed = text.parse().ok();
    parsed.unwrap_or_else(|| panic!("facts.tsv: {text} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(name: &str, call: &str) -> Vec<Option<Vec<usize>>> {
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        let facts = find(name).expect(name);
        facts.keys.iter().map(|s| s.positions(&words)).collect()
    }

    #[test]
    fn reads_every_line() {
        assert_eq!(all().iter().filter(|f| !f.name.contains('|')).count(), 240);
        for pair in all().windows(2) {
            assert!(pair[0].name < pair[1].name);
        }
        let xread = find("xread").expect("xread");
        assert_eq!(xread.group, "stream");
        assert_eq!(
            xread.keys[0].begin,
            Begin::Keyword {
                word: "STREAMS",
                from: 1
            }
        );
        assert!(find("nosuch").is_none());
    }

    #[test]
    fn finds_keys_by_every_kind_of_spec() {
        assert_eq!(positions("get", "get a"), [Some(vec![1])]);
        assert_eq!(positions("mset", "mset a 1 b 2"), [Some(vec![1, 3])]);
        assert_eq!(positions("blpop", "blpop a b 0"), [Some(vec![1, 2])]);
        assert_eq!(
            positions("zunionstore", "zunionstore d 2 a b"),
            [Some(vec![1]), Some(vec![3, 4])]
        );
        for bad in [
            "zunionstore d 3 a b",
            "zunionstore d x a b",
            "zunionstore d 0 a",
        ] {
            assert_eq!(
                positions("zunionstore", bad),
                [Some(vec![1]), None],
                "{bad}"
            );
        }
        assert_eq!(
            positions("xread", "xread count 2 streams a b 0 0"),
            [Some(vec![4, 5])]
        );
        assert_eq!(positions("xread", "xread count 2 a 0"), [None]);
        assert_eq!(
            positions("migrate", "migrate h p k 0 1 keys a b"),
            [Some(vec![3]), Some(vec![7, 8])]
        );
        assert_eq!(positions("sort", "sort a store b")[2], None);
    }
}
