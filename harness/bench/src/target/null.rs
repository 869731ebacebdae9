//! `null`: answers nothing, at once. What is measured on it is the harness itself: making ops,
//! keeping them, taking times. Its figure stands beside those of all other targets.
//!
//! Workloads are not shown its replies, since there is nothing in them to verify.

use seawall_store::{Op, Reply};
use serde_json::{Map, Value};

use super::{Client, Endpoint, Lookups, Target};
use crate::drive::{self, Drive};

pub(super) static TARGET: Target = Target {
    name: "null",
    about: "answers nothing, at once: costs of the harness itself",
    source: "hyperfine's mock executor; DESIGN 5",
    run: drive::run::<Null>,
};

struct Null {
    clients: usize,
}

impl Endpoint for Null {
    type Client<'a> = Tickets;
    const ANSWERS: bool = false;

    fn open(drive: &Drive<'_>) -> Result<Null, String> {
        Ok(Null {
            clients: drive.clients_wanted(),
        })
    }

    fn clients(&self) -> usize {
        self.clients
    }

    fn client(&self, _number: usize) -> Result<Tickets, String> {
        Ok(Tickets(Vec::new()))
    }

    fn lookups(&self) -> Option<Lookups> {
        None
    }

    fn notes(&self) -> Map<String, Value> {
        Map::new()
    }

    fn close(self) -> Result<(), String> {
        Ok(())
    }
}

/// Tickets of ops that were begun and not yet answered.
struct Tickets(Vec<u64>);

impl Client for Tickets {
    fn submit(&mut self, ticket: u64, _op: &Op) -> Result<(), String> {
        self.0.push(ticket);
        Ok(())
    }

    fn poll(&mut self, done: &mut dyn FnMut(u64, Reply)) -> Result<(), String> {
        self.0.drain(..).for_each(|ticket| done(ticket, Reply::Nil));
        Ok(())
    }
}
