//! A bout: cells of several targets that are open at the same time and measured in turns.
//!
//! ```text
//!  threads  A ── open, load ─ rest ─────────────── 1 ───────────────── 6 ─── close
//!           B ─────────────── open, load ─ rest ───── 2 ───────── 5 ──────── close
//!           C ───────────────────────────── open, load ── 3 ── 4 ─────────── close
//! ```
//!
//! The one idea: to start a server and to load a million keys takes longer than to measure it, and a pair of
//! measurements is the closer the less time lies between them. So each target of a bout is opened once, and
//! the cells of all follow each other. Who has no turn neither drives nor is driven.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use seawall_report::row::BenchRow;

use crate::drive::{Measured, Turns};
use crate::{BenchError, Cell};

/// Cells in the order in which they run.
#[derive(Clone, Debug)]
pub struct Bout {
    cells: Vec<Cell>,
}

impl Bout {
    /// These cells, at least one, which differ in target, configuration or repetition alone.
    pub(crate) fn new(cells: Vec<Cell>) -> Bout {
        Bout { cells }
    }

    /// The cells.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Without those cells that are done; `None` where none is left.
    #[must_use]
    pub fn without(&self, is_done: impl Fn(&Cell) -> bool) -> Option<Bout> {
        let left: Vec<Cell> = self
            .cells
            .iter()
            .filter(|cell| !is_done(cell))
            .cloned()
            .collect();
        (!left.is_empty()).then(|| Bout::new(left))
    }

    /// How long it takes at least.
    pub fn seconds_expected(&self) -> f64 {
        self.cells.iter().map(Cell::seconds_expected).sum()
    }

    /// What it does, for people.
    pub fn title(&self) -> String {
        match self.cells.as_slice() {
            [only] => only.to_string(),
            cells => format!(
                "{}: {}, {} cells in turns",
                cells[0].comparison,
                cells[0].workload,
                cells.len()
            ),
        }
    }

    /// Runs all cells; each row goes to `keep` as soon as it is there, and where that fails the bout ends.
    /// Files that targets need go to folders of their own in `scratch`, which are gone when this returns.
    ///
    /// # Errors
    /// What `keep` says, or a cell and why it gave no row.
    pub fn run_in<E>(
        &self,
        scratch: &Path,
        keep: &mut dyn FnMut(BenchRow) -> Result<(), E>,
        failed: impl Fn(&Cell, BenchError) -> E,
    ) -> Result<(), E> {
        let stands = self.stands();
        let rota = Rota::new(self.order(&stands));
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for (number, cells) in stands.iter().enumerate() {
                let mut seat = Seat {
                    number,
                    rota: &rota,
                    cells: cells.iter(),
                    sender: sender.clone(),
                };
                let first = cells[0];
                let sender = sender.clone();
                scope.spawn(move || {
                    let guard = Guard(seat.rota);
                    let ran = (first.target.target.run)(&first.drive(scratch), &mut seat);
                    std::mem::forget(guard);
                    if let Err(error) = ran {
                        seat.rota.end();
                        // Whoever does not listen any more has another error to tell.
                        let _ = sender.send((first, Err(error)));
                    }
                });
            }
            drop(sender);
            let mut outcome = Ok(());
            for (cell, measured) in receiver {
                let kept = match measured {
                    Ok(measured) => keep(cell.row(&measured)),
                    Err(error) => Err(failed(cell, error)),
                };
                if kept.is_err() {
                    rota.end();
                    outcome = outcome.and(kept);
                }
            }
            outcome
        })
    }

    /// The cells of each target and configuration.
    fn stands(&self) -> Vec<Vec<&Cell>> {
        let mut stands: Vec<Vec<&Cell>> = Vec::new();
        for cell in &self.cells {
            match stands.iter_mut().find(|stand| stand[0].stands_with(cell)) {
                Some(stand) => stand.push(cell),
                None => stands.push(vec![cell]),
            }
        }
        stands
    }

    /// Whose turn is when: each opens, then each cell is measured.
    fn order(&self, stands: &[Vec<&Cell>]) -> Vec<usize> {
        let of = |cell: &Cell| {
            let stand = stands.iter().position(|stand| stand[0].stands_with(cell));
            stand.expect("each cell has a stand")
        };
        (0..stands.len()).chain(self.cells.iter().map(of)).collect()
    }
}

/// Whose turn it is.
struct Rota {
    order: Vec<usize>,
    /// Which place of the order is reached; beyond its end where there are no more turns.
    reached: Mutex<usize>,
    changed: Condvar,
}

