//! What one client knows of one board: its own players' scores, in the board's order.
//!
//! Its one idea: a score that changes moves its player a short way, so a sorted vector with a rotation
//! is both the index by rank and cheap to keep. It is the model that replies are checked against, not a
//! sorted set of the store.

/// A score with its player's number, in the order of a sorted set: by score, then by member.
pub(crate) type Standing = (i64, u64);

/// Known standings, lowest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranking {
    standings: Vec<Standing>,
}

impl Ranking {
    /// Below every standing.
    pub(crate) const LOWEST: Standing = (i64::MIN, 0);
    /// Above every standing.
    pub(crate) const HIGHEST: Standing = (i64::MAX, u64::MAX);

    /// Replaces a player's standing, where `old` is the one known before.
    pub(crate) fn put(&mut self, old: Option<Standing>, new: Standing) {
        let to = self.standings.partition_point(|&standing| standing < new);
        let Some(old) = old else {
            return self.standings.insert(to, new);
        };
        let from = self.position(old);
        if from < to {
            self.standings[from..to].rotate_left(1);
            self.standings[to - 1] = new;
        } else {
            self.standings[to..=from].rotate_right(1);
            self.standings[to] = new;
        }
    }

    /// Forgets a known standing.
    pub(crate) fn take(&mut self, old: Standing) {
        let at = self.position(old);
        self.standings.remove(at);
    }

    /// How many known standings are above this one: its rank among them.
    pub(crate) fn above(&self, standing: Standing) -> usize {
        self.standings.len() - self.standings.partition_point(|&other| other <= standing)
    }

    /// How many known standings are from `low` to `high`, both among them.
    pub(crate) fn between(&self, low: Standing, high: Standing) -> usize {
        let begin = self.standings.partition_point(|&other| other < low);
        let end = self.standings.partition_point(|&other| other <= high);
        end.saturating_sub(begin)
    }

    /// How many standings are known.
    pub(crate) fn len(&self) -> usize {
        self.standings.len()
    }

    fn position(&self, standing: Standing) -> usize {
        let found = self.standings.binary_search(&standing);
        found.expect("the caller knows this standing from here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_sorted_list(steps in prop::collection::vec((0u64..8, prop::option::of(0i64..20)), 0..200)) {
            let mut ranking = Ranking::default();
            let mut known = [None; 8];
            for (player, score) in steps {
                let old = known[player as usize];
                match score {
                    Some(score) => ranking.put(old, (score, player)),
                    None => old.into_iter().for_each(|old| ranking.take(old)),
                }
                known[player as usize] = score.map(|score| (score, player));
                let mut sorted: Vec<Standing> = known.iter().copied().flatten().collect();
                sorted.sort_unstable();
                prop_assert_eq!(&ranking.standings, &sorted);
                for (i, &standing) in sorted.iter().enumerate() {
                    prop_assert_eq!(ranking.above(standing), sorted.len() - 1 - i);
                    prop_assert_eq!(ranking.between(sorted[0], standing), i + 1);
                }
            }
        }
    }
}
