//! A folder that forgets: a file system in this process, mounted through FUSE, over the store's disk in memory.
//!
//! What is written is kept apart from what was synced ([`MemoryDisk`]); file data is durable by a sync of the file,
//! names are by a sync of the folder. A sync takes its time, as a disk's does: it covers what was written when it
//! began or when it ended, which the seed decides, and is told to be done when both are past. It knows files in one
//! folder, and no links, owners or times.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::disk::{Disk, DiskFile, Fault, MemoryDisk, MemoryFile, PowerLoss};

/// The kernel asks anew each time: what is cached would outlive what is kept here.
const NO_TIME: Duration = Duration::ZERO;

const BLOCK_BYTES: u32 = 4096;

/// The most that a sync takes.
const SYNC_US_MAX: u64 = 1_000;

/// The threads that answer the kernel: a sync under way holds nothing else up.
const THREADS: usize = 4;

/// A folder whose disk outlives its being mounted.
#[derive(Clone)]
pub struct Folder {
    state: Arc<Mutex<State>>,
}

struct State {
    disk: MemoryDisk,
    random: Xoshiro256PlusPlus,
    /// Files that have been named to the kernel since it was mounted.
    nodes: BTreeMap<u64, Node>,
    /// The node that a name stands for.
    named: BTreeMap<String, u64>,
    last_node: u64,
    /// Syncs of files that were asked for.
    syncs: u64,
    /// Writes of zeroes.
    filled: u64,
    /// What cannot be read: so many bytes of files whose names end so.
    unreadable: Option<(&'static str, Range<u64>)>,
}

struct Node {
    file: Arc<MemoryFile>,
    /// Its name; the last one where it was removed.
    name: String,
}

/// What a folder that lies does not keep.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    Files,
    Names,
}

/// A folder that is mounted, until it is dropped.
pub struct Mounted {
    session: Option<BackgroundSession>,
    point: tempfile::TempDir,
}

impl Folder {
    pub fn new(seed: u64) -> Folder {
        Folder {
            state: Arc::new(Mutex::new(State {
                disk: MemoryDisk::new(),
                random: Xoshiro256PlusPlus::seed_from_u64(seed),
                nodes: BTreeMap::new(),
                named: BTreeMap::new(),
                last_node: INodeNo::ROOT.0,
                syncs: 0,
                filled: 0,
                unreadable: None,
            })),
        }
    }

    /// Mounts it at a folder of its own.
    pub fn mount(&self) -> io::Result<Mounted> {
        let point = tempfile::tempdir()?;
        let mut config = Config::default();
        let name = MountOption::FSName("seawall-forgets".to_owned());
        config.mount_options = vec![name, MountOption::NoAtime];
        config.n_threads = Some(THREADS);
        let session = fuser::spawn_mount(self.clone(), point.path(), &config)?;
        Ok(Mounted {
            session: Some(session),
            point,
        })
    }

    /// How often room was filled with zeroes.
    pub fn filled(&self) -> u64 {
        self.lock().filled
    }

    /// From now on nothing is written, named or synced.
    pub fn stop(&self) {
        let state = self.lock();
        // Nothing else takes a step of the disk while the lock is held.
        let next = state.disk.steps() + 1;
        state.disk.fail_at(next, Fault::PowerOff);
        let _ = state.disk.sync_folder();
        assert!(state.disk.is_off());
    }

    /// From now on syncs claim success and keep nothing: those of files, or those of the folder.
    pub fn lie(&self, lie: Lie) {
        let state = self.lock();
        match lie {
            Lie::Files => state.disk.break_syncs(),
            Lie::Names => state.disk.break_folder_syncs(),
        }
    }

    /// From now on these bytes of files whose names end so cannot be read.
    pub fn refuse_reads(&self, names: &'static str, part: Range<u64>) {
        self.lock().unreadable = Some((names, part));
    }

    /// How many syncs of files were asked for.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Forgets what was not synced, or parts of it. It must not be mounted.
    pub fn lose(&self, loss: PowerLoss, seed: u64) {
        let mut state = self.lock();
        state.disk.lose_power(loss, seed);
        state.nodes.clear();
        state.named.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mounted {
    pub fn path(&self) -> &Path {
        self.point.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // Where somebody has a file open still, it is unmounted when that is closed.
            let _ = session.umount_and_join();
        }
    }
}

impl State {
    /// The node of the file that has this name.
    fn node(&mut self, name: &OsStr) -> io::Result<u64> {
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        if let Some(&node) = self.named.get(name) {
            return Ok(node);
        }
        let file = self.disk.open(name)?;
        Ok(self.add(name, file))
    }

    fn add(&mut self, name: &str, file: MemoryFile) -> u64 {
        self.last_node += 1;
        let node = Node {
            file: Arc::new(file),
            name: name.to_owned(),
        };
        self.nodes.insert(self.last_node, node);
        self.named.insert(name.to_owned(), self.last_node);
        self.last_node
    }

