//! What one group commit takes: bytes are appended to a file, and durable.
//!
//! In a file that grows, in one whose room is reserved (`fallocate`), and in one whose room was filled with zeroes;
//! made durable by `fdatasync`, by writes to a file that is open with `O_DSYNC`, or by such writes past the page cache
//! (`O_DIRECT`, whole blocks: the last one is written again); by system calls, through `io_uring` where the caller
//! waits in the ring, and where it sleeps until the ring rings an eventfd, as a worker does. All ways take turns,
//! commit by commit, so that each meets the same disk; which is first changes. What is told is the median, the 99th
//! percentile, and the processor's time that the caller and the kernel's threads for it took, in the mean.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use seawall_sys::ring::Ring;
use seawall_sys::usage::process_cpu;

/// What is committed at once, in bytes: one small `SET`, a turn's worth, many turns' worth.
const SIZES: [usize; 3] = [100, 7_000, 100_000];
/// How many commits of each way and size are measured.
const COMMITS: usize = 300;
/// How much room a file is given at once.
const ROOM_BYTES: u64 = 4 << 20;
/// What is written past the page cache begins and ends at multiples of this, in memory, too.
const BLOCK_BYTES: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Growing,
    Reserved,
    Zeroed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    Fdatasync,
    Dsync,
    DirectDsync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// System calls.
    Call,
    /// In the ring.
    Ring,
    /// For the ring's eventfd.
    Bell,
}

/// A way to commit, and its file.
struct Way {
    room: Room,
    sync: Sync,
    waiting: Waiting,
    file: Arc<File>,
    ring: Option<(Ring, OwnedFd)>,
    /// What is written again past the page cache: the last block, as far as it is full.
    last: Vec<u8>,
    len: u64,
    until: u64,
}

impl Way {
    /// The way, where the system has it.
    fn new(folder: &Path, (room, sync, waiting): (Room, Sync, Waiting)) -> io::Result<Way> {
        let flags = match sync {
            Sync::Fdatasync => OFlags::empty(),
            Sync::Dsync => OFlags::DSYNC,
            Sync::DirectDsync => OFlags::DSYNC | OFlags::DIRECT,
        };
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .custom_flags(flags.bits() as i32)
            .open(folder.join(format!("{room:?}-{sync:?}-{waiting:?}")))?;
        let ring = if waiting == Waiting::Call {
            None
        } else {
            let ring = Ring::new(4).map_err(io::Error::other)?;
            let bell = eventfd(0, EventfdFlags::NONBLOCK)?;
            if waiting == Waiting::Bell {
                ring.ring_bell(bell.as_fd())?;
            }
            Some((ring, bell))
        };
        Ok(Way {
            room,
            sync,
            waiting,
            file: Arc::new(file),
            ring,
            last: Vec::new(),
            len: 0,
            until: 0,
        })
    }

    /// Makes room where there is too little: not a part of a commit, since a log does it beside, or seldom.
    fn prepare(&mut self, bytes: usize) -> io::Result<()> {
        if self.room == Room::Growing || self.len + bytes as u64 <= self.until {
            return Ok(());
        }
        let from = self.until;
        self.until += ROOM_BYTES;
        if self.room == Room::Zeroed {
            let zeroes = vec![0; ROOM_BYTES as usize + BLOCK_BYTES];
            self.file
                .write_all_at(&aligned(&zeroes)[..ROOM_BYTES as usize], from)?;
        } else {
            fallocate(&self.file, FallocateFlags::empty(), 0, self.until)?;
        }
        self.file.sync_data()
    }

