//! Memcached's commands over the same keys: its text commands and its meta commands.
//!
//! The server's parser makes these ops from what Memcached's clients send; Redis's clients cannot name
//! them, since they stand in no table. Replies are Memcached's, in full. What changed is told to log and
//! replicas as [`PUT`], `DEL` and the expiry commands.
//!
//! Source: memcached's `doc/protocol.txt`; edge cases as memcached 1.6.18 answers them. What differs is in
//! `docs/compatibility.md`: a key that holds no string is a miss to a reader and a conflict to a writer,
//! and a decremented number is not padded with spaces.

mod letters;
mod lines;
mod meta;
mod number;
mod retrieval;
mod storing;
mod text;
mod write;

use super::Command;
pub use meta::{
    META_ARITHMETIC, META_DEBUG, META_DELETE, META_GET, META_GET_CREATE, META_GET_TOUCH, META_SET,
};
pub use number::{number, unsigned};
pub use retrieval::Retrieval;
pub use storing::Storing;
pub use text::{
    ADD, APPEND, CAS, DECR, DELETE, GAT, GATS, GET, GETS, INCR, PREPEND, REPLACE, SET, TOUCH,
};
pub(crate) use write::effect;
pub use write::{PUT, put};

/// The longest key that Memcached's clients may name, in bytes.
pub const KEY_BYTES_MAX: usize = 250;

/// Every command that the server's parser makes an op of, those that are called most first.
pub static COMMANDS: &[&Command] = &[
    &GET,
    &SET,
    &META_GET,
    &META_SET,
    &GETS,
    &CAS,
    &DELETE,
    &INCR,
    &ADD,
    &META_DELETE,
    &META_ARITHMETIC,
    &META_GET_TOUCH,
    &META_GET_CREATE,
    &TOUCH,
    &GAT,
    &GATS,
    &DECR,
    &REPLACE,
    &APPEND,
    &PREPEND,
    &META_DEBUG,
];