    /// The file that the kernel calls so; one that was removed is gone, since nothing here keeps using such.
    fn file(&self, node: INodeNo) -> io::Result<&Node> {
        let found = self.nodes.get(&node.0);
        let is_named = |found: &&Node| self.named.get(&found.name) == Some(&node.0);
        found
            .filter(is_named)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn attributes(&self, node: INodeNo) -> io::Result<FileAttr> {
        let (kind, size) = if node == INodeNo::ROOT {
            (FileType::Directory, 0)
        } else {
            (
                FileType::RegularFile,
                self.disk.size(&self.file(node)?.name)?,
            )
        };
        Ok(FileAttr {
            ino: node,
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: if kind == FileType::Directory {
                0o755
            } else {
                0o644
            },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: BLOCK_BYTES,
            flags: 0,
        })
    }

    fn create(&mut self, name: &OsStr) -> io::Result<FileAttr> {
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let file = self.disk.create(name)?;
        let node = self.add(name, file);
        self.attributes(INodeNo(node))
    }

    fn rename(&mut self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let node = self.node(from)?;
        let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
        self.disk.rename(&from, &to)?;
        self.named.remove(&*from);
        self.named.insert(to.clone().into_owned(), node);
        if let Some(renamed) = self.nodes.get_mut(&node) {
            renamed.name = to.into_owned();
        }
        Ok(())
    }

    fn remove(&mut self, name: &OsStr) -> io::Result<()> {
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        self.disk.remove(name)?;
        self.named.remove(name);
        Ok(())
    }

    fn read(&self, node: INodeNo, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        use io::Read;
        let name = &self.file(node)?.name;
        let left = self.disk.size(name)?.saturating_sub(offset);
        let mut bytes = vec![0; left.min(u64::from(size)) as usize];
        if let Some((names, part)) = &self.unreadable
            && name.ends_with(names)
            && offset < part.end
            && part.start < offset + bytes.len() as u64
        {
            return Err(io::Error::other("a part that cannot be read"));
        }
        self.disk.read(name, offset)?.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// How long a sync takes, and whether it covers what is written meanwhile.
    fn draw_sync(&mut self) -> (Duration, bool) {
        let time = Duration::from_micros(self.random.random_range(0..SYNC_US_MAX));
        (time, self.random.random())
    }
}

fn errno(error: &io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::NotFound => Errno::ENOENT,
        io::ErrorKind::InvalidFilename => Errno::EINVAL,
        _ => Errno::EIO,
    }
}

/// Syncs in its time: at the beginning of it, or at the end.
fn sync_in_time(
    (time, is_late): (Duration, bool),
    sync: impl FnOnce() -> io::Result<()>,
    reply: ReplyEmpty,
) {
    if is_late {
        thread::sleep(time);
    }
    let synced = sync();
    if !is_late {
        thread::sleep(time);
    }
    done(synced, reply);
}

fn done(result: io::Result<()>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(&error)),
    }
}

impl Filesystem for Folder {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut state = self.lock();
        let node = state.node(name);
        match node.and_then(|node| state.attributes(INodeNo(node))) {
            Ok(found) => reply.entry(&NO_TIME, &found, Generation(0)),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn getattr(&self, _: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.lock().attributes(node) {
            Ok(found) => reply.attr(&NO_TIME, &found),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        node: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<std::time::SystemTime>,
        _chgtime: Option<std::time::SystemTime>,
        _bkuptime: Option<std::time::SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let state = self.lock();
        let changed = size.map_or(Ok(()), |size| state.file(node)?.file.set_len(size));
        match changed.and_then(|()| state.attributes(node)) {
            Ok(found) => reply.attr(&NO_TIME, &found),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.lock().create(name) {
            Ok(made) => reply.created(
                &NO_TIME,
                &made,
                Generation(0),
                FileHandle(0),
                FopenFlags::empty(),
            ),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.lock().remove(name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        to: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        done(self.lock().rename(name, to), reply);
    }

    fn read(
        &self,
        _: &Request,
        node: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.lock().read(node, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        node: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.lock();
        let file = state.file(node);
        match file.and_then(|node| node.file.write_at(data, offset)) {
            Ok(()) => {
                // Nothing else that a server writes is so many zeroes.
                let is_filling = data.len() >= 4 << 10 && data.iter().all(|byte| *byte == 0);
                state.filled += u64::from(is_filling);
                reply.written(data.len() as u32);
            }
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        node: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        if mode != 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let state = self.lock();
        let file = state.file(node);
        match file.and_then(|node| node.file.reserve(offset + length)) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // A file that is closed is not synced by that.
        reply.ok();
    }

    fn fsync(&self, _: &Request, node: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.lock();
        let drawn = state.draw_sync();
        state.syncs += 1;
        let file = state.file(node).map(|node| Arc::clone(&node.file));
        drop(state);
        let sync = || {
            let file = file?;
            // The disk takes its steps under the lock.
            let _state = self.lock();
            file.sync()
        };
        sync_in_time(drawn, sync, reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let drawn = self.lock().draw_sync();
        sync_in_time(drawn, || self.lock().disk.sync_folder(), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let mut state = self.lock();
        let mut names = match state.disk.list() {
            Ok(names) => names,
            Err(error) => return reply.error(errno(&error)),
        };
        names.sort();
        for (at, name) in names.iter().enumerate().skip(offset as usize) {
            let Ok(node) = state.node(OsStr::new(name)) else {
                continue;
            };
            if reply.add(INodeNo(node), at as u64 + 1, FileType::RegularFile, name) {
                break;
            }
        }
        reply.ok();
    }
}