impl Rota {
    fn new(order: Vec<usize>) -> Rota {
        Rota {
            order,
            reached: Mutex::new(0),
            changed: Condvar::new(),
        }
    }

    fn reached(&self) -> MutexGuard<'_, usize> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `number`'s turn; `false` where there are no more turns.
    fn wait(&self, number: usize) -> bool {
        let mut reached = self.reached();
        loop {
            match self.order.get(*reached) {
                None => return false,
                Some(whose) if *whose == number => return true,
                Some(_) => {
                    let waited = self.changed.wait(reached);
                    reached = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// The next turn.
    fn pass(&self) {
        *self.reached() += 1;
        self.changed.notify_all();
    }

    /// No more turns.
    fn end(&self) {
        *self.reached() = self.order.len();
        self.changed.notify_all();
    }
}

/// Ends all turns where a target's thread panics, so that no other waits for it.
struct Guard<'a>(&'a Rota);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A target's place in the rota, and its cells that are still to be measured.
struct Seat<'a> {
    number: usize,
    rota: &'a Rota,
    cells: std::slice::Iter<'a, &'a Cell>,
    sender: mpsc::Sender<Outcome<'a>>,
}

/// A cell and what came of it.
type Outcome<'a> = (&'a Cell, Result<Measured, BenchError>);

impl Turns for Seat<'_> {
    fn wait(&mut self) -> bool {
        self.rota.wait(self.number)
    }

    fn end(&mut self, measured: Option<Measured>) {
        if let Some(measured) = measured
            && let Some(cell) = self.cells.next()
        {
            // Whoever does not listen any more has an error to tell.
            let _ = self.sender.send((cell, Ok(measured)));
        }
        self.rota.pass();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Named;
    use crate::setting::Scalar;
    use crate::{Length, TargetSpec};
    use std::time::Duration;

    /// Cells of two echo servers, each measured twice.
    fn two_twice() -> Bout {
        let cell = |name: &str, repetition| {
            let pairs = [
                ("connections", Scalar::Int(2)),
                ("threads", Scalar::Int(1)),
                ("pipeline", Scalar::Int(4)),
                ("window", Scalar::Text("batch".to_owned())),
            ];
            Cell {
                comparison: "in turns".to_owned(),
                target: "limit".parse::<TargetSpec>().expect("it is there"),
                workload: "plain:keys=100:value_bytes=10".to_owned(),
                named: Named::from_pairs(name, pairs).expect("settings"),
                repetition,
                seed: 1,
                warmup: Duration::from_millis(10),
                length: Length::Time(Duration::from_millis(40)),
                bars: Vec::new(),
            }
        };
        Bout::new(vec![cell("a", 0), cell("b", 0), cell("b", 1), cell("a", 1)])
    }

    #[test]
    fn cells_follow_each_other_on_targets_that_stay_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = Vec::new();
        let ran = two_twice().run_in::<String>(
            folder.path(),
            &mut |row| {
                rows.push(row);
                Ok(())
            },
            |cell, error| format!("{cell}: {error}"),
        );
        assert_eq!(ran, Ok(()));
        let order: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.config["name"].as_str().unwrap_or_default(),
                    row.repetition,
                )
            })
            .collect();
        assert_eq!(order, [("a", 0), ("b", 0), ("b", 1), ("a", 1)]);
        for row in &rows {
            assert!(row.ops > 0, "{row:?}");
            assert_eq!(row.extra["clients"], 2);
        }
        // What was counted before stays counted: the same server answered both.
        let total = |place: usize| rows[place].extra["requests_total"].as_u64();
        assert!(total(3) >= total(0).map(|first| first + rows[3].ops));
    }

    #[test]
    fn what_fails_ends_the_bout_for_all() {
        let mut bout = two_twice();
        for place in [1, 2] {
            bout.cells[place].workload = "plain:keys=1".to_owned();
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = 0;
        let ran = bout.run_in::<String>(
            folder.path(),
            &mut |_| {
                rows += 1;
                Ok(())
            },
            |_, error| error.to_string(),
        );
        let why = ran.expect_err("one key for two");
        assert!(why.contains("at least the number of clients"), "{why}");
        assert_eq!(rows, 0, "the second one did not open");
        let told = two_twice().run_in(folder.path(), &mut |_| Err("full"), |_, _| "other");
        assert_eq!(told, Err("full"));
    }
}
