//! What the conductor of a cell and its clients share: where the cell stands, and what clients bring back.
//!
//! The one idea: the conductor alone enters phases, and enters none that clients must have prepared before
//! all of them have *arrived*. It knows neither targets nor workloads.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::BenchError;
use crate::cost::Effort;
use crate::recording::Recording;

/// Where a cell stands; every client follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    Load,
    Rest,
    Warm,
    Measure,
    Settle,
    /// The clock has stopped, and the load goes on.
    Beyond,
    /// It still does, while the target ends in the midst of it.
    End,
    Stop,
}

/// What a client brings back of a turn.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) recording: Recording,
    /// What it spent while the clock ran.
    pub(super) effort: Effort,
}

/// Where a cell stands.
pub(super) struct Stage {
    clients: usize,
    phase: AtomicU8,
    opened: AtomicUsize,
    arrived: AtomicUsize,
    finished: AtomicUsize,
    left: AtomicUsize,
    driven: Mutex<Vec<Driven>>,
    failure: Mutex<Option<BenchError>>,
    failed: AtomicBool,
}

impl Stage {
    /// For so many clients, who are to load.
    pub(super) fn new(clients: usize) -> Stage {
        Stage {
            clients,
            phase: AtomicU8::new(Phase::Load as u8),
            opened: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            driven: Mutex::new(Vec::new()),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        // Release pairs with the Acquire in `phase`: a client that sees a phase sees what was done
        // before it.
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(super) fn phase(&self) -> Phase {
        // Pairs with the Release in `enter`.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Load,
            1 => Phase::Rest,
            2 => Phase::Warm,
            3 => Phase::Measure,
            4 => Phase::Settle,
            5 => Phase::Beyond,
            6 => Phase::End,
            _ => Phase::Stop,
        }
    }

    /// A client has its connections.
    pub(super) fn opened(&self) {
        // Release pairs with the Acquire in `all_opened`.
        self.opened.fetch_add(1, Ordering::Release);
    }

    pub(super) fn all_opened(&self) -> bool {
        // Pairs with the Release in `opened`.
        self.opened.load(Ordering::Acquire) >= self.clients
    }

    /// A client did what comes before the next phase: it has loaded, or its turn is over.
    pub(super) fn arrive(&self) {
        // Release pairs with the Acquire in `all_arrived`.
        self.arrived.fetch_add(1, Ordering::Release);
    }

    pub(super) fn all_arrived(&self) -> bool {
        // Pairs with the Release in `arrive`.
        self.arrived.load(Ordering::Acquire) >= self.clients
    }

    /// A client did the ops that it was to do in its turn.
    pub(super) fn finish(&self) {
        // Release pairs with the Acquire in `all_finished`.
        self.finished.fetch_add(1, Ordering::Release);
    }

    pub(super) fn all_finished(&self) -> bool {
        // Pairs with the Release in `finish`.
        self.finished.load(Ordering::Acquire) >= self.clients
    }

    /// A client has closed its connections.
    pub(super) fn leave(&self) {
        // Release pairs with the Acquire in `all_left`.
        self.left.fetch_add(1, Ordering::Release);
    }

    pub(super) fn all_left(&self) -> bool {
        // Pairs with the Release in `leave`.
        self.left.load(Ordering::Acquire) >= self.clients
    }

    /// Before a turn: nobody has arrived, and nobody has finished.
    pub(super) fn depart(&self) {
        // Clients see both no earlier than the phase that follows.
        self.arrived.store(0, Ordering::Relaxed);
        self.finished.store(0, Ordering::Relaxed);
    }

    /// Takes what a client brings back.
    pub(super) fn bring(&self, driven: Driven) {
        let mut all = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(driven);
    }

    /// What clients brought back since it was asked last.
    pub(super) fn driven(&self) -> Vec<Driven> {
        let mut all = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *all)
    }

    /// Ends the cell; the first error is kept.
    pub(super) fn fail(&self, error: BenchError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        // Release pairs with the Acquire in `has_failed`.
        self.failed.store(true, Ordering::Release);
    }

    pub(super) fn has_failed(&self) -> bool {
        // Pairs with the Release in `fail`.
        self.failed.load(Ordering::Acquire)
    }

    /// The first error.
    pub(super) fn failure(self) -> Option<BenchError> {
        let failure = self.failure.into_inner();
        failure.unwrap_or_else(PoisonError::into_inner)
    }
}
