//! `io_uring` for sockets: accepting, receiving and sending for many connections of one thread.
//!
//! The one idea is the [`Ring`](super::Ring)'s: what the kernel looks at belongs to the ring until the
//! kernel is done with it. Accepts and receives are *multishot* (asked for once, completed many times);
//! what is received lies in a common pool of buffers and is lent to the caller of
//! [`Sockets::reap`] for the length of a call; what is sent goes in by value and comes back. A socket
//! stays open while the ring has an operation on it. So every method is safe, whatever the caller
//! forgets.
//!
//! Each operation carries the caller's token; [`InFlight`] names it for [`Sockets::cancel`]. The ring
//! belongs to the thread that made it: the kernel then delivers completions only when that thread asks.
//! It knows no connection, no order among sends (the caller has one at a time) and no limit.

use std::io;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use io_uring::{IoUring, Probe, cqueue, opcode, squeue, types};

use super::buffers::{Buffers, GROUP};
use super::{Unavailable, WRITE_BYTES_MAX};

/// Operations handed over at once; more wait for their turn.
const ENTRIES: u32 = 1024;
/// Completions that the kernel keeps before it must set some aside.
const COMPLETIONS: u32 = 4 * ENTRIES;
/// The longest wait. The kernel takes no duration that does not fit its own.
const WAIT_MAX: Duration = Duration::from_hours(1);
/// What a cancellation calls itself. No operation has so high a place.
const CANCELLATION: u64 = u64::MAX;

/// An operation's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    place: u32,
    generation: u32,
}

impl InFlight {
    fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.place)
    }
}

/// Something that an operation did.
#[derive(Debug)]
pub struct Completion<'a> {
    /// What the caller called the operation.
    pub token: u64,
    /// Whether the operation goes on. If not, its [`InFlight`] names nothing any more.
    pub more: bool,
    /// What was done.
    pub done: Done<'a>,
}

/// What an operation did. A cancelled one fails with `ECANCELED`.
#[derive(Debug)]
pub enum Done<'a> {
    /// A connection, non-blocking and closed on `exec`.
    Accept(io::Result<OwnedFd>),
    /// Bytes; none when the peer sends no more. `ENOBUFS`: all buffers are filled, ask again.
    Receive(io::Result<&'a [u8]>),
    /// How many more bytes were sent (perhaps fewer than asked), and the buffer.
    Send(io::Result<usize>, Vec<u8>),
    /// The descriptor became readable.
    Readable(io::Result<()>),
}

#[derive(Clone, Copy)]
enum Op {
    Accept,
    Receive,
    Send,
    Readable,
}

struct Flight {
    token: u64,
    op: Op,
    bytes: Vec<u8>,
    /// Kept open until the operation is done.
    _socket: Rc<OwnedFd>,
}

struct Place {
    generation: u32,
    flight: Option<Flight>,
}

/// The ring.
pub struct Sockets {
    ring: IoUring,
    buffers: ManuallyDrop<Buffers>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// Prepared, and not yet in the submission queue.
    backlog: Vec<squeue::Entry>,
    /// Completions taken from the kernel, and not yet reaped.
    done: Vec<cqueue::Entry>,
    /// The kernel knows which thread made the ring.
    _thread: PhantomData<Rc<()>>,
}

impl Sockets {
    /// A ring of the calling thread, with `buffers` (a power of two, at most 2¹⁵) of `buffer_bytes` for
    /// what is received.
    ///
    /// # Errors
    /// Where `io_uring` is forbidden, absent, or older than Linux 6.1.
    pub fn new(buffers: u16, buffer_bytes: u32) -> Result<Sockets, Unavailable> {
        let ring = IoUring::builder()
            .setup_clamp()
            .setup_cqsize(COMPLETIONS)
            .setup_submit_all()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(ENTRIES)
            .map_err(too_old)?;
        let mut probe = Probe::new();
        let probed = ring.submitter().register_probe(&mut probe);
        probed.map_err(Unavailable::from_setup)?;
        let needed = [
            ("accept", opcode::AcceptMulti::CODE),
            ("recv", opcode::RecvMulti::CODE),
            ("send", opcode::Send::CODE),
            ("poll", opcode::PollAdd::CODE),
            ("cancel", opcode::AsyncCancel::CODE),
        ];
        if let Some((name, _)) = needed.iter().find(|(_, code)| !probe.is_supported(*code)) {
            return Err(Unavailable {
                reason: format!("this kernel's has no {name}"),
                source: None,
            });
        }
        // SAFETY: the pool is dropped by `drop` alone, after everything in flight is done, and leaked
        // where that cannot be reached.
        let buffers = unsafe { Buffers::register(&ring, buffers, buffer_bytes) };
        let mut sockets = Sockets {
            ring,
            buffers: ManuallyDrop::new(buffers.map_err(too_old)?),
            places: Vec::new(),
            free: Vec::new(),
            backlog: Vec::new(),
            done: Vec::new(),
            _thread: PhantomData,
        };
        // A sandbox may allow the set-up and forbid the use.
        sockets
            .turn(Duration::ZERO)
            .map_err(Unavailable::from_setup)?;
        Ok(sockets)
    }

