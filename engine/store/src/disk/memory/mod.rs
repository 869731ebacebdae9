//! A folder in memory that keeps what is durable apart from what was only written.
//!
//! The one idea: every change is a *step*; a test or the simulator says at which step what goes wrong
//! ([`Fault`]), and what a power loss leaves ([`PowerLoss`]). It is harsher than a disk: after a sync
//! that failed, later syncs of that file claim success and keep nothing, as Linux may (the "fsyncgate"
//! of 2018). Everything is decided by the seed given to [`MemoryDisk::lose_power`].
//!
//! Handles are clones of one folder. Files that were open when power was lost stay dead.

mod content;
mod file;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Disk, DiskFile};
use content::{Content, Written};

pub use file::MemoryFile;

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step fails with this error number; a write has written its first half.
    Error(i32),
    /// Power goes: this step and all after it fail, until [`MemoryDisk::lose_power`].
    PowerOff,
}

/// What a power loss leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// Nothing.
    Nothing,
    /// A beginning of each file's changes, and of the folder's.
    Beginning,
    /// Any of each file's sectors, and any of the folder's changes.
    Torn,
    /// Of all that is loose ([`MemoryDisk::loose`]), what has a bit here: the folder's changes from the lowest bit on,
    /// then the sectors of file after file.
    Only(u64),
}

impl PowerLoss {
    /// All kinds that a seed decides.
    pub const ALL: [PowerLoss; 3] = [PowerLoss::Nothing, PowerLoss::Beginning, PowerLoss::Torn];
}

/// A folder in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

/// Which syncs claim success and keep nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Lies {
    files: bool,
    folder: bool,
    /// Whether a sync that fails makes those of all files lies.
    by_failure: bool,
    /// Those of files whose names end so.
    ends: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: BTreeMap<u64, Arc<Content>>,
    names: BTreeMap<String, u64>,
    names_synced: BTreeMap<String, u64>,
    /// Changes of names since the folder was synced.
    changes: Vec<Change>,
    created: u64,
    steps: u64,
    losses: u64,
    off: bool,
    fault: Option<(u64, Fault)>,
    syncs_held: bool,
    lies: Lies,
    /// What was before each step since they were last taken, where that is kept.
    forks: Option<Vec<MemoryDisk>>,
}

#[derive(Clone, Debug)]
enum Change {
    Add(String, u64),
    Rename(String, String),
    Remove(String),
}

impl MemoryDisk {
    /// An empty folder.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// How many changes were made or tried.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// Lets `fault` happen at step `step` (counted from 1, as [`MemoryDisk::steps`] counts).
    pub fn fail_at(&self, step: u64, fault: Fault) {
        self.lock().fault = Some((step, fault));
    }

    /// Whether power went, and is not back.
    pub fn is_off(&self) -> bool {
        self.lock().off
    }

    /// Whether syncs that need not be waited for stay unfinished until they are.
    pub fn hold_syncs(&self, held: bool) {
        self.lock().syncs_held = held;
    }

    /// Whether [`MemoryDisk::hold_syncs`] was asked for.
    pub fn holds_syncs(&self) -> bool {
        self.lock().syncs_held
    }

    /// From now on syncs of files claim success and keep nothing: a disk broken on purpose, to prove
    /// checkers with.
    pub fn break_syncs(&self) {
        self.lock().lies.files = true;
    }

    /// As [`MemoryDisk::break_syncs`], of the files whose names end so alone.
    pub fn break_syncs_of(&self, end: &'static str) {
        self.lock().lies.ends = Some(end);
    }

    /// From now on syncs of the folder claim success and keep nothing.
    pub fn break_folder_syncs(&self) {
        self.lock().lies.folder = true;
    }

    /// From now on a sync that fails makes all later ones of any file, new ones too, claim success and keep nothing.
    pub fn break_by_failure(&self) {
        self.lock().lies.by_failure = true;
    }

    /// From now on the folder as it is before each step is kept, until it is taken.
    pub fn keep_forks(&self) {
        self.lock().forks = Some(Vec::new());
    }

