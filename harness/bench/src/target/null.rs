//! `null`: answers nothing, at once. What is measured on it is the harness itself: making ops,
//! keeping them, taking times. Its figure stands beside those of all other targets.
//!
//! Workloads are not shown its replies, since there is nothing in them to verify.

use std::time::Instant;

use seawall_store::{Op, Reply};
use serde_json::{Map, Value};

use super::{Came, Client, Endpoint, Lookups, Target};
use crate::cost::Cost;
use crate::drive::{self, Drive};

pub(super) static TARGET: Target = Target {
    name: "null",
    about: "answers nothing, at once: costs of the harness itself",
    source: "hyperfine's mock executor; DESIGN 5",
    form: "null",
    which: super::alone,
    absent: super::present,
    takes: super::all_settings,
    speaks: None,
    own: false,
    run: drive::run::<Null>,
};

struct Null {
    clients: usize,
}

impl Endpoint for Null {
    type Client<'a> = Nothing;
    const ANSWERS: bool = false;
    const APART: bool = false;

    fn open(drive: &Drive<'_>) -> Result<Null, String> {
        Ok(Null {
            clients: drive.clients_wanted(),
        })
    }

    fn threads(&self) -> usize {
        self.clients
    }

    fn client(&self, _number: usize) -> Result<Nothing, String> {
        Ok(Nothing)
    }

    fn lookups(&self) -> Option<Lookups> {
        None
    }

    fn cost(&self) -> Result<Cost, String> {
        Ok(Cost::of_this_process())
    }

    fn notes(&self) -> Map<String, Value> {
        Map::new()
    }

    fn close(self, _failed: bool) -> Result<(), String> {
        Ok(())
    }
}

/// Answers before it is asked.
struct Nothing;

impl Client for Nothing {
    fn submit(&mut self, _lane: usize, _ticket: u64, _op: &Op) -> Result<Option<Reply>, String> {
        Ok(Some(Reply::Nil))
    }

    fn poll(
        &mut self,
        _until: Instant,
        _done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String> {
        Ok(())
    }
}