    fn commit(&mut self, bytes: &[u8]) -> io::Result<(Duration, Duration)> {
        let (begin, spent) = (Instant::now(), process_cpu());
        match &mut self.ring {
            None if self.sync == Sync::DirectDsync => self.write_blocks(bytes)?,
            None => {
                self.file.write_all_at(bytes, self.len)?;
                if self.sync == Sync::Fdatasync {
                    self.file.sync_data()?;
                }
            }
            Some((ring, bell)) => {
                let (at, written) = (self.len, bytes.to_vec());
                let handed = if self.sync == Sync::Fdatasync {
                    ring.write_then_sync(0, &self.file, at, written)
                } else {
                    ring.write(0, &self.file, at, written)
                };
                handed.map_err(io::Error::other)?;
                ring.submit()?;
                while ring.in_flight() > 0 {
                    if self.waiting == Waiting::Ring {
                        ring.wait()?;
                    } else {
                        poll(&mut [PollFd::new(bell, PollFlags::IN)], None)?;
                        let _ = rustix::io::read(&*bell, &mut [0; 8]);
                    }
                    for done in ring.reap() {
                        done.result?;
                    }
                }
            }
        }
        self.len += bytes.len() as u64;
        Ok((begin.elapsed(), process_cpu().saturating_sub(spent)))
    }

    fn write_blocks(&mut self, bytes: &[u8]) -> io::Result<()> {
        let from = self.len - self.last.len() as u64;
        let full = self.last.len() + bytes.len();
        let whole = full.next_multiple_of(BLOCK_BYTES);
        let mut buffer = vec![0; whole + BLOCK_BYTES];
        let start = buffer.as_ptr().align_offset(BLOCK_BYTES);
        let blocks = &mut buffer[start..][..whole];
        blocks[..self.last.len()].copy_from_slice(&self.last);
        blocks[self.last.len()..full].copy_from_slice(bytes);
        self.file.write_all_at(blocks, from)?;
        self.last = blocks[full / BLOCK_BYTES * BLOCK_BYTES..full].to_vec();
        Ok(())
    }
}

/// `bytes`, of which a block is left out, from where a block may begin.
fn aligned(bytes: &[u8]) -> &[u8] {
    let start = bytes.as_ptr().align_offset(BLOCK_BYTES);
    &bytes[start..][..bytes.len() - BLOCK_BYTES]
}

/// Every way that there is here.
fn ways(folder: &Path) -> Vec<Way> {
    let mut ways = Vec::new();
    for room in [Room::Growing, Room::Reserved, Room::Zeroed] {
        for sync in [Sync::Fdatasync, Sync::Dsync, Sync::DirectDsync] {
            for waiting in [Waiting::Call, Waiting::Ring, Waiting::Bell] {
                // A ring takes a buffer of any alignment, which is not enough past the page cache.
                if sync == Sync::DirectDsync && waiting != Waiting::Call {
                    continue;
                }
                match Way::new(folder, (room, sync, waiting)) {
                    Ok(way) => ways.push(way),
                    Err(error) => println!("not here: {room:?} {sync:?} {waiting:?}: {error}"),
                }
            }
        }
    }
    ways
}

/// Measures every way, and prints a table.
pub fn run() {
    println!(
        "\n| bytes | file | durable by | waited for by | median, µs | p99, µs | CPU, µs |\n|---|---|---|---|---|---|---|"
    );
    for size in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut ways = ways(folder.path());
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31) as u8 | 1).collect();
        let mut times = vec![Vec::with_capacity(COMMITS); ways.len()];
        for round in 0..COMMITS {
            for turn in 0..ways.len() {
                let at = (round + turn) % ways.len();
                ways[at].prepare(size).expect("the disk has room");
                times[at].push(ways[at].commit(&bytes).expect("the disk works"));
            }
        }
        for (way, mut times) in ways.iter().zip(times) {
            let cpu: Duration = times.iter().map(|(_, cpu)| cpu).sum();
            times.sort_unstable();
            let at = |part: f64| {
                times[(part * (times.len() - 1) as f64) as usize]
                    .0
                    .as_micros()
            };
            println!(
                "| {size} | {:?} | {:?} | {:?} | {} | {} | {} |",
                way.room,
                way.sync,
                way.waiting,
                at(0.5),
                at(0.99),
                cpu.as_micros() / COMMITS as u128
            );
        }
    }
}