    /// The folders as they were before each step since they were last taken, and as it is now: folders of their
    /// own, whose files share memory until they are written.
    pub fn take_forks(&self) -> Vec<MemoryDisk> {
        let mut state = self.lock();
        let mut forks = state.forks.as_mut().map(std::mem::take).unwrap_or_default();
        forks.push(state.fork());
        forks
    }

    /// The folder as it is now, and from now on another one.
    #[must_use]
    pub fn fork(&self) -> MemoryDisk {
        self.lock().fork()
    }

    /// How many changes of the folder and sectors of files are not durable, each of which a power loss may leave.
    pub fn loose(&self) -> usize {
        let state = self.lock();
        let sectors = state.files.values().map(|content| content.loose().count());
        state.changes.len() + sectors.sum::<usize>()
    }

    /// Loses power: what was not durable is gone, or partly gone, as `loss` and `seed` say. Power is
    /// back afterwards; files that were open are dead.
    pub fn lose_power(&self, loss: PowerLoss, seed: u64) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut state = self.lock();
        let state = &mut *state;
        state.losses += 1;
        state.off = false;
        state.fault = None;
        let changes = std::mem::take(&mut state.changes);
        let mut bits = 0..u64::BITS;
        // What has no bit any more goes.
        let mut is_left = |mask: u64| bits.next().is_some_and(|bit| mask & 1 << bit != 0);
        let kept = match loss {
            PowerLoss::Nothing => 0,
            PowerLoss::Beginning => rng.random_range(0..=changes.len()),
            PowerLoss::Torn | PowerLoss::Only(_) => changes.len(),
        };
        let mut names = state.names_synced.clone();
        for change in changes.into_iter().take(kept) {
            let is_kept = match loss {
                PowerLoss::Torn => rng.random(),
                PowerLoss::Only(mask) => is_left(mask),
                PowerLoss::Nothing | PowerLoss::Beginning => true,
            };
            if is_kept {
                change.apply(&mut names);
            }
        }
        state.names.clone_from(&names);
        state.names_synced = names;
        for content in state.files.values_mut() {
            let left = content.left(loss, &mut rng, &mut is_left);
            *content = Arc::new(left);
        }
        let alive = &state.names;
        state
            .files
            .retain(|id, _| alive.values().any(|named| named == id));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn file(&self, id: u64, losses: u64) -> MemoryFile {
        MemoryFile {
            state: self.state.clone(),
            id,
            losses,
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A test that panicked elsewhere is no reason to hide what the disk holds.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn fork(&self) -> MemoryDisk {
        let state = State {
            forks: None,
            ..self.clone()
        };
        MemoryDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Counts a step and lets the planned fault happen at it.
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if let Some(mut forks) = self.forks.take() {
            forks.push(self.fork());
            self.forks = Some(forks);
        }
        if let Some((at, fault)) = self.fault
            && at == self.steps
        {
            match fault {
                Fault::PowerOff => self.off = true,
                Fault::Error(code) => return Err(io::Error::from_raw_os_error(code)),
            }
        }
        if self.off {
            Err(power_is_off())
        } else {
            Ok(())
        }
    }

    fn find(&self, name: &str) -> io::Result<u64> {
        if self.off {
            return Err(power_is_off());
        }
        self.names.get(name).copied().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no file {name} in memory"))
        })
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("power is off")
}

impl Change {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            Change::Add(name, id) => {
                names.insert(name, id);
            }
            Change::Rename(from, to) => {
                if let Some(id) = names.remove(&from) {
                    names.insert(to, id);
                }
            }
            Change::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Disk for MemoryDisk {
    type File = MemoryFile;
    type Lock = ();

    fn show(&self, name: &str) -> String {
        format!("memory:{name}")
    }

    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _name: &str) -> io::Result<()> {
        // Whoever opened it before is taken to have crashed: that is what this disk is for.
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let state = self.lock();
        let id = state.find(name)?;
        Ok(state.files[&id].written.len() as u64)
    }