    /// Accepts connections on `listener` until cancelled or failed.
    pub fn accept(&mut self, token: u64, listener: &Rc<OwnedFd>) -> InFlight {
        let entry = opcode::AcceptMulti::new(types::Fd(listener.as_raw_fd()))
            .flags(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
            .build();
        self.begin(entry, token, Op::Accept, Vec::new(), listener)
    }

    /// Receives from `socket` until cancelled, failed, ended, or out of buffers.
    pub fn receive(&mut self, token: u64, socket: &Rc<OwnedFd>) -> InFlight {
        let entry = opcode::RecvMulti::new(types::Fd(socket.as_raw_fd()), GROUP).build();
        self.begin(entry, token, Op::Receive, Vec::new(), socket)
    }

    /// Sends `bytes[from..]` on `socket`, once.
    pub fn send(
        &mut self,
        token: u64,
        socket: &Rc<OwnedFd>,
        bytes: Vec<u8>,
        from: usize,
    ) -> InFlight {
        let rest = &bytes[from..];
        let len = rest.len().min(WRITE_BYTES_MAX) as u32;
        let entry = opcode::Send::new(types::Fd(socket.as_raw_fd()), rest.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL)
            .build();
        self.begin(entry, token, Op::Send, bytes, socket)
    }

    /// Tells each time that `fd` becomes readable, until cancelled or failed.
    pub fn readable(&mut self, token: u64, fd: &Rc<OwnedFd>) -> InFlight {
        let entry = opcode::PollAdd::new(types::Fd(fd.as_raw_fd()), libc::POLLIN as u32)
            .multi(true)
            .build();
        self.begin(entry, token, Op::Readable, Vec::new(), fd)
    }

    /// Asks the kernel to give `operation` up. It completes all the same: with `ECANCELED`, or with what
    /// it did before. One that is done already is left alone.
    pub fn cancel(&mut self, operation: InFlight) {
        let place = &self.places[operation.place as usize];
        if place.generation == operation.generation && place.flight.is_some() {
            let entry = opcode::AsyncCancel::new(operation.to_bits()).build();
            self.backlog.push(entry.user_data(CANCELLATION));
        }
    }

    /// Operations that the kernel is not done with, or whose last completion has not been reaped.
    pub fn in_flight(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Hands over all that was prepared, and waits up to `wait` for a completion (zero: does not wait).
    ///
    /// # Errors
    /// What the kernel says of the ring itself.
    pub fn turn(&mut self, wait: Duration) -> io::Result<()> {
        loop {
            let before = self.backlog.len();
            self.fill_queue();
            if self.backlog.is_empty() {
                break;
            }
            self.enter(Duration::ZERO)?;
            if self.backlog.len() == before {
                // The kernel takes nothing now (it may lack memory): the next turn tries again.
                return Ok(());
            }
        }
        let wait = if self.done.is_empty() {
            wait
        } else {
            Duration::ZERO
        };
        self.enter(wait)
    }

    /// Tells what was done since the last time.
    pub fn reap(&mut self, mut each: impl FnMut(Completion<'_>)) {
        let mut done = mem::take(&mut self.done);
        for entry in done.drain(..) {
            self.finish(&entry, &mut each);
        }
        self.done = done;
    }

    fn begin(
        &mut self,
        entry: squeue::Entry,
        token: u64,
        op: Op,
        bytes: Vec<u8>,
        socket: &Rc<OwnedFd>,
    ) -> InFlight {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                generation: 0,
                flight: None,
            });
            (self.places.len() - 1) as u32
        });
        let at = &mut self.places[place as usize];
        at.flight = Some(Flight {
            token,
            op,
            bytes,
            _socket: socket.clone(),
        });
        let name = InFlight {
            place,
            generation: at.generation,
        };
        self.backlog.push(entry.user_data(name.to_bits()));
        name
    }

    /// Moves what is prepared into the submission queue, as far as it fits.
    fn fill_queue(&mut self) {
        let mut queue = self.ring.submission();
        let room = queue.capacity() - queue.len();
        let now = room.min(self.backlog.len());
        // SAFETY: what the entries point at (a send's bytes, the sockets) is in `places` and stays there,
        // unmoved on the heap, until the kernel reports the operation done; `drop` waits for that, and
        // leaks them where waiting fails. Receives write to the pool, which lives as long.
        let pushed = unsafe { queue.push_multiple(&self.backlog[..now]) };
        pushed.expect("no more than there is room for");
        drop(queue);
        self.backlog.drain(..now);
    }

    /// One system call, or none where there is nothing to do or to wait for.
    fn enter(&mut self, wait: Duration) -> io::Result<()> {
        let entered = if wait.is_zero() || !self.ring.completion().is_empty() {
            let mut queue = self.ring.submission();
            let idle = queue.is_empty() && !queue.taskrun() && !queue.cq_overflow();
            queue.sync();
            drop(queue);
            if idle { Ok(0) } else { self.ring.submit() }
        } else {
            let timeout = types::Timespec::from(wait.min(WAIT_MAX));
            let args = types::SubmitArgs::new().timespec(&timeout);
            self.ring.submitter().submit_with_args(1, &args)
        };
        self.done.extend(self.ring.completion());
        match entered {
            // Nothing came in time, a signal did, or completions must be taken first, as they now are.
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
            Ok(_) => Ok(()),
        }
    }

    fn finish(&mut self, entry: &cqueue::Entry, each: &mut impl FnMut(Completion<'_>)) {
        if entry.user_data() == CANCELLATION {
            return;
        }
        let number = entry.user_data() as u32;
        let more = cqueue::more(entry.flags());
        let place = &mut self.places[number as usize];
        let flight = place.flight.as_mut().expect("the kernel names flights");
        let (token, op, bytes) = (flight.token, flight.op, mem::take(&mut flight.bytes));
        if !more {
            place.flight = None;
            place.generation = place.generation.wrapping_add(1);
            self.free.push(number);
        }
        let result = match entry.result() {
            failed if failed < 0 => Err(io::Error::from_raw_os_error(-failed)),
            done => Ok(done as usize),
        };
        let buffer = cqueue::buffer_select(entry.flags());
        let done = match op {
            Op::Accept => Done::Accept(result.map(|fd| {
                // SAFETY: the kernel made the descriptor for this completion, and nobody else knows it.
                unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
            })),
            Op::Receive => Done::Receive(result.map(|len| match buffer {
                Some(buffer) => self.buffers.filled(buffer, len),
                None => &[],
            })),
            Op::Send => Done::Send(result, bytes),
            Op::Readable => Done::Readable(result.map(drop)),
        };
        each(Completion { token, more, done });
        if let Some(buffer) = buffer {
            self.buffers.provide(buffer);
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // A second, where a cancelled operation takes microseconds.
        const ROUNDS_MAX: usize = 100;
        const ROUND: Duration = Duration::from_millis(10);
        for place in 0..self.places.len() as u32 {
            let generation = self.places[place as usize].generation;
            self.cancel(InFlight { place, generation });
        }
        for _ in 0..ROUNDS_MAX {
            self.reap(|_| {});
            if self.in_flight() == 0 {
                // SAFETY: the pool is dropped once, here, and nothing in flight can write to it.
                unsafe { ManuallyDrop::drop(&mut self.buffers) };
                return;
            }
            if self.turn(ROUND).is_err() {
                std::thread::sleep(ROUND);
            }
        }
        // The kernel may still use them: a leak is the lesser evil.
        mem::forget(mem::take(&mut self.places));
    }
}

fn too_old(error: io::Error) -> Unavailable {
    match error.raw_os_error() {
        Some(libc::EINVAL) => Unavailable {
            reason: "this kernel's is too old for sockets (Linux 6.1 or later)".to_owned(),
            source: Some(error),
        },
        _ => Unavailable::from_setup(error),
    }
}
