//! `resp://HOST:PORT`: any server that speaks Redis's protocol and is there already.
//!
//! It must be empty, since a workload knows what every key holds, and is emptied again when the cell
//! ends. Its costs are taken from the kernel where its process is on this machine, and from `INFO`
//! elsewhere.

use super::{Deal, Endpoint, Lookups, Target, protocol};
use crate::cost::Cost;
use crate::drive::{self, Drive};
use crate::remote::{Address, Caller, Place, Remote, Spoken};
use crate::wire::Resp;
use serde_json::{Map, Value};

pub(super) static TARGET: Target = Target {
    name: "resp",
    about: "any server that speaks Redis's protocol, by its address; it must be empty",
    source: "Redis serialization protocol, version 2",
    form: "resp://HOST:PORT",
    which: |which| Address::parse(which).map(drop),
    absent: super::present,
    takes: super::client_settings,
    speaks: None,
    own: false,
    run: drive::run::<Addressed<Resp>>,
};

/// A server that is there already.
pub(crate) struct Addressed<W>(Remote<W>);

impl<W: Spoken> Endpoint for Addressed<W> {
    type Client<'a> = Caller<W>;
    const ANSWERS: bool = true;
    const APART: bool = true;

    fn open(drive: &Drive<'_>) -> Result<Addressed<W>, String> {
        let address = Address::parse(protocol::place(drive.which))?;
        Remote::open(drive, address, |place| match place {
            Place::Here(pid) => Deal::beside(seawall_sys::pin::tied(pid).as_deref()),
            Place::Unknown => Deal::beside(None),
            Place::Away => Deal::away(seawall_sys::pin::allowed()),
        })
        .map(Addressed)
    }

    fn threads(&self) -> usize {
        self.0.threads()
    }

    fn lanes(&self) -> usize {
        self.0.connections()
    }

    fn client(&self, number: usize) -> Result<Caller<W>, String> {
        self.0.caller(number)
    }

    fn lookups(&self) -> Option<Lookups> {
        self.0.lookups()
    }

    fn keys(&self) -> Option<u64> {
        self.0.keys()
    }

    fn deal(&self) -> Option<&Deal> {
        Some(self.0.deal())
    }

    fn cost(&self) -> Result<Cost, String> {
        self.0.cost()
    }

    fn notes(&self) -> Map<String, Value> {
        self.0.notes()
    }

    fn close(self, failed: bool) -> Result<(), String> {
        let cleared = self.0.clear();
        // What failed first is what is told.
        if failed { Ok(()) } else { cleared }
    }
}
