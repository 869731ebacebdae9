//! Families of commands that take several clients: who says them is drawn, too.

pub mod blocking;
pub mod clients;
pub mod expiry;
pub mod pubsub;
pub mod server;
pub mod transactions;
pub mod walks;

use super::grammar::{self, Family};
use super::steps::Cast;

/// Every family whose commands several clients say.
pub const CASTS: &[(&Family, Cast)] = &[
    (&transactions::FAMILY, transactions::CAST),
    (&blocking::FAMILY, blocking::CAST),
    (&pubsub::FAMILY, pubsub::CAST),
    (&expiry::FAMILY, expiry::CAST),
    (&walks::FAMILY, walks::CAST),
    (&clients::FAMILY, clients::CAST),
    (&server::FAMILY, server::CAST),
];

/// Every family of either sort: any may draw from the pools of another.
pub const ALL: &[&Family] = &[
    &transactions::FAMILY,
    &blocking::FAMILY,
    &pubsub::FAMILY,
    &expiry::FAMILY,
    &walks::FAMILY,
    &clients::FAMILY,
    &server::FAMILY,
    &grammar::strings::FAMILY,
    &grammar::keys::FAMILY,
    &grammar::hashes::FAMILY,
    &grammar::lists::FAMILY,
    &grammar::sets::FAMILY,
    &grammar::sorted_sets::FAMILY,
    &grammar::geo::FAMILY,
    &grammar::keyspace::FAMILY,
    &grammar::bits::FAMILY,
    &grammar::hyperloglogs::FAMILY,
];
