//! The judge: whether what came back may be.
//!
//! The writes of one connection at one shard are logged in their order, so of each connection's ops a shard has to
//! have a beginning; what one op wrote has to be there as a whole or not at all, on whatever shards; and nothing that
//! was promised may be missing.

use std::collections::BTreeMap;

use seawall_store::Slot;

use crate::load::Journal;
use crate::model::{Held, Keys};

/// Decides on what the keys of one connection hold now, of whose ops the first `promised` may not be lost. The error
/// says what is wrong.
pub fn judge(
    journal: &Journal,
    found: &Keys,
    promised: usize,
    shards: usize,
) -> Result<(), String> {
    let mut histories: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for key in journal.before.keys().chain(found.keys()) {
        histories.entry(key).or_default();
    }
    for (number, op) in journal.ops.iter().enumerate() {
        for write in op.writes() {
            let history = histories.entry(&write.key).or_default();
            if history.last() != Some(&number) {
                history.push(number);
            }
        }
    }
    // For each key the number of ops up to the last one whose write it has.
    let mut has: BTreeMap<&str, usize> = BTreeMap::new();
    for (&key, history) in &histories {
        let end = end_of(journal, found, key, history)?;
        if let Some(&lost) = history.iter().find(|&&op| op >= end && op < promised) {
            let op = shown(&journal.ops[lost]);
            return Err(format!(
                "{key} has not what op {lost} wrote, which was acknowledged ({promised} were): {op}"
            ));
        }
        has.insert(key, end);
    }
    // For each shard the last op that it has.
    let mut last = vec![None; shards];
    for (number, op) in journal.ops.iter().enumerate() {
        let mut is_there = op.writes().iter().map(|write| number < has[&*write.key]);
        let first = is_there.next().unwrap_or_default();
        if is_there.any(|there| there != first) {
            return Err(format!("half of op {number} is there: {}", shown(op)));
        }
        if first {
            for write in op.writes() {
                last[shard_of(&write.key, shards)] = Some(number);
            }
        }
    }
    for (number, op) in journal.ops.iter().enumerate() {
        for write in op.writes() {
            let shard = shard_of(&write.key, shards);
            if number >= has[&*write.key] && last[shard].is_some_and(|last| last > number) {
                return Err(format!(
                    "shard {shard} has op {} and not op {number} before it: {}",
                    last[shard].unwrap_or_default(),
                    shown(op)
                ));
            }
        }
    }
    Ok(())
}

/// The number of ops after which `key` held what it holds, of those that wrote it.
fn end_of(journal: &Journal, found: &Keys, key: &str, history: &[usize]) -> Result<usize, String> {
    let nothing = Held::Nothing;
    let found = found.get(key).unwrap_or(&nothing);
    let mut held = journal.before.get(key).cloned().unwrap_or_default();
    if held == *found {
        return Ok(0);
    }
    for &number in history {
        let writes = journal.ops[number].writes().iter();
        for write in writes.filter(|write| write.key == key) {
            write.apply(&mut held);
        }
        if held == *found {
            return Ok(number + 1);
        }
    }
    Err(format!(
        "{key} holds what it never held, after {} ops that wrote it: {}",
        history.len(),
        shown(found)
    ))
}

/// The beginning of what it looks like.
fn shown(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}").chars().take(200).collect()
}

fn shard_of(key: &str, shards: usize) -> usize {
    Slot::of(key.as_bytes()).shard(shards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Op, What, Write};

    fn set(key: &str, value: &str) -> Write {
        Write {
            key: key.to_owned(),
            what: What::Set(value.as_bytes().to_vec()),
        }
    }

    fn keys(pairs: &[(&str, &str)]) -> Keys {
        let held = |value: &str| Held::Text(value.as_bytes().to_vec());
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), held(value)))
            .collect()
    }

    /// Keys of the first and of the second of two shards.
    fn two() -> [String; 3] {
        let of = |shard| move |key: &String| shard_of(key, 2) == shard;
        let names = || (0..).map(|number| format!("k{number}"));
        let mut first = names().filter(of(0));
        let (a, b) = (first.next().unwrap(), first.next().unwrap());
        [a, b, names().find(of(1)).unwrap()]
    }

    #[test]
    fn what_may_be_and_what_may_not() {
        let [a, b, c] = &two();
        let journal = Journal {
            before: keys(&[(a, "0")]),
            ops: vec![
                Op::One(set(a, "1")),
                Op::Several(vec![set(b, "2"), set(c, "2")]),
                Op::One(set(b, "3")),
                Op::One(set(c, "4")),
            ],
            ..Journal::default()
        };
        let judge = |pairs: &[(&str, &str)], promised| judge(&journal, &keys(pairs), promised, 2);
        let all = [(&**a, "1"), (&**b, "3"), (&**c, "4")];
        for promised in 0..=4 {
            assert_eq!(judge(&all, promised), Ok(()));
        }
        // Each shard has a beginning: the last op of another shard may be there without those before it.
        assert_eq!(judge(&[(a, "1"), (b, "2"), (c, "4")], 2), Ok(()));
        assert_eq!(judge(&[(a, "1")], 1), Ok(()));
        assert_eq!(judge(&[(a, "0")], 0), Ok(()));
        let refused = |pairs: &[(&str, &str)], promised, why: &str| {
            let error = judge(pairs, promised).expect_err("it may not be");
            assert!(error.contains(why), "{error}");
        };
        refused(&[(a, "1"), (b, "2"), (c, "4")], 3, "acknowledged");
        refused(&[(a, "1"), (b, "2")], 0, "half of op 1");
        refused(&[(a, "1"), (c, "4")], 0, "half of op 1");
        refused(&[(a, "0"), (b, "2"), (c, "2")], 0, "not op 0 before it");
        refused(&[], 0, "never held");
        refused(&[(a, "x")], 0, "never held");
        refused(
            &[(a, "1"), ("stranger", "1")],
            0,
            "stranger holds what it never held",
        );
    }
}
