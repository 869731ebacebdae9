//! The server: the protocols of Redis and Memcached over the store, and what a server says of itself.
//!
//! ```text
//!  net ──bytes──► connection ──► resp, memcached: commands
//!   ▲                 │  ├── the store's: Worker::send ──► shards ──► answers ─┐
//!   │                 │  └── the server's own: command::Context               │
//!   └──── bytes ──────┴── replies, in the order of the commands ◄─────────────┘
//! ```
//!
//! Each worker of the store is a thread with a network of its own ([`net`]); a connection belongs to
//! the worker that accepted it. What workers must know of each other's clients is in [`server`].

mod boot;
pub mod calls;
pub mod clients;
pub mod command;
pub mod config;
pub mod connection;
pub mod ending;
pub mod figures;
mod hub;
pub mod info;
pub mod limits;
pub mod mailbox;
pub mod memcached;
pub mod monitors;
pub mod net;
pub mod notify;
pub mod pause;
pub mod pubsub;
pub mod resp;
pub mod saving;
pub mod server;
pub mod traffic;
mod worker;

pub use boot::{Running, ServeError, serve};
pub use worker::{Door, Network, Worker, WorkerError};
