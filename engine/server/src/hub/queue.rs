//! Who goes on, and when: clients that have more to do wait in a queue, and the turn's budget says how many of
//! them have their turn.
//!
//! ```text
//!  comes, budget left ──────► served ──more to do──► the queue's end
//!  comes, budget spent ─────► the queue's end
//!  spends the budget ───────► the queue's end, behind all who came in this turn
//!  next turn: the queue's front ─► served, as far as the budget reaches, and then who comes
//! ```
//! So whoever waits is served after as many others as were there before it, however much those ask.

use super::Hub;
use crate::connection::{Connection, Turn};
use crate::net::Token;

impl Hub {
    /// Lets everyone go on who may now, those who wait longest first, until the budget is spent.
    pub(super) fn go_on(&mut self) {
        for _ in 0..self.runnable.len() {
            if self.budget.is_spent() {
                break;
            }
            let Some(slot) = self.runnable.pop_front() else {
                break;
            };
            if let Some(seat) = &mut self.seats[slot as usize] {
                seat.is_runnable = false;
            }
            self.with_slot(slot, Connection::resume);
        }
    }

    pub(super) fn with(&mut self, token: Token, work: impl FnOnce(&mut Connection, &mut Turn<'_>)) {
        if let Some(slot) = self.slot(token) {
            self.with_slot(slot, work);
        }
    }

    pub(super) fn with_slot(
        &mut self,
        slot: u32,
        work: impl FnOnce(&mut Connection, &mut Turn<'_>),
    ) {
        let Some(seat) = &mut self.seats[slot as usize] else {
            return;
        };
        let mut turn = Turn {
            server: &self.server,
            store: &mut self.store,
            limits: &self.limits,
            timers: &mut self.timers,
            scratch: &mut self.scratch,
            batch: &mut self.batch,
            budget: &mut self.budget,
            now: self.now,
            slot,
        };
        let was_spent = turn.budget.is_spent();
        work(&mut seat.connection, &mut turn);
        let goes_on = seat.connection.rested() && seat.connection.has_more();
        self.busy = true;
        self.set_dirty(slot);
        if !goes_on {
            return;
        }
        if was_spent || !self.budget.is_spent() {
            self.set_runnable(slot);
        } else if let Some(seat) = &mut self.seats[slot as usize]
            && !std::mem::replace(&mut seat.is_runnable, true)
        {
            self.spender = Some(slot);
        }
    }

    pub(super) fn set_runnable_at(&mut self, token: Token) {
        if let Some(slot) = self.slot(token) {
            self.set_runnable(slot);
        }
    }

    pub(super) fn set_dirty(&mut self, slot: u32) {
        if let Some(seat) = &mut self.seats[slot as usize]
            && !std::mem::replace(&mut seat.is_dirty, true)
        {
            self.dirty.push(slot);
        }
    }

    pub(super) fn set_runnable(&mut self, slot: u32) {
        if let Some(seat) = &mut self.seats[slot as usize]
            && !std::mem::replace(&mut seat.is_runnable, true)
        {
            self.runnable.push_back(slot);
        }
    }
}
