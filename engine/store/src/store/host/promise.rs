//! Who wants to know whether what was logged is durable.
//!
//! Each is answered once: at once, when it is, or when whoever asked gives it up. That the log failed is an answer
//! too, since then it never will be.

use super::From;
use super::gate::{Gate, error_body};
use crate::store::link::{Answer, Body, Until};

/// One who waits.
pub(super) struct Promise {
    /// The log's sequence when it was asked.
    sequence: u64,
    from: From,
    number: u64,
    until: Until,
}

impl Gate {
    /// Tells whether all that is logged by now is durable, when `until` has come.
    pub(super) fn promise(&mut self, from: From, number: u64, until: Until) {
        let sequence = self.appended();
        let promise = Promise {
            sequence,
            from,
            number,
            until,
        };
        if until == Until::Now || self.is_kept(&promise) {
            let answer = self.answer(&promise);
            self.say_now(from, number, answer.body);
        } else {
            self.promises.push(promise);
        }
    }

    /// The one that was asked under this number is answered with what is so now.
    pub(super) fn end_promise(&mut self, from: From, number: u64) {
        let is_meant = |promise: &Promise| promise.from == from && promise.number == number;
        if let Some(at) = self.promises.iter().position(is_meant) {
            let promise = self.promises.swap_remove(at);
            let answer = self.answer(&promise);
            self.say_now(from, number, answer.body);
        }
    }

    /// Answers those for whom the time has come.
    pub(super) fn keep_promises(&mut self, say: &mut impl FnMut(From, Answer)) {
        let mut at = 0;
        while let Some(promise) = self.promises.get(at) {
            if self.is_kept(promise) {
                let promise = self.promises.swap_remove(at);
                say(promise.from, self.answer(&promise));
            } else {
                at += 1;
            }
        }
    }

    /// Whether one that waits need not wait any longer.
    fn is_kept(&self, promise: &Promise) -> bool {
        self.failure().is_some()
            || promise.until == Until::Durable && self.durable() >= Some(promise.sequence)
    }

    fn answer(&self, promise: &Promise) -> Answer {
        let is_durable = self.durable() >= Some(promise.sequence);
        let body = match self.failure() {
            Some(failure) if !is_durable => error_body(&failure.refusal()),
            _ => Body::Durable(is_durable),
        };
        let number = promise.number;
        Answer { number, body }
    }

    /// Forgets those of one caller, or all.
    pub(super) fn forget_promises(&mut self, gone: Option<From>) {
        let is_left = |promise: &Promise| gone.is_some_and(|gone| promise.from != gone);
        self.promises.retain(is_left);
    }
}
