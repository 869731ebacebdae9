//! Shrinking: the least of a schedule that still breaks a claim.
//!
//! Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28 (2002): parts of the list
//! are left out, large ones first, as long as what is left still fails; then faults are made as short as they can be.

use seawall_report::row::SimRow;

use crate::cell::{Cell, RunError, replay};
use crate::fault::{Dated, Schedule};
use crate::scenario::Scenario;

/// A schedule that breaks a claim, made as small as it can be.
#[derive(Debug)]
pub struct Shrunk {
    /// What is left of it.
    pub schedule: Schedule,
    /// What it does.
    pub row: SimRow,
    /// How many runs that took.
    pub runs: usize,
}

/// Makes the schedule of `cell` with `seed` as small as it can be, with at most `runs` runs; `None` where it breaks
/// no claim.
///
/// # Errors
/// A strategy or fault does not exist.
pub fn shrink(
    scenario: &Scenario,
    cell: &Cell,
    seed: u64,
    runs: usize,
) -> Result<Option<Shrunk>, RunError> {
    let whole = scenario.schedule(&cell.fault, seed)?;
    let row = replay(scenario, cell, &whole, seed)?;
    if row.violations.is_empty() {
        return Ok(None);
    }
    let mut search = Search {
        scenario,
        cell,
        seed,
        left: runs,
        kinds: row.violations.iter().map(|words| kind(words)).collect(),
        actions: whole.actions().to_vec(),
        row,
    };
    search.leave_out()?;
    search.shorten()?;
    Ok(Some(Shrunk {
        schedule: Schedule::of(search.actions),
        row: search.row,
        runs: runs - search.left,
    }))
}

/// What a violation is about: its first words, without numbers.
fn kind(violation: &str) -> String {
    violation
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .take(24)
        .collect()
}

struct Search<'a> {
    scenario: &'a Scenario,
    cell: &'a Cell,
    seed: u64,
    left: usize,
    /// What was broken at first: another fault of the same schedule is another search.
    kinds: Vec<String>,
    /// The least that fails so far.
    actions: Vec<Dated>,
    row: SimRow,
}

impl Search<'_> {
    /// Whether `actions` still break a claim; if so they are the least so far.
    fn still_fails(&mut self, actions: Vec<Dated>) -> Result<bool, RunError> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        let row = replay(
            self.scenario,
            self.cell,
            &Schedule::of(actions.clone()),
            self.seed,
        )?;
        let fails = row
            .violations
            .iter()
            .any(|words| self.kinds.contains(&kind(words)));
        if fails {
            (self.actions, self.row) = (actions, row);
        }
        Ok(fails)
    }

    /// Leaves out parts, each half as long as those before.
    fn leave_out(&mut self) -> Result<(), RunError> {
        let mut part = self.actions.len();
        while part > 0 {
            let mut from = 0;
            let mut left_out = false;
            while from < self.actions.len() {
                let to = (from + part).min(self.actions.len());
                let mut rest = self.actions.clone();
                rest.drain(from..to);
                if self.still_fails(rest)? {
                    left_out = true;
                } else {
                    from = to;
                }
            }
            // With single actions gone, others may have become superfluous.
            if part > 1 || !left_out {
                part /= 2;
            }
        }
        Ok(())
    }

    /// Brings each action nearer to the one before, by halves.
    fn shorten(&mut self) -> Result<(), RunError> {
        for at in 1..self.actions.len() {
            let before = self.actions[at - 1].at_ms;
            let mut step = self.actions[at].at_ms.saturating_sub(before) / 2;
            while step > 0 {
                let mut nearer = self.actions.clone();
                nearer[at..]
                    .iter_mut()
                    .for_each(|dated| dated.at_ms -= step);
                if self.still_fails(nearer)? {
                    step = step.min(self.actions[at].at_ms.saturating_sub(before) / 2);
                } else {
                    step /= 2;
                }
            }
        }
        Ok(())
    }
}
