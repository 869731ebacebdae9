//! A folder in memory that keeps what is durable apart from what was only written.
//!
//! The one idea: every change is a *step*; a test or the simulator says at which step what goes wrong
//! ([`Fault`]), and what a power loss leaves ([`PowerLoss`]). It is harsher than a disk: after a sync
//! that failed, later syncs of that file claim success and keep nothing, as Linux may (the "fsyncgate"
//! of 2018). Everything is decided by the seed given to [`MemoryDisk::lose_power`].
//!
//! Handles are clones of one folder. Files that were open when power was lost stay dead.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Disk, DiskFile};

/// What a disk writes at once: a torn write ends at a multiple of it.
const SECTOR_BYTES: usize = 512;

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

/// A file of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryFile {
    state: Arc<Mutex<State>>,
    id: u64,
    /// How often power had been lost when the file was opened.
    losses: u64,
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

#[derive(Clone, Debug, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
    /// Before it, `written` and `synced` are the same: a sync copies only what is new.
    same: usize,
    /// A sync failed: what is not durable by now never will be, whatever later syncs say.
    abandoned: bool,
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

impl Content {
    /// Where the sectors begin that were written and are not durable.
    fn loose(&self) -> impl Iterator<Item = usize> {
        let start = self.same / SECTOR_BYTES * SECTOR_BYTES;
        let sectors = (start..self.written.len()).step_by(SECTOR_BYTES);
        sectors.filter(|&at| {
            let (written, synced) = (&self.written[at..], self.synced.get(at..).unwrap_or(&[]));
            let sector = |bytes: &[u8]| bytes.len().min(SECTOR_BYTES);
            written[..sector(written)] != synced[..sector(synced)]
        })
    }

    /// What a power loss leaves.
    fn left(
        &self,
        loss: PowerLoss,
        rng: &mut Xoshiro256PlusPlus,
        is_left: &mut dyn FnMut(u64) -> bool,
    ) -> Content {
        let (written, synced) = (&self.written, &self.synced);
        let pick = |from: &[u8], at: usize| from.get(at).copied();
        let left = match loss {
            PowerLoss::Nothing => synced.clone(),
            PowerLoss::Beginning => {
                let end = written.len().max(synced.len());
                let cut = rng.random_range(0..=end);
                (0..end)
                    .map_while(|at| pick(if at < cut { written } else { synced }, at))
                    .collect()
            }
            PowerLoss::Torn => {
                let (short, long) = (
                    written.len().min(synced.len()),
                    written.len().max(synced.len()),
                );
                let len = rng.random_range(short..=long);
                let mut left = Vec::with_capacity(len);
                while left.len() < len {
                    let end = (left.len() + SECTOR_BYTES).min(len);
                    let from = if rng.random() { written } else { synced };
                    // A sector that never reached the disk reads as zeroes.
                    left.extend((left.len()..end).map(|at| pick(from, at).unwrap_or(0)));
                }
                left
            }
            PowerLoss::Only(mask) => {
                let mut left = synced.clone();
                for at in self.loose() {
                    let end = (at + SECTOR_BYTES).min(written.len());
                    if !is_left(mask) {
                        continue;
                    }
                    // A sector before it that never reached the disk reads as zeroes.
                    left.resize(left.len().max(end), 0);
                    left[at..end].copy_from_slice(&written[at..end]);
                }
                left
            }
        };
        Content {
            same: left.len(),
            synced: left.clone(),
            written: left,
            abandoned: false,
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
        let mut cursor = Cursor::new(state.files[&id].written.clone());
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

impl MemoryFile {
    fn change(
        &self,
        change: impl FnOnce(&mut Content, io::Result<()>, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.losses != self.losses {
            return Err(io::Error::other("the file was open when power was lost"));
        }
        let step = state.step();
        if state.off {
            return step;
        }
        let of_end = state.lies.ends.is_some_and(|end| {
            let mut names = state.names.iter();
            names.any(|(name, id)| *id == self.id && name.ends_with(end))
        });
        let lie = state.lies.files || of_end;
        match state.files.get_mut(&self.id) {
            Some(content) => change(Arc::make_mut(content), step, lie),
            None => Err(io::Error::other("the file was removed")),
        }
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            let bytes = &bytes[..if step.is_ok() {
                bytes.len()
            } else {
                bytes.len() / 2
            }];
            let start = offset as usize;
            let end = start + bytes.len();
            if content.written.len() < end {
                content.written.resize(end, 0);
            }
            content.written[start..end].copy_from_slice(bytes);
            content.same = content.same.min(start);
            step
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            step?;
            content.written.resize(len as usize, 0);
            content.same = content.same.min(len as usize);
            Ok(())
        })
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.change(|content, step, _| {
            step?;
            let len = content.written.len().max(len as usize);
            content.written.resize(len, 0);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let synced = self.change(|content, step, lie| {
            content.abandoned |= step.is_err();
            if !content.abandoned && !lie {
                content.synced.truncate(content.same);
                content
                    .synced
                    .extend_from_slice(&content.written[content.same..]);
                content.same = content.written.len();
            }
            step
        });
        if synced.is_err() {
            let mut state = lock(&self.state);
            state.lies.files |= state.lies.by_failure;
        }
        synced
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
