//! A turn's budget: how long a worker runs commands, of all its clients, before it sends what was answered.
//!
//! The one idea: a client's share of a turn bounds what the others wait for it, and not what all of them come to;
//! with a share each, a turn grows with the number of those who have something to ask, and with it everybody's
//! wait. So all share one budget, in time, whatever the commands cost. Nobody looks at the clock for it: runs of
//! commands are timed anyway. It is no deadline: the command that spends it ends first.

use std::time::{Duration, Instant};

/// A worker's, for one turn.
#[derive(Debug)]
pub struct Budget {
    most: Duration,
    /// When it is spent; nothing ran yet where there is none.
    end: Option<Instant>,
    is_spent: bool,
}

impl Budget {
    /// That much, from the first command on.
    pub fn of(most: Duration) -> Budget {
        Budget {
            most,
            end: None,
            is_spent: false,
        }
    }

    /// Another turn begins.
    pub fn renew(&mut self) {
        (self.end, self.is_spent) = (None, false);
    }

    /// Commands ran from `since` to `now`; whether it is spent.
    pub fn spend(&mut self, since: Instant, now: Instant) -> bool {
        let end = *self.end.get_or_insert_with(|| since + self.most);
        self.is_spent |= now >= end;
        self.is_spent
    }

    /// Whether no further command is to begin in this turn.
    pub fn is_spent(&self) -> bool {
        self.is_spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_first_command_and_ends_for_all() {
        let us = Duration::from_micros;
        let mut budget = Budget::of(us(200));
        let begin = Instant::now();
        assert!(!budget.spend(begin + us(900), begin + us(1_000)));
        assert!(!budget.spend(begin + us(1_090), begin + us(1_099)));
        assert!(budget.spend(begin + us(1_099), begin + us(1_100)));
        assert!(budget.is_spent());
        budget.renew();
        assert!(!budget.is_spent());
        assert!(
            budget.spend(begin, begin + us(200)),
            "one command may spend it"
        );
    }
}
