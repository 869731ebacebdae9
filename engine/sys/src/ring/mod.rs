//! `io_uring`: writes and syncs that the kernel carries out while the caller goes on.
//!
//! The one idea: what the kernel looks at belongs to the [`Ring`] until the kernel is done with it. A
//! buffer goes in by value and comes back in its [`Completion`]; the file is held open meanwhile;
//! dropping the ring waits for whatever is in flight. So every method is safe, whatever the caller
//! forgets. A ring is driven by one thread at a time and may move between threads.
//!
//! It is not a runtime: there are no futures and no callbacks, and only the operations that a log
//! needs. Where `io_uring` is forbidden or absent, [`Ring::new`] says why ([`Unavailable`]), and the
//! caller takes another way.
#![expect(
    unsafe_code,
    reason = "the kernel reads buffers behind the compiler's back"
)]

mod buffers;
mod flight;
mod sockets;

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::{IoUring, Probe, opcode, squeue, types};

use flight::{Flight, Flights};

pub use sockets::{Completion as SocketCompletion, Done, InFlight, Sockets};

/// The most bytes that Linux writes in one call (`MAX_RW_COUNT`); more come back as a short write.
pub const WRITE_BYTES_MAX: usize = 0x7fff_f000;

/// Why there is no `io_uring` here.
#[derive(Debug, thiserror::Error)]
#[error("io_uring is not available: {reason}")]
pub struct Unavailable {
    /// What forbids it, for people.
    pub reason: String,
    /// What the kernel said, where it said anything.
    pub source: Option<io::Error>,
}

impl Unavailable {
    fn from_setup(error: io::Error) -> Unavailable {
        let reason = match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                "forbidden (by sysctl kernel.io_uring_disabled or a sandbox's system call filter)"
                    .to_owned()
            }
            Some(libc::ENOSYS) => "this kernel has none, or a sandbox hides it".to_owned(),
            Some(libc::ENOMEM) => "no memory for it (is the locked-memory limit low?)".to_owned(),
            Some(libc::EMFILE | libc::ENFILE) => "too many open files".to_owned(),
            _ => error.to_string(),
        };
        Unavailable {
            reason,
            source: Some(error),
        }
    }
}

/// The ring has as many operations in flight as it can: take completions first.
#[derive(Debug, thiserror::Error)]
#[error("the ring is full: completions must be taken first")]
pub struct Full {
    /// The buffer that was to be written, given back; empty where there was none.
    pub bytes: Vec<u8>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Nothing.
    Nop,
    /// Writing a buffer at an offset.
    Write,
    /// Making a file's data durable (`fdatasync`).
    Sync,
}

/// An operation that is done.
#[derive(Debug)]
pub struct Completion {
    /// What the caller named the operation.
    pub token: u64,
    /// What it was.
    pub op: Op,
    /// Bytes written (fewer than asked is a *short write*, and not an error here), 0 for the others.
    pub result: io::Result<usize>,
    /// The buffer that was written, back with its owner; empty where there was none.
    pub bytes: Vec<u8>,
}

/// A submission and completion queue shared with the kernel.
pub struct Ring {
    ring: IoUring,
    flights: Flights,
}

impl Ring {
    /// A ring for at most `entries` operations in flight (rounded up to a power of two by the
    /// kernel; at least 2, for a write and its sync).
    ///
    /// # Errors
    /// Where `io_uring` is forbidden, absent, or too old to write and sync.
    pub fn new(entries: u32) -> Result<Ring, Unavailable> {
        let ring = IoUring::builder()
            .setup_clamp()
            .build(entries.max(2))
            .map_err(Unavailable::from_setup)?;
        let mut probe = Probe::new();
        ring.submitter()
            .register_probe(&mut probe)
            .map_err(Unavailable::from_setup)?;
        let needed = [
            ("write", opcode::Write::CODE),
            ("fsync", opcode::Fsync::CODE),
        ];
        if let Some((name, _)) = needed.iter().find(|(_, code)| !probe.is_supported(*code)) {
            return Err(Unavailable {
                reason: format!("this kernel's has no {name} (Linux 5.6 or later does)"),
                source: None,
            });
        }
        let flights = Flights::new(ring.params().sq_entries() as usize);
        Ok(Ring { ring, flights })
    }

    /// Whether a ring can be made and used here.
    ///
    /// # Errors
    /// As [`Ring::new`].
    pub fn available() -> Result<(), Unavailable> {
        let mut ring = Ring::new(2)?;
        let round_trip = ring.nop(0).is_ok() && ring.wait().is_ok();
        if round_trip && ring.reap().next().is_some() {
            Ok(())
        } else {
            Err(Unavailable {
                reason: "an operation that does nothing did not come back".to_owned(),
                source: None,
            })
        }
    }

    /// Lets `bell`, an eventfd, become readable whenever an operation is done, whoever watches it.
    ///
    /// # Errors
    /// What the kernel says: the ring has another one, or this is none.
    pub fn ring_bell(&self, bell: BorrowedFd<'_>) -> io::Result<()> {
        self.ring.submitter().register_eventfd(bell.as_raw_fd())
    }

