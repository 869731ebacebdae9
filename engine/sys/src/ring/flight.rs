//! What the kernel has: buffers and files of operations in flight, by slot.
//!
//! The one idea: a slab of fixed capacity. A slot's number travels through the kernel as the
//! operation's `user_data`; an entry leaves only when the kernel says that it is done.

use std::fs::File;
use std::io;
use std::mem;
use std::sync::Arc;

use super::{Completion, Op};

/// One operation in flight.
pub(super) struct Flight {
    token: u64,
    op: Op,
    bytes: Vec<u8>,
    /// Kept open until the operation is done.
    _file: Option<Arc<File>>,
}

impl Flight {
    pub(super) fn nop(token: u64) -> Flight {
        Flight {
            token,
            op: Op::Nop,
            bytes: Vec::new(),
            _file: None,
        }
    }

    pub(super) fn sync(token: u64, file: Arc<File>) -> Flight {
        Flight {
            token,
            op: Op::Sync,
            bytes: Vec::new(),
            _file: Some(file),
        }
    }

    pub(super) fn write(token: u64, file: Arc<File>, bytes: Vec<u8>) -> Flight {
        Flight {
            token,
            op: Op::Write,
            bytes,
            _file: Some(file),
        }
    }
}

/// All operations in flight.
pub(super) struct Flights {
    slots: Vec<Option<Flight>>,
    free: Vec<usize>,
}

impl Flights {
    pub(super) fn new(capacity: usize) -> Flights {
        Flights {
            slots: (0..capacity).map(|_| None).collect(),
            free: (0..capacity).rev().collect(),
        }
    }

    pub(super) fn room(&self) -> usize {
        self.free.len()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps `flight` and gives its slot. The caller has asked for room.
    pub(super) fn add(&mut self, flight: Flight) -> u64 {
        let slot = self.free.pop().expect("the caller asked for room");
        self.slots[slot] = Some(flight);
        slot as u64
    }

    /// Lets go of the operation in `slot`, which the kernel has done with `result` (negative: an
    /// error number).
    pub(super) fn finish(&mut self, slot: u64, result: i32) -> Completion {
        let slot = slot as usize;
        let flight = self.slots[slot]
            .take()
            .expect("the kernel names each flight once");
        self.free.push(slot);
        Completion {
            token: flight.token,
            op: flight.op,
            result: usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result)),
            bytes: flight.bytes,
        }
    }

    /// Never frees what is in flight.
    pub(super) fn leak(&mut self) {
        mem::forget(mem::take(&mut self.slots));
        self.free.clear();
    }
}
