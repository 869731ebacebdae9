//! The folder as the kernel asks for it: each call of FUSE, answered from the state.

use std::ffi::OsStr;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use fuser::{
    Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use seawall_store::disk::{Disk, DiskFile};

use super::lock;
use super::state::State;

/// The kernel asks anew each time: what is cached would outlive what is kept here.
const NO_TIME: Duration = Duration::ZERO;

/// Writes of so many zeroes or more fill room ahead: nothing else that a server writes is so many.
const FILLING_BYTES: usize = 4 << 10;

/// Who answers the kernel.
pub(super) struct System {
    state: Arc<Mutex<State>>,
}

impl System {
    pub(super) fn new(state: Arc<Mutex<State>>) -> System {
        System { state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn errno(error: &io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::NotFound => Errno::ENOENT,
        io::ErrorKind::InvalidFilename => Errno::EINVAL,
        io::ErrorKind::IsADirectory => Errno::EISDIR,
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

fn entered(found: io::Result<FileAttr>, reply: ReplyEntry) {
    match found {
        Ok(found) => reply.entry(&NO_TIME, &found, Generation(0)),
        Err(error) => reply.error(errno(&error)),
    }
}

fn told(found: io::Result<FileAttr>, reply: ReplyAttr) {
    match found {
        Ok(found) => reply.attr(&NO_TIME, &found),
        Err(error) => reply.error(errno(&error)),
    }
}

impl Filesystem for System {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entered(self.lock().find(parent, name), reply);
    }

    fn getattr(&self, _: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        told(self.lock().attributes(node), reply);
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
        let changed = size.map_or(Ok(()), |size| state.file(node)?.set_len(size));
        told(changed.and_then(|()| state.attributes(node)), reply);
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        entered(self.lock().make_folder(parent, name), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.lock().create(parent, name) {
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

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.lock().remove(parent, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.lock().rename((parent, name), (new_parent, new_name));
        done(renamed, reply);
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
        match file.and_then(|file| file.write_at(data, offset)) {
            Ok(()) => {
                let is_filling = data.len() >= FILLING_BYTES && data.iter().all(|byte| *byte == 0);
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
        match file.and_then(|file| file.reserve(offset + length)) {
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
        let file = state.file(node).map(Arc::clone);
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
        folder: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let list = match self.lock().list(folder) {
            Ok(list) => list,
            Err(error) => return reply.error(errno(&error)),
        };
        for (at, (name, node, kind)) in list.into_iter().enumerate().skip(offset as usize) {
            if reply.add(node, at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }
}
