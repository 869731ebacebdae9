//! What one group commit takes: bytes are appended to a file, and durable.
//!
//! `pwrite` and `fdatasync`, or one submission to `io_uring` (a write, and a linked `fdatasync`), against writes to a
//! file that is open with `O_DSYNC`; in a file that grows, in one that has room (`fallocate`), and in one whose room
//! was filled with zeroes before. All ways take turns, commit by commit, so that each meets the same disk; which is
//! first changes. What is told is the median and the 99th percentile.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use seawall_sys::ring::Ring;

/// What is committed at once, in bytes: one small `SET`, a turn's worth, many turns' worth.
const SIZES: [usize; 3] = [100, 7_000, 64 << 10];
/// How many commits of each way and size are measured.
const COMMITS: usize = 400;
/// How much room a file is given at once.
const ROOM_BYTES: u64 = 4 << 20;

#[derive(Clone, Copy, PartialEq)]
enum Room {
    None,
    Reserved,
    Zeroed,
}

/// A way to commit, and its file.
struct Way {
    name: String,
    file: Arc<File>,
    ring: Option<Ring>,
    syncs: bool,
    room: Room,
    len: u64,
    until: u64,
}

impl Way {
    fn new(folder: &Path, uring: bool, syncs: bool, room: Room) -> Option<Way> {
        let ring = if uring {
            Some(Ring::new(4).ok()?)
        } else {
            None
        };
        let name = format!(
            "{} | {} | {}",
            if uring { "uring" } else { "file" },
            if syncs { "fdatasync" } else { "O_DSYNC" },
            match room {
                Room::None => "growing",
                Room::Reserved => "reserved",
                Room::Zeroed => "zeroed",
            }
        );
        let path = folder.join(name.replace(" | ", "-"));
        let flags = if syncs {
            OFlags::empty()
        } else {
            OFlags::DSYNC
        };
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .custom_flags(flags.bits() as i32)
            .open(path);
        Some(Way {
            name,
            file: Arc::new(file.expect("a file")),
            ring,
            syncs,
            room,
            len: 0,
            until: 0,
        })
    }

    /// Makes room where there is too little: not a part of a commit, since a log does it seldom.
    fn prepare(&mut self, bytes: usize) {
        if self.room == Room::None || self.len + bytes as u64 <= self.until {
            return;
        }
        let from = self.until;
        self.until += ROOM_BYTES;
        let room = match self.room {
            Room::Zeroed => self.file.write_all_at(&vec![0; ROOM_BYTES as usize], from),
            _ => fallocate(&self.file, FallocateFlags::empty(), 0, self.until)
                .map_err(io::Error::from),
        };
        room.and_then(|()| self.file.sync_data()).expect("room");
    }

    fn commit(&mut self, bytes: &[u8]) -> Duration {
        let begin = Instant::now();
        match &mut self.ring {
            None => {
                self.file
                    .write_all_at(bytes, self.len)
                    .expect("the disk works");
                if self.syncs {
                    self.file.sync_data().expect("the disk works");
                }
            }
            Some(ring) => {
                let (at, bytes) = (self.len, bytes.to_vec());
                let handed = if self.syncs {
                    ring.write_then_sync(0, &self.file, at, bytes)
                } else {
                    ring.write(0, &self.file, at, bytes)
                };
                handed.expect("there is room");
                while ring.in_flight() > 0 {
                    ring.wait().expect("it comes back");
                    for done in ring.reap() {
                        done.result.expect("the disk works");
                    }
                }
            }
        }
        let took = begin.elapsed();
        self.len += bytes.len() as u64;
        took
    }
}

/// Measures every way, and prints a table.
pub fn run() {
    println!(
        "\n| bytes | device | durable by | file | median, µs | p99, µs |\n|---|---|---|---|---|---|"
    );
    for size in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut ways: Vec<Way> = Vec::new();
        for uring in [false, true] {
            for syncs in [true, false] {
                for room in [Room::None, Room::Reserved, Room::Zeroed] {
                    ways.extend(Way::new(folder.path(), uring, syncs, room));
                }
            }
        }
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31) as u8 | 1).collect();
        let mut times = vec![Vec::with_capacity(COMMITS); ways.len()];
        for round in 0..COMMITS {
            for turn in 0..ways.len() {
                let at = (round + turn) % ways.len();
                ways[at].prepare(size);
                times[at].push(ways[at].commit(&bytes));
            }
        }
        for (way, mut times) in ways.iter().zip(times) {
            times.sort_unstable();
            let at = |part: f64| times[(part * (times.len() - 1) as f64) as usize].as_micros();
            println!("| {size} | {} | {} | {} |", way.name, at(0.5), at(0.99));
        }
    }
}
