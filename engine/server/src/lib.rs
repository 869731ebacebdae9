//! The server: protocols over a network loop, on the store.
//!
//! [`net`] moves bytes between sockets and the rest, and knows no protocol.

pub mod net;