    /// How many more operations may be started now.
    pub fn room(&self) -> usize {
        self.flights.room()
    }

    /// How many operations are in flight, or done and not yet reaped.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Prepares an operation that does nothing.
    ///
    /// # Errors
    /// Where there is no room.
    pub fn nop(&mut self, token: u64) -> Result<(), Full> {
        self.require(1, Vec::new())?;
        let slot = self.flights.add(Flight::nop(token));
        self.push(&[opcode::Nop::new().build().user_data(slot)]);
        Ok(())
    }

    /// Prepares writing all of `bytes` to `file` at `offset`.
    ///
    /// # Errors
    /// Where there is no room; `bytes` come back.
    pub fn write(
        &mut self,
        token: u64,
        file: &Arc<File>,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Full> {
        self.require(1, bytes).map(|bytes| {
            let entry = self.write_entry(token, file, offset, bytes);
            self.push(&[entry]);
        })
    }

    /// Prepares making the data of `file` durable. It covers writes whose completion was seen
    /// before; writes in flight may or may not be covered.
    ///
    /// # Errors
    /// Where there is no room.
    pub fn sync(&mut self, token: u64, file: &Arc<File>) -> Result<(), Full> {
        self.require(1, Vec::new())?;
        let entry = self.sync_entry(token, file);
        self.push(&[entry]);
        Ok(())
    }

    /// Prepares a write, and a sync that begins when the write is done. Both complete under `token`;
    /// where the write fails or is short, the sync completes with `ECANCELED`.
    ///
    /// # Errors
    /// Where there is no room for two operations; `bytes` come back.
    pub fn write_then_sync(
        &mut self,
        token: u64,
        file: &Arc<File>,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Full> {
        self.require(2, bytes).map(|bytes| {
            let write = self.write_entry(token, file, offset, bytes);
            let sync = self.sync_entry(token, file);
            self.push(&[write.flags(squeue::Flags::IO_LINK), sync]);
        })
    }

    /// Hands everything prepared to the kernel. Does not wait.
    ///
    /// # Errors
    /// What the kernel says; what was prepared stays so.
    pub fn submit(&mut self) -> io::Result<()> {
        retry(|| self.ring.submit())
    }

    /// Hands everything prepared to the kernel and waits until at least one operation is done.
    /// Returns at once where none is in flight.
    ///
    /// # Errors
    /// As [`Ring::submit`].
    pub fn wait(&mut self) -> io::Result<()> {
        if self.flights.is_empty() {
            return Ok(());
        }
        retry(|| self.ring.submit_and_wait(1))
    }

    /// Takes the operations that are done, without a system call.
    pub fn reap(&mut self) -> impl Iterator<Item = Completion> {
        let flights = &mut self.flights;
        self.ring
            .completion()
            .map(|entry| flights.finish(entry.user_data(), entry.result()))
    }

    fn require(&self, wanted: usize, bytes: Vec<u8>) -> Result<Vec<u8>, Full> {
        if self.flights.room() >= wanted {
            Ok(bytes)
        } else {
            Err(Full { bytes })
        }
    }

    fn write_entry(
        &mut self,
        token: u64,
        file: &Arc<File>,
        offset: u64,
        bytes: Vec<u8>,
    ) -> squeue::Entry {
        let len = bytes.len().min(WRITE_BYTES_MAX) as u32;
        let fd = types::Fd(file.as_raw_fd());
        let start = bytes.as_ptr();
        let slot = self.flights.add(Flight::write(token, file.clone(), bytes));
        opcode::Write::new(fd, start, len)
            .offset(offset)
            .build()
            .user_data(slot)
    }

    fn sync_entry(&mut self, token: u64, file: &Arc<File>) -> squeue::Entry {
        let slot = self.flights.add(Flight::sync(token, file.clone()));
        opcode::Fsync::new(types::Fd(file.as_raw_fd()))
            .flags(types::FsyncFlags::DATASYNC)
            .build()
            .user_data(slot)
    }

    fn push(&mut self, entries: &[squeue::Entry]) {
        // SAFETY: what the entries point at (a write's buffer, the files) is in `flights` and stays
        // there, unmoved on the heap, until the kernel reports the operation done; `drop` waits for
        // that, and leaks them where waiting fails.
        let pushed = unsafe { self.ring.submission().push_multiple(entries) };
        pushed.expect("as many entries as flights, and `require` found room for these");
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Long enough for a disk that stalls, not for ever.
        const FAILURES_MAX: usize = 1_000;
        let mut failures = 0;
        while !self.flights.is_empty() {
            let waited = self.wait();
            self.reap().for_each(drop);
            if waited.is_err() {
                failures += 1;
                if failures == FAILURES_MAX {
                    // The kernel may still read them: a leak is the lesser evil.
                    self.flights.leak();
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// A signal is no reason to give up.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}
