//! The server: Redis's protocol over the store, and what a server says of itself.
//!
//! ```text
//!  net ──bytes──► connection ──► resp: commands
//!   ▲                 │  ├── the store's: Worker::send ──► shards ──► answers ─┐
//!   │                 │  └── the server's own: command::Context               │
//!   └──── bytes ──────┴── replies, in the order of the commands ◄─────────────┘
//! ```
//!
//! Each worker of the store is a thread with a network of its own ([`net`]); a connection belongs to
//! the worker that accepted it. What workers must know of each other's clients is in [`server`].

pub mod clients;
pub mod command;
pub mod config;
pub mod connection;
pub mod limits;
pub mod mailbox;
pub mod memcached;
pub mod net;
pub mod notify;
pub mod port;
pub mod pubsub;
pub mod resp;
pub mod server;
