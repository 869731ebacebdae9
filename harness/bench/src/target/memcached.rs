//! `memcached://HOST:PORT`: any server that speaks Memcached's text protocol and is there already.
//!
//! Only workloads whose ops have a form there ([`crate::wire::Memcached`]) can drive it; others are
//! refused before they begin. As with `resp`, the server must be empty.

use super::Target;
use super::resp::Addressed;
use crate::drive;
use crate::remote::Address;
use crate::wire::{Memcached, Wire};

pub(super) static TARGET: Target = Target {
    name: "memcached",
    about: "any server that speaks Memcached's text protocol, by its address; it must be empty",
    source: "memcached, doc/protocol.txt",
    form: "memcached://HOST:PORT",
    which: |which| Address::parse(which).map(drop),
    absent: super::present,
    takes: super::client_settings,
    speaks: Some(|_, op| Memcached::default().encode(op, &mut Vec::new())),
    run: drive::run::<Addressed<Memcached>>,
};
