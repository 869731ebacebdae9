//! The judge: whether what came back may be.

use crate::world::{Holds, SHARDS, State, at};

/// What a run did, op by op.
#[derive(Default)]
pub struct History {
    /// What was there before the first op, and after each.
    pub states: Vec<State>,
    /// When each op was asked; the first is that of the beginning.
    pub times: Vec<u64>,
}

impl History {
    /// Whether op `number` changed `shard`; what expired before it did not change by it.
    fn changed(&self, number: usize, shard: usize) -> bool {
        let (before, after) = (&self.states[number - 1][shard], &self.states[number][shard]);
        let now = self.times[number];
        let mut pairs = before.iter().zip(after);
        pairs.any(|(before, after)| at(before, now) != at(after, now))
    }

    /// Decides on a store that came back as `found` at time `now`: for each shard there has to be an op after which it
    /// was so, `least` or a later one, such that all shards that an op changed have it or none. The error says
    /// what is wrong.
    pub fn judge(&self, found: &State, least: usize, now: u64) -> Result<(), String> {
        let mut may: Vec<Vec<usize>> = Vec::new();
        for (shard, found) in found.iter().enumerate() {
            let is = |number: &usize| {
                let state = &self.states[*number][shard];
                let pairs = state.iter().zip(found);
                pairs.clone().count() == found.len()
                    && pairs.clone().all(|(was, is)| at(was, now) == at(is, now))
            };
            let ends: Vec<usize> = (0..self.states.len()).filter(is).collect();
            if ends.is_empty() {
                return Err(format!(
                    "shard {shard} is as it never was; {}",
                    self.nearest(shard, found, now)
                ));
            }
            // One that stays the same over ops that do not change it may end behind any of them.
            let Some(from) = ends.iter().position(|&end| end >= least) else {
                return Err(format!(
                    "shard {shard} is as after op {}, and op {least} was promised",
                    ends[ends.len() - 1]
                ));
            };
            may.push(ends[from..].to_vec());
        }
        if self.choose(&may, &mut Vec::new()) {
            Ok(())
        } else {
            Err("a part of what changed several shards is there without the others".to_owned())
        }
    }

    /// The op after which `shard` was most like `found`, and what is otherwise.
    fn nearest(&self, shard: usize, found: &[Holds], now: u64) -> String {
        let unlike = |number: usize| {
            let pairs = self.states[number][shard].iter().zip(found);
            pairs.filter(|(was, is)| at(was, now) != at(is, now))
        };
        let nearest = (0..self.states.len()).min_by_key(|&number| unlike(number).count());
        let nearest = nearest.unwrap_or(0);
        let unlike: Vec<_> = unlike(nearest).collect();
        format!("most like after op {nearest}, but for what it held and holds at {now}: {unlike:?}")
    }

    /// Whether there is an end for each shard from here on that agrees with those before.
    fn choose(&self, may: &[Vec<usize>], chosen: &mut Vec<usize>) -> bool {
        let Some(ends) = may.get(chosen.len()) else {
            return true;
        };
        // Ends between which nothing changed here agree with the same others: one of them is enough.
        let shard = chosen.len();
        let mut tried = None;
        for &end in ends {
            let is_new = tried.is_none_or(|tried: usize| {
                (tried + 1..=end).any(|number| self.changed(number, shard))
            });
            if !is_new {
                continue;
            }
            tried = Some(end);
            let agrees = chosen
                .iter()
                .enumerate()
                .all(|(other, &its)| self.agree((shard, end), (other, its)));
            if agrees {
                chosen.push(end);
                if self.choose(may, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }

    /// Whether two shards that end behind these ops have the same of what changed both.
    fn agree(&self, a: (usize, usize), b: (usize, usize)) -> bool {
        let (early, late) = (a.1.min(b.1), a.1.max(b.1));
        let both = |number| self.changed(number, a.0) && self.changed(number, b.0);
        !(early + 1..=late).any(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(values: [&str; SHARDS]) -> State {
        values.map(|value| vec![(!value.is_empty()).then(|| (value.to_owned(), -1))])
    }

    fn history(states: &[[&str; SHARDS]]) -> History {
        History {
            states: states.iter().map(|values| state(*values)).collect(),
            times: vec![0; states.len()],
        }
    }

    #[test]
    fn what_may_be_and_what_may_not() {
        // One shard, two together, one, two together.
        let history = history(&[
            ["", "", ""],
            ["a", "", ""],
            ["b", "b", ""],
            ["b", "c", ""],
            ["b", "d", "d"],
        ]);
        let judge = |values, least| history.judge(&state(values), least, 0);
        assert_eq!(judge(["b", "d", "d"], 4), Ok(()));
        assert_eq!(judge(["b", "b", ""], 2), Ok(()));
        assert_eq!(judge(["b", "c", ""], 0), Ok(()));
        assert_eq!(judge(["", "", ""], 0), Ok(()));
        let refused = |values, least, why: &str| {
            let error = judge(values, least).expect_err("it may not be");
            assert!(error.contains(why), "{error}");
        };
        refused(["a", "b", ""], 0, "without the others");
        refused(["b", "", ""], 0, "without the others");
        refused(["b", "d", ""], 0, "without the others");
        refused(["b", "c", "d"], 0, "without the others");
        refused(["x", "", ""], 0, "as it never was");
        refused(["b", "c", ""], 4, "op 4 was promised");
        refused(["a", "", ""], 2, "op 2 was promised");
    }
}
