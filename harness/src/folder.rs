//! The folder of a run: what stands in it, and whose it is.
//!
//! ```text
//! DIR/setup.json    written when the run begins
//! DIR/rows.jsonl    a line a finished step
//! DIR/report.*      written when the run ends
//! ```

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use seawall_bench::{Journal, SCRATCH_PREFIX};
use seawall_report::row::{BenchRow, LabRow, Row};
use seawall_report::{Run, Setup};

use crate::setup::SUITE_HASH;
use crate::status::{Failure, Outcome};
use crate::step::Key;

/// An open folder of a run.
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The rows that were there.
    pub(crate) done: HashSet<Key>,
    journal: Journal,
}

impl Folder {
    /// Makes the folder and says in it what run this is; with `resume`, goes on with one.
    ///
    /// # Errors
    /// It cannot be made or written, holds something else, or holds another run.
    pub(crate) fn open(path: &Path, setup: &Setup, resume: bool) -> Outcome<Folder> {
        let done = match Folder::entries(path)? {
            0 => HashSet::new(),
            _ if resume => Folder::rows_of(path, setup)?,
            _ => {
                return Err(Failure::Usage(format!(
                    "{}: is not empty; --resume goes on with the run in it, --out DIR takes another folder",
                    path.display()
                )));
            }
        };
        let unwritable = |why: String| {
            Failure::Usage(format!(
                "--out {}: cannot be written: {why}",
                path.display()
            ))
        };
        fs::create_dir_all(path).map_err(|error| unwritable(error.to_string()))?;
        if !path.join(seawall_report::setup::FILE).exists() {
            crate::setup::write(setup, path).map_err(|error| unwritable(error.to_string()))?;
        }
        Folder::sweep(path).map_err(|error| unwritable(error.to_string()))?;
        let journal = Journal::open(&path.join(seawall_report::run::FILE))
            .map_err(|error| unwritable(error.to_string()))?;
        Ok(Folder {
            path: path.to_owned(),
            done,
            journal,
        })
    }

    /// Keeps a row; one that is there already is left as it is.
    ///
    /// # Errors
    /// The disk is full or gone.
    pub(crate) fn keep(&mut self, row: &Row) -> Outcome {
        if self.done.insert(Key::of(row)) {
            self.journal.append(row).map_err(Failure::work)?;
        }
        Ok(())
    }

    /// Puts the rows in the order of their fields `run`, as `order` has them: they were kept as they came, which hangs on threads.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub(crate) fn arrange(self, order: &[String]) -> Outcome {
        let place: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
        let mut rows = Run::read(&self.path).map_err(Failure::work)?.rows;
        rows.sort_by_key(|row| match row {
            Row::Lab(LabRow { run, .. }) | Row::Bench(BenchRow { run, .. }) => {
                place.get(run.as_str()).copied()
            }
            _ => None,
        });
        let mut text = String::new();
        for row in &rows {
            text.push_str(&serde_json::to_string(row).expect("a row has a JSON form"));
            text.push('\n');
        }
        let path = self.path.join(seawall_report::run::FILE);
        crate::setup::write_whole(&path, text.as_bytes())
            .map_err(|error| Failure::work(format!("{}: {error}", path.display())))
    }

    /// Says in the setup what of the run could not be measured: what it says already or is in `more`, but for that of
    /// which there are rows.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub(crate) fn tell_not_run(&self, more: &[String]) -> Outcome {
        let mut setup = Setup::read(&self.path).map_err(Failure::work)?;
        let rows = match Run::read(&self.path) {
            Ok(run) => run.rows,
            Err(seawall_report::Error::NoRun { .. }) => Vec::new(),
            Err(error) => return Err(Failure::work(error)),
        };
        let measured: HashSet<String> = rows.iter().filter_map(begins_with).collect();
        // Why something is not run may be said in other words the next time: what is said of it last counts.
        let subject = |what: &str| what.split_once(": ").map(|(subject, _)| subject.to_owned());
        let is_old = |what: &&String| more.iter().all(|new| subject(new) != subject(what));
        let not_run = setup.not_run.iter().filter(is_old).chain(more);
        let not_run: Vec<String> = not_run
            .filter(|what| !measured.iter().any(|begin| what.starts_with(begin)))
            .cloned()
            .collect();
        if not_run == setup.not_run {
            return Ok(());
        }
        setup.not_run = not_run;
        crate::setup::write(&setup, &self.path)
            .map_err(|error| Failure::work(format!("{}: {error}", self.path.display())))
    }

    /// Removes what a run that was killed left of its logs.
    fn sweep(path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(SCRATCH_PREFIX) && entry.file_type()?.is_dir() {
                seawall_bench::sweep(&entry.path())?;
            }
        }
        Ok(())
    }

    fn entries(path: &Path) -> Outcome<usize> {
        match fs::read_dir(path) {
            Ok(entries) => Ok(entries.count()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Failure::Usage(format!("--out {}: {error}", path.display()))),
        }
    }

    fn rows_of(path: &Path, setup: &Setup) -> Outcome<HashSet<Key>> {
        if !path.join(seawall_report::setup::FILE).exists() {
            return Err(Failure::Usage(format!(
                "{}: no run to resume here (it has no {}); --out DIR takes another folder",
                path.display(),
                seawall_report::setup::FILE
            )));
        }
        let there = Setup::read(path).map_err(Failure::usage)?;
        if (&there.suite, there.seed) != (&setup.suite, setup.seed) {
            return Err(Failure::Usage(format!(
                "{}: holds suite {} with seed {}, not suite {} with seed {}; --out DIR takes another folder",
                path.display(),
                there.suite,
                there.seed,
                setup.suite,
                setup.seed
            )));
        }
        let differs = |what: &str| {
            Err(Failure::Usage(format!(
                "{}: holds a run {what}, whose figures are not to be mixed with this one's; --out DIR takes \
                 another folder",
                path.display()
            )))
        };
        if there.extra.get(SUITE_HASH) != setup.extra.get(SUITE_HASH) {
            return differs(&format!(
                "of another text or other targets of suite {}",
                setup.suite
            ));
        }
        if there.commit != setup.commit {
            let of = |setup: &Setup| setup.commit.clone().unwrap_or("unknown".to_owned());
            return differs(&format!(
                "by commit {}, and this program is {}",
                of(&there),
                of(setup)
            ));
        }
        if there.dirty != setup.dirty {
            return differs("of this commit with other changes that are not committed");
        }
        match Run::read(path) {
            Ok(run) => Ok(run.rows.iter().map(Key::of).collect()),
            Err(seawall_report::Error::NoRun { .. }) => Ok(HashSet::new()),
            Err(error) => Err(Failure::usage(error)),
        }
    }
}

/// What a text begins with that says why cells as that of `row` were not run.
fn begins_with(row: &Row) -> Option<String> {
    let Row::Bench(row) = row else { return None };
    let comparison = row.extra.get("comparison")?.as_str()?;
    let name = row.config.get("name")?.as_str()?;
    Some(seawall_bench::comparison::not_run(comparison, name, ""))
}
