//! What a folder that forgets has: its disk, and what the kernel calls its files and folders while it is mounted.
//!
//! The disk knows one list of names: a file in a folder of it is called by its whole path.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::disk::{Disk, MemoryDisk, MemoryFile, PowerLoss};

const BLOCK_BYTES: u32 = 4096;

/// The most that a sync takes.
const SYNC_US_MAX: u64 = 1_000;

/// What separates the name of a folder from that of a file in it.
const SEPARATOR: char = '/';

/// The disk, and what of it has been named to the kernel since it was mounted.
pub(super) struct State {
    pub(super) disk: MemoryDisk,
    /// Folders that were made, which no loss of power takes away.
    folders: BTreeSet<String>,
    random: Xoshiro256PlusPlus,
    nodes: BTreeMap<u64, Node>,
    /// The node that a path stands for.
    named: BTreeMap<String, u64>,
    last_node: u64,
    /// Syncs of files that were asked for.
    pub(super) syncs: u64,
    /// Writes of zeroes.
    pub(super) filled: u64,
    /// What cannot be read: so many bytes of files whose names end so.
    pub(super) unreadable: Option<(&'static str, Range<u64>)>,
}

struct Node {
    /// Absent of a folder.
    file: Option<Arc<MemoryFile>>,
    /// Its path; the last one where it was removed.
    path: String,
}

impl State {
    pub(super) fn new(disk: MemoryDisk, seed: u64) -> State {
        State {
            disk,
            folders: BTreeSet::new(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            nodes: BTreeMap::new(),
            named: BTreeMap::new(),
            last_node: INodeNo::ROOT.0,
            syncs: 0,
            filled: 0,
            unreadable: None,
        }
    }

    /// Forgets what was not synced, or parts of it, and what the kernel called the rest.
    pub(super) fn lose(&mut self, loss: PowerLoss, seed: u64) {
        self.disk.lose_power(loss, seed);
        self.nodes.clear();
        self.named.clear();
    }

    /// What `name` in the folder `parent` is called on the disk.
    fn path(&self, parent: INodeNo, name: &OsStr) -> io::Result<String> {
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(self.prefix(parent)? + name)
    }

    /// What paths in the folder `parent` begin with.
    fn prefix(&self, parent: INodeNo) -> io::Result<String> {
        if parent == INodeNo::ROOT {
            return Ok(String::new());
        }
        let folder = self.nodes.get(&parent.0).ok_or(io::ErrorKind::NotFound)?;
        Ok(format!("{}{SEPARATOR}", folder.path))
    }

    /// The node of what has this path.
    fn node(&mut self, path: &str) -> io::Result<u64> {
        if let Some(&node) = self.named.get(path) {
            return Ok(node);
        }
        let file = if self.folders.contains(path) {
            None
        } else {
            Some(self.disk.open(path)?)
        };
        Ok(self.add(path, file))
    }

    fn add(&mut self, path: &str, file: Option<MemoryFile>) -> u64 {
        self.last_node += 1;
        let node = Node {
            file: file.map(Arc::new),
            path: path.to_owned(),
        };
        self.nodes.insert(self.last_node, node);
        self.named.insert(path.to_owned(), self.last_node);
        self.last_node
    }

    /// What the kernel calls so; what was removed is gone, since nothing here keeps using such.
    fn known(&self, node: INodeNo) -> io::Result<&Node> {
        let found = self.nodes.get(&node.0);
        let is_named = |found: &&Node| self.named.get(&found.path) == Some(&node.0);
        found
            .filter(is_named)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The file that the kernel calls so.
    pub(super) fn file(&self, node: INodeNo) -> io::Result<&Arc<MemoryFile>> {
        let file = self.known(node)?.file.as_ref();
        file.ok_or_else(|| io::ErrorKind::IsADirectory.into())
    }

    pub(super) fn find(&mut self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let path = self.path(parent, name)?;
        let node = self.node(&path)?;
        self.attributes(INodeNo(node))
    }

    pub(super) fn attributes(&self, node: INodeNo) -> io::Result<FileAttr> {
        let size = if node == INodeNo::ROOT {
            None
        } else {
            let Node { file, path } = self.known(node)?;
            file.as_ref().map(|_| self.disk.size(path)).transpose()?
        };
        let (kind, perm) = match size {
            None => (FileType::Directory, 0o755),
            Some(_) => (FileType::RegularFile, 0o644),
        };
        let size = size.unwrap_or(0);
        Ok(FileAttr {
            ino: node,
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: BLOCK_BYTES,
            flags: 0,
        })
    }

    pub(super) fn create(&mut self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let path = self.path(parent, name)?;
        let file = self.disk.create(&path)?;
        let node = self.add(&path, Some(file));
        self.attributes(INodeNo(node))
    }

    pub(super) fn make_folder(&mut self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        if self.disk.is_off() {
            return Err(io::Error::other("power is off"));
        }
        let path = self.path(parent, name)?;
        let node = self.add(&path, None);
        self.folders.insert(path);
        self.attributes(INodeNo(node))
    }

    /// Gives a file another path; folders keep theirs.
    pub(super) fn rename(
        &mut self,
        from: (INodeNo, &OsStr),
        to: (INodeNo, &OsStr),
    ) -> io::Result<()> {
        let (from, to) = (self.path(from.0, from.1)?, self.path(to.0, to.1)?);
        let node = self.node(&from)?;
        self.file(INodeNo(node))?;
        self.disk.rename(&from, &to)?;
        self.named.remove(&from);
        self.named.insert(to.clone(), node);
        if let Some(renamed) = self.nodes.get_mut(&node) {
            renamed.path = to;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, parent: INodeNo, name: &OsStr) -> io::Result<()> {
        let path = self.path(parent, name)?;
        self.disk.remove(&path)?;
        self.named.remove(&path);
        Ok(())
    }

    /// What is in a folder: names in order, each with its node and what it is.
    pub(super) fn list(&mut self, folder: INodeNo) -> io::Result<Vec<(String, INodeNo, FileType)>> {
        let prefix = self.prefix(folder)?;
        let mut paths = self.disk.list()?;
        paths.extend(self.folders.iter().cloned());
        paths.sort();
        let mut list = Vec::new();
        for path in paths {
            let Some(name) = path
                .strip_prefix(&prefix)
                .filter(|name| !name.contains(SEPARATOR))
            else {
                continue;
            };
            let node = INodeNo(self.node(&path)?);
            list.push((name.to_owned(), node, self.attributes(node)?.kind));
        }
        Ok(list)
    }

    pub(super) fn read(&self, node: INodeNo, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        use io::Read;
        let path = &self.known(node)?.path;
        let left = self.disk.size(path)?.saturating_sub(offset);
        let mut bytes = vec![0; left.min(u64::from(size)) as usize];
        if let Some((names, part)) = &self.unreadable
            && path.ends_with(names)
            && offset < part.end
            && part.start < offset + bytes.len() as u64
        {
            return Err(io::Error::other("a part that cannot be read"));
        }
        self.disk.read(path, offset)?.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// How long a sync takes, and whether it covers what is written meanwhile.
    pub(super) fn draw_sync(&mut self) -> (Duration, bool) {
        let time = Duration::from_micros(self.random.random_range(0..SYNC_US_MAX));
        (time, self.random.random())
    }
}