    fn read(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read>> {
        let state = self.lock();
        let id = state.find(name)?;
        let mut cursor = Cursor::new(Written(Arc::clone(&state.files[&id])));
        cursor.set_position(offset);
        Ok(Box::new(cursor))
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut state = self.lock();
        state.step()?;
        state.created += 1;
        let id = state.created;
        state.files.insert(id, Arc::default());
        state.change(Change::Add(name.to_owned(), id));
        Ok(self.file(id, state.losses))
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let state = self.lock();
        let id = state.find(name)?;
        Ok(self.file(id, state.losses))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        state.find(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        state.find(name)?;
        state.change(Change::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        let state = &mut *state;
        if state.lies.folder {
            return Ok(());
        }
        state.changes.clear();
        state.names_synced = state.names.clone();
        let alive = &state.names;
        state
            .files
            .retain(|id, _| alive.values().any(|named| named == id));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::publish;

    fn content(disk: &MemoryDisk, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        disk.read(name, 0).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    #[test]
    fn what_is_synced_stays_and_the_rest_may_go() {
        let mut left = std::collections::BTreeSet::new();
        for loss in PowerLoss::ALL {
            for seed in 0..50 {
                let disk = MemoryDisk::new();
                let file = publish(&disk, "f", |file| file.write_at(&[1; 600], 0)).unwrap();
                file.write_at(&[2; 900], 600).unwrap();
                disk.create("unsynced").unwrap();
                disk.lose_power(loss, seed);
                let bytes = content(&disk, "f").expect("a published file has its name");
                assert_eq!(bytes[..600], [1; 600], "{loss:?} {seed}");
                assert!(loss != PowerLoss::Nothing || bytes.len() == 600);
                assert!(loss == PowerLoss::Torn || bytes[600..].iter().all(|&byte| byte == 2));
                assert!(file.write_at(b"x", 0).is_err(), "the handle is dead");
                left.insert((bytes.len() > 600, content(&disk, "unsynced").is_some()));
            }
        }
        assert_eq!(left.len(), 4, "all that may happen does: {left:?}");
    }

    #[test]
    fn a_sync_keeps_what_was_written_cut_and_grown_since_the_last() {
        let disk = MemoryDisk::new();
        let file = disk.create("f").unwrap();
        disk.sync_folder().unwrap();
        let mut model: Vec<u8> = Vec::new();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for n in 1..400_u32 {
            match rng.random_range(0..4) {
                0 => {
                    let len = rng.random_range(0..3_000);
                    model.resize(len, 0);
                    file.set_len(len as u64).unwrap();
                }
                1 => {
                    let len = rng.random_range(0..3_000);
                    model.resize(model.len().max(len), 0);
                    file.reserve(len as u64).unwrap();
                }
                _ => {
                    let (at, bytes) = (rng.random_range(0..2_000), [n as u8; 700]);
                    model.resize(model.len().max(at + 700), 0);
                    model[at..at + 700].copy_from_slice(&bytes);
                    file.write_at(&bytes, at as u64).unwrap();
                }
            }
            if rng.random_range(0..3) == 0 {
                file.sync().unwrap();
                let after = disk.fork();
                after.lose_power(PowerLoss::Nothing, 0);
                assert_eq!(content(&after, "f"), Some(model.clone()), "after {n} steps");
            }
        }
    }

    #[test]
    fn after_a_failed_sync_later_ones_keep_nothing() {
        let disk = MemoryDisk::new();
        let file = publish(&disk, "f", |file| file.write_at(b"old", 0)).unwrap();
        file.write_at(b"new", 0).unwrap();
        disk.fail_at(disk.steps() + 1, Fault::Error(5));
        assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
        file.sync().expect("as Linux does, it claims success");
        assert_eq!(content(&disk, "f").unwrap(), b"new");
        disk.lose_power(PowerLoss::Nothing, 0);
        assert_eq!(content(&disk, "f").unwrap(), b"old");
    }

    #[test]
    fn a_seed_decides_everything() {
        let after = |seed| {
            let disk = MemoryDisk::new();
            let file = disk.create("f").unwrap();
            disk.sync_folder().unwrap();
            file.write_at(&[7; 5_000], 0).unwrap();
            disk.lose_power(PowerLoss::Torn, seed);
            content(&disk, "f")
        };
        assert_eq!(after(1), after(1));
        assert_ne!(after(1), after(2));
    }
}
