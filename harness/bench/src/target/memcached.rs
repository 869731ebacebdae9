//! `memcached://HOST:PORT`: any server that speaks Memcached's text protocol and is there already.
//!
//! By its meta commands, or with `:wire=classic` by the words before them. Only workloads whose ops have a
//! form there ([`crate::wire::Meta`]) can drive it; others are refused before they begin. As with `resp`, the
//! server must be empty.

use super::Target;
use super::protocol::{CLASSIC, META, Protocol};
use crate::remote::Address;

pub(super) static TARGET: Target = Target {
    name: "memcached",
    about: "any server that speaks Memcached's text protocol, by its address; it must be empty",
    source: "memcached, doc/protocol.txt",
    form: "memcached://HOST:PORT[:wire=meta|classic]",
    which: |which| Address::parse(choose(which)?.0).map(drop),
    absent: super::present,
    takes: super::client_settings,
    speaks: Some(|which, op| {
        let (_, protocol) = choose(which)?;
        protocol.speaks.map_or(Ok(()), |speaks| speaks(which, op))
    }),
    own: false,
    run: |drive, turns| {
        let (_, protocol) = choose(drive.which).map_err(|why| drive.failed(why))?;
        (protocol.addressed)(drive, turns)
    },
};

fn choose(which: &str) -> Result<(&str, &'static Protocol), String> {
    Protocol::choose(which, &[&META, &CLASSIC])
}
